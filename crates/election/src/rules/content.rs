//! Rules on the figures of one content: every rule that fires, whatever its severity.
//!
//! A rule runs only where the form has its lines and they are written: absent is not zero.

use super::{Field, RuleCode, Violation, transposition::transposed_figures};
use crate::{
    form::{Form, LineMeaning},
    ids::OptionId,
    protocol::ProtocolContent,
    turnout::TurnoutContent,
};
use std::collections::BTreeSet;

/// From this share on, invalid ballots are flagged; this project's line, assumed.
pub const INVALID_SHARE_HIGH_PERCENT: u64 = 3;

/// The rules on a protocol's figures that fire, in ascending order of their codes. `withdrawn` are the options of this
/// contest that withdrew.
#[must_use]
pub fn protocol(form: &Form, content: &ProtocolContent, withdrawn: &BTreeSet<OptionId>) -> Vec<Violation> {
    let written = Written { form, content };
    let identities = identities(&written);
    let mut violations: Vec<Violation> = identities.iter().filter_map(Identity::violation).collect();
    limits(&written, &mut violations);
    parts(&written, &mut violations);
    shares(&written, &mut violations);
    violations.extend(transposed_figures(&identities));
    votes_for_withdrawn(content, withdrawn, &mut violations);
    violations.sort_by_key(|violation| violation.code);
    violations
}

/// The rules on a turnout report's figures that fire.
#[must_use]
pub fn turnout(content: &TurnoutContent) -> Vec<Violation> {
    let (received, register) = (u64::from(content.received_a_ballot), u64::from(content.register));
    let field = Field::Named("received_a_ballot");
    (received > register)
        .then(|| Violation::numbers(RuleCode::TurnoutExceedsRegister, field, received, register))
        .into_iter()
        .collect()
}

/// A sum that must be right: the total is written beside its parts.
pub(super) struct Identity {
    pub(super) code: RuleCode,
    pub(super) total: (Field, u64),
    pub(super) parts: Vec<(Field, u64)>,
}

impl Identity {
    pub(super) fn sum(&self) -> u64 {
        self.parts.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn holds(&self) -> bool {
        self.total.1 == self.sum()
    }

    fn violation(&self) -> Option<Violation> {
        let (field, written) = &self.total;
        (!self.holds()).then(|| Violation::numbers(self.code, field.clone(), *written, self.sum()))
    }
}

/// The lines that a form has and a protocol has written.
struct Written<'a> {
    form: &'a Form,
    content: &'a ProtocolContent,
}

impl Written<'_> {
    fn on_form(&self, meaning: LineMeaning) -> bool {
        self.form.line(meaning).is_some()
    }

    fn get(&self, meaning: LineMeaning) -> Option<u64> {
        self.content.lines.get(meaning).filter(|_| self.on_form(meaning)).map(u64::from)
    }

    /// The sum of lines; none when one of them is not written.
    fn sum(&self, meanings: &[LineMeaning]) -> Option<u64> {
        meanings.iter().map(|meaning| self.get(*meaning)).sum()
    }

    /// Voters on the list and, on a form that has the line, those added.
    fn voters(&self) -> Option<u64> {
        match self.on_form(LineMeaning::VotersAdded) {
            true => self.sum(&[LineMeaning::VotersListed, LineMeaning::VotersAdded]),
            false => self.get(LineMeaning::VotersListed),
        }
    }

    /// The line that says how many voted: issued ballots or, on a form without them, found ones.
    fn voted(&self) -> LineMeaning {
        if self.on_form(LineMeaning::BallotsIssued) { LineMeaning::BallotsIssued } else { LineMeaning::BallotsFound }
    }

    /// `total` = the sum of `parts`; none when one of the lines is not written.
    fn identity(&self, code: RuleCode, total: LineMeaning, parts: &[LineMeaning]) -> Option<Identity> {
        let line = |meaning| Some((Field::Line(meaning), self.get(meaning)?));
        let parts = parts.iter().map(|part| line(*part)).collect::<Option<Vec<_>>>()?;
        Some(Identity { code, total: line(total)?, parts })
    }
}

/// Every identity whose lines are written.
fn identities(written: &Written<'_>) -> Vec<Identity> {
    use LineMeaning::{BallotsFound, BallotsInvalid, BallotsIssued, BallotsReceived, BallotsUnused, BallotsValid};
    let mut received_parts = match written.on_form(BallotsIssued) {
        true => vec![BallotsIssued, BallotsUnused],
        false => vec![BallotsUnused, BallotsValid, BallotsInvalid],
    };
    if written.on_form(LineMeaning::BallotsSpoiled) {
        received_parts.push(LineMeaning::BallotsSpoiled);
    }
    let received_code = match written.on_form(BallotsIssued) {
        true => RuleCode::BallotsUnbalanced,
        false => RuleCode::ReceivedDiffersFromCounted,
    };
    let found = written.identity(RuleCode::FoundDiffersFromCounted, BallotsFound, &[BallotsValid, BallotsInvalid]);
    let received = written.identity(received_code, BallotsReceived, &received_parts);
    [sum_of_votes(written), found, received].into_iter().flatten().collect()
}

fn sum_of_votes(written: &Written<'_>) -> Option<Identity> {
    let valid = written.get(LineMeaning::BallotsValid)?;
    let options =
        written.content.votes.iter().map(|(option, votes)| (Field::Option(option.clone()), u64::from(*votes)));
    let against_all = written.content.against_all.map(|votes| (Field::AgainstAll, u64::from(votes)));
    let parts: Vec<_> = options.chain(against_all).collect();
    let total = (Field::Line(LineMeaning::BallotsValid), valid);
    (!parts.is_empty()).then_some(Identity { code: RuleCode::SumOfVotesDiffers, total, parts })
}

/// Rules 104, 105, 106 and 200: one number against another that limits it.
fn limits(written: &Written<'_>, violations: &mut Vec<Violation>) {
    let found = written.get(LineMeaning::BallotsFound);
    let issued = written.get(LineMeaning::BallotsIssued);
    let mut fire = |code, meaning, number, limit| {
        violations.push(Violation::numbers(code, Field::Line(meaning), number, limit));
    };
    if let (Some(found), Some(issued)) = (found, issued) {
        if found > issued {
            fire(RuleCode::FoundExceedsIssued, LineMeaning::BallotsFound, found, issued);
        }
        if found < issued {
            fire(RuleCode::FoundBelowIssued, LineMeaning::BallotsFound, found, issued);
        }
    }
    let code = match written.voted() {
        LineMeaning::BallotsIssued => RuleCode::IssuedExceedsVoters,
        _ => RuleCode::FoundExceedsVoters,
    };
    if let (Some(voted), Some(voters)) = (written.get(written.voted()), written.voters())
        && voted > voters
    {
        fire(code, written.voted(), voted, voters);
    }
}

/// Rule 107. Ballots outside the premises may be on absentee certificates as well: parts of one whole may overlap.
fn parts(written: &Written<'_>, violations: &mut Vec<Violation>) {
    let wholes = [
        (LineMeaning::IssuedOutside, LineMeaning::BallotsIssued),
        (LineMeaning::IssuedAbsentee, LineMeaning::BallotsIssued),
        (LineMeaning::FoundPortable, LineMeaning::BallotsFound),
    ];
    for (part, whole) in wholes {
        if let (Some(count), Some(limit)) = (written.get(part), written.get(whole))
            && count > limit
        {
            violations.push(Violation::numbers(RuleCode::PartExceedsWhole, Field::Line(part), count, limit));
        }
    }
}

/// Rules 201 and 202.
fn shares(written: &Written<'_>, violations: &mut Vec<Violation>) {
    let counted = || written.sum(&[LineMeaning::BallotsValid, LineMeaning::BallotsInvalid]);
    let found = written.get(LineMeaning::BallotsFound).or_else(counted);
    if let (Some(invalid), Some(found)) = (written.get(LineMeaning::BallotsInvalid), found)
        && invalid > 0
        && invalid * 100 >= found * INVALID_SHARE_HIGH_PERCENT
    {
        let field = Field::Line(LineMeaning::BallotsInvalid);
        violations.push(Violation { written: Some(invalid), ..Violation::new(RuleCode::InvalidShareHigh, field) });
    }
    if let (Some(voted), Some(voters)) = (written.get(written.voted()), written.voters())
        && voted == voters
        && voters > 0
    {
        let field = Field::Line(written.voted());
        violations.push(Violation { written: Some(voted), ..Violation::new(RuleCode::TurnoutComplete, field) });
    }
}

fn votes_for_withdrawn(content: &ProtocolContent, withdrawn: &BTreeSet<OptionId>, violations: &mut Vec<Violation>) {
    for (option, votes) in &content.votes {
        if *votes > 0 && withdrawn.contains(option) {
            let field = Field::Option(option.clone());
            violations.push(Violation::numbers(RuleCode::VotesForWithdrawn, field, u64::from(*votes), 0));
        }
    }
}

#[cfg(test)]
mod tests;
