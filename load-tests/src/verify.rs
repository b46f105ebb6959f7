//! What must hold after every night, whatever happened in it: nothing lost, nothing twice, every number true.

use crate::{
    in_log::{Era, refuted},
    night::{Night, is_protocol},
    numbers::Seen,
    receipts::{self, Claim, Places},
};
use hattama_election::{
    digest::{ContentDigest, SubmissionDigest},
    ids::{ContestIndex, StationIndex},
};
use hattama_proto::gateway::v1::Receipt;
use hattama_recount::{Recounted, ResultDocument, Verdict};
use hattama_rehearsal::script::{ExpectedContest, RehearsalKeyring};
use hattama_tally::Outcome;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

/// The most that is told of one kind: the first ones tell most.
const MAX_TOLD: usize = 5;

/// What is left of a night when it is over.
#[derive(Debug)]
pub struct Evidence {
    /// What gateways say in the end of each submission that they keep.
    pub receipts: Vec<(SubmissionDigest, Receipt)>,
    /// Every COUNTED(N) that was ever said.
    pub claims: BTreeSet<Claim>,
    /// What replicas gave out.
    pub seen: Vec<Seen>,
    /// Where receipts say that submissions lie.
    pub places: Places,
    /// The log, generation by generation.
    pub eras: Vec<Era>,
    /// The recount of an export.
    pub recounted: Recounted,
}

/// Everything that does not hold, in words.
#[must_use]
pub fn findings(night: &Night, evidence: &Evidence, truth: &Truth) -> Vec<String> {
    let mut findings = Vec::new();
    findings.extend(recount(evidence));
    match &evidence.recounted.result {
        None => findings.push("the log comes to no result".to_owned()),
        Some(result) => {
            findings.extend(differs("counted in the last publication", &counted_in(result), &truth.contents));
            findings.extend(figures(night, result));
        }
    }
    let receipts = protocols(&evidence.receipts, truth);
    let by_receipts = receipts::counted(&receipts);
    findings.extend(differs("counted by their receipts", &by_receipts, &truth.contents));
    for content in truth.contents.symmetric_difference(&by_receipts).take(MAX_TOLD) {
        findings.extend(receipts::of(content, &receipts));
    }
    let refuted = evidence.claims.iter().filter_map(|claim| refuted(claim, &evidence.eras, &evidence.places));
    findings.extend(refuted.take(MAX_TOLD));
    findings.extend(publications(evidence));
    findings
}

/// The truth of a night: which contents count in the end.
#[derive(Debug)]
pub struct Truth {
    /// Of protocols.
    pub contents: BTreeSet<ContentDigest>,
    /// The submissions of protocols that went through gateways.
    pub protocols: BTreeSet<SubmissionDigest>,
    /// All submissions that went through gateways.
    pub submissions: BTreeSet<SubmissionDigest>,
}

impl Truth {
    /// By the script.
    ///
    /// # Errors
    /// When an event cannot be signed: the script is of another definition.
    pub fn of(night: &Night) -> Result<Self, Box<dyn Error>> {
        let keyring = RehearsalKeyring::new(&night.definition)?;
        let counted: &BTreeMap<(StationIndex, ContestIndex), ContentDigest> = &night.expected.counted;
        let mut truth = Self {
            contents: counted.values().copied().collect(),
            protocols: BTreeSet::new(),
            submissions: BTreeSet::new(),
        };
        for event in &night.events {
            let signed = event.sign(&keyring, &night.definition)?;
            if signed.submission.is_none() {
                continue;
            }
            truth.submissions.insert(signed.digest);
            if is_protocol(event) {
                truth.protocols.insert(signed.digest);
            }
        }
        Ok(truth)
    }
}

/// The receipts of protocols alone.
#[must_use]
pub fn protocols(receipts: &[(SubmissionDigest, Receipt)], truth: &Truth) -> Vec<(SubmissionDigest, Receipt)> {
    receipts.iter().filter(|(digest, _)| truth.protocols.contains(digest)).cloned().collect()
}

fn recount(evidence: &Evidence) -> Vec<String> {
    let report = &evidence.recounted.report;
    let mut findings = Vec::new();
    if report.verdict != Verdict::Match {
        let first = report.differences.first().map_or_else(String::new, ToString::to_string);
        findings.push(format!("recount says {}: {first}", report.verdict));
    }
    if report.last_publication.is_none_or(|last| !last.covers_everything) {
        findings.push("the last publication does not cover every submission in the log".to_owned());
    }
    findings
}

fn counted_in(result: &ResultDocument) -> BTreeSet<ContentDigest> {
    let contests = result.stations.iter().flat_map(|station| &station.contests);
    let contents = contests.flat_map(|contest| &contest.contents);
    contents.filter(|content| content.standing == Outcome::Counted).map(|content| content.content).collect()
}

fn differs(what: &str, found: &BTreeSet<ContentDigest>, truth: &BTreeSet<ContentDigest>) -> Option<String> {
    let (lost, extra) = (truth.difference(found).count(), found.difference(truth).count());
    let example = truth.symmetric_difference(found).next()?;
    Some(format!("{what}: {lost} contents are missing and {extra} should not be there, for example {example}"))
}

/// Every total against the script's.
fn figures(night: &Night, result: &ResultDocument) -> Vec<String> {
    let mut findings = Vec::new();
    for (found, expected) in result.figures.contests.iter().zip(&night.expected.contests) {
        let votes: Vec<u64> = found.options.iter().map(|option| option.votes).collect();
        let is_as_expected = votes == expected.votes
            && found.against_all.unwrap_or(0) == expected.against_all
            && found.stations.counted == expected.stations
            && lines_of(found) == lines_expected(expected);
        if !is_as_expected {
            findings.push(format!(
                "{}: {votes:?} at {} stations, {:?} at {} are true",
                found.contest, found.stations.counted, expected.votes, expected.stations
            ));
        }
    }
    for (found, expected) in result.figures.turnout.iter().zip(&night.expected.slots) {
        let wanted = (expected.received_a_ballot, expected.register, expected.reported);
        let figures = (found.received_a_ballot, found.register, found.reported);
        if figures != wanted {
            findings.push(format!("turnout {}: {figures:?}, {wanted:?} are true", found.slot));
        }
    }
    let lengths = (result.figures.contests.len(), result.figures.turnout.len());
    if lengths != (night.expected.contests.len(), night.expected.slots.len()) {
        findings.push(format!("the result has {lengths:?} contests and slots"));
    }
    findings
}

fn lines_of(contest: &hattama_recount::result::ContestResult) -> Vec<u64> {
    contest.lines.values().map(|line| line.sum).filter(|sum| *sum > 0).collect()
}

/// Both are in the order of [`hattama_election::form::LineMeaning`]; lines that nobody wrote have no sum.
fn lines_expected(contest: &ExpectedContest) -> Vec<u64> {
    contest.lines.iter().copied().filter(|sum| *sum > 0).collect()
}

/// Numbers only grow, none repeats in any generation, and every replica gives out what lies in the log.
fn publications(evidence: &Evidence) -> Vec<String> {
    let mut findings = Vec::new();
    let mut all = BTreeMap::new();
    for era in &evidence.eras {
        findings.extend(era.publications.wrong.iter().take(MAX_TOLD).cloned());
        for (number, (digest, _)) in &era.publications.valid {
            if all.last_key_value().is_some_and(|(last, _)| last >= number) {
                findings.push(format!("generation {} has the number {number} again", era.generation));
            }
            all.insert(*number, *digest);
        }
    }
    let foreign = evidence.seen.iter().filter(|seen| all.get(&seen.sequence) != Some(&seen.digest));
    findings.extend(foreign.take(MAX_TOLD).map(|seen| {
        format!("publication {} with digest {} was given out and does not lie in the log", seen.sequence, seen.digest)
    }));
    findings
}
