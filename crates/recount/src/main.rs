//! `hattama-recount`: checks an election night from its exported files.

use clap::Parser;
use hattama_recount::{Options, RecountError, Recounted, Verdict, export_format::Export, recount};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    error::Error,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    thread,
};

/// Everything that could be compared is equal.
const EXIT_MATCH: u8 = 0;
/// Something differs.
const EXIT_MISMATCH: u8 = 1;
/// The input cannot be used.
const EXIT_UNUSABLE: u8 = 2;

/// The most threads: more than there are shards do nothing.
const MAX_THREADS: u16 = 256;

const HOW: &str = "\
What is checked, in this order:
  1. every file has the records and the SHA-256 that the manifest names;
  2. the definition has the core digest that every record was signed under, and every partition starts with its genesis;
  3. every signature: of stations, commissions and services;
  4. every outcome, tally and publication is, byte for byte, what the submissions up to its position come to;
  5. publications follow each other without a gap.

A submission that is refused (a bad signature, an unknown station) is no difference: the log keeps what came, and everyone
must refuse it alike. A record of outcomes, tallies or publications that no service signed is one: services pass over it,
but whoever checks should know that somebody wrote there.

Exit status: 0 MATCH, 1 MISMATCH, 2 the input cannot be used.

An export comes from `hattama export`; its files are described in crates/recount/README.md, so
that anyone can write another recount.";

/// Recomputes every total and seat of an election night from exported files alone, and compares.
///
/// Prints MATCH, or the first place where the export is not what its submissions come to, with the station where it can be
/// told. Needs no network and no server.
#[derive(Debug, Parser)]
#[command(name = "hattama-recount", version, after_long_help = HOW)]
struct Arguments {
    /// The export: the folder with manifest.json, definition/ and records/.
    #[arg(value_name = "DIR")]
    export: PathBuf,
    /// Prints the report as JSON, with all differences (at most 100) and the figures.
    #[arg(long)]
    json: bool,
    /// Writes the result document (docs/result-schema.md) to a file: the same submissions give the same bytes.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Threads that fold shards; by default one for each processor. What comes out does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_THREADS)))]
    threads: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(Verdict::Match) => EXIT_MATCH.into(),
        Ok(Verdict::Mismatch) => EXIT_MISMATCH.into(),
        Err(error) => {
            eprintln!("hattama-recount: {error}");
            EXIT_UNUSABLE.into()
        }
    }
}

fn run(arguments: &Arguments) -> Result<Verdict, Box<dyn Error>> {
    let recounted = recount_with_progress(arguments)?;
    if let (Some(path), Some(result)) = (&arguments.result, &recounted.result) {
        let bytes = result.canonical_bytes()?;
        std::fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let report = recounted.report;
    let text = if arguments.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        // A reader who has seen enough (`| head`) ends the output; the exit status still says what came of it.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!(
            "cannot write to standard output: {error}: what was printed is not whole; make room, and run it again"
        )
        .into()),
        _ => Ok(report.verdict),
    }
}

fn recount_with_progress(arguments: &Arguments) -> Result<Recounted, RecountError> {
    let records = Export::open(&arguments.export)?.manifest.records.iter().map(|entry| entry.records).sum();
    let bar = if io::stderr().is_terminal() { ProgressBar::new(records) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} records, {eta} left") {
        bar.set_style(style);
    }
    let threads = arguments.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let progress = |records| bar.inc(records);
    let recounted = recount(&arguments.export, Options { threads, progress: &progress });
    bar.finish_and_clear();
    recounted
}
