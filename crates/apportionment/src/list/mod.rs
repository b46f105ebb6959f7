//! List contests: independents, threshold, sharing, ties, in that order.

pub(crate) mod output;
mod quota;
mod quotients;
mod sensitivity;
mod share;
mod sole;

use std::ops::ControlFlow;

use crate::cut::cut_after;
use crate::input::{InputError, ListInput, OptionId, OptionKind};
use crate::rules::{IndependentsByQuota, ListRules};
use crate::tie::{Resolver, Tie, TieStage};
use output::{Hurdle, ListAllocation, OptionResult, Outcome, Quota, SeatCount, Step};

/// Allocates the seats of a list contest.
///
/// # Errors
/// [`InputError`] for rules or figures that cannot be worked with: a repeated id, an unknown denominator, a threshold
/// that is no share, an independent without a rule, numbers over a limit. Never for what voters may have done: a tie
/// or an election without votes is an [`Outcome`].
pub fn allocate_lists(rules: &ListRules, input: &ListInput) -> Result<ListAllocation, InputError> {
    rules.check()?;
    input.check(rules)?;
    let mut allocation = allocate(rules, input)?;
    allocation.sensitivity = sensitivity::compare(rules, input, &allocation)?;
    Ok(allocation)
}

/// Allocates checked figures by checked rules; leaves the sensitivity empty.
fn allocate(rules: &ListRules, input: &ListInput) -> Result<ListAllocation, InputError> {
    let numbers = Numbers::new(rules, input)?;
    let mut working = Working::new(rules, input, numbers);
    let outcome = match working.run() {
        ControlFlow::Break(unfinished) => unfinished,
        ControlFlow::Continue(()) => Outcome::Complete { seats: working.seat_counts() },
    };
    Ok(ListAllocation {
        rules: rules.clone(),
        threshold_number: numbers.threshold,
        against_all: input.against_all,
        took_part: input.took_part,
        list_seats: working.list_seats,
        quota: working.quota,
        options: working.options,
        steps: working.steps,
        outcome,
        resolutions: working.resolver.report(),
        sensitivity: Vec::new(),
    })
}

/// The numbers that shares are shares of.
#[derive(Clone, Copy)]
struct Numbers {
    threshold: u64,
    /// 0 without the rule, where no independent stands.
    independents: u64,
}

impl Numbers {
    fn new(rules: &ListRules, input: &ListInput) -> Result<Self, InputError> {
        let known = |rule, denominator| {
            input.number_of(denominator).ok_or(InputError::DenominatorUnknown { rule, denominator })
        };
        let threshold = known("the threshold", rules.threshold.of.value)?;
        let independents = match &rules.independents {
            Some(rule) => known("the quota for independents", rule.of.value)?,
            None => 0,
        };
        Ok(Self { threshold, independents })
    }
}

/// An allocation under way. Options are named by their index in ballot order.
struct Working<'a> {
    rules: &'a ListRules,
    numbers: Numbers,
    list_seats: u32,
    quota: Option<Quota>,
    options: Vec<OptionResult>,
    steps: Vec<Step>,
    resolver: Resolver<'a>,
}

impl<'a> Working<'a> {
    fn new(rules: &'a ListRules, input: &'a ListInput, numbers: Numbers) -> Self {
        let measured = input.options.iter().map(|option| OptionResult {
            id: option.id.clone(),
            kind: option.kind,
            votes: option.votes,
            hurdle: hurdle(rules, numbers, option.kind, option.votes),
            share: None,
            quotient_seats: 0,
            moved_by_minimum: 0,
            seats: 0,
        });
        Self {
            rules,
            numbers,
            list_seats: rules.seats,
            quota: None,
            options: measured.collect(),
            steps: Vec::new(),
            resolver: Resolver::new(&input.resolved),
        }
    }

    /// Breaks off with the outcome where seats stay open.
    fn run(&mut self) -> ControlFlow<Outcome> {
        if let Some(rule) = &self.rules.independents {
            self.elect_independents(rule)?;
        }
        if self.list_seats == 0 {
            return ControlFlow::Continue(());
        }
        let passed = self.apply_threshold();
        match (passed.as_slice(), &self.rules.sole_list_rule) {
            ([], _) => ControlFlow::Break(self.no_list()),
            ([alone], Some(rule)) => self.share_with_runner_up(*alone, rule),
            _ => self.share(&passed),
        }
    }

    fn elect_independents(&mut self, rule: &IndependentsByQuota) -> ControlFlow<Outcome> {
        let over = self.passed(OptionKind::Independent);
        let cut = cut_after(&over, self.list_seats, |index| self.options[index].votes);
        for &index in cut.served() {
            self.elect_independent(index, rule);
        }
        if cut.tied().is_empty() {
            return ControlFlow::Continue(());
        }
        for index in self.settle(TieStage::Independents, cut.tied(), cut.open, cut.open)? {
            self.elect_independent(index, rule);
        }
        ControlFlow::Continue(())
    }

    fn elect_independent(&mut self, index: usize, rule: &IndependentsByQuota) {
        self.list_seats -= 1;
        self.options[index].seats = 1;
        let OptionResult { id, hurdle, .. } = &self.options[index];
        let law = rule.source.clone();
        let step = Step::IndependentElected { option: id.clone(), hurdle: *hurdle, seats_left: self.list_seats, law };
        self.steps.push(step);
    }

    fn apply_threshold(&mut self) -> Vec<usize> {
        let passed = self.passed(OptionKind::List);
        let threshold = &self.rules.threshold;
        self.steps.push(Step::Threshold {
            numerator: threshold.numerator,
            denominator: threshold.denominator,
            of: threshold.of.value,
            number: self.numbers.threshold,
            passed: self.ids(&passed),
            law: threshold.source.clone(),
            of_law: threshold.of.source.clone(),
        });
        passed
    }

    fn no_list(&mut self) -> Outcome {
        let (seats, law) = (self.list_seats, self.rules.no_list_over_threshold.clone());
        self.steps.push(Step::NoListOverThreshold { seats, law: law.clone() });
        Outcome::NoListOverThreshold { seats, law }
    }

    /// Those a decision chose, in ballot order, or the end of the allocation.
    fn settle(
        &mut self,
        stage: TieStage,
        between: &[usize],
        seats: u32,
        choose: u32,
    ) -> ControlFlow<Outcome, Vec<usize>> {
        let mut between = between.to_vec();
        between.sort_unstable();
        let tie = Tie { stage, between: self.ids(&between), seats, choose, law: self.rules.tie.clone() };
        let Some(chosen) = self.resolver.winners(&tie) else {
            self.steps.push(Step::Tied { tie: tie.clone() });
            return ControlFlow::Break(Outcome::DecisionNeeded { tie });
        };
        let winners: Vec<usize> =
            between.into_iter().filter(|&index| chosen.contains(&self.options[index].id)).collect();
        self.steps.push(Step::Decided { tie, winners: self.ids(&winners) });
        ControlFlow::Continue(winners)
    }

    /// Options of a kind that passed their hurdle, in ballot order.
    fn passed(&self, kind: OptionKind) -> Vec<usize> {
        let over = |&index: &usize| self.options[index].kind == kind && self.options[index].hurdle.passed;
        (0..self.options.len()).filter(over).collect()
    }

    fn id(&self, index: usize) -> OptionId {
        self.options[index].id.clone()
    }

    fn ids(&self, indexes: &[usize]) -> Vec<OptionId> {
        indexes.iter().map(|&index| self.id(index)).collect()
    }

    fn seat_counts(&self) -> Vec<SeatCount> {
        let count = |option: &OptionResult| SeatCount { option: option.id.clone(), seats: option.seats };
        self.options.iter().map(count).collect()
    }
}

fn hurdle(rules: &ListRules, numbers: Numbers, kind: OptionKind, votes: u64) -> Hurdle {
    let (have, need) = match kind {
        OptionKind::List => (
            u128::from(votes) * u128::from(rules.threshold.denominator),
            u128::from(numbers.threshold) * u128::from(rules.threshold.numerator),
        ),
        OptionKind::Independent => (u128::from(votes) * u128::from(rules.seats), u128::from(numbers.independents)),
    };
    // Nobody is elected without a vote: 0 of 0 is on every line.
    Hurdle { have, need, passed: votes > 0 && have >= need }
}
