//! What came of the rows: a table for people, JSON for programs, and the page in `docs/`.

use crate::rows::Row;
use comfy_table::{ContentArrangement, Table, presets};
use serde::{Deserialize, Serialize};
use std::{error::Error, fmt::Write as _, fs, path::Path, process::Command, time::Duration};

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RowReport {
    /// Its name.
    pub id: String,
    /// What was done.
    pub does: String,
    /// What had to hold.
    pub must: String,
    /// How often, over all runs.
    pub rounds: u32,
    /// In how many runs.
    pub runs: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// What did not hold, or why it was not run.
    pub findings: Vec<String>,
    /// Numbers have to move again within this; none when it is not promised, or not judged.
    pub promised_milliseconds: Option<u64>,
    /// How long until numbers moved again, each round.
    pub moved_milliseconds: Vec<u64>,
    /// The longest time without any receipt.
    pub longest_gap_milliseconds: u64,
    /// How long after the last publication every receipt had its last standing.
    pub standings_late_milliseconds: u64,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
            runs: 1,
            verdict: Verdict::Failed,
            findings: Vec::new(),
            promised_milliseconds: row.moves_within.map(milliseconds),
            moved_milliseconds: Vec::new(),
            longest_gap_milliseconds: 0,
            standings_late_milliseconds: 0,
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
        self.moved_milliseconds.extend(again.moved_milliseconds);
        self.longest_gap_milliseconds = self.longest_gap_milliseconds.max(again.longest_gap_milliseconds);
        self.standings_late_milliseconds = self.standings_late_milliseconds.max(again.standings_late_milliseconds);
        self.rounds += again.rounds;
        self.runs += again.runs;
        self.submissions += again.submissions;
        self.publications += again.publications;
        self.lost_races += again.lost_races;
        self.claims += again.claims;
        self.retried += again.retried;
        self.seconds += again.seconds;
    }

    /// Half of the rounds were quicker, and the slowest one.
    #[must_use]
    pub fn median_and_worst_milliseconds(&self) -> Option<(u64, u64)> {
        let mut moved = self.moved_milliseconds.clone();
        moved.sort();
        Some((*moved.get((moved.len().max(1) - 1) / 2)?, *moved.last()?))
    }

    fn cells(&self) -> [String; 8] {
        let verdict = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "not run",
        };
        let moved = self.median_and_worst_milliseconds();
        let shown = |milliseconds: u64| format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100);
        [
            self.id.clone(),
            verdict.to_owned(),
            self.rounds.to_string(),
            moved.map_or_else(|| "-".to_owned(), |(median, _)| shown(median)),
            moved.map_or_else(|| "-".to_owned(), |(_, worst)| shown(worst)),
            self.promised_milliseconds.map_or_else(|| "-".to_owned(), shown),
            shown(self.longest_gap_milliseconds),
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
            rows: Vec::new(),
        }
    }

    /// What an earlier process of the same command left; a new one when it left nothing.
    ///
    /// # Errors
    /// Why there is nothing to go on with: it was another command or another commit, or a row failed.
    pub fn gone_on_with(path: &Path, brokers: u8) -> Result<Self, String> {
        let here = Self::new(brokers);
        if !path.is_file() {
            return Ok(here);
        }
        let unreadable = |error: &dyn Error| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| unreadable(&error))?;
        let before: Self = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
        let why = if before.command != here.command {
            format!("was written by `{}`", before.command)
        } else if before.commit != here.commit || here.commit.contains(' ') {
            format!("is of commit {}, this is {}", before.commit, here.commit)
        } else if before.failed() {
            "has a row that failed".to_owned()
        } else {
            return Ok(before);
        };
        Err(format!("{} {why}", path.display()))
    }

    /// Whether a row was run in a run, from 1.
    #[must_use]
    pub fn has(&self, id: &str, run: u32) -> bool {
        self.rows.iter().any(|row| row.id == id && row.runs >= run)
    }

    /// A row was run, once more perhaps.
    pub fn add(&mut self, mut report: RowReport) {
        let Some(row) = self.rows.iter_mut().find(|row| row.id == report.id) else {
            self.rows.push(report);
            return;
        };
        report.findings.iter_mut().for_each(|finding| *finding = format!("run {}: {finding}", row.runs + 1));
        row.add(report);
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
        let runs = self.rows.iter().map(|row| row.runs).max().unwrap_or(0);
        let mut text = format!(
            "# The fault table\n\nGenerated: do not edit. Real processes and {} real Kafka broker(s), {} run(s) of all rows in a row; what is checked after each night: `load-tests/README.md`.\n\n    {}\n\nBegun {}, commit {}, {}.\n\n",
            self.brokers, runs, self.command, self.at, self.commit, self.machine
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

/// Whole milliseconds.
#[must_use]
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::catalogue;

    #[test]
    fn the_table_says_median_and_worst_and_what_did_not_hold() {
        let mut row = RowReport::new(&catalogue()[0]);
        row.moved_milliseconds = vec![3_000, 1_000, 9_000, 2_000];
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
        let passed = |moved| {
            let (verdict, moved_milliseconds) = (Verdict::Passed, vec![moved]);
            RowReport { verdict, moved_milliseconds, submissions: 7, rounds: 1, ..RowReport::new(&catalogue()[0]) }
        };
        let mut run = Run::new(3);
        for (moved, number) in [2_000, 4_000, 9_000].into_iter().zip(1..) {
            assert!(!run.has(&catalogue()[0].id, number));
            run.add(passed(moved));
            assert!(run.has(&catalogue()[0].id, number));
        }
        let [row] = &run.rows[..] else { panic!("{:?}", run.rows) };
        assert_eq!((row.rounds, row.submissions, row.verdict), (3, 21, Verdict::Passed));
        assert_eq!(row.median_and_worst_milliseconds(), Some((4_000, 9_000)));
        run.add(RowReport { findings: vec!["one is missing".to_owned()], ..RowReport::new(&catalogue()[0]) });
        assert!(run.failed());
        assert!(run.table().contains("run 4: one is missing"));
    }

    #[test]
    fn a_run_goes_on_only_with_its_own_report() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        assert!(Run::gone_on_with(&file, 3).unwrap().rows.is_empty());
        let here = Run { commit: "abc".to_owned(), ..Run::new(3) };
        fs::write(&file, serde_json::to_string(&here).unwrap()).unwrap();
        let error = Run::gone_on_with(&file, 3).unwrap_err();
        assert!(error.contains("is of commit abc"), "{error}");
        fs::write(&file, serde_json::to_string(&Run { command: "another".to_owned(), ..here }).unwrap()).unwrap();
        let error = Run::gone_on_with(&file, 3).unwrap_err();
        assert!(error.contains("was written by `another`"), "{error}");
    }
}
