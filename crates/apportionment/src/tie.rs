//! Ties, the decisions that resolve them, and why a decision is void.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::input::OptionId;
use crate::rules::Source;

/// Where equal claims met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TieStage {
    /// More independents with equal votes over the quota than seats.
    Independents,
    /// Equal votes for second place behind a list alone over the threshold.
    RunnerUp,
    /// Equal remainders for the last seats.
    Remainders,
    /// Equal quotients for the last seats.
    Quotients,
    /// Equal votes for the first place in a district.
    Plurality,
}

/// Equal claims that only a decision can tell apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Tie {
    /// Where it arose.
    pub stage: TieStage,
    /// Those with equal claims, in ballot order.
    pub between: Vec<OptionId>,
    /// Seats to be shared among them.
    pub seats: u32,
    /// How many of them a decision names: as many as there are seats, but one for [`TieStage::RunnerUp`], who gets
    /// all of them.
    pub choose: u32,
    /// What the law says of it.
    pub law: Source,
}

/// A recorded decision on a tie. It holds only for a tie between the same options for the same number of seats.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct TieResolution {
    /// Those who were tied, in any order.
    pub between: Vec<OptionId>,
    /// Seats they were tied for.
    pub seats: u32,
    /// Those chosen ([`Tie::choose`] of them), in any order.
    pub winners: Vec<OptionId>,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ResolutionReport {
    /// The decision as given.
    pub resolution: TieResolution,
    /// Whether it was applied.
    pub standing: Standing,
}

/// Whether a decision was applied.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// It resolved its tie.
    Applied,
    /// It had no effect.
    Void {
        /// Why.
        reason: VoidReason,
    },
}

/// Why a decision had no effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum VoidReason {
    /// There is no tie between exactly these.
    NoSuchTie,
    /// They are tied, but for another number of seats.
    OtherSeats {
        /// For how many now.
        now: u32,
    },
    /// The winners are not that many different ones of the tied.
    WinnersDoNotFit {
        /// How many must be named.
        choose: u32,
    },
    /// Another decision on the same tie names other winners. None of them is applied.
    Contradicted,
}

/// The decisions given, and what became of each.
pub(crate) struct Resolver<'a> {
    given: &'a [TieResolution],
    standing: Vec<Option<Standing>>,
    met: Vec<Tie>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(given: &'a [TieResolution]) -> Self {
        Self { given, standing: vec![None; given.len()], met: Vec::new() }
    }

    /// Those a decision chose for this tie, if there is one decision, or several of one mind.
    pub(crate) fn winners(&mut self, tie: &Tie) -> Option<BTreeSet<OptionId>> {
        self.met.push(tie.clone());
        let fitting: Vec<usize> = (0..self.given.len()).filter(|&index| fits(&self.given[index], tie)).collect();
        let choices: BTreeSet<_> = fitting.iter().map(|&index| set(&self.given[index].winners)).collect();
        let agreed = choices.len() == 1;
        let standing = if agreed { Standing::Applied } else { Standing::Void { reason: VoidReason::Contradicted } };
        for index in fitting {
            self.standing[index] = Some(standing.clone());
        }
        choices.into_iter().next().filter(|_| agreed)
    }

    /// What became of each decision, in the order given.
    pub(crate) fn report(self) -> Vec<ResolutionReport> {
        let Self { given, standing, met } = self;
        let report = |(resolution, standing): (&TieResolution, Option<Standing>)| {
            let standing = standing.unwrap_or_else(|| Standing::Void { reason: void_reason(resolution, &met) });
            ResolutionReport { resolution: resolution.clone(), standing }
        };
        given.iter().zip(standing).map(report).collect()
    }
}

fn fits(resolution: &TieResolution, tie: &Tie) -> bool {
    same_premises(resolution, tie) && winners_fit(resolution, tie)
}

fn same_premises(resolution: &TieResolution, tie: &Tie) -> bool {
    resolution.seats == tie.seats && set(&resolution.between) == set(&tie.between)
}

fn winners_fit(resolution: &TieResolution, tie: &Tie) -> bool {
    let winners = set(&resolution.winners);
    let all_different = winners.len() == resolution.winners.len();
    all_different && u32::try_from(winners.len()) == Ok(tie.choose) && winners.is_subset(&set(&tie.between))
}

fn void_reason(resolution: &TieResolution, met: &[Tie]) -> VoidReason {
    if let Some(tie) = met.iter().find(|tie| same_premises(resolution, tie)) {
        return VoidReason::WinnersDoNotFit { choose: tie.choose };
    }
    match met.iter().find(|tie| set(&tie.between) == set(&resolution.between)) {
        Some(tie) => VoidReason::OtherSeats { now: tie.seats },
        None => VoidReason::NoSuchTie,
    }
}

fn set(ids: &[OptionId]) -> BTreeSet<OptionId> {
    ids.iter().cloned().collect()
}
