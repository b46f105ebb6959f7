//! A contest's seats from its totals, by the method that the definition names.

use crate::{
    control::ControlState,
    publication::{ContestFigures, FiguresDetail},
    totals::UnitTotals,
};
use hattama_apportionment as apportionment;
use hattama_election::{
    decision::Ruling,
    definition::{
        AgainstAllAhead, Contest, ContestOption, Definition, LegalSource, ListAllocationRule, ListMethod, Method,
        OptionKind, PluralityMethod, Threshold, VoteBase,
    },
    form::{Certainty, LineMeaning},
    ids::{ContestIndex, OptionId},
};
use std::collections::BTreeSet;

/// The source of no threshold at all.
const NO_THRESHOLD: &str = "the definition has no threshold";

/// Seats of a contest and the way to them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "method", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "thirty of them in a publication, made once each")]
pub enum ContestSeats {
    /// Of a list contest.
    List {
        /// The allocation, which is its own explanation.
        allocation: Box<apportionment::ListAllocation>,
    },
    /// Of a plurality contest.
    Plurality {
        /// The result.
        result: apportionment::PluralityResult,
    },
    /// The figures cannot be worked with; the definition's loader lets no rules through that cannot.
    Impossible {
        /// Why.
        why: String,
    },
}

impl ContestSeats {
    /// True when a seat is open until a commission decides.
    #[must_use]
    pub fn decision_needed(&self) -> bool {
        match self {
            Self::List { allocation } => !matches!(allocation.outcome, apportionment::Outcome::Complete { .. }),
            Self::Plurality { result } => !matches!(result.outcome, apportionment::PluralityOutcome::Winner { .. }),
            Self::Impossible { .. } => true,
        }
    }

    /// Seats by option in ballot order, as far as awarded.
    #[must_use]
    pub fn awarded(&self) -> Vec<u32> {
        match self {
            Self::List { allocation } => allocation.options.iter().map(|option| option.seats).collect(),
            Self::Plurality { result } => result
                .candidates
                .iter()
                .map(|candidate| {
                    let won = matches!(&result.outcome, apportionment::PluralityOutcome::Winner { option, .. } if *option == candidate.id);
                    u32::from(won)
                })
                .collect(),
            Self::Impossible { .. } => Vec::new(),
        }
    }
}

/// The seats of a contest, from the nation's totals and the ties resolved in control.
#[must_use]
pub fn seats_of(
    definition: &Definition,
    index: ContestIndex,
    totals: &UnitTotals,
    control: &ControlState,
) -> ContestSeats {
    let contest = &definition.contests[usize::from(index.0)];
    let resolved = resolutions(contest, control);
    let against_all = contest.against_all.then_some(totals.against_all);
    match &contest.method {
        Method::List(method) => {
            let input = apportionment::ListInput {
                options: list_options(contest, totals, control, index),
                against_all,
                took_part: took_part(totals),
                resolved,
            };
            match apportionment::allocate_lists(&list_rules(method, contest.against_all), &input) {
                Ok(allocation) => {
                    let allocation = with_withdrawn(allocation, contest, control.withdrawn(index));
                    ContestSeats::List { allocation: Box::new(allocation) }
                }
                Err(error) => ContestSeats::Impossible { why: error.to_string() },
            }
        }
        Method::Plurality(method) => {
            let rules = plurality_rules(method);
            let withdrawn = control.withdrawn(index);
            let candidates = contest
                .options
                .iter()
                .zip(&totals.votes)
                .map(|(option, votes)| {
                    let votes = if withdrawn.contains(&option.id) { 0 } else { *votes };
                    apportionment::Candidate::new(option.id.as_str(), votes)
                })
                .collect();
            let input = apportionment::PluralityInput { candidates, against_all, resolved };
            match apportionment::plurality(&rules, &input) {
                Ok(result) => ContestSeats::Plurality { result },
                Err(error) => ContestSeats::Impossible { why: error.to_string() },
            }
        }
    }
}

/// The figures of a publication for a contest.
pub(crate) fn figures_of(
    definition: &Definition,
    index: ContestIndex,
    totals: &UnitTotals,
    control: &ControlState,
) -> ContestFigures {
    let seats = seats_of(definition, index, totals, control);
    let contest = &definition.contests[usize::from(index.0)];
    let detail = match &contest.method {
        Method::List(_) => {
            FiguresDetail::List { lines: totals.lines, votes: totals.votes.clone(), seats: seats.awarded() }
        }
        Method::Plurality(_) => plurality_figures(&seats, totals),
    };
    ContestFigures {
        contest: index,
        stations: totals.stations,
        votes_sum: totals.sum_of_votes(),
        against_all: totals.against_all,
        decision_needed: seats.decision_needed() && totals.stations.counted > 0,
        detail,
    }
}

fn plurality_figures(seats: &ContestSeats, totals: &UnitTotals) -> FiguresDetail {
    let leader = seats.awarded().iter().position(|seats| *seats > 0).and_then(|place| u32::try_from(place).ok());
    let mut votes = totals.votes.clone();
    votes.sort_unstable_by(|a, b| b.cmp(a));
    FiguresDetail::Plurality {
        leader,
        leader_votes: votes.first().copied().unwrap_or(0),
        runner_up_votes: votes.get(1).copied().unwrap_or(0),
    }
}

/// Ballots found, when every counted protocol has them written: 0 before the first.
fn took_part(totals: &UnitTotals) -> Option<u64> {
    let found = totals.line(LineMeaning::BallotsFound);
    (found.written == totals.stations.counted).then_some(found.sum)
}

/// The options that have not withdrawn. One that has wins nothing and is nobody's runner-up; the votes for it stay in the
/// totals, are flagged, and are in no base.
fn list_options(
    contest: &Contest,
    totals: &UnitTotals,
    control: &ControlState,
    index: ContestIndex,
) -> Vec<apportionment::ListOption> {
    let withdrawn = control.withdrawn(index);
    contest
        .options
        .iter()
        .zip(&totals.votes)
        .filter(|(option, _)| !withdrawn.contains(&option.id))
        .map(|(option, votes)| list_option(option, *votes))
        .collect()
}

fn list_option(option: &ContestOption, votes: u64) -> apportionment::ListOption {
    match option.kind {
        OptionKind::Independent => apportionment::ListOption::independent(option.id.as_str(), votes),
        OptionKind::List | OptionKind::Candidate { .. } => apportionment::ListOption::list(option.id.as_str(), votes),
    }
}

/// The allocation with options that withdrew at their places on the ballot, without votes and over no line.
fn with_withdrawn(
    mut allocation: apportionment::ListAllocation,
    contest: &Contest,
    withdrawn: &BTreeSet<OptionId>,
) -> apportionment::ListAllocation {
    for (place, option) in contest.options.iter().enumerate().filter(|(_, option)| withdrawn.contains(&option.id)) {
        let apportionment::ListOption { id, kind, votes } = list_option(option, 0);
        let result = apportionment::OptionResult {
            id,
            kind,
            votes,
            hurdle: apportionment::Hurdle { have: 0, need: 0, passed: false },
            share: None,
            quotient_seats: 0,
            moved_by_minimum: 0,
            seats: 0,
        };
        allocation.options.insert(place, result);
    }
    allocation
}

fn resolutions(contest: &Contest, control: &ControlState) -> Vec<apportionment::TieResolution> {
    let ids = |ids: &[hattama_election::ids::OptionId]| {
        ids.iter().map(|id| apportionment::OptionId::new(id.as_str())).collect()
    };
    control
        .tie_resolutions()
        .iter()
        .filter_map(|decision| match &decision.ruling {
            Ruling::ResolveTie { contest: of, between, seats, winners } if *of == contest.id => {
                Some(apportionment::TieResolution { between: ids(between), seats: *seats, winners: ids(winners) })
            }
            _ => None,
        })
        .collect()
}

fn list_rules(method: &ListMethod, ballot_has_against_all: bool) -> apportionment::ListRules {
    let threshold = threshold(method.threshold.as_ref(), ballot_has_against_all);
    let allocation = match method.allocation.value {
        ListAllocationRule::HareLargestRemainder => apportionment::Method::HareLargestRemainder,
        ListAllocationRule::DHondt => apportionment::Method::DHondt,
    };
    let sole = method.sole_list_runner_up_minimum.as_ref();
    apportionment::ListRules {
        seats: method.seats,
        method: apportionment::Sourced::new(allocation, source(&method.allocation.source)),
        sole_list_rule: sole.map(|minimum| apportionment::SoleListRule {
            minimum_for_runner_up: minimum.value,
            source: source(&minimum.source),
        }),
        independents: method.independents_by_quota.as_ref().map(|law| apportionment::IndependentsByQuota {
            of: match method.threshold {
                Some(_) => threshold.of.clone(),
                None => apportionment::Sourced::new(threshold.of.value, source(law)),
            },
            source: source(law),
        }),
        threshold,
        tie: source(&method.ties),
        no_list_over_threshold: source(&method.no_list_over_threshold),
    }
}

/// Without a threshold: 0 of the votes for options.
fn threshold(written: Option<&Threshold>, ballot_has_against_all: bool) -> apportionment::Threshold {
    let Some(threshold) = written else {
        let source = apportionment::Source::new(NO_THRESHOLD, apportionment::Certainty::Assumed);
        let of = apportionment::Denominator::ValidWithoutAgainstAll;
        let of = apportionment::Sourced::new(of, source.clone());
        return apportionment::Threshold { numerator: 0, denominator: 1, source, of };
    };
    let of = match threshold.of.value {
        VoteBase::ValidIncludingAgainstAll if ballot_has_against_all => {
            apportionment::Denominator::ValidIncludingAgainstAll
        }
        // Without the line on the ballot the two are one number.
        VoteBase::ValidIncludingAgainstAll | VoteBase::ValidWithoutAgainstAll => {
            apportionment::Denominator::ValidWithoutAgainstAll
        }
        VoteBase::TookPart => apportionment::Denominator::TookPart,
    };
    apportionment::Threshold {
        numerator: threshold.numerator,
        denominator: threshold.denominator,
        source: source(&threshold.source),
        of: apportionment::Sourced::new(of, source(&threshold.of.source)),
    }
}

fn plurality_rules(method: &PluralityMethod) -> apportionment::PluralityRules {
    let ahead = match method.against_all_ahead.value {
        AgainstAllAhead::SeatOpen => apportionment::AgainstAllAhead::SeatOpen,
        AgainstAllAhead::Ignored => apportionment::AgainstAllAhead::Ignored,
    };
    apportionment::PluralityRules {
        source: source(&method.source),
        tie: source(&method.ties),
        against_all_ahead: apportionment::Sourced::new(ahead, source(&method.against_all_ahead.source)),
    }
}

fn source(law: &LegalSource) -> apportionment::Source {
    let certainty = match law.certainty {
        Certainty::Found => apportionment::Certainty::Found,
        Certainty::Older => apportionment::Certainty::Older,
        Certainty::Press => apportionment::Certainty::Press,
        Certainty::Assumed => apportionment::Certainty::Assumed,
        Certainty::Derived => apportionment::Certainty::Derived,
    };
    apportionment::Source::new(law.article.as_str(), certainty)
}
