//! How votes become seats: the `[contests.method]` of a contest.

use super::{
    cell::TomlText,
    toml_file::{ContestToml, MethodKind, MethodToml, ThresholdToml},
};
use crate::{
    definition::{ListMethod, Method, Threshold, VoteBase, errors::Errors},
    form::{Form, LineMeaning},
};
use toml::Spanned;

/// The most seats of one contest, three times the largest chamber there is: it bounds the rounds of a divisor method.
pub const MAX_SEATS: u32 = 10_000;

/// Reads a contest's method; `form` is the contest's, when it is known.
pub(super) fn read(
    contest: &ContestToml,
    form: Option<&Form>,
    text: TomlText<'_>,
    errors: &mut Errors,
) -> Option<Method> {
    let method = contest.method.get_ref();
    if method.source.article.trim().is_empty() {
        errors.add(text.location("method.source", &contest.method), "the source of the law must not be empty");
    }
    match method.kind {
        MethodKind::List => list(contest, method, form, text, errors).map(Method::List),
        MethodKind::Plurality => plurality(contest, method, text, errors),
    }
}

fn plurality(contest: &ContestToml, method: &MethodToml, text: TomlText<'_>, errors: &mut Errors) -> Option<Method> {
    refuse_if_any(&method.seats, "seats", "list", text, errors);
    refuse_if_any(&method.allocation, "allocation", "list", text, errors);
    refuse_if_any(&method.threshold, "threshold", "list", text, errors);
    refuse_if_any(&method.sole_list_runner_up_minimum, "sole_list_runner_up_minimum", "list", text, errors);
    refuse_if_any(&method.independents_by_quota, "independents_by_quota", "list", text, errors);
    let against_all_ahead = *required(&method.against_all_ahead, "against_all_ahead", contest, text, errors)?.get_ref();
    Some(Method::Plurality { against_all_ahead, source: method.source.clone() })
}

fn list(
    contest: &ContestToml,
    method: &MethodToml,
    form: Option<&Form>,
    text: TomlText<'_>,
    errors: &mut Errors,
) -> Option<ListMethod> {
    refuse_if_any(&method.against_all_ahead, "against_all_ahead", "plurality", text, errors);
    let allocation = required(&method.allocation, "allocation", contest, text, errors);
    let threshold = method.threshold.as_ref();
    let threshold = threshold.map(|threshold| read_threshold(threshold, form, text, errors));
    let seats = required(&method.seats, "seats", contest, text, errors)?;
    let count = *seats.get_ref();
    if !(1..=MAX_SEATS).contains(&count) {
        errors.add(text.location("seats", seats), format!("{count} seats; a list contest has 1 to {MAX_SEATS}"));
    }
    let quota = method.independents_by_quota.as_ref().is_some_and(|quota| *quota.get_ref());
    if let Some(minimum) = &method.sole_list_runner_up_minimum {
        let location = text.location("sole_list_runner_up_minimum", minimum);
        if !(1..count.max(1)).contains(minimum.get_ref()) {
            errors.add(location, format!("{} seats for the runner-up of {count}", minimum.get_ref()));
        } else if quota {
            errors.add(location, "not beside independents_by_quota: no law says which of the two comes first");
        }
    }
    Some(ListMethod {
        seats: count,
        allocation: *allocation?.get_ref(),
        source: method.source.clone(),
        threshold,
        sole_list_runner_up_minimum: method.sole_list_runner_up_minimum.as_ref().map(|minimum| *minimum.get_ref()),
        independents_by_quota: quota,
    })
}

fn read_threshold(
    written: &Spanned<ThresholdToml>,
    form: Option<&Form>,
    text: TomlText<'_>,
    errors: &mut Errors,
) -> Threshold {
    let ThresholdToml { numerator, denominator, of, article, certainty } = written.get_ref();
    let location = || text.location("threshold", written);
    if *numerator == 0 || numerator >= denominator {
        let problem = format!("{numerator}/{denominator} is no threshold: it lies between 0 and 1");
        errors.add_with_hint(location(), problem, "leave threshold out when there is none");
    }
    if article.trim().is_empty() {
        errors.add(location(), "the source of the law must not be empty");
    }
    let found = |form: &Form| form.line(LineMeaning::BallotsFound).is_some_and(|line| line.required);
    if *of == VoteBase::TookPart && form.is_some_and(|form| !found(form)) {
        errors.add(location(), "a share of those who took part needs a form whose line `ballots_found` is required");
    }
    let source = crate::definition::LegalSource { article: article.clone(), certainty: *certainty };
    Threshold { numerator: *numerator, denominator: *denominator, of: *of, source }
}

fn required<'a, T>(
    value: &'a Option<Spanned<T>>,
    field: &str,
    contest: &ContestToml,
    text: TomlText<'_>,
    errors: &mut Errors,
) -> Option<&'a Spanned<T>> {
    if value.is_none() {
        let problem = format!("contest `{}`: its method needs `{field}`", contest.id.get_ref());
        errors.add(text.location("method", &contest.method), problem);
    }
    value.as_ref()
}

fn refuse_if_any<T>(value: &Option<Spanned<T>>, field: &str, of: &str, text: TomlText<'_>, errors: &mut Errors) {
    if let Some(value) = value {
        errors.add(text.location(field, value), format!("only a method of kind \"{of}\" has `{field}`"));
    }
}
