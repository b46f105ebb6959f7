//! One list alone over the threshold: it shares with the next one, which gets at least a few seats.

use std::ops::ControlFlow;

use super::Working;
use super::output::{Outcome, RemainderVerdict, Step};
use super::share::{OpenSeats, dry_run};
use crate::input::OptionKind;
use crate::rules::{Certainty, SoleListRule, Source};
use crate::tie::TieStage;

/// What stands for the law when no other list has a vote.
const NO_RUNNER_UP: &str = "no law found: without a vote no list is the next, and the list alone shares with nobody";

/// Seats of the list alone and of its runner-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    alone: u32,
    next: u32,
    /// Seats that both have an equal claim to.
    open: u32,
}

impl Pair {
    /// Raises the runner-up. An equal claim to a seat that the minimum gives it anyway is no tie.
    fn with_minimum(self, minimum: u32) -> Self {
        if self.next + self.open > minimum {
            return self;
        }
        let total = self.alone + self.next + self.open;
        Self { alone: total.saturating_sub(minimum), next: minimum, open: 0 }
    }
}

impl Working<'_> {
    /// The runner-up is the list with the most votes below the threshold. One without a single vote is nobody's
    /// runner-up, as it passes no threshold either ([`SoleListRule`]): then the list alone takes every seat.
    pub(super) fn share_with_runner_up(&mut self, alone: usize, rule: &SoleListRule) -> ControlFlow<Outcome> {
        let next = self.strongest_below(alone);
        let law = match next.as_slice() {
            [] => Source::new(NO_RUNNER_UP, Certainty::Assumed),
            _ => rule.source.clone(),
        };
        let minimum = rule.minimum_for_runner_up;
        self.steps.push(Step::ListAlone { list: self.id(alone), next: self.ids(&next), minimum, law });
        let runner_up = match next.as_slice() {
            [] => return self.share(&[alone]),
            [one] => *one,
            _ => self.choose_runner_up(alone, &next, rule)?,
        };
        let lists = [alone.min(runner_up), alone.max(runner_up)];
        let open = self.share_untied(&lists);
        match self.raise_to_minimum(alone, runner_up, open, rule) {
            Some(open) => self.settle_last(&open),
            None => ControlFlow::Continue(()),
        }
    }

    /// Every other list with the most votes among them; none when nobody voted for any.
    fn strongest_below(&self, alone: usize) -> Vec<usize> {
        let is_other = |&index: &usize| {
            let option = &self.options[index];
            index != alone && option.kind == OptionKind::List && option.votes > 0
        };
        let others: Vec<usize> = (0..self.options.len()).filter(is_other).collect();
        let most = others.iter().map(|&index| self.options[index].votes).max();
        others.into_iter().filter(|&index| Some(self.options[index].votes) == most).collect()
    }

    /// With equal votes each of them would get the same seats, so those of the list alone are certain already.
    fn choose_runner_up(&mut self, alone: usize, next: &[usize], rule: &SoleListRule) -> ControlFlow<Outcome, usize> {
        let votes = [alone, next[0]].map(|index| self.options[index].votes);
        let (seats, open) = dry_run(self.rules.method.value, &votes, self.list_seats);
        let pair = Pair { alone: seats[0], next: seats[1], open }.with_minimum(rule.minimum_for_runner_up);
        if pair.next + pair.open == 0 {
            return ControlFlow::Continue(next[0]); // none of them would get a seat: there is nothing to decide
        }
        self.options[alone].seats = pair.alone;
        let chosen = self.settle(TieStage::RunnerUp, next, pair.next, 1)?;
        ControlFlow::Continue(chosen[0])
    }

    /// Applies the minimum and returns the tie that is left.
    fn raise_to_minimum(
        &mut self,
        alone: usize,
        runner_up: usize,
        open: Option<OpenSeats>,
        rule: &SoleListRule,
    ) -> Option<OpenSeats> {
        let tied_seats = open.as_ref().map_or(0, |open| open.seats);
        let before = Pair { alone: self.options[alone].seats, next: self.options[runner_up].seats, open: tied_seats };
        let after = before.with_minimum(rule.minimum_for_runner_up);
        if after == before {
            return open;
        }
        self.move_seats(alone, before.alone, after.alone);
        self.move_seats(runner_up, before.next, after.next);
        self.steps.push(Step::RaisedToMinimum {
            option: self.id(runner_up),
            from: before.next,
            to: after.next,
            at_expense_of: self.id(alone),
            law: rule.source.clone(),
        });
        None
    }

    fn move_seats(&mut self, list: usize, from: u32, to: u32) {
        let option = &mut self.options[list];
        option.moved_by_minimum = i64::from(to) - i64::from(from);
        option.seats = to;
        if let Some(share) = &mut option.share
            && share.verdict == RemainderVerdict::Tied
        {
            share.verdict = RemainderVerdict::SettledByMinimum;
        }
    }
}
