//! Contests with one winner each: who leads, by how much, and where that is open.

use super::{Counted, contests, lists, option_name};
use crate::numbers::NOTHING;
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// Rows shown; the rest is in the JSON.
const MOST_ROWS: usize = 120;

/// All contests with one winner.
pub struct DistrictsView {
    /// Until when votes are not shown.
    pub embargo: Option<String>,
    /// In the definition's order.
    pub rows: Vec<DistrictRow>,
    /// What was left out.
    pub more: Option<String>,
}

/// A contest.
pub struct DistrictRow {
    /// The district's name.
    pub name: String,
    /// The region it lies in.
    pub region: String,
    /// "412 of 430".
    pub counted: String,
    /// In percent, never rounded to nothing or all.
    pub share: String,
    /// The leading candidate.
    pub leader: String,
    /// Who nominated them.
    pub nominated_by: String,
    /// Their votes.
    pub votes: String,
    /// Votes ahead of the next.
    pub lead: String,
    /// What else there is to say: a tie, a decision that is needed.
    pub note: String,
}

/// Builds the section; `None` when the election has no such contest.
pub fn build(snapshot: &Snapshot, words: &Words) -> Option<DistrictsView> {
    let districts = contests(snapshot, "plurality");
    let first = *districts.first()?;
    let left_out = districts.len().saturating_sub(MOST_ROWS) as u64;
    let embargoed = districts.iter().copied().find(|district| district.summary.embargoed);
    Some(DistrictsView {
        embargo: lists::embargo(snapshot, embargoed.unwrap_or(first), words),
        rows: districts.into_iter().take(MOST_ROWS).map(|district| row(snapshot, district, words)).collect(),
        more: (left_out > 0).then(|| words.counted("more-in-json", left_out)),
    })
}

fn row(snapshot: &Snapshot, district: Counted<'_>, words: &Words) -> DistrictRow {
    let stations = district.figures.stations.unwrap_or_default();
    let (counted, expected) = (words.count(stations.counted), words.count(stations.expected));
    let standing = Standing::of(district);
    let leader = match standing {
        Standing::Leads(place) => district.contest.options.get(place),
        _ => None,
    };
    let votes = district.figures.leader_votes;
    let lead = votes.saturating_sub(district.figures.runner_up_votes);
    let shown = |text: String| if leader.is_some() { text } else { NOTHING.to_owned() };
    let (name, region) = names(snapshot, district, words);
    DistrictRow {
        name,
        region,
        counted: words.say("part-of-whole", &[("part", &counted), ("whole", &expected)]),
        share: words.numbers.share(stations.counted, stations.expected, 0),
        leader: leader.map_or_else(String::new, |option| option_name(district.contest, &option.id, words)),
        nominated_by: leader.map_or_else(String::new, |option| option.nominated_by.clone()),
        votes: shown(words.count(votes)),
        lead: shown(words.count(lead)),
        note: standing.words(words),
    }
}

enum Standing {
    Embargoed,
    Nothing,
    DecisionNeeded,
    Tie,
    Leads(usize),
}

impl Standing {
    fn of(district: Counted<'_>) -> Self {
        let figures = district.figures;
        if district.summary.embargoed {
            return Self::Embargoed;
        }
        let nothing_counted = figures.stations.unwrap_or_default().counted == 0;
        match figures.leader {
            _ if nothing_counted => Self::Nothing,
            _ if figures.decision_needed => Self::DecisionNeeded,
            Some(place) => Self::Leads(place as usize),
            None if figures.leader_votes > 0 => Self::Tie,
            None => Self::Nothing,
        }
    }

    fn words(&self, words: &Words) -> String {
        match self {
            Self::Embargoed => NOTHING.to_owned(),
            Self::Nothing => words.t("no-votes-yet"),
            Self::DecisionNeeded => words.t("decision-needed"),
            Self::Tie => words.t("tie"),
            Self::Leads(_) => String::new(),
        }
    }
}

/// How many districts have a leader, and how many are open.
pub fn led_and_open(snapshot: &Snapshot) -> (u32, u32) {
    contests(snapshot, "plurality").into_iter().fold((0, 0), |(led, open), district| match Standing::of(district) {
        Standing::Leads(_) => (led + district.contest.seats, open),
        _ => (led, open + district.contest.seats),
    })
}

fn names(snapshot: &Snapshot, district: Counted<'_>, words: &Words) -> (String, String) {
    let language = words.language();
    let unit = snapshot.election.districts.iter().find(|unit| unit.id == district.contest.district);
    let Some(unit) = unit else { return (language.of(district.contest.name.as_ref()).to_owned(), String::new()) };
    let region = Snapshot::unit_name(&snapshot.election.regions, &unit.region);
    (language.of(unit.name.as_ref()).to_owned(), language.of(region).to_owned())
}
