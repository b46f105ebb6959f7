//! What is impossible in what carries figures: protocols, turnout reports, commissions' protocols.

use super::{Faults, ascends};
use crate::{
    definition::{Contest, Definition, Station},
    digest::{ContentDigest, sha256},
    form::{Form, LineMeaning},
    ids::OptionId,
    protocol::{MAX_COUNT, MAX_REASON_BYTES, MAX_SIGNATORIES, MAX_SIGNATORY_NAME_BYTES, Protocol, ProtocolContent},
    rules::{Field, RuleCode, Violation},
    submission::{CommissionProtocol, CommissionProtocolContent, MAX_COVERED},
    turnout::TurnoutReport,
};
use std::collections::BTreeSet;

/// What is impossible in a station's protocol.
#[must_use]
pub fn protocol(definition: &Definition, protocol: &Protocol) -> Vec<Violation> {
    let mut faults = Faults::default();
    let content = &protocol.content;
    let station = definition.station(&content.station).map(|(_, station)| station);
    let contest = definition.contest(&content.contest).map(|(_, contest)| contest);
    let held = match (station, contest) {
        (Some(station), Some(contest)) => definition.holds(station, contest),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    faults.require(station.is_some(), RuleCode::UnknownStation, "station");
    faults.require(held, RuleCode::UnknownContest, "contest");
    faults.revision(content.revision);
    if let (Some(station), Some(contest), true) = (station, contest, held) {
        against_the_form(definition, station, contest, content, &mut faults);
    }
    counts(content, &mut faults);
    beside_the_content(protocol, &mut faults);
    faults.0
}

/// What is impossible in a turnout report.
#[must_use]
pub fn turnout(definition: &Definition, report: &TurnoutReport) -> Vec<Violation> {
    let mut faults = Faults::default();
    let content = &report.content;
    faults.require(definition.station(&content.station).is_some(), RuleCode::UnknownStation, "station");
    faults.require(definition.slot(&content.slot).is_some(), RuleCode::UnknownSlot, "slot");
    faults.revision(content.revision);
    faults.count(Field::Named("received_a_ballot"), content.received_a_ballot);
    faults.count(Field::Named("register"), content.register);
    faults.0
}

/// What is impossible in a commission's own protocol. Its lines may be of any form of the definition, since the stations of
/// its scope may have forms of their own.
#[must_use]
pub fn commission_protocol(definition: &Definition, protocol: &CommissionProtocol) -> Vec<Violation> {
    let mut faults = Faults::default();
    let content = &protocol.content;
    faults.require(definition.authority(&content.author).is_some(), RuleCode::RulingImpossible, "author");
    faults.revision(content.revision);
    covered(definition, content, &mut faults);
    match definition.contest(&content.contest) {
        Some((_, contest)) => {
            options(contest, &content.votes, &mut faults);
            against_all(contest, content.against_all, &mut faults);
        }
        None => faults.named(RuleCode::UnknownContest, "contest"),
    }
    sums(definition, content, &mut faults);
    faults.0
}

/// What a commission's protocol names its contents by: SHA-256 over their digests, 32 bytes each, in ascending order.
#[must_use]
pub fn covered_digest(covered: &[ContentDigest]) -> ContentDigest {
    let mut sorted = covered.to_vec();
    sorted.sort_unstable();
    let bytes: Vec<u8> = sorted.iter().flat_map(|digest| digest.0).collect();
    ContentDigest(sha256(&bytes))
}

fn against_the_form(
    definition: &Definition,
    station: &Station,
    contest: &Contest,
    content: &ProtocolContent,
    faults: &mut Faults,
) {
    options(contest, &content.votes, faults);
    against_all(contest, content.against_all, faults);
    lines(definition.form_of(station, contest), content, faults);
}

/// The votes must name exactly the contest's options, in ascending order: the content's digest depends on it.
fn options<N: Copy + Into<u64>>(contest: &Contest, votes: &[(OptionId, N)], faults: &mut Faults) {
    let mut missing: BTreeSet<&OptionId> = contest.options.iter().map(|option| &option.id).collect();
    for (option, count) in votes {
        if !missing.remove(option) {
            let fault = Violation::new(RuleCode::OptionsMismatch, Field::Option(option.clone()));
            faults.push(Violation { written: Some((*count).into()), ..fault });
        }
    }
    for option in missing {
        faults.push(Violation::new(RuleCode::OptionsMismatch, Field::Option(option.clone())));
    }
    let in_order = votes.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    faults.require(in_order, RuleCode::OptionsMismatch, "votes");
}

fn against_all<N: Into<u64>>(contest: &Contest, written: Option<N>, faults: &mut Faults) {
    if written.is_some() != contest.against_all {
        let fault = Violation::new(RuleCode::AgainstAllMismatch, Field::AgainstAll);
        faults.push(Violation { written: written.map(Into::into), ..fault });
    }
}

fn lines(form: &Form, content: &ProtocolContent, faults: &mut Faults) {
    for (meaning, count) in content.lines.written() {
        if form.line(meaning).is_none() {
            let fault = Violation::new(RuleCode::LineNotOnForm, Field::Line(meaning));
            faults.push(Violation { written: Some(u64::from(count)), ..fault });
        }
    }
    for line in &form.lines {
        if line.required && content.lines.get(line.meaning).is_none() {
            faults.push(Violation::new(RuleCode::RequiredLineMissing, Field::Line(line.meaning)));
        }
    }
}

fn counts(content: &ProtocolContent, faults: &mut Faults) {
    for (meaning, count) in content.lines.written() {
        faults.count(Field::Line(meaning), count);
    }
    for (option, votes) in &content.votes {
        faults.count(Field::Option(option.clone()), *votes);
    }
    if let Some(votes) = content.against_all {
        faults.count(Field::AgainstAll, votes);
    }
}

fn beside_the_content(protocol: &Protocol, faults: &mut Faults) {
    faults.length("reason", protocol.reason.as_ref().map_or(0, String::len), MAX_REASON_BYTES);
    let authority = protocol.correction_authority.as_ref().map_or(0, String::len);
    faults.length("correction_authority", authority, MAX_REASON_BYTES);
    faults.length("signatories", protocol.signatories.len(), MAX_SIGNATORIES);
    let longest_name = protocol.signatories.iter().map(|signatory| signatory.name.len()).max().unwrap_or(0);
    faults.length("signatories.name", longest_name, MAX_SIGNATORY_NAME_BYTES);
    faults.count(Field::Named("complaints"), protocol.complaints.unwrap_or(0));
}

/// The contents covered: counted, digested and, up to [`MAX_COVERED`], listed; the three must agree.
fn covered(definition: &Definition, content: &CommissionProtocolContent, faults: &mut Faults) {
    let (count, listed) = (u64::from(content.covered_count), content.covered.len());
    let most = definition.stations.len() as u64;
    faults.at_most(RuleCode::CountOutOfRange, Field::Named("covered_count"), count, most);
    faults.length("covered", listed, MAX_COVERED);
    let must_list = if count <= MAX_COVERED as u64 { count } else { 0 };
    if listed as u64 != must_list {
        faults.push(Violation::numbers(RuleCode::Malformed, Field::Named("covered"), listed as u64, must_list));
        return;
    }
    faults.require(ascends(&content.covered), RuleCode::Malformed, "covered");
    let digest_fits = listed as u64 != count || covered_digest(&content.covered) == content.covered_digest;
    faults.require(digest_fits, RuleCode::Malformed, "covered_digest");
}

/// No sum is above what the stations covered may write.
fn sums(definition: &Definition, content: &CommissionProtocolContent, faults: &mut Faults) {
    let limit = u64::from(MAX_COUNT) * u64::from(content.covered_count);
    let known = |meaning: LineMeaning| definition.forms.iter().any(|form| form.line(meaning).is_some());
    for (meaning, sum) in content.lines.written() {
        faults.at_most(RuleCode::CountOutOfRange, Field::Line(meaning), sum, limit);
        if !known(meaning) {
            let fault = Violation::new(RuleCode::LineNotOnForm, Field::Line(meaning));
            faults.push(Violation { written: Some(sum), ..fault });
        }
    }
    for (option, votes) in &content.votes {
        faults.at_most(RuleCode::CountOutOfRange, Field::Option(option.clone()), *votes, limit);
    }
    faults.at_most(RuleCode::CountOutOfRange, Field::AgainstAll, content.against_all.unwrap_or(0), limit);
}
