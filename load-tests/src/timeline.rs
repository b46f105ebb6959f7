//! What happened when, one line each, for whoever looks into a row: `timeline.csv` in its folder.

use crate::{faults::Injected, numbers::Seen};
use hattama_night_play::player::Answered;
use std::{fmt::Write as _, fs, io, path::Path};
use tokio::time::Instant;

/// Writes faults, receipts and publications in the order of their times, in milliseconds since the night's first event.
///
/// # Errors
/// When the file cannot be written.
pub fn write(
    path: &Path,
    begins: Instant,
    injected: &Injected,
    answered: &[Answered],
    seen: &[Seen],
) -> io::Result<()> {
    let mut lines: Vec<(u128, String)> = Vec::new();
    let mut at = |instant: Instant, line: String| lines.push((instant.duration_since(begins).as_millis(), line));
    for round in &injected.rounds {
        at(round.fault, "fault,,,".to_owned());
        at(round.until, "healing,,,".to_owned());
    }
    for answered in answered {
        let place = answered.receipt.position.as_ref();
        let place = place.map_or_else(|| ",".to_owned(), |place| format!("{},{}", place.partition, place.offset));
        at(
            answered.at,
            format!("receipt {:?} of {},{},{place}", answered.receipt.state(), answered.event, answered.gateway),
        );
    }
    for seen in seen {
        at(seen.at, format!("publication {},{},,{}", seen.sequence, seen.generation, seen.counted));
    }
    lines.sort();
    let mut text = "milliseconds,what,gateway or generation,shard,offset or counted\n".to_owned();
    for (milliseconds, line) in lines {
        let _ = writeln!(text, "{milliseconds},{line}");
    }
    fs::write(path, text)
}
