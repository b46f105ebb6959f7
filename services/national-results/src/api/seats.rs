//! Seats of a contest and every step to them: the allocation explains itself, this only lays it out.

use super::{Api, election, legal_rules, reference_of};
use crate::{embargo, nation::Snapshot};
use hattama_apportionment::{
    Certainty, Denominator, DenominatorSensitivity, ListAllocation, OptionId, OptionResult, Outcome, PluralityOutcome,
    PluralityResult, Source, Step, Tie,
};
use hattama_proto::national::v1::{
    Fraction, GetSeatAllocationResponse, SeatLine, SeatStep, Sensitivity, Threshold, TieFound,
};
use hattama_tally::{ContestSeats, seats_of};
use tonic::Status;

impl Api {
    /// The seats of a contest as of a publication.
    pub(super) fn seat_allocation(&self, snapshot: &Snapshot, id: &str) -> Result<GetSeatAllocationResponse, Status> {
        let (index, contest) = self.contest(id)?;
        let totals = snapshot.nation.contest(index).ok_or_else(|| Status::internal("the merge lacks this contest"))?;
        let mut failed = None;
        let mut response = embargo::seats(self.is_embargoed(contest), || {
            let seats = seats_of(&self.definition, index, &totals.nation, &snapshot.control);
            let explanation_json = serde_json::to_string(&seats).unwrap_or_else(|error| {
                failed = Some(error.to_string());
                String::new()
            });
            let allocation = match &seats {
                ContestSeats::List { allocation } => list(allocation),
                ContestSeats::Plurality { result } => plurality(result),
                ContestSeats::Impossible { why } => {
                    GetSeatAllocationResponse { steps: numbered([(why.clone(), None)]), ..Default::default() }
                }
            };
            GetSeatAllocationResponse {
                seats: election::seats(contest),
                rules: legal_rules::of(&contest.method),
                explanation_json,
                ..allocation
            }
        });
        if let Some(error) = failed {
            return Err(Status::internal(format!("the explanation cannot be written: {error}")));
        }
        response.publication = Some(reference_of(snapshot));
        Ok(response)
    }
}

fn list(allocation: &ListAllocation) -> GetSeatAllocationResponse {
    GetSeatAllocationResponse {
        lines: allocation.options.iter().map(list_line).collect(),
        quota: allocation.quota.map(|quota| Fraction { numerator: quota.votes, denominator: u64::from(quota.seats) }),
        threshold: Some(threshold(allocation)),
        steps: numbered(allocation.steps.iter().map(list_step)),
        ties: match &allocation.outcome {
            Outcome::DecisionNeeded { tie } => vec![tie_found(tie)],
            Outcome::Complete { .. } | Outcome::NoListOverThreshold { .. } => Vec::new(),
        },
        sensitivity: allocation.sensitivity.iter().map(sensitivity).collect(),
        ..GetSeatAllocationResponse::default()
    }
}

fn list_line(option: &OptionResult) -> SeatLine {
    let share = option.share.as_ref();
    SeatLine {
        option: option.id.to_string(),
        votes: option.votes,
        passed: option.hurdle.passed,
        whole_quota_seats: share.map_or(0, |share| share.whole_seats),
        remainder: share.map_or(0, |share| share.remainder),
        remainder_seats: share.map_or(0, |share| share.remainder_seats),
        seats: option.seats,
    }
}

fn threshold(allocation: &ListAllocation) -> Threshold {
    let rule = &allocation.rules.threshold;
    let (numerator, denominator) = (u64::from(rule.numerator), u64::from(rule.denominator));
    // The loader lets no denominator of 0 through. Without a single vote nobody passes, whatever the share.
    let exact = u128::from(allocation.threshold_number) * u128::from(numerator);
    let fewest = exact.div_ceil(u128::from(denominator.max(1))).max(1);
    Threshold {
        share: Some(Fraction { numerator, denominator }),
        of: denominator_name(rule.of.value).to_owned(),
        base: allocation.threshold_number,
        fewest_passing_votes: u64::try_from(fewest).unwrap_or(u64::MAX),
        article: rule.source.article.clone(),
        certainty: certainty(rule.source.certainty).to_owned(),
    }
}

/// A step in words, and who got a seat by it.
fn list_step(step: &Step) -> (String, Option<&OptionId>) {
    match step {
        Step::IndependentElected { option, seats_left, .. } => (
            format!("{option} reached the quota for independents and is elected; {seats_left} seats are left"),
            Some(option),
        ),
        Step::Threshold { numerator, denominator, of, number, passed, .. } => {
            let of = denominator_name(*of);
            let passed = ids(passed);
            (format!("threshold {numerator}/{denominator} of {number} ({of}): {passed} passed"), None)
        }
        Step::NoListOverThreshold { seats, law } => {
            (format!("no list is over the threshold; {seats} seats are not awarded ({})", law_text(law)), None)
        }
        Step::ListAlone { list, next, law, .. } if next.is_empty() => {
            (format!("{list} alone passed and no other list has a vote ({})", law_text(law)), None)
        }
        Step::ListAlone { list, next, minimum, law } => {
            let (next, law) = (ids(next), law_text(law));
            (format!("{list} alone passed; the next ({next}) gets at least {minimum} seats ({law})"), None)
        }
        Step::Sharing { lists, votes, seats, .. } => {
            (format!("{} share {seats} seats; together they have {votes} votes", ids(lists)), None)
        }
        Step::WholeQuotas { awarded, left } => {
            (format!("{awarded} seats by whole quotas; {left} are left for the largest remainders"), None)
        }
        Step::RemainderSeat { option, rank, remainder, of, ahead_of } => {
            let ahead = match ahead_of {
                Some(next) => format!(", ahead of {} by {}", next.option, next.by),
                None => String::new(),
            };
            (format!("remainder {rank}: {option} gets a seat with {remainder}/{of}{ahead}"), Some(option))
        }
        Step::QuotientSeat { seat, option, quotient, .. } => {
            let (numerator, denominator) = (quotient.numerator, quotient.denominator);
            (format!("seat {seat}: {option} with the highest quotient {numerator}/{denominator}"), Some(option))
        }
        Step::RaisedToMinimum { option, from, to, at_expense_of, .. } => {
            (format!("{option} is raised from {from} to {to} seats at the expense of {at_expense_of}"), Some(option))
        }
        Step::Tied { tie } => (tie_text(tie), None),
        Step::Decided { tie, winners } => {
            (format!("the tie of {} was decided for {}", ids(&tie.between), ids(winners)), winners.first())
        }
    }
}

fn plurality(result: &PluralityResult) -> GetSeatAllocationResponse {
    let winner = match &result.outcome {
        PluralityOutcome::Winner { option, .. } => Some(option),
        _ => None,
    };
    let line = |candidate: &hattama_apportionment::CandidateResult| SeatLine {
        option: candidate.id.to_string(),
        votes: candidate.votes,
        passed: winner == Some(&candidate.id),
        seats: u32::from(winner == Some(&candidate.id)),
        ..SeatLine::default()
    };
    let ties = match &result.outcome {
        PluralityOutcome::DecisionNeeded { tie } => vec![tie_found(tie)],
        _ => Vec::new(),
    };
    GetSeatAllocationResponse {
        lines: result.candidates.iter().map(line).collect(),
        steps: numbered([(plurality_text(&result.outcome), winner)]),
        ties,
        ..GetSeatAllocationResponse::default()
    }
}

fn plurality_text(outcome: &PluralityOutcome) -> String {
    match outcome {
        PluralityOutcome::Winner { option, ahead_of, by_decision: true, .. } => {
            format!("{option} is elected by a decision on the tie with {}", ids(ahead_of))
        }
        PluralityOutcome::Winner { option, lead, ahead_of, .. } if ahead_of.is_empty() => {
            format!("{option} is elected with {lead} votes; there is no other candidate")
        }
        PluralityOutcome::Winner { option, lead, ahead_of, .. } => {
            format!("{option} is elected, {lead} votes ahead of {}", ids(ahead_of))
        }
        PluralityOutcome::DecisionNeeded { tie } => tie_text(tie),
        PluralityOutcome::AgainstAllAhead { against_all, lead, law, .. } => {
            format!("against all is ahead by {lead} with {against_all} votes: the seat is open ({})", law_text(law))
        }
        PluralityOutcome::NoVotes => "no candidate has a vote: nobody is elected".to_owned(),
    }
}

fn numbered<'a>(steps: impl IntoIterator<Item = (String, Option<&'a OptionId>)>) -> Vec<SeatStep> {
    let step = |(number, (text, option)): (u32, (String, Option<&OptionId>))| SeatStep {
        number,
        text,
        option: option.map(ToString::to_string).unwrap_or_default(),
    };
    (1..).zip(steps).map(step).collect()
}

fn tie_text(tie: &Tie) -> String {
    format!(
        "{} have equal claims to {} seats: a commission decides ({})",
        ids(&tie.between),
        tie.seats,
        law_text(&tie.law)
    )
}

/// The article and how sure we are of it.
fn law_text(law: &Source) -> String {
    format!("{} [{}]", law.article, certainty(law.certainty))
}

fn tie_found(tie: &Tie) -> TieFound {
    TieFound {
        between: tie.between.iter().map(ToString::to_string).collect(),
        seats: tie.seats,
        article: tie.law.article.clone(),
    }
}

fn sensitivity(found: &DenominatorSensitivity) -> Sensitivity {
    Sensitivity {
        of: denominator_name(found.denominator).to_owned(),
        passing_changes: found.passes_changed.iter().map(ToString::to_string).collect(),
        seat_changes: found.seats_changed.iter().map(|change| change.option.to_string()).collect(),
    }
}

fn ids(ids: &[OptionId]) -> String {
    if ids.is_empty() {
        return "nobody".to_owned();
    }
    ids.iter().map(OptionId::as_str).collect::<Vec<_>>().join(", ")
}

fn denominator_name(denominator: Denominator) -> &'static str {
    match denominator {
        Denominator::ValidIncludingAgainstAll => "valid_including_against_all",
        Denominator::ValidWithoutAgainstAll => "valid_without_against_all",
        Denominator::TookPart => "took_part",
    }
}

fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Found => "found",
        Certainty::Older => "older",
        Certainty::Press => "press",
        Certainty::Assumed => "assumed",
        Certainty::Derived => "derived",
    }
}
