//! How votes become seats: the `[contests.method]` of a contest.

use super::{
    cell::TomlText,
    legal_sources::LegalSources,
    toml_file::{ContestToml, MethodKind, MethodToml, ThresholdToml},
};
use crate::{
    definition::{LegalSource, ListMethod, Method, PluralityMethod, Sourced, Threshold, VoteBase, errors::Errors},
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
    let mut sources = LegalSources::new(contest, text);
    let method = match contest.method.get_ref().kind {
        MethodKind::List => list(contest, form, text, &mut sources, errors).map(Method::List),
        MethodKind::Plurality => plurality(contest, text, &mut sources, errors).map(Method::Plurality),
    };
    sources.report_rest(errors);
    method
}

fn plurality(
    contest: &ContestToml,
    text: TomlText<'_>,
    sources: &mut LegalSources<'_>,
    errors: &mut Errors,
) -> Option<PluralityMethod> {
    let method = contest.method.get_ref();
    refuse_if_any(&method.seats, "seats", "list", text, errors);
    refuse_if_any(&method.allocation, "allocation", "list", text, errors);
    refuse_if_any(&method.threshold, "threshold", "list", text, errors);
    refuse_if_any(&method.sole_list_runner_up_minimum, "sole_list_runner_up_minimum", "list", text, errors);
    refuse_if_any(&method.independents_by_quota, "independents_by_quota", "list", text, errors);
    let at_method = || text.location("method", &contest.method);
    let source = sources.of("plurality", at_method(), errors);
    let ties = sources.of("ties", at_method(), errors);
    let ahead = required(&method.against_all_ahead, "against_all_ahead", contest, text, errors);
    let at_ahead = ahead.map_or_else(at_method, |written| text.location("against_all_ahead", written));
    let ahead_source = sources.of("against_all_ahead", at_ahead, errors);
    Some(PluralityMethod {
        source: source?,
        against_all_ahead: Sourced { value: *ahead?.get_ref(), source: ahead_source? },
        ties: ties?,
    })
}

fn list(
    contest: &ContestToml,
    form: Option<&Form>,
    text: TomlText<'_>,
    sources: &mut LegalSources<'_>,
    errors: &mut Errors,
) -> Option<ListMethod> {
    let method = contest.method.get_ref();
    let at_method = || text.location("method", &contest.method);
    refuse_if_any(&method.against_all_ahead, "against_all_ahead", "plurality", text, errors);
    let allocation = required(&method.allocation, "allocation", contest, text, errors);
    let at_allocation = allocation.map_or_else(at_method, |written| text.location("allocation", written));
    let allocation_source = sources.of("allocation", at_allocation, errors);
    let threshold = method.threshold.as_ref();
    let threshold = threshold.and_then(|threshold| read_threshold(threshold, form, text, sources, errors));
    let independents_by_quota = independents(method, text, sources, errors);
    let sole_list_runner_up_minimum = runner_up_minimum(method, text, sources, errors);
    let ties = sources.of("ties", at_method(), errors);
    let no_list_over_threshold = sources.of("no_list_over_threshold", at_method(), errors);
    let seats = required(&method.seats, "seats", contest, text, errors)?;
    let count = *seats.get_ref();
    if !(1..=MAX_SEATS).contains(&count) {
        errors.add(text.location("seats", seats), format!("{count} seats; a list contest has 1 to {MAX_SEATS}"));
    }
    Some(ListMethod {
        seats: count,
        allocation: Sourced { value: *allocation?.get_ref(), source: allocation_source? },
        threshold,
        sole_list_runner_up_minimum,
        independents_by_quota,
        ties: ties?,
        no_list_over_threshold: no_list_over_threshold?,
    })
}

/// None without the rule, and when `errors` says what is wrong with it.
fn read_threshold(
    written: &Spanned<ThresholdToml>,
    form: Option<&Form>,
    text: TomlText<'_>,
    sources: &mut LegalSources<'_>,
    errors: &mut Errors,
) -> Option<Threshold> {
    let ThresholdToml { numerator, denominator, of } = written.get_ref();
    let location = || text.location("threshold", written);
    let at_of = || text.location("threshold.of", of);
    if *numerator == 0 || numerator >= denominator {
        let problem = format!("{numerator}/{denominator} is no threshold: it lies between 0 and 1");
        errors.add_with_hint(location(), problem, "leave threshold out when there is none");
    }
    let found = |form: &Form| form.line(LineMeaning::BallotsFound).is_some_and(|line| line.required);
    if *of.get_ref() == VoteBase::TookPart && form.is_some_and(|form| !found(form)) {
        errors.add(at_of(), "a share of those who took part needs a form whose line `ballots_found` is required");
    }
    let source = sources.of("threshold", location(), errors);
    let of = Sourced { value: *of.get_ref(), source: sources.of("threshold_of", at_of(), errors)? };
    Some(Threshold { numerator: *numerator, denominator: *denominator, source: source?, of })
}

/// None without the rule, and when `errors` says what is wrong with it.
fn independents(
    method: &MethodToml,
    text: TomlText<'_>,
    sources: &mut LegalSources<'_>,
    errors: &mut Errors,
) -> Option<LegalSource> {
    let quota = method.independents_by_quota.as_ref().filter(|quota| *quota.get_ref())?;
    sources.of("independents_by_quota", text.location("independents_by_quota", quota), errors)
}

/// None without the rule, and when `errors` says what is wrong with it.
fn runner_up_minimum(
    method: &MethodToml,
    text: TomlText<'_>,
    sources: &mut LegalSources<'_>,
    errors: &mut Errors,
) -> Option<Sourced<u32>> {
    let written = method.sole_list_runner_up_minimum.as_ref()?;
    let (minimum, location) = (*written.get_ref(), || text.location("sole_list_runner_up_minimum", written));
    let seats = method.seats.as_ref().map_or(MAX_SEATS, |seats| *seats.get_ref());
    if !(1..seats.max(1)).contains(&minimum) {
        errors.add(location(), format!("{minimum} seats for the runner-up of {seats}"));
    } else if method.independents_by_quota.as_ref().is_some_and(|quota| *quota.get_ref()) {
        errors.add(location(), "not beside independents_by_quota: no law says which of the two comes first");
    }
    let source = sources.of("sole_list_runner_up_minimum", location(), errors)?;
    Some(Sourced { value: minimum, source })
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
