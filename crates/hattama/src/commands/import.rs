//! `hattama import`.

use crate::{cli::ImportArgs, output::print};
use hattama_rehearsal::import::{self, ImportReport, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::{error::Error, fmt::Write as _, fs, io, path::Path, process::ExitCode};

/// Imports another system's files, and says what came of every row.
pub fn run(args: &ImportArgs) -> Result<ExitCode, Box<dyn Error>> {
    expect_empty(&args.out)?;
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} {pos} rows")?);
    let mut report = |progress: Progress| match progress {
        Progress::Reading { file, rows } => {
            bar.set_message(file);
            bar.set_position(rows);
        }
        Progress::Checking => bar.set_message("checking the definition"),
        Progress::Writing { folder } => bar.set_message(format!("writing {}", folder.display())),
    };
    let imported = import::import(&args.mapping, &args.data, &args.out, &mut report);
    bar.finish_and_clear();
    let imported = imported?;
    print(told(&imported).trim_end());
    print(format_args!("Next: hattama rehearse --recorded {}", args.out.display()));
    Ok(if imported.bad_rows_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Before anything is read: a long import must not end in a refusal, nor mix its files with others.
fn expect_empty(out: &Path) -> Result<(), Box<dyn Error>> {
    let unusable = |error: io::Error| format!("cannot use {} for the import: {error}", out.display());
    let first = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().transpose().map_err(unusable)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unusable(error).into()),
    };
    if first.is_none() {
        return Ok(());
    }
    Err(format!("{} is not empty: name a folder with --out that is empty or not there", out.display()).into())
}

/// The report for a person.
fn told(report: &ImportReport) -> String {
    let mut text = format!(
        "{}, core {}: {} stations ({} abroad)\n",
        report.election,
        report.core_digest.short(),
        report.stations,
        report.stations_abroad
    );
    let rows = [
        ("protocols", report.protocols),
        ("  exact repeats, which count as duplicates", report.exact_repeats),
        ("  corrections", report.corrections),
        ("  whose revision before is not in the data", report.histories_incomplete),
        ("turnout reports", report.turnout_reports),
        ("stations whose register no row says", report.registers_unknown),
        ("rows left out", report.bad_rows_count),
    ];
    for (what, count) in rows {
        let _ = writeln!(text, "{what:<46}{count:>9}");
    }
    for row in &report.bad_rows {
        let _ = writeln!(text, "  {row}");
    }
    text
}
