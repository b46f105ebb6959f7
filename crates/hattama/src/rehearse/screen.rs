//! The one screen at the end: what the night came to, how, and what to try next.

mod seats;

use super::{
    byte_to_break::{ByteToBreak, shell_word},
    figures::{duration, grouped, percent},
    run_report::RunReport,
};
use comfy_table::{Cell, CellAlignment, Table, presets};
use hattama_night_play::answers::Answers;
use hattama_proto::{log::v1::ContestFigures, national::v1::Ratio};
use hattama_recount::RecountReport;
use hattama_tally::Outcome;
use std::fmt::Write as _;

/// No line but a command and the recount's is longer.
const WIDTH: usize = 100;

/// The whole screen; `byte` is one of the export that the reader may break.
pub fn render(answers: &Answers, run: &RunReport, byte: Option<&ByteToBreak>, command: &str) -> String {
    let mut text = String::new();
    head(&mut text, answers, run);
    turnouts(&mut text, answers);
    for (id, allocation) in &answers.seats {
        if let Some(contest) = answers.election.contests.iter().find(|contest| contest.id == *id) {
            seats::list(&mut text, answers, contest, allocation);
        }
    }
    seats::districts(&mut text, answers);
    happened(&mut text, answers, run);
    speed(&mut text, run);
    next(&mut text, run, byte, command);
    text
}

fn line(text: &mut String, content: impl AsRef<str>) {
    let _ = writeln!(text, "{}", content.as_ref());
}

fn head(text: &mut String, answers: &Answers, run: &RunReport) {
    let election = &answers.election;
    let name = election.name.as_ref().map_or("", |name| name.en.as_str());
    let provenance = match election.provenance.as_str() {
        "generated" => "TEST · generated: below the nation every figure is synthetic",
        "recorded" => "TEST · recorded figures, signed by the importer",
        _ => "TEST",
    };
    let title = format!("── {name} · {} · {} ", election.id, run.night);
    line(text, format!("{title:─<WIDTH$}"));
    line(text, provenance);
    let counted = all(answers, |figures| figures.stations.as_ref().map_or(0, |stations| stations.counted));
    let expected = all(answers, |figures| figures.stations.as_ref().map_or(0, |stations| stations.expected));
    line(
        text,
        format!(
            "publication {} · {} of {} protocols counted at {} stations · {}",
            grouped(run.last_publication),
            grouped(counted),
            grouped(expected),
            grouped(election.stations),
            answers.result.status.replace('_', " ")
        ),
    );
}

fn all(answers: &Answers, of: impl Fn(&ContestFigures) -> u64) -> u64 {
    answers.result.contests.iter().filter_map(|contest| contest.figures.as_ref()).map(of).sum()
}

fn turnouts(text: &mut String, answers: &Answers) {
    let mut rows = plain_table();
    for ratio in &answers.result.turnouts {
        rows.add_row(vec![
            Cell::new(ratio_name(ratio, answers)),
            right(if ratio.known { grouped(ratio.numerator) } else { "unknown".to_owned() }),
            right(format!("/ {}", grouped(ratio.denominator))),
            right(if ratio.known { percent(ratio.numerator, ratio.denominator) } else { String::new() }),
        ]);
    }
    let mut label = "Turnout";
    for row in rows.to_string().lines() {
        line(text, format!("{label:<10}{}", row.trim_end()));
        label = "";
    }
    line(text, "");
}

fn ratio_name<'a>(ratio: &'a Ratio, answers: &Answers) -> &'a str {
    match ratio.name.as_str() {
        "received_a_ballot" => "received a ballot",
        // Nobody published how many ballots were found: where figures are generated, this one is.
        "took_part" if answers.election.provenance == "generated" => "took part (ballots found; synthetic)",
        "took_part" => "took part (ballots found)",
        "valid_including_against_all" => "valid, against all included",
        other => other,
    }
}

fn happened(text: &mut String, answers: &Answers, run: &RunReport) {
    let refused: u64 = run.refused_by_gateways.values().sum();
    let history = &run.history;
    let corrected = all(answers, |figures| figures.stations.as_ref().map_or(0, |stations| stations.corrected));
    let told = |counts: &[(u64, &str)]| {
        let words: Vec<String> = counts.iter().map(|(count, word)| format!("{} {word}", grouped(*count))).collect();
        words.join(" · ")
    };
    let words = [
        (corrected, "corrected"),
        (history.ever(Outcome::Held), "held"),
        (history.ever(Outcome::Contested), "contested"),
        (history.ever(Outcome::Superseded), "superseded"),
        (history.ever(Outcome::Annulled), "annulled"),
        (history.flagged, "flagged"),
    ];
    line(text, format!("Happened   {}", told(&words)));
    let words = [
        (history.ever(Outcome::Duplicate), "duplicates"),
        (history.ever(Outcome::Refused), "refused in the log"),
        (refused, "refused at a gateway"),
    ];
    line(text, format!("           {}", told(&words)));
    let open = run.open;
    line(
        text,
        format!(
            "Still open {} (held {}, contested {}, annulled {}, missing {})",
            open.sum(),
            open.held,
            open.contested,
            open.annulled,
            open.missing
        ),
    );
    for surprise in &run.surprises {
        line(text, format!("SURPRISE   {surprise}"));
    }
}

fn speed(text: &mut String, run: &RunReport) {
    line(
        text,
        format!(
            "Speed      {} submissions in {:.1} s: {}/s on average, {}/s in the busiest second",
            grouped(run.submissions_logged),
            run.seconds,
            grouped(run.mean_per_second),
            grouped(run.peak_per_second)
        ),
    );
    line(
        text,
        format!(
            "In all     {:.1} s with loading, making and starting before it, export and recount behind it",
            run.total_seconds
        ),
    );
    line(
        text,
        format!(
            "Freshness  logged after p50 {}, p99 {}; published after that p50 {}, p99 {}",
            duration(run.latency.p50_microseconds),
            duration(run.latency.p99_microseconds),
            duration(run.freshness.p50_microseconds),
            duration(run.freshness.p99_microseconds)
        ),
    );
    line(text, format!("Recount    {}", recounted(&run.recount)));
    line(text, format!("Log        {} ({} MB)", run.log_dir, run.log_bytes / 1_000_000));
}

/// The recount in a line; where it differs, the first difference whole.
fn recounted(report: &RecountReport) -> String {
    let counts = &report.counts;
    if let Some(first) = report.differences.first() {
        return format!("{}: {first}", report.verdict);
    }
    format!(
        "{}: {} signatures verified, {} outcomes records, {} tallies and {} publications recomputed from files",
        report.verdict,
        grouped(counts.signatures_verified),
        grouped(counts.outcomes_compared),
        grouped(counts.tallies_compared),
        grouped(counts.publications_compared)
    )
}

fn next(text: &mut String, run: &RunReport, byte: Option<&ByteToBreak>, command: &str) {
    let export = shell_word(&format!("{}/export", run.log_dir));
    let mut label = "Try next";
    if let Some(byte) = byte {
        line(text, format!("{label:<10} break a byte    {byte}"));
        line(text, format!("                           {command} recount {export}"));
        label = "";
    }
    line(
        text,
        format!("{label:<10} kill and go on  {command} rehearse --log-dir night   # kill -9 it, then the same again"),
    );
    line(text, format!("           a real night    {command} import --help              # docs/import.md"));
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// A table's lines, without the spaces that fill up its last column.
fn table(text: &mut String, rows: &Table) {
    for row in rows.to_string().lines() {
        line(text, row.trim_end());
    }
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}
