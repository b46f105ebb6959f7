//! One row of `events.csv`: `at,kind,station,of,revision,supersedes,figures`.
//!
//! `of` is the contest of a protocol, the slot of a turnout report. `figures` are numbers with a space between them, `-`
//! where nothing is written: lines, options and against all as `night.toml` orders them; of a turnout report, voters who
//! had received a ballot, and the register.

use super::{ContestLayout, NightHead, RecordedEvent, Said};
use hattama_election::{
    digest::ContentDigest,
    form::Lines,
    ids::{ContestId, SlotId, StationId},
    instant::Instant,
    protocol::{MAX_COUNT, MAX_REVISION, ProtocolContent},
    turnout::TurnoutContent,
};
use std::fmt::Write as _;

const PROTOCOL: &str = "protocol";
const TURNOUT: &str = "turnout";
/// Nothing is written there.
const ABSENT: &str = "-";

/// Appends an event's row, its line end included.
pub(super) fn append(text: &mut String, event: &RecordedEvent, layout: Option<&ContestLayout>) {
    let at = event.at;
    // writing to a String cannot fail
    let _ = match &event.said {
        Said::Turnout(content) => {
            let TurnoutContent { station, slot, revision, received_a_ballot, register } = content;
            writeln!(text, "{at},{TURNOUT},{station},{slot},{revision},,{received_a_ballot} {register}")
        }
        Said::Protocol { content, supersedes } => {
            let ProtocolContent { station, contest, revision, .. } = content.as_ref();
            let supersedes = supersedes.map(|digest| digest.to_string()).unwrap_or_default();
            let figures = layout.map(|layout| figures(content, layout)).unwrap_or_default();
            writeln!(text, "{at},{PROTOCOL},{station},{contest},{revision},{supersedes},{figures}")
        }
    };
}

/// Reads a row.
pub(super) fn read(line: &str, head: &NightHead) -> Result<RecordedEvent, String> {
    let cells: Vec<&str> = line.split(',').collect();
    let [at, kind, station, of, revision, supersedes, figures] = cells.as_slice() else {
        return Err(format!("{} cells instead of 7", cells.len()));
    };
    let at = Instant::parse(at).map_err(|error| error.to_string())?;
    let station = StationId::new(station).map_err(|error| error.to_string())?;
    let revision = revision.parse().ok().filter(|revision| (1..=MAX_REVISION).contains(revision));
    let revision = revision.ok_or("the revision is none of 1 to 99")?;
    let said = match *kind {
        TURNOUT => Said::Turnout(turnout(station, of, revision, figures)?),
        PROTOCOL => {
            let supersedes = match *supersedes {
                "" => None,
                digest => Some(ContentDigest::from_hex(digest).ok_or("supersedes: no SHA-256 digest")?),
            };
            Said::Protocol { content: Box::new(protocol(station, of, revision, figures, head)?), supersedes }
        }
        other => return Err(format!("kind `{other}` is neither {PROTOCOL} nor {TURNOUT}")),
    };
    Ok(RecordedEvent { at, said })
}

fn figures(content: &ProtocolContent, layout: &ContestLayout) -> String {
    let lines = layout.lines.iter().map(|meaning| content.lines.get(*meaning));
    let votes = layout.options.iter().map(|option| {
        let place = content.votes.binary_search_by(|(id, _)| id.cmp(option)).ok()?;
        Some(content.votes[place].1)
    });
    let against_all = layout.against_all.then_some(content.against_all);
    let shown = |count: Option<u32>| count.map_or_else(|| ABSENT.to_owned(), |count| count.to_string());
    lines.chain(votes).chain(against_all).map(shown).collect::<Vec<_>>().join(" ")
}

fn turnout(station: StationId, slot: &str, revision: u8, figures: &str) -> Result<TurnoutContent, String> {
    let mut figures = figures.split(' ');
    let (Some(received), Some(register), None) = (figures.next(), figures.next(), figures.next()) else {
        return Err("a turnout report has two figures".into());
    };
    Ok(TurnoutContent {
        station,
        slot: SlotId::new(slot).map_err(|error| error.to_string())?,
        revision,
        received_a_ballot: count(received)?,
        register: count(register)?,
    })
}

fn protocol(
    station: StationId,
    contest: &str,
    revision: u8,
    figures: &str,
    head: &NightHead,
) -> Result<ProtocolContent, String> {
    let contest = ContestId::new(contest).map_err(|error| error.to_string())?;
    let layout = head.contests.iter().find(|layout| layout.id == contest);
    let layout = layout.ok_or_else(|| format!("night.toml has no contest `{contest}`"))?;
    let counts = figures.split(' ').map(optional_count).collect::<Result<Vec<_>, _>>()?;
    let (lines_end, votes_end) = (layout.lines.len(), layout.lines.len() + layout.options.len());
    let expected = votes_end + usize::from(layout.against_all);
    if counts.len() != expected {
        return Err(format!("{} figures, and night.toml names {expected}", counts.len()));
    }
    let mut lines = Lines::default();
    for (meaning, count) in layout.lines.iter().zip(&counts[..lines_end]) {
        count.iter().for_each(|count| lines.set(*meaning, *count));
    }
    let votes = layout.options.iter().zip(&counts[lines_end..votes_end]);
    let votes = votes.map(|(option, count)| Some((option.clone(), (*count)?))).collect::<Option<Vec<_>>>();
    let mut votes = votes.ok_or("the votes of an option are missing")?;
    votes.sort();
    Ok(ProtocolContent {
        station,
        contest,
        revision,
        lines,
        votes,
        against_all: counts.get(votes_end).copied().flatten(),
    })
}

fn optional_count(text: &str) -> Result<Option<u32>, String> {
    if text == ABSENT { Ok(None) } else { count(text).map(Some) }
}

fn count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| *count <= MAX_COUNT);
    count.ok_or_else(|| format!("`{text}` is no count"))
}
