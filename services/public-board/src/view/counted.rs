//! How much is counted, and why the rest is not.

use hattama_proto::log::v1::StationCounts;

use super::{Counted, contests, percent_of_width};
use crate::numbers::scaled;
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// Contests that get a column of their own; an election with more is summed up beside them.
const MOST_LIST_CONTESTS: usize = 3;

/// How much is counted.
pub struct CountedView {
    /// A group of contests each.
    pub cards: Vec<Card>,
    /// The states of stations; a cell for each card.
    pub rows: Vec<Row>,
    /// True when every protocol of every contest is counted.
    pub complete: bool,
}

/// How much of a group of contests is counted.
pub struct Card {
    /// Which contests.
    pub name: String,
    /// Stations in percent, never rounded to nothing or all.
    pub share: String,
    /// "8,412 of 10,223".
    pub stations: String,
    /// "of voters on the registers of these stations".
    pub voters: String,
    /// Voters in percent.
    pub voters_share: String,
    /// The bar's length.
    pub bar: String,
}

/// A state and its number of stations in each group.
pub struct Row {
    /// The state's name.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// How it is printed: `whole`, `part` (of the row above) or `open`.
    pub kind: &'static str,
    /// A number each group.
    pub cells: Vec<String>,
}

/// Builds the section.
pub fn build(snapshot: &Snapshot, words: &Words) -> CountedView {
    let groups = groups(snapshot, words);
    let complete = !groups.is_empty() && groups.iter().all(|(_, sum)| sum.expected == sum.counted);
    CountedView {
        cards: groups.iter().map(|(name, sum)| card(name, sum, words)).collect(),
        rows: rows(&groups, words),
        complete,
    }
}

fn groups(snapshot: &Snapshot, words: &Words) -> Vec<(String, StationCounts)> {
    let lists = contests(snapshot, "list");
    let mut groups: Vec<_> = lists
        .iter()
        .take(MOST_LIST_CONTESTS)
        .map(|list| {
            (words.language().of(list.contest.name.as_ref()).to_owned(), list.figures.stations.unwrap_or_default())
        })
        .collect();
    if lists.len() > MOST_LIST_CONTESTS {
        let rest = &lists[MOST_LIST_CONTESTS..];
        groups.push((words.counted("other-list-contests", rest.len() as u64), sum(rest)));
    }
    let districts = contests(snapshot, "plurality");
    if !districts.is_empty() {
        groups.push((words.counted("districts-together", districts.len() as u64), sum(&districts)));
    }
    groups
}

/// A station is in it once for each of the contests.
fn sum(contests: &[Counted<'_>]) -> StationCounts {
    contests.iter().filter_map(|counted| counted.figures.stations).fold(StationCounts::default(), |a, b| {
        StationCounts {
            expected: a.expected + b.expected,
            counted: a.counted + b.counted,
            held: a.held + b.held,
            contested: a.contested + b.contested,
            annulled: a.annulled + b.annulled,
            missing: a.missing + b.missing,
            corrected: a.corrected + b.corrected,
            flagged: a.flagged + b.flagged,
            held_beside: a.held_beside + b.held_beside,
            contested_beside: a.contested_beside + b.contested_beside,
            register_expected: a.register_expected + b.register_expected,
            register_counted: a.register_counted + b.register_counted,
        }
    })
}

fn card(name: &str, sum: &StationCounts, words: &Words) -> Card {
    let (counted, expected) = (words.count(sum.counted), words.count(sum.expected));
    let (voters, register) = (words.count(sum.register_counted), words.count(sum.register_expected));
    Card {
        name: name.to_owned(),
        share: words.numbers.share(sum.counted, sum.expected, 0),
        stations: words.say("n-of-stations", &[("counted", &counted), ("expected", &expected)]),
        voters: words.say("n-of-voters", &[("counted", &voters), ("expected", &register)]),
        voters_share: words.numbers.share(sum.register_counted, sum.register_expected, 0),
        bar: percent_of_width(scaled(sum.counted, sum.expected, 10_000)),
    }
}

fn rows(groups: &[(String, StationCounts)], words: &Words) -> Vec<Row> {
    type Number = fn(&StationCounts) -> u64;
    let states: [(&str, &str, &'static str, Number); 9] = [
        ("counted", "counted-means", "whole", |sum| sum.counted),
        ("corrected", "corrected-means", "part", |sum| sum.corrected),
        ("flagged", "flagged-means", "part", |sum| sum.flagged),
        ("beside", "beside-means", "part", |sum| sum.held_beside + sum.contested_beside),
        ("held", "held-means", "open", |sum| sum.held),
        ("contested", "contested-means", "open", |sum| sum.contested),
        ("annulled", "annulled-means", "open", |sum| sum.annulled),
        ("missing", "missing-means", "open", |sum| sum.missing),
        ("expected", "expected-means", "whole", |sum| sum.expected),
    ];
    let row = |(name, meaning, kind, number): (&str, &str, &'static str, Number)| Row {
        name: words.t(name),
        meaning: words.t(meaning),
        kind,
        cells: groups.iter().map(|(_, sum)| words.count(number(sum))).collect(),
    };
    states.into_iter().map(row).collect()
}
