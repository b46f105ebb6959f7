//! The protocols that are not counted, one by one.

use super::listed;
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// Rows shown: the most remarkable first. The rest is answered by the national service.
const MOST_ROWS: usize = 50;

/// What is held and open.
pub struct OpenView {
    /// The first rows.
    pub rows: Vec<OpenRow>,
    /// "the first 50 of 1,811"; empty when all are shown.
    pub more: String,
    /// False when the list could not be had for this publication.
    pub known: bool,
}

/// A station and a contest.
pub struct OpenRow {
    /// Station id.
    pub station: String,
    /// Region.
    pub region: String,
    /// Contest.
    pub contest: String,
    /// The state's code, for its colour.
    pub state: String,
    /// The state in words.
    pub state_words: String,
    /// Codes of the rules that fired.
    pub rules: String,
}

/// Builds the section.
pub fn build(snapshot: &Snapshot, words: &Words) -> OpenView {
    let Some(open) = &snapshot.open else {
        return OpenView { rows: vec![], more: String::new(), known: false };
    };
    let language = words.language();
    let rows: Vec<OpenRow> = open
        .rows
        .iter()
        .take(MOST_ROWS)
        .map(|row| OpenRow {
            station: row.station.clone(),
            region: language.of(Snapshot::unit_name(&snapshot.election.regions, &row.region)).to_owned(),
            contest: contest_name(snapshot, &row.contest, words),
            state: row.state.clone(),
            state_words: words.known("state", &row.state),
            rules: listed(row.rules.iter().cloned()),
        })
        .collect();
    let (shown, total) = (words.count(rows.len() as u64), words.count(open.total));
    let more = match open.total > rows.len() as u64 {
        true => words.say("first-of-all", &[("shown", &shown), ("total", &total)]),
        false => String::new(),
    };
    OpenView { rows, more, known: true }
}

fn contest_name(snapshot: &Snapshot, id: &str, words: &Words) -> String {
    let Some(contest) = snapshot.contest(id) else { return id.to_owned() };
    let district = Snapshot::unit_name(&snapshot.election.districts, &contest.district);
    words.language().of(district.or(contest.name.as_ref())).to_owned()
}
