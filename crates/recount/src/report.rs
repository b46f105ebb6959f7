//! What a recount says: MATCH or MISMATCH, where, and what the log comes to.

use crate::result::{Figures, ResultDocument};
use hattama_election::{
    digest::{PublicationDigest, RecordDigest},
    ids::StationId,
};
use std::fmt;

/// The most differences that a report lists: the first tells what to look at, a hundred tell whether it is one thing.
pub const MAX_DIFFERENCES: usize = 100;

/// What a recount comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Everything that could be compared is equal, byte for byte.
    Match,
    /// Something differs.
    Mismatch,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Match => "MATCH",
            Self::Mismatch => "MISMATCH",
        })
    }
}

/// What differs. The order is that of the report: what says most about the cause comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The definition is not the one that the log was written for.
    Definition,
    /// A partition's first record.
    Genesis,
    /// A file that ends inside a record, or announces an impossible length.
    Unreadable,
    /// A record that no service of the definition signed, or whose body has the wrong form.
    Signature,
    /// What became of a submission.
    Outcomes,
    /// What a shard adds up to.
    Tally,
    /// What the nation adds up to.
    Publication,
    /// A file that is not as the manifest says.
    Manifest,
}

/// A place where the export is not what the recount comes to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// What differs.
    pub subject: Subject,
    /// The file, relative to the export.
    pub file: String,
    /// The record, from 0: the offset in its partition.
    pub record: Option<u64>,
    /// Where the record starts.
    pub byte: Option<u64>,
    /// What differs, in words.
    pub what: String,
    /// What the recount comes to.
    pub expected: String,
    /// What the export says.
    pub found: String,
    /// The submissions that it is about.
    pub about: Option<RecordRange>,
    /// The first station that differs, where that can be told.
    pub station: Option<StationId>,
    /// When several stations may be the one, those; at most [`MAX_CANDIDATES`].
    pub candidates: Vec<StationId>,
}

/// The most stations that a difference names as the possible cause.
pub const MAX_CANDIDATES: usize = 20;

/// Some records of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RecordRange {
    /// The file, relative to the export.
    pub file: String,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// What a recount went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Records read, each once, geneses included.
    pub records: u64,
    /// Of these, submissions.
    pub submissions: u64,
    /// Good signatures: of submissions and services.
    pub signatures_verified: u64,
    /// Submissions that are refused, for a bad signature or whatever else: no difference, the log keeps everything.
    pub submissions_refused: u64,
    /// Records of outcomes compared.
    pub outcomes_compared: u64,
    /// Tallies compared.
    pub tallies_compared: u64,
    /// Publications compared.
    pub publications_compared: u64,
    /// Records of outcomes and publications that came second in a race, or were told before: every reader passes over them.
    pub lost_races: u64,
    /// Records that could not be compared; `remarks` says why.
    pub not_compared: u64,
}

/// The last publication of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LastPublication {
    /// Its number.
    pub sequence: u64,
    /// Its digest.
    pub digest: PublicationDigest,
    /// It covers every submission of the export, so that its figures are those of this report.
    pub covers_everything: bool,
}

/// What a recount says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RecountReport {
    /// MATCH or MISMATCH.
    pub verdict: Verdict,
    /// Election id, as the manifest has it.
    pub election: String,
    /// Core digest, as the manifest has it.
    pub core_digest: String,
    /// Generation, as the manifest has it.
    pub generation: u32,
    /// What differs, the most telling first; at most [`MAX_DIFFERENCES`].
    pub differences: Vec<Difference>,
    /// Differences that are not listed: over the limit, or a consequence of one that is.
    pub differences_left_out: u64,
    /// What could not be checked, and what else a reader should know.
    pub remarks: Vec<String>,
    /// What was gone through.
    pub counts: Counts,
    /// The last valid publication.
    pub last_publication: Option<LastPublication>,
    /// What all submissions of the export come to; none when they cannot be folded.
    pub figures: Option<Figures>,
    /// Digest of the result document.
    pub result_digest: Option<RecordDigest>,
}

/// A report, and the whole result that it is the short form of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recounted {
    /// The report.
    pub report: RecountReport,
    /// What all submissions of the export come to; none when they cannot be folded.
    pub result: Option<ResultDocument>,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.submissions += other.submissions;
        self.signatures_verified += other.signatures_verified;
        self.submissions_refused += other.submissions_refused;
        self.outcomes_compared += other.outcomes_compared;
        self.tallies_compared += other.tallies_compared;
        self.publications_compared += other.publications_compared;
        self.lost_races += other.lost_races;
        self.not_compared += other.not_compared;
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        if let Some(byte) = self.byte {
            write!(f, " at byte {byte}")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(station) = &self.station {
            write!(f, "\n  station   {station}")?;
        }
        if !self.candidates.is_empty() {
            let names: Vec<_> = self.candidates.iter().map(StationId::as_str).collect();
            write!(f, "\n  one of    {}", names.join(", "))?;
        }
        if let Some(about) = &self.about {
            write!(f, "\n  about     {}, records {} to {}", about.file, about.first, about.last)?;
        }
        write!(f, "\n  recount   {}\n  export    {}", self.expected, self.found)
    }
}

impl fmt::Display for RecountReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} generation {}, core {}", self.verdict, self.election, self.generation, self.core_digest)?;
        if let Some(first) = self.differences.first() {
            writeln!(f, "first difference: {first}")?;
            let others = self.differences.len() as u64 - 1 + self.differences_left_out;
            if others > 0 {
                writeln!(f, "and {others} more (--json lists up to {MAX_DIFFERENCES})")?;
            }
        }
        let counts = &self.counts;
        writeln!(
            f,
            "read {} records; verified {} signatures; compared {} records of outcomes, {} tallies, {} publications",
            counts.records,
            counts.signatures_verified,
            counts.outcomes_compared,
            counts.tallies_compared,
            counts.publications_compared
        )?;
        self.remarks.iter().try_for_each(|remark| writeln!(f, "note: {remark}"))?;
        if let Some(last) = &self.last_publication {
            writeln!(f, "last publication {} {}", last.sequence, last.digest)?;
        }
        if let Some(figures) = &self.figures {
            write_figures(f, figures)?;
        }
        if let Some(digest) = &self.result_digest {
            writeln!(f, "result {digest}")?;
        }
        Ok(())
    }
}

fn write_figures(f: &mut fmt::Formatter<'_>, figures: &Figures) -> fmt::Result {
    for contest in &figures.contests {
        let stations = &contest.stations;
        writeln!(f, "{}: {} of {} stations counted", contest.contest, stations.counted, stations.expected)?;
        for option in &contest.options {
            writeln!(f, "  {:<32} {:>12} {:>4}", option.option.as_str(), option.votes, option.seats)?;
        }
        if let Some(against_all) = contest.against_all {
            writeln!(f, "  {:<32} {against_all:>12}", "against all")?;
        }
        if contest.decision_needed {
            writeln!(f, "  a seat is open until a commission decides")?;
        }
    }
    for slot in &figures.turnout {
        writeln!(
            f,
            "turnout {}: {} of {} voters had received a ballot; {} of {} stations reported",
            slot.slot, slot.received_a_ballot, slot.register, slot.reported, slot.stations
        )?;
    }
    Ok(())
}
