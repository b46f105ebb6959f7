//! Why each list has the seats that it has, in words and numbers.

use hattama_proto::national::v1::{Contest, GetSeatAllocationResponse, LegalRule, SeatLine, Sensitivity};

use super::{listed, option_name};
use crate::texts::Words;

/// Steps shown; the definition's councils have fewer seats than this.
const MOST_STEPS: usize = 200;

/// The way to the seats.
pub struct SeatsView {
    /// What a seat costs; `None` for methods without a quota.
    pub quota: Option<String>,
    /// What whole quotas and remainders gave.
    pub summary: Option<String>,
    /// The lists that share, in ballot order.
    pub rows: Vec<SeatRow>,
    /// Ties that wait for a decision.
    pub ties: Vec<String>,
    /// What another denominator would change.
    pub sensitivity: Vec<String>,
    /// Each legal rule, its article and how surely it is known.
    pub rules: Vec<String>,
    /// Each step as it was computed, in English.
    pub steps: Vec<String>,
}

/// A list that shares in the seats.
pub struct SeatRow {
    /// Its name.
    pub name: String,
    /// Its votes.
    pub votes: String,
    /// Seats by whole quotas.
    pub whole: String,
    /// Its remainder as a part of a quota.
    pub remainder: String,
    /// Seats by remainder.
    pub by_remainder: String,
    /// True when it has one by its remainder.
    pub has_remainder_seat: bool,
    /// Seats in all.
    pub seats: String,
}

/// Builds the explanation.
pub fn build(contest: &Contest, allocation: &GetSeatAllocationResponse, words: &Words) -> SeatsView {
    let sharing: Vec<&SeatLine> = allocation.lines.iter().filter(|line| line.passed).collect();
    let quota = allocation.quota.filter(|quota| quota.denominator > 0);
    SeatsView {
        quota: quota.map(|quota| {
            let votes = words.count(quota.numerator);
            let (seats, value) =
                (words.count(quota.denominator), words.numbers.quotient(quota.numerator, quota.denominator, 2));
            words.say("quota-words", &[("votes", &votes), ("seats", &seats), ("quota", &value)])
        }),
        summary: quota.map(|_| summary(contest, &sharing, words)),
        rows: sharing.iter().map(|line| row(contest, line, quota.map_or(0, |quota| quota.numerator), words)).collect(),
        ties: allocation
            .ties
            .iter()
            .map(|tie| {
                let names = listed(tie.between.iter().map(|id| option_name(contest, id, words)));
                let seats = words.count(tie.seats.into());
                words.say("tie-words", &[("names", &names), ("seats", &seats), ("article", &tie.article)])
            })
            .collect(),
        sensitivity: allocation.sensitivity.iter().map(|other| sensitivity(contest, other, words)).collect(),
        rules: allocation.rules.iter().map(|rule| legal_rule(rule, words)).collect(),
        steps: allocation.steps.iter().take(MOST_STEPS).map(|step| step.text.clone()).collect(),
    }
}

fn summary(contest: &Contest, sharing: &[&SeatLine], words: &Words) -> String {
    let whole: u32 = sharing.iter().map(|line| line.whole_quota_seats).sum();
    let left: u32 = sharing.iter().map(|line| line.remainder_seats).sum();
    let mut winners: Vec<&&SeatLine> = sharing.iter().filter(|line| line.remainder_seats > 0).collect();
    winners.sort_by_key(|line| std::cmp::Reverse(line.remainder));
    let (whole, count) = (words.count(whole.into()), words.count(left.into()));
    if left == 0 {
        return words.say("no-remainder-seats", &[("whole", &whole)]);
    }
    let names = listed(winners.iter().map(|line| option_name(contest, &line.option, words)));
    words.say("remainder-seats", &[("whole", &whole), ("left", &count), ("names", &names)])
}

fn row(contest: &Contest, line: &SeatLine, quota: u64, words: &Words) -> SeatRow {
    SeatRow {
        name: option_name(contest, &line.option, words),
        votes: words.count(line.votes),
        whole: words.count(line.whole_quota_seats.into()),
        remainder: words.numbers.quotient(line.remainder, quota, 4),
        by_remainder: words.count(line.remainder_seats.into()),
        has_remainder_seat: line.remainder_seats > 0,
        seats: words.count(line.seats.into()),
    }
}

fn legal_rule(rule: &LegalRule, words: &Words) -> String {
    let (name, certainty) = (words.known("rule", &rule.rule), words.known("certainty", &rule.certainty));
    words.say("rule-words", &[("rule", &name), ("article", &rule.article), ("certainty", &certainty)])
}

fn sensitivity(contest: &Contest, other: &Sensitivity, words: &Words) -> String {
    let of = words.known("base", &other.of);
    let names = |ids: &[String]| listed(ids.iter().map(|id| option_name(contest, id, words)));
    if other.passing_changes.is_empty() && other.seat_changes.is_empty() {
        return words.say("sensitivity-none", &[("of", &of)]);
    }
    let nobody = words.t("nobody");
    let or_nobody = |text: String| if text.is_empty() { nobody.clone() } else { text };
    let (passing, seats) = (or_nobody(names(&other.passing_changes)), or_nobody(names(&other.seat_changes)));
    words.say("sensitivity-some", &[("of", &of), ("passing", &passing), ("seats", &seats)])
}
