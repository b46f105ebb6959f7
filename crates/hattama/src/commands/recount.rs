//! `hattama recount`: the same as the `hattama-recount` binary, which links no network code.

use crate::cli::RecountArgs;
use hattama_recount::{Options, Verdict, recount};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
    thread,
};

/// Recounts an export and says MATCH, or where it differs.
pub fn run(args: &RecountArgs) -> Result<ExitCode, Box<dyn Error>> {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {pos} records recounted, {per_sec}")?);
    let options = Options {
        threads: thread::available_parallelism().map_or(1, usize::from),
        progress: &|records| bar.inc(records),
    };
    let recounted = recount(&args.dir, options);
    bar.finish_and_clear();
    let report = recounted?.report;
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    // A reader who has seen enough (`| head`) ends nothing but the output.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(if report.verdict == Verdict::Match { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
