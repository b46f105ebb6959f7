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
    let mut names = names(snapshot, &districts, words).into_iter();
    let embargoed = districts.iter().copied().find(|district| district.summary.embargoed);
    Some(DistrictsView {
        embargo: lists::embargo(snapshot, embargoed.unwrap_or(first), words),
        rows: districts
            .into_iter()
            .take(MOST_ROWS)
            .map(|district| row(district, names.next().unwrap_or_default(), words))
            .collect(),
        more: (left_out > 0).then(|| words.counted("more-in-json", left_out)),
    })
}

fn row(district: Counted<'_>, (name, region): (String, String), words: &Words) -> DistrictRow {
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

/// The districts' names, shortened, with their regions.
fn names(snapshot: &Snapshot, districts: &[Counted<'_>], words: &Words) -> Vec<(String, String)> {
    let language = words.language();
    let (full, regions): (Vec<&str>, Vec<&str>) = districts
        .iter()
        .map(|district| {
            let unit = snapshot.election.districts.iter().find(|unit| unit.id == district.contest.district);
            let region = unit.and_then(|unit| Snapshot::unit_name(&snapshot.election.regions, &unit.region));
            let name = unit.map_or(district.contest.name.as_ref(), |unit| unit.name.as_ref());
            (language.of(name), language.of(region))
        })
        .unzip();
    shortened(&full).into_iter().zip(regions).map(|(name, region)| (name, region.to_owned())).collect()
}

/// What tells the names apart: "Single-Mandate District No. 7" is "No. 7" where all others begin in the same way. The
/// heading above the table says the rest.
fn shortened(names: &[&str]) -> Vec<String> {
    let names: Vec<Vec<&str>> = names.iter().map(|name| name.split_whitespace().collect()).collect();
    let Some(first) = names.first().filter(|_| names.len() > 1) else {
        return names.iter().map(|name| name.join(" ")).collect();
    };
    let shortest = names.iter().map(Vec::len).min().unwrap_or(0);
    let same = |place: usize| names.iter().all(|name| name[place] == first[place]);
    let same_from_end = |place: usize| names.iter().all(|name| name[name.len() - place] == first[first.len() - place]);
    let before = (0..shortest).take_while(|place| same(*place)).count();
    let after = (1..=shortest - before).take_while(|place| same_from_end(*place)).count();
    // A sign of a number stays with its number.
    let is_sign = |word: &&&str| word.chars().count() <= LONGEST_SIGN;
    let sign = before.checked_sub(1).and_then(|place| first.get(place)).filter(is_sign);
    let short = |name: &Vec<&str>| {
        let words = sign.into_iter().chain(&name[before..name.len() - after]).copied();
        words.collect::<Vec<_>>().join("\u{a0}")
    };
    let short: Vec<String> = names.iter().map(short).collect();
    // Equal names, or one that is the beginning of another: nothing is left to tell them apart by.
    if names.iter().any(|name| name.len() == before + after) {
        return names.iter().map(|name| name.join(" ")).collect();
    }
    short
}

/// "№", "No.", "Nr.".
const LONGEST_SIGN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_to_what_tells_them_apart() {
        let english = ["Single-Mandate District No. 7", "Single-Mandate District No. 18"];
        assert_eq!(shortened(&english), ["No.\u{a0}7", "No.\u{a0}18"]);
        let kazakh = ["№ 7 бір мандатты округ", "№ 18 бір мандатты округ"];
        assert_eq!(shortened(&kazakh), ["№\u{a0}7", "№\u{a0}18"]);
        assert_eq!(shortened(&["North", "South East"]), ["North", "South\u{a0}East"]);
    }

    #[test]
    fn names_that_nothing_tells_apart_stay_whole() {
        assert_eq!(shortened(&["One District"]), ["One District"]);
        assert_eq!(shortened(&["A District", "A District"]), ["A District", "A District"]);
        assert_eq!(shortened(&["District", "District North"]), ["District", "District North"]);
        assert_eq!(shortened(&["", "x"]), ["", "x"]);
        assert!(shortened(&[]).is_empty());
    }
}
