//! A list contest: votes, shares, the threshold and where each list stands to it.

use hattama_proto::national::v1::Threshold;

use super::seats::{self, SeatsView};
use super::times::NationalClock;
use super::{Counted, contests, option_name, percent_of_width};
use crate::numbers::{NOTHING, scaled};
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// List contests shown in full; more would make the page longer than anyone reads.
const MOST_LIST_CONTESTS: usize = 3;

/// Colours that the style sheet has for lists; the next list takes the first again.
pub const COLOURS: usize = 12;

/// A list contest.
pub struct ListView {
    /// Its id, for anchors.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Until when votes are not shown; `None` when they are.
    pub embargo: Option<String>,
    /// True when no vote is counted yet.
    pub empty: bool,
    /// Lists by votes; in ballot order while there are none.
    pub rows: Vec<ListRow>,
    /// Votes against all, when the ballot has the line.
    pub against_all: Option<ListRow>,
    /// All valid votes.
    pub sum: String,
    /// The threshold in words.
    pub threshold: Option<ThresholdView>,
    /// Seats awarded so far, of all.
    pub seats_sum: String,
    /// The way to the seats.
    pub seats: Option<SeatsView>,
}

/// A list, or "against all".
pub struct ListRow {
    /// Place on the ballot, from 1; empty for "against all".
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its votes.
    pub votes: String,
    /// In percent of all valid votes, against all among them.
    pub share: String,
    /// The bar's length.
    pub bar: String,
    /// Its colour, from 1.
    pub colour: usize,
    /// `over`, `under` or empty when unknown.
    pub standing: &'static str,
    /// Its seats.
    pub seats: String,
}

/// The threshold.
pub struct ThresholdView {
    /// Where the line is drawn.
    pub line: String,
    /// "5 %".
    pub share: String,
    /// How many votes that is, and of what.
    pub words: String,
    /// The law, and how surely it is known.
    pub source: String,
}

/// Builds all list contests.
pub fn build(snapshot: &Snapshot, words: &Words) -> Vec<ListView> {
    let lists = contests(snapshot, "list");
    lists.into_iter().take(MOST_LIST_CONTESTS).map(|list| list_view(snapshot, list, words)).collect()
}

/// "Votes are shown from …"; `None` when they are shown.
pub fn embargo(snapshot: &Snapshot, counted: Counted<'_>, words: &Words) -> Option<String> {
    let clock = NationalClock::new(snapshot.election.national_utc_offset_minutes);
    let until = clock.day_and_hour(counted.contest.embargo_until_seconds, words);
    counted.summary.embargoed.then(|| words.say("embargo-until", &[("until", &until), ("clock", &clock.name())]))
}

fn list_view(snapshot: &Snapshot, list: Counted<'_>, words: &Words) -> ListView {
    let allocation = snapshot.seats.get(&list.contest.id);
    let threshold = allocation.and_then(|allocation| allocation.threshold.as_ref());
    let fewest = threshold.map(|threshold| threshold.fewest_passing_votes);
    let figures = list.figures;
    let empty = figures.votes_sum == 0;
    let scale = Scale::new(figures.votes.iter().copied().chain([figures.against_all]).max(), figures.votes_sum);
    let mut rows: Vec<(u64, ListRow)> = (0..list.contest.options.len())
        .map(|place| {
            let votes = figures.votes.get(place).copied().unwrap_or(0);
            (votes, list_row(list, place, votes, fewest.filter(|_| !empty), &scale, words))
        })
        .collect();
    // A stable sort: equal votes stay in ballot order.
    rows.sort_by_key(|(votes, _)| std::cmp::Reverse(*votes));
    let awarded: u32 = figures.seats.iter().sum();
    let (awarded, all) = (words.count(awarded.into()), words.count(list.contest.seats.into()));
    ListView {
        id: list.contest.id.clone(),
        name: words.language().of(list.contest.name.as_ref()).to_owned(),
        embargo: embargo(snapshot, list, words),
        empty,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        against_all: list.contest.against_all.then(|| against_all(list, &scale, words)),
        sum: words.count(figures.votes_sum),
        threshold: threshold.filter(|_| !empty).and_then(|threshold| threshold_view(threshold, &scale, words)),
        seats_sum: words.say("part-of-whole", &[("part", &awarded), ("whole", &all)]),
        seats: allocation.filter(|_| !empty).map(|allocation| seats::build(list.contest, allocation, words)),
    }
}

fn list_row(list: Counted<'_>, place: usize, votes: u64, fewest: Option<u64>, scale: &Scale, words: &Words) -> ListRow {
    let id = list.contest.options.get(place).map_or("", |option| option.id.as_str());
    let seats = list.figures.seats.get(place);
    ListRow {
        number: words.count(place as u64 + 1),
        name: option_name(list.contest, id, words),
        votes: words.count(votes),
        share: words.numbers.share(votes, scale.sum, 2),
        bar: scale.length(votes),
        colour: place % COLOURS + 1,
        standing: match fewest {
            Some(fewest) if votes >= fewest => "over",
            Some(_) => "under",
            None => "",
        },
        seats: seats.map_or_else(|| NOTHING.to_owned(), |seats| words.count((*seats).into())),
    }
}

fn against_all(list: Counted<'_>, scale: &Scale, words: &Words) -> ListRow {
    let votes = list.figures.against_all;
    ListRow {
        number: String::new(),
        name: words.t("against-all"),
        votes: words.count(votes),
        share: words.numbers.share(votes, scale.sum, 2),
        bar: scale.length(votes),
        colour: 0,
        standing: "",
        seats: NOTHING.to_owned(),
    }
}

fn threshold_view(threshold: &Threshold, scale: &Scale, words: &Words) -> Option<ThresholdView> {
    let share = threshold.share?;
    let decimals =
        if share.denominator > 0 && (share.numerator * 100).is_multiple_of(share.denominator) { 0 } else { 2 };
    let percent = words.numbers.share(share.numerator, share.denominator, decimals);
    let (fewest, base) = (words.count(threshold.fewest_passing_votes), words.count(threshold.base));
    let of = words.known("base", &threshold.of);
    let certainty = words.known("certainty", &threshold.certainty);
    Some(ThresholdView {
        line: scale.line(share.numerator, share.denominator),
        words: words.say("threshold-words", &[("share", &percent), ("fewest", &fewest), ("base", &base), ("of", &of)]),
        share: percent,
        source: words.say("source-and-certainty", &[("article", &threshold.article), ("certainty", &certainty)]),
    })
}

/// How votes become lengths: the axis ends at the next tenth above the longest bar, so that the threshold can be seen.
struct Scale {
    sum: u64,
    /// Hundredths of a percent at the right edge.
    end: u64,
}

impl Scale {
    fn new(most: Option<u64>, sum: u64) -> Self {
        let longest = scaled(most.unwrap_or(0), sum, 10_000).min(10_000);
        Self { sum, end: (longest / 1_000 + 1).min(10) * 1_000 }
    }

    fn length(&self, votes: u64) -> String {
        percent_of_width(scaled(scaled(votes, self.sum, 100_000), self.end * 10, 10_000))
    }

    fn line(&self, numerator: u64, denominator: u64) -> String {
        percent_of_width(scaled(scaled(numerator, denominator, 100_000), self.end * 10, 10_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_the_threshold_share_one_scale() {
        let scale = Scale::new(Some(3_431_510), 6_366_441);
        assert_eq!(scale.end, 6_000);
        assert_eq!(scale.line(5, 100), "8.33%");
        assert_eq!(scale.length(3_431_510), "89.83%");
        let one_list = Scale::new(Some(10), 10);
        assert_eq!(one_list.length(10), "100.00%");
        assert_eq!(Scale::new(None, 0).length(0), "0.00%");
    }
}
