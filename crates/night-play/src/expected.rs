//! What a night came to against what it must come to: what its script says, and what was published of the day that it is
//! made from. A recorded night has no script; a shard that stands still surprises in any night.

use crate::{answers::Answers, night::Night, official};
use hattama_election::{
    definition::{Contest, Definition},
    form::LineMeaning,
};
use hattama_proto::national::v1::ContestSummary;
use hattama_rehearsal::script::{Expected, ExpectedContest};

/// Turnout by ballots found, as the national service names it (docs/api.md).
const TOOK_PART: &str = "took_part";
/// Turnout by valid votes, as the national service names it.
pub const VALID: &str = "valid_including_against_all";

/// Everything that is not as expected, in words; nothing when all is well.
pub fn surprises(night: &Night, answers: &Answers) -> Vec<String> {
    let mut surprises: Vec<String> =
        answers.result.frozen_shards.iter().map(|shard| format!("shard {shard} is frozen")).collect();
    if let Some(expected) = &night.expected {
        surprises.extend(against_script(&night.definition, expected, answers));
    }
    if let Some(official) = &night.official {
        surprises.extend(official::surprises(official, answers));
    }
    surprises
}

/// Votes, stations, turnout, nothing open.
fn against_script(definition: &Definition, expected: &Expected, answers: &Answers) -> Vec<String> {
    let mut surprises = Vec::new();
    let open = answers.open();
    if open.sum() > 0 {
        surprises
            .push(format!("{} protocols are still open when everything was to be corrected or decided", open.sum()));
    }
    if answers.result.turnout.len() != expected.slots.len() {
        let (found, wanted) = (answers.result.turnout.len(), expected.slots.len());
        surprises.push(format!("{found} turnout slots, {wanted} were expected"));
    }
    for (expected, slot) in expected.slots.iter().zip(&answers.result.turnout) {
        let found = (slot.received_a_ballot, slot.register, slot.reported);
        let wanted = (expected.received_a_ballot, expected.register, expected.reported);
        if found != wanted {
            surprises.push(format!("turnout {}: {found:?}, {wanted:?} were expected", slot.slot));
        }
    }
    for (contest, expected) in definition.contests.iter().zip(&expected.contests) {
        surprises.extend(against_contest(contest, expected, answers.contest(contest.id.as_str())));
    }
    surprises
}

fn against_contest(contest: &Contest, expected: &ExpectedContest, summary: Option<&ContestSummary>) -> Vec<String> {
    let mut surprises = Vec::new();
    let figures = summary.and_then(|summary| summary.figures.as_ref());
    let counted = figures.and_then(|figures| figures.stations.as_ref()).map(|stations| stations.counted);
    let sum = figures.map(|figures| figures.votes_sum);
    if counted != Some(expected.stations) || sum != Some(expected.sum_of_votes()) {
        surprises.push(format!(
            "{}: {counted:?} stations and {sum:?} votes, {} and {} were expected",
            contest.id,
            expected.stations,
            expected.sum_of_votes()
        ));
    }
    if let Some(figures) = figures.filter(|figures| !figures.votes.is_empty())
        && (&figures.votes, figures.against_all) != (&expected.votes, expected.against_all)
    {
        surprises.push(format!(
            "{}: votes {:?} and {} against all, {:?} and {} were expected",
            contest.id, figures.votes, figures.against_all, expected.votes, expected.against_all
        ));
    }
    // Every station of a script is counted, so that both are known; but a form may have no line for ballots found.
    let found = expected.lines[LineMeaning::BallotsFound as usize];
    let turnouts = [(TOOK_PART, found), (VALID, expected.sum_of_votes())];
    for (name, expected) in turnouts.into_iter().filter(|(_, expected)| *expected > 0) {
        let ratio = summary.and_then(|summary| summary.turnouts.iter().find(|ratio| ratio.name == name));
        let numerator = ratio.filter(|ratio| ratio.known).map(|ratio| ratio.numerator);
        if numerator != Some(expected) {
            surprises.push(format!("{}: turnout {name} of {numerator:?}, {expected} were expected", contest.id));
        }
    }
    surprises
}
