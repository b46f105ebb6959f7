//! `hattama recount`: the same as the `hattama-recount` binary, which links no network code.

use crate::{cli::RecountArgs, output::print};
use hattama_recount::{Options, Verdict, recount};
use indicatif::{ProgressBar, ProgressStyle};
use std::{error::Error, process::ExitCode, thread};

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
    let text = if args.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    print(text.trim_end());
    Ok(if report.verdict == Verdict::Match { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
