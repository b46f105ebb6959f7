//! Lists share the seats by the contest's method; every step is written down.

use std::ops::ControlFlow;

use super::Working;
use super::output::{Fraction, NextQuotient, NextRemainder, Outcome, Quota, QuotaShare, RemainderVerdict, Step};
use super::quota::{self, QuotaSplit};
use super::quotients::{self, Divisors, Quotient, QuotientSplit};
use crate::rules::Method;
use crate::tie::TieStage;

/// Equal claims to the last seats, by option index.
pub(super) struct OpenSeats {
    pub stage: TieStage,
    pub between: Vec<usize>,
    pub seats: u32,
}

/// Seats of each by the method alone, and the seats they are tied for.
pub(super) fn dry_run(method: Method, votes: &[u64], seats: u32) -> (Vec<u32>, u32) {
    match divisors(method) {
        Some(divisors) => {
            let split = quotients::split(votes, seats, divisors);
            (split.seats, split.open)
        }
        None => {
            let split = quota::split(votes, seats);
            let mut won = split.whole;
            for &index in split.cut.served() {
                won[index] += 1;
            }
            (won, split.cut.open)
        }
    }
}

fn divisors(method: Method) -> Option<Divisors> {
    match method {
        Method::HareLargestRemainder => None,
        Method::DHondt => Some(Divisors::DHondt),
        Method::SainteLague => Some(Divisors::SainteLague),
    }
}

impl Working<'_> {
    /// These lists share the list seats; a tie ends it unless a decision resolves it.
    pub(super) fn share(&mut self, lists: &[usize]) -> ControlFlow<Outcome> {
        match self.share_untied(lists) {
            Some(open) => self.settle_last(&open),
            None => ControlFlow::Continue(()),
        }
    }

    /// Awards what does not depend on a tie, and returns the tie.
    pub(super) fn share_untied(&mut self, lists: &[usize]) -> Option<OpenSeats> {
        let votes: Vec<u64> = lists.iter().map(|&list| self.options[list].votes).collect();
        let seats = self.list_seats;
        let method = self.rules.method.value;
        let law = self.rules.method.source.clone();
        let lists_shown = self.ids(lists);
        self.steps.push(Step::Sharing { method, lists: lists_shown, votes: votes.iter().sum(), seats, law });
        match divisors(method) {
            Some(divisors) => self.record_quotients(lists, &quotients::split(&votes, seats, divisors)),
            None => self.record_quotas(lists, &quota::split(&votes, seats)),
        }
    }

    /// Gives the last seats to those a decision chose.
    pub(super) fn settle_last(&mut self, open: &OpenSeats) -> ControlFlow<Outcome> {
        let winners = self.settle(open.stage, &open.between, open.seats, open.seats)?;
        for &list in &open.between {
            let won = winners.contains(&list);
            let option = &mut self.options[list];
            option.seats += u32::from(won);
            match &mut option.share {
                Some(share) => {
                    share.remainder_seats += u32::from(won);
                    share.verdict =
                        if won { RemainderVerdict::WonByDecision } else { RemainderVerdict::LostByDecision };
                }
                None => option.quotient_seats += u32::from(won),
            }
        }
        ControlFlow::Continue(())
    }

    fn record_quotas(&mut self, lists: &[usize], split: &QuotaSplit) -> Option<OpenSeats> {
        self.quota = Some(Quota { votes: split.votes, seats: self.list_seats });
        self.steps.push(Step::WholeQuotas { awarded: self.list_seats - split.left, left: split.left });
        for (place, &index) in split.cut.order.iter().enumerate() {
            let won = place < split.cut.served;
            let share = QuotaShare {
                whole_seats: split.whole[index],
                remainder: split.remainders[index],
                rank: split.rank(index),
                remainder_seats: u32::from(won),
                verdict: self.verdict(lists, split, place),
            };
            if won {
                self.record_remainder_seat(lists, split, place);
            }
            let option = &mut self.options[lists[index]];
            option.seats = share.whole_seats + share.remainder_seats;
            option.share = Some(share);
        }
        self.open(TieStage::Remainders, lists, split.cut.tied(), split.cut.open)
    }

    /// Why the remainder at this place of the order has a seat or not.
    fn verdict(&self, lists: &[usize], split: &QuotaSplit, place: usize) -> RemainderVerdict {
        let cut = &split.cut;
        if split.left == 0 {
            return RemainderVerdict::NoSeatLeft;
        }
        if place < cut.served {
            return RemainderVerdict::Won;
        }
        if place < cut.served + cut.tied {
            return RemainderVerdict::Tied;
        }
        // Seats were left, so somebody was served or tied: the one just before the losers.
        let line = cut.order[(cut.served + cut.tied).saturating_sub(1)];
        let by = split.remainders[line] - split.remainders[cut.order[place]];
        RemainderVerdict::Lost { to: self.id(lists[line]), by }
    }

    fn record_remainder_seat(&mut self, lists: &[usize], split: &QuotaSplit, place: usize) {
        let index = split.cut.order[place];
        let remainder = split.remainders[index];
        let ahead_of = split.cut.order.get(place + 1).map(|&next| NextRemainder {
            option: self.id(lists[next]),
            remainder: split.remainders[next],
            by: remainder - split.remainders[next],
        });
        let (option, rank, of) = (self.id(lists[index]), split.rank(index), split.votes);
        self.steps.push(Step::RemainderSeat { option, rank, remainder, of, ahead_of });
    }

    fn record_quotients(&mut self, lists: &[usize], split: &QuotientSplit) -> Option<OpenSeats> {
        for (seat, round) in (1..).zip(&split.rounds) {
            let ahead_of = round.next.map(|(next, quotient)| {
                let (numerator, denominator) = round.quotient.lead_over(quotient);
                let by = Fraction { numerator, denominator };
                NextQuotient { option: self.id(lists[next]), quotient: fraction(quotient), by }
            });
            let (option, quotient) = (self.id(lists[round.winner]), fraction(round.quotient));
            self.steps.push(Step::QuotientSeat { seat, option, quotient, ahead_of });
        }
        for (&list, &seats) in lists.iter().zip(&split.seats) {
            self.options[list].quotient_seats = seats;
            self.options[list].seats = seats;
        }
        self.open(TieStage::Quotients, lists, &split.tied, split.open)
    }

    fn open(&self, stage: TieStage, lists: &[usize], tied: &[usize], seats: u32) -> Option<OpenSeats> {
        if tied.is_empty() {
            return None;
        }
        Some(OpenSeats { stage, between: tied.iter().map(|&index| lists[index]).collect(), seats })
    }
}

fn fraction(quotient: Quotient) -> Fraction {
    Fraction { numerator: u128::from(quotient.votes), denominator: u128::from(quotient.divisor) }
}
