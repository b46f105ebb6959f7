//! The legal rules behind a contest's seats: each with its article and how sure we are of it.

use super::seats::{certainty, denominator_name};
use hattama_apportionment::{AgainstAllAhead, ListRules, Method, PluralityRules, Source};
use hattama_proto::national::v1::LegalRule;

/// Of a list contest, in the order in which they are applied.
pub(super) fn of_lists(rules: &ListRules) -> Vec<LegalRule> {
    let mut found = Vec::new();
    if let Some(independents) = &rules.independents {
        found.push(rule("independents_by_quota", denominator_name(independents.of.value), &independents.source));
    }
    let threshold = &rules.threshold;
    // 0 stands for no threshold: no rule of the definition.
    if threshold.numerator > 0 {
        let share = format!("{}/{}", threshold.numerator, threshold.denominator);
        found.push(rule("threshold", share, &threshold.source));
        found.push(rule("threshold_of", denominator_name(threshold.of.value), &threshold.of.source));
    }
    if let Some(sole) = &rules.sole_list_rule {
        found.push(rule("sole_list_runner_up_minimum", sole.minimum_for_runner_up.to_string(), &sole.source));
    }
    found.push(rule("no_list_over_threshold", "", &rules.no_list_over_threshold));
    found.push(rule("allocation", allocation(rules.method.value), &rules.method.source));
    found.push(rule("ties", "", &rules.tie));
    found
}

/// Of a plurality contest, in the order in which they are applied.
pub(super) fn of_plurality(rules: &PluralityRules) -> Vec<LegalRule> {
    let ahead = match rules.against_all_ahead.value {
        AgainstAllAhead::SeatOpen => "seat-open",
        AgainstAllAhead::Ignored => "ignored",
    };
    vec![
        rule("against_all_ahead", ahead, &rules.against_all_ahead.source),
        rule("plurality", "", &rules.source),
        rule("ties", "", &rules.tie),
    ]
}

fn rule(name: &str, value: impl Into<String>, source: &Source) -> LegalRule {
    LegalRule {
        rule: name.to_owned(),
        value: value.into(),
        article: source.article.clone(),
        certainty: certainty(source.certainty).to_owned(),
    }
}

fn allocation(method: Method) -> &'static str {
    match method {
        Method::HareLargestRemainder => "hare-largest-remainder",
        Method::DHondt => "d-hondt",
        Method::SainteLague => "sainte-lague",
    }
}
