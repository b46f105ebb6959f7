//! The one screen at the end: what the night came to, how, and what to try next.

use super::{
    byte_to_break::{ByteToBreak, shell_word},
    figures::{duration, grouped, percent},
    run_report::RunReport,
};
use comfy_table::{Cell, CellAlignment, Table, presets};
use hattama_night_play::answers::Answers;
use hattama_proto::{
    log::v1::ContestFigures,
    national::v1::{Contest, GetSeatAllocationResponse, LegalRule, Ratio, Sensitivity},
};
use hattama_recount::RecountReport;
use hattama_tally::Outcome;
use std::{collections::BTreeMap, fmt::Write as _};

/// No line but a command and the recount's is longer.
const WIDTH: usize = 100;
/// So many candidates of seven signs and a space fill the width.
const DISTRICTS_IN_A_ROW: usize = 12;

/// The whole screen; `byte` is one of the export that the reader may break.
pub fn render(answers: &Answers, run: &RunReport, byte: Option<&ByteToBreak>, command: &str) -> String {
    let mut text = String::new();
    head(&mut text, answers, run);
    turnouts(&mut text, answers);
    for (id, seats) in &answers.seats {
        if let Some(contest) = answers.election.contests.iter().find(|contest| contest.id == *id) {
            list(&mut text, answers, contest, seats);
        }
    }
    districts(&mut text, answers);
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

fn list(text: &mut String, answers: &Answers, contest: &Contest, seats: &GetSeatAllocationResponse) {
    let Some(figures) = answers.contest(&contest.id).and_then(|summary| summary.figures.as_ref()) else { return };
    let name = contest.name.as_ref().map_or("", |name| name.en.as_str());
    let quota = seats.quota.as_ref();
    line(
        text,
        format!(
            "{name}: {} seats{}",
            seats.seats,
            quota.map_or_else(String::new, |quota| format!(
                " · quota {} / {} votes",
                grouped(quota.numerator),
                quota.denominator
            ))
        ),
    );
    let mut rows = plain_table();
    for place in in_order_of_votes(seats) {
        let option = &seats.lines[place];
        let label = contest
            .options
            .iter()
            .find(|candidate| candidate.id == option.option)
            .and_then(|candidate| candidate.name.as_ref())
            .map_or(option.option.as_str(), |name| name.en.as_str());
        rows.add_row(vec![
            Cell::new(format!("  {label}")),
            right(grouped(option.votes)),
            right(percent(option.votes, figures.votes_sum)),
            right(format!("{}", option.seats)),
            Cell::new(how(option, seats)),
        ]);
    }
    if contest.against_all {
        rows.add_row(vec![
            Cell::new("  against all"),
            right(grouped(figures.against_all)),
            right(percent(figures.against_all, figures.votes_sum)),
            right(String::new()),
            Cell::new(""),
        ]);
    }
    table(text, &rows);
    if let Some(threshold) = &seats.threshold
        && let Some(share) = &threshold.share
    {
        line(
            text,
            format!(
                "  threshold {} / {} of {}: {} votes pass",
                share.numerator,
                share.denominator,
                threshold.of.replace('_', " "),
                grouped(threshold.fewest_passing_votes)
            ),
        );
    }
    for step in seats.steps.iter().filter(|step| !step.option.is_empty() && quota.is_some()) {
        line(text, format!("  {}", step.text));
    }
    for tie in &seats.ties {
        line(text, format!("  TIE for {} seats between {}: a commission decides", tie.seats, tie.between.join(", ")));
    }
    for told in sensitivities(&seats.sensitivity) {
        line(text, format!("  {told}"));
    }
    rules(text, &seats.rules);
    line(text, "");
}

/// What another denominator would change, each in a line; those that would change nothing share one.
fn sensitivities(others: &[Sensitivity]) -> Vec<String> {
    let (nothing, some): (Vec<_>, Vec<_>) =
        others.iter().partition(|other| other.passing_changes.is_empty() && other.seat_changes.is_empty());
    let of = |other: &Sensitivity| other.of.replace('_', " ");
    let names = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
    let mut told = Vec::new();
    if !nothing.is_empty() {
        let of: Vec<String> = nothing.into_iter().map(of).collect();
        told.push(format!("as a share of {}: no list and no seat would change", of.join(", or of ")));
    }
    told.extend(some.into_iter().map(|other| {
        let (passing, seats) = (names(&other.passing_changes), names(&other.seat_changes));
        format!("as a share of {}: would pass or fail otherwise: {passing}; would have other seats: {seats}", of(other))
    }));
    told
}

/// The rules by how sure we are of them, in lines of the screen's width; `hattama definition check` has the articles.
fn rules(text: &mut String, rules: &[LegalRule]) {
    let mut by_certainty: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in rules {
        let told = format!("{} {}", rule.rule, rule.value).replace('_', " ");
        by_certainty.entry(&rule.certainty).or_default().push(told.trim_end().to_owned());
    }
    let mut row = "  rules".to_owned();
    for (certainty, rules) in by_certainty {
        for (place, rule) in rules.iter().enumerate() {
            let label = if place == 0 { format!("[{certainty}] ") } else { String::new() };
            let comma = if place + 1 < rules.len() { "," } else { "" };
            let told = format!(" {label}{rule}{comma}");
            if row.chars().count() + told.chars().count() > WIDTH {
                line(text, std::mem::replace(&mut row, "       ".to_owned()));
            }
            row.push_str(&told);
        }
    }
    line(text, row);
}

fn in_order_of_votes(seats: &GetSeatAllocationResponse) -> Vec<usize> {
    let mut places: Vec<usize> = (0..seats.lines.len()).collect();
    places.sort_by_key(|place| std::cmp::Reverse(seats.lines[*place].votes));
    places
}

fn how(option: &hattama_proto::national::v1::SeatLine, seats: &GetSeatAllocationResponse) -> String {
    if !option.passed {
        return "below the threshold".to_owned();
    }
    if seats.quota.is_none() {
        return String::new();
    }
    format!("{} by quota + {} by remainder", option.whole_quota_seats, option.remainder_seats)
}

fn districts(text: &mut String, answers: &Answers) {
    let contests: Vec<_> = answers.election.contests.iter().filter(|contest| contest.method == "plurality").collect();
    if contests.is_empty() {
        return;
    }
    let mut decided = Vec::new();
    let mut closest: Option<(u64, String)> = None;
    for contest in &contests {
        let Some(figures) = answers.contest(&contest.id).and_then(|summary| summary.figures.as_ref()) else { continue };
        let Some(leader) = figures.leader.and_then(|place| contest.options.get(place as usize)) else { continue };
        decided.push(leader.id.clone());
        let lead = figures.leader_votes - figures.runner_up_votes;
        if closest.as_ref().is_none_or(|(least, _)| lead < *least) {
            closest = Some((lead, contest.id.clone()));
        }
    }
    let closest = closest
        .map_or_else(String::new, |(lead, contest)| format!(" · closest: {contest}, by {} votes", grouped(lead)));
    line(text, format!("Districts: {} of {} seats have a winner{closest}", decided.len(), contests.len()));
    for row in decided.chunks(DISTRICTS_IN_A_ROW) {
        line(text, format!("  {}", row.join(" ")));
    }
    rules(text, &answers.plurality_rules);
    line(text, "");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_shown_with_its_certainty() {
        let rule = |rule: &str, value: &str, article: &str, certainty: &str| LegalRule {
            rule: rule.into(),
            value: value.into(),
            article: article.into(),
            certainty: certainty.into(),
        };
        let mut text = String::new();
        rules(
            &mut text,
            &[rule("threshold_of", "took_part", "art. 2", "derived"), rule("ties", "", "none", "assumed")],
        );
        assert_eq!(text, "  rules [assumed] ties [derived] threshold of took part\n");

        let long = "x".repeat(60);
        let mut text = String::new();
        rules(&mut text, &[rule("seats", &long, "none", "press"), rule("ties", &long, "none", "press")]);
        assert_eq!(text, format!("  rules [press] seats {long},\n        ties {long}\n"));
    }

    #[test]
    fn what_another_denominator_would_change_is_said_and_so_is_that_nothing_would() {
        let nothing = |of: &str| Sensitivity { of: of.into(), ..Sensitivity::default() };
        let some = Sensitivity { passing_changes: vec!["jsdp".into()], ..nothing("register") };
        assert_eq!(
            sensitivities(&[nothing("took_part"), some, nothing("valid")]),
            [
                "as a share of took part, or of valid: no list and no seat would change",
                "as a share of register: would pass or fail otherwise: jsdp; would have other seats: none"
            ]
        );
        assert!(sensitivities(&[]).is_empty());
    }
}
