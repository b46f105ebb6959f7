//! Where each rule of a method comes from: the `[contests.method.sources]` of a contest. A rule without one is refused: a
//! result must say of every rule behind it how sure we are.

use super::{cell::TomlText, toml_file::ContestToml};
use crate::definition::{
    LegalSource,
    errors::{Errors, Location},
};
use std::collections::BTreeSet;

/// Every rule that a source may be of.
const RULES: [&str; 9] = [
    "allocation",
    "threshold",
    "threshold_of",
    "sole_list_runner_up_minimum",
    "independents_by_quota",
    "no_list_over_threshold",
    "plurality",
    "against_all_ahead",
    "ties",
];

/// The sources of a contest's method, and which of them were asked for.
pub(super) struct LegalSources<'a> {
    contest: &'a ContestToml,
    text: TomlText<'a>,
    asked_for: BTreeSet<&'static str>,
}

impl<'a> LegalSources<'a> {
    pub(super) fn new(contest: &'a ContestToml, text: TomlText<'a>) -> Self {
        Self { contest, text, asked_for: BTreeSet::new() }
    }

    /// The source of a rule that the method has; `at` is where the rule stands.
    pub(super) fn of(&mut self, rule: &'static str, at: Location, errors: &mut Errors) -> Option<LegalSource> {
        self.asked_for.insert(rule);
        let Some(source) = self.contest.method.get_ref().sources.get(rule) else {
            let problem = format!("contest `{}`: the rule `{rule}` has no source", self.contest.id.get_ref());
            let hint = format!(
                "write {rule} = {{ article = \"…\", certainty = \"…\" }} into its [contests.method.sources]; \
                 where no law was found, say so, with the certainty \"assumed\""
            );
            errors.add_with_hint(at, problem, hint);
            return None;
        };
        if source.get_ref().article.trim().is_empty() {
            let location = self.text.location(&format!("sources.{rule}"), source);
            errors.add_with_hint(location, "the article must not be empty", "where no law was found, say so");
        }
        Some(source.get_ref().clone())
    }

    /// Sources of what the method does not have.
    pub(super) fn report_rest(self, errors: &mut Errors) {
        for name in self.contest.method.get_ref().sources.keys() {
            let (rule, location) = (name.get_ref().as_str(), self.text.location("sources", name));
            if !RULES.contains(&rule) {
                errors.unknown(location, "rule of a method", rule, RULES.into_iter());
            } else if !self.asked_for.contains(rule) {
                let problem = format!("a source of `{rule}`, which this method does not have");
                errors.add_with_hint(location, problem, "take it out, or set the rule");
            }
        }
    }
}
