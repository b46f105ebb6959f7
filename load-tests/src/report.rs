//! What came of the rows: a table for people, JSON for programs, and the page in `docs/`.

use crate::rows::Row;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::{fmt::Write as _, fs, process::Command, time::Duration};

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// Something did not.
    Failed,
    /// It cannot be run here.
    Skipped,
}

/// A row and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct RowReport {
    /// Its name.
    pub id: String,
    /// What was done.
    pub does: String,
    /// What had to hold.
    pub must: String,
    /// How often.
    pub rounds: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// What did not hold, or why it was not run.
    pub findings: Vec<String>,
    /// Numbers have to move again within this; none when it is not promised, or not judged.
    #[serde(rename = "promised_milliseconds", serialize_with = "perhaps_in_milliseconds")]
    pub promised: Option<Duration>,
    /// How long until numbers moved again, each round, in milliseconds.
    #[serde(rename = "moved_milliseconds", serialize_with = "milliseconds")]
    pub moved: Vec<Duration>,
    /// The longest time without any receipt.
    #[serde(rename = "longest_gap_milliseconds", serialize_with = "one_in_milliseconds")]
    pub longest_gap: Duration,
    /// How long after the last publication every receipt had its last standing.
    #[serde(rename = "standings_late_milliseconds", serialize_with = "one_in_milliseconds")]
    pub standings_late: Duration,
    /// Records in the log.
    pub submissions: u64,
    /// Valid publications.
    pub publications: u64,
    /// Publications of replicas that came second.
    pub lost_races: u64,
    /// Receipts' words COUNTED(N) that were checked.
    pub claims: u64,
    /// Calls that precincts made again.
    pub retried: u64,
    /// How long it took.
    pub seconds: u64,
}

/// Where and when it was run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// The command line.
    pub command: String,
    /// The commit, and whether anything was changed since.
    pub commit: String,
    /// Processors and memory.
    pub machine: String,
    /// When, UTC.
    pub at: String,
    /// How many brokers.
    pub brokers: u8,
    /// Times that all rows were begun, one after the other.
    pub runs: u32,
    /// The rows, each over all runs.
    pub rows: Vec<RowReport>,
}

impl RowReport {
    /// Before it is run.
    #[must_use]
    pub fn new(row: &Row) -> Self {
        Self {
            id: row.id.clone(),
            does: row.does.clone(),
            must: row.must.clone(),
            rounds: row.rounds,
            verdict: Verdict::Failed,
            findings: Vec::new(),
            promised: row.moves_within,
            moved: Vec::new(),
            longest_gap: Duration::ZERO,
            standings_late: Duration::ZERO,
            submissions: 0,
            publications: 0,
            lost_races: 0,
            claims: 0,
            retried: 0,
            seconds: 0,
        }
    }

    /// The same row, run again.
    fn add(&mut self, again: Self) {
        if self.verdict == Verdict::Passed {
            self.verdict = again.verdict;
        }
        self.findings.extend(again.findings);
        self.moved.extend(again.moved);
        self.longest_gap = self.longest_gap.max(again.longest_gap);
        self.standings_late = self.standings_late.max(again.standings_late);
        self.rounds += again.rounds;
        self.submissions += again.submissions;
        self.publications += again.publications;
        self.lost_races += again.lost_races;
        self.claims += again.claims;
        self.retried += again.retried;
        self.seconds += again.seconds;
    }

    /// Half of the rounds were quicker, and the slowest one.
    #[must_use]
    pub fn median_and_worst(&self) -> Option<(Duration, Duration)> {
        let mut moved = self.moved.clone();
        moved.sort();
        Some((*moved.get((moved.len().max(1) - 1) / 2)?, *moved.last()?))
    }

    fn cells(&self) -> [String; 8] {
        let verdict = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "not run",
        };
        let moved = self.median_and_worst();
        let shown = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
        [
            self.id.clone(),
            verdict.to_owned(),
            self.rounds.to_string(),
            moved.map_or_else(|| "-".to_owned(), |(median, _)| shown(median)),
            moved.map_or_else(|| "-".to_owned(), |(_, worst)| shown(worst)),
            self.promised.map_or_else(|| "-".to_owned(), |within| format!("{} s", within.as_secs())),
            shown(self.longest_gap),
            format!("{} / {}", self.submissions, self.publications),
        ]
    }
}

const HEADERS: [&str; 8] = [
    "row",
    "",
    "rounds",
    "moves again (median)",
    "worst",
    "promised",
    "longest without a receipt",
    "submissions / publications",
];

impl Run {
    /// Here and now; no row was run yet.
    #[must_use]
    pub fn new(brokers: u8) -> Self {
        Self {
            command: std::env::args().skip(1).fold("hattama-load-tests".to_owned(), |line, word| line + " " + &word),
            commit: commit(),
            machine: machine(),
            at: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            brokers,
            runs: 0,
            rows: Vec::new(),
        }
    }

    /// All rows are run from now on, once more.
    pub fn begins(&mut self) {
        self.runs += 1;
    }

    /// A row was run.
    pub fn add(&mut self, mut report: RowReport) {
        if self.runs > 1 {
            report.findings.iter_mut().for_each(|finding| *finding = format!("run {}: {finding}", self.runs));
        }
        match self.rows.iter_mut().find(|row| row.id == report.id) {
            Some(row) => row.add(report),
            None => self.rows.push(report),
        }
    }

    /// Whether any row failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Verdict::Failed)
    }

    /// The table for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(HEADERS);
        for row in &self.rows {
            table.add_row(row.cells());
        }
        let mut text = table.to_string();
        for row in &self.rows {
            for finding in &row.findings {
                let _ = write!(text, "\n{}: {finding}", row.id);
            }
        }
        text
    }

    /// The page.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# The fault table\n\nGenerated: do not edit. Real processes and {} real Kafka broker(s), {} run(s) of all rows in a row; what is checked after each night: `load-tests/README.md`.\n\n    {}\n\nBegun {}, commit {}, {}.\n\n",
            self.brokers, self.runs, self.command, self.at, self.commit, self.machine
        );
        let _ = writeln!(text, "| {} |", HEADERS.join(" | "));
        let _ = writeln!(text, "|{}", "---|".repeat(HEADERS.len()));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.cells().join(" | "));
        }
        text.push_str(
            "\nA round is a fault, and its healing. *Moves again*: from the fault until everything that was late because of it is published. \
             *Longest without a receipt*: a gateway waits up to 5 s for the log before it answers RECEIVED, so that a log that stands still \
             shows as a pause, after which receipts come as before.\n",
        );
        text.push_str("\n## What is done, and what must hold\n\n");
        for row in &self.rows {
            let _ = writeln!(text, "* **{}**: {}. {}.", row.id, row.does, capitalized(&row.must));
            for finding in &row.findings {
                let _ = writeln!(text, "  * {finding}");
            }
        }
        text
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changed) if changed.is_empty() => commit,
        _ => format!("{commit} with changes"),
    }
}

fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    let gigabytes: u64 = kilobytes.unwrap_or(0_u64) >> 20;
    format!("{processors} processors ({}), {gigabytes} GiB", model.unwrap_or_else(|| "unknown".to_owned()))
}

fn milliseconds<S: serde::Serializer>(durations: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(durations.iter().map(Duration::as_millis))
}

fn perhaps_in_milliseconds<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_millis()).serialize(serializer)
}

fn one_in_milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(duration.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::catalogue;

    #[test]
    fn the_table_says_median_and_worst_and_what_did_not_hold() {
        let mut row = RowReport::new(&catalogue()[0]);
        row.moved = [3, 1, 9, 2].map(Duration::from_secs).to_vec();
        row.findings.push("one is missing".to_owned());
        let mut run = Run::new(3);
        run.add(row);
        assert!(run.failed());
        for text in [run.table(), run.markdown()] {
            assert!(text.contains("2.0 s") && text.contains("9.0 s") && text.contains("one is missing"), "{text}");
        }
    }

    #[test]
    fn a_row_that_is_run_again_is_one_row_that_passed_when_all_of_it_did() {
        let passed = |seconds| {
            let (verdict, moved) = (Verdict::Passed, vec![Duration::from_secs(seconds)]);
            RowReport { verdict, moved, submissions: 7, rounds: 1, ..RowReport::new(&catalogue()[0]) }
        };
        let mut run = Run::new(3);
        for seconds in [2, 4, 9] {
            run.begins();
            run.add(passed(seconds));
        }
        let [row] = &run.rows[..] else { panic!("{:?}", run.rows) };
        assert_eq!((row.rounds, row.submissions, row.verdict), (3, 21, Verdict::Passed));
        assert_eq!(row.median_and_worst(), Some((Duration::from_secs(4), Duration::from_secs(9))));
        run.begins();
        run.add(RowReport { findings: vec!["one is missing".to_owned()], ..RowReport::new(&catalogue()[0]) });
        assert!(run.failed());
        assert!(run.table().contains("run 4: one is missing"));
    }
}
