//! The seats on the screen: lists and districts, and by which rules.

use super::{WIDTH, line, plain_table, right, table};
use crate::rehearse::figures::{grouped, percent};
use comfy_table::Cell;
use hattama_night_play::answers::Answers;
use hattama_proto::national::v1::{Contest, GetSeatAllocationResponse, LegalRule, Sensitivity};
use std::collections::BTreeMap;

/// So many candidates of seven signs and a space fill the width.
const DISTRICTS_IN_A_ROW: usize = 12;

/// A list contest: votes and seats, threshold, remainders, other denominators, rules.
pub fn list(text: &mut String, answers: &Answers, contest: &Contest, seats: &GetSeatAllocationResponse) {
    let Some(figures) = answers.contest(&contest.id).and_then(|summary| summary.figures.as_ref()) else { return };
    let name = contest.name.as_ref().map_or("", |name| name.en.as_str());
    let quota = seats.quota.as_ref();
    line(
        text,
        format!(
            "{name}: {} seats{}",
            seats.seats,
            quota.map_or_else(String::new, |quota| format!(
                " · quota {} / {} votes",
                grouped(quota.numerator),
                quota.denominator
            ))
        ),
    );
    let mut rows = plain_table();
    for place in in_order_of_votes(seats) {
        let option = &seats.lines[place];
        let label = contest
            .options
            .iter()
            .find(|candidate| candidate.id == option.option)
            .and_then(|candidate| candidate.name.as_ref())
            .map_or(option.option.as_str(), |name| name.en.as_str());
        rows.add_row(vec![
            Cell::new(format!("  {label}")),
            right(grouped(option.votes)),
            right(percent(option.votes, figures.votes_sum)),
            right(format!("{}", option.seats)),
            Cell::new(how(option, seats)),
        ]);
    }
    if contest.against_all {
        rows.add_row(vec![
            Cell::new("  against all"),
            right(grouped(figures.against_all)),
            right(percent(figures.against_all, figures.votes_sum)),
            right(String::new()),
            Cell::new(""),
        ]);
    }
    table(text, &rows);
    if let Some(threshold) = &seats.threshold
        && let Some(share) = &threshold.share
    {
        line(
            text,
            format!(
                "  threshold {} / {} of {}: {} votes pass",
                share.numerator,
                share.denominator,
                threshold.of.replace('_', " "),
                grouped(threshold.fewest_passing_votes)
            ),
        );
    }
    for step in seats.steps.iter().filter(|step| !step.option.is_empty() && quota.is_some()) {
        line(text, format!("  {}", step.text));
    }
    for tie in &seats.ties {
        line(text, format!("  TIE for {} seats between {}: a commission decides", tie.seats, tie.between.join(", ")));
    }
    for told in sensitivities(&seats.sensitivity) {
        line(text, format!("  {told}"));
    }
    rules(text, &seats.rules);
    line(text, "");
}

/// What another denominator would change, each in a line; those that would change nothing share one.
fn sensitivities(others: &[Sensitivity]) -> Vec<String> {
    let (nothing, some): (Vec<_>, Vec<_>) =
        others.iter().partition(|other| other.passing_changes.is_empty() && other.seat_changes.is_empty());
    let of = |other: &Sensitivity| other.of.replace('_', " ");
    let names = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
    let mut told = Vec::new();
    if !nothing.is_empty() {
        let of: Vec<String> = nothing.into_iter().map(of).collect();
        told.push(format!("as a share of {}: no list and no seat would change", of.join(", or of ")));
    }
    told.extend(some.into_iter().map(|other| {
        let (passing, seats) = (names(&other.passing_changes), names(&other.seat_changes));
        format!("as a share of {}: would pass or fail otherwise: {passing}; would have other seats: {seats}", of(other))
    }));
    told
}

/// The rules by how sure we are of them, in lines of the screen's width; `hattama definition check` has the articles.
fn rules(text: &mut String, rules: &[LegalRule]) {
    let mut by_certainty: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in rules {
        let told = format!("{} {}", rule.rule, rule.value).replace('_', " ");
        by_certainty.entry(&rule.certainty).or_default().push(told.trim_end().to_owned());
    }
    let mut row = "  rules".to_owned();
    for (certainty, rules) in by_certainty {
        for (place, rule) in rules.iter().enumerate() {
            let label = if place == 0 { format!("[{certainty}] ") } else { String::new() };
            let comma = if place + 1 < rules.len() { "," } else { "" };
            let told = format!(" {label}{rule}{comma}");
            if row.chars().count() + told.chars().count() > WIDTH {
                line(text, std::mem::replace(&mut row, "       ".to_owned()));
            }
            row.push_str(&told);
        }
    }
    line(text, row);
}

fn in_order_of_votes(seats: &GetSeatAllocationResponse) -> Vec<usize> {
    let mut places: Vec<usize> = (0..seats.lines.len()).collect();
    places.sort_by_key(|place| std::cmp::Reverse(seats.lines[*place].votes));
    places
}

fn how(option: &hattama_proto::national::v1::SeatLine, seats: &GetSeatAllocationResponse) -> String {
    if !option.passed {
        return "below the threshold".to_owned();
    }
    if seats.quota.is_none() {
        return String::new();
    }
    format!("{} by quota + {} by remainder", option.whole_quota_seats, option.remainder_seats)
}

/// The districts' seats.
pub fn districts(text: &mut String, answers: &Answers) {
    let contests: Vec<_> = answers.election.contests.iter().filter(|contest| contest.method == "plurality").collect();
    if contests.is_empty() {
        return;
    }
    let mut decided = Vec::new();
    let mut closest: Option<(u64, String)> = None;
    for contest in &contests {
        let Some(figures) = answers.contest(&contest.id).and_then(|summary| summary.figures.as_ref()) else { continue };
        let Some(leader) = figures.leader.and_then(|place| contest.options.get(place as usize)) else { continue };
        decided.push(leader.id.clone());
        let lead = figures.leader_votes - figures.runner_up_votes;
        if closest.as_ref().is_none_or(|(least, _)| lead < *least) {
            closest = Some((lead, contest.id.clone()));
        }
    }
    let closest = closest
        .map_or_else(String::new, |(lead, contest)| format!(" · closest: {contest}, by {} votes", grouped(lead)));
    line(text, format!("Districts: {} of {} seats have a winner{closest}", decided.len(), contests.len()));
    for row in decided.chunks(DISTRICTS_IN_A_ROW) {
        line(text, format!("  {}", row.join(" ")));
    }
    rules(text, &answers.plurality_rules);
    line(text, "");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_shown_with_its_certainty() {
        let rule = |rule: &str, value: &str, article: &str, certainty: &str| LegalRule {
            rule: rule.into(),
            value: value.into(),
            article: article.into(),
            certainty: certainty.into(),
        };
        let mut text = String::new();
        rules(
            &mut text,
            &[rule("threshold_of", "took_part", "art. 2", "derived"), rule("ties", "", "none", "assumed")],
        );
        assert_eq!(text, "  rules [assumed] ties [derived] threshold of took part\n");

        let long = "x".repeat(60);
        let mut text = String::new();
        rules(&mut text, &[rule("seats", &long, "none", "press"), rule("ties", &long, "none", "press")]);
        assert_eq!(text, format!("  rules [press] seats {long},\n        ties {long}\n"));
    }

    #[test]
    fn what_another_denominator_would_change_is_said_and_so_is_that_nothing_would() {
        let nothing = |of: &str| Sensitivity { of: of.into(), ..Sensitivity::default() };
        let some = Sensitivity { passing_changes: vec!["jsdp".into()], ..nothing("register") };
        assert_eq!(
            sensitivities(&[nothing("took_part"), some, nothing("valid")]),
            [
                "as a share of took part, or of valid: no list and no seat would change",
                "as a share of register: would pass or fail otherwise: jsdp; would have other seats: none"
            ]
        );
        assert!(sensitivities(&[]).is_empty());
    }
}
