//! What is told of a run: how it went, as opposed to what the night came to.

use super::history::History;
use hattama_night_play::answers::Open;
use hattama_night_play::player::Played;
use hattama_recount::RecountReport;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{collections::BTreeMap, fs, path::Path};

/// How a run went; the `run` part of `--json` (docs/result-schema.md).
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// Election id.
    pub election: String,
    /// Which night: `seed 2023`, or `recorded <digest>`.
    pub night: String,
    /// Where the log lies.
    pub log_dir: String,
    /// Whether the log lies on a Kafka cluster; then the folder holds the journals.
    pub on_kafka: bool,
    /// Whether every service was a process of its own.
    pub processes: bool,
    /// Bytes of that folder: of the embedded log and the journals.
    pub log_bytes: u64,
    /// Generation of the log.
    pub generation: u32,
    /// Whether an earlier run of the same night was gone on with.
    pub went_on: bool,
    /// Gateways, aggregators.
    pub gateways: u8,
    /// Aggregators.
    pub aggregators: u8,
    /// Replicas of the national service.
    pub national: u8,
    /// Seconds of the night in one real second.
    pub speed: u32,
    /// Real seconds of the night, from the first submission to the publication that covers the last.
    pub seconds: f64,
    /// Real seconds of the whole command up to its report: loading, making the night, starting, playing, export and recount.
    pub total_seconds: f64,
    /// Submissions logged through gateways in this run.
    pub submissions_logged: u64,
    /// Submissions that gateways refused, by rule.
    pub refused_by_gateways: BTreeMap<String, u64>,
    /// Records written past the gateways.
    pub intruded: u64,
    /// Calls that had to be made again.
    pub retried: u64,
    /// Events that an earlier run had brought into the log.
    pub skipped: u64,
    /// Submissions logged a second: mean over the run.
    pub mean_per_second: u64,
    /// Submissions logged in the busiest second.
    pub peak_per_second: u64,
    /// From sending to LOGGED.
    pub latency: Quantiles,
    /// From LOGGED to the publication that covers it.
    pub freshness: Quantiles,
    /// The number of the last publication.
    pub last_publication: u64,
    /// Next offset by shard in the last publication.
    pub positions: BTreeMap<u32, u64>,
    /// What happened in the night.
    pub history: History,
    /// What is still open.
    pub open: Open,
    /// What did not go as the script says; empty when all is well.
    pub surprises: Vec<String>,
    /// What the recount says.
    pub recount: RecountReport,
}

/// Quantiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Quantiles {
    /// Half are below.
    pub p50_microseconds: u64,
    /// 99 of 100 are below.
    pub p99_microseconds: u64,
    /// The largest.
    pub max_microseconds: u64,
}

impl From<&Histogram<u64>> for Quantiles {
    fn from(histogram: &Histogram<u64>) -> Self {
        Self {
            p50_microseconds: histogram.value_at_quantile(0.5),
            p99_microseconds: histogram.value_at_quantile(0.99),
            max_microseconds: histogram.max(),
        }
    }
}

/// Submissions logged a second; all of them when the run took less.
pub fn mean_per_second(played: &Played, seconds: f64) -> u64 {
    let logged: u64 = played.logged_by_second.iter().sum();
    if seconds < 1.0 {
        return logged;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rate for people, not a vote"
    )]
    let mean = (logged as f64 / seconds) as u64;
    mean
}

/// What a folder takes, with all that is in it.
///
/// # Errors
/// When it cannot be looked through.
pub fn bytes_of(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
