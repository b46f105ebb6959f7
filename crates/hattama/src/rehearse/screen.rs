//! The one screen at the end: what the night came to, how, and what to try next.

use super::{
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
use std::fmt::Write as _;

/// The line above everything.
const WIDTH: usize = 100;

/// The whole screen.
pub fn render(answers: &Answers, run: &RunReport, command: &str) -> String {
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
    next(&mut text, run, command);
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
    line(text, "─".repeat(WIDTH));
    line(text, format!("{name} · {} · {}", election.id, run.night));
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
    line(text, "");
}

fn all(answers: &Answers, of: impl Fn(&ContestFigures) -> u64) -> u64 {
    answers.result.contests.iter().filter_map(|contest| contest.figures.as_ref()).map(of).sum()
}

fn turnouts(text: &mut String, answers: &Answers) {
    let mut table = plain_table();
    for ratio in &answers.result.turnouts {
        table.add_row(vec![
            Cell::new(format!("  {}", ratio_name(ratio, answers))),
            right(if ratio.known { grouped(ratio.numerator) } else { "unknown".to_owned() }),
            right(format!("/ {}", grouped(ratio.denominator))),
            right(if ratio.known { percent(ratio.numerator, ratio.denominator) } else { String::new() }),
        ]);
    }
    line(text, "Turnout, by name");
    line(text, table.to_string());
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
    let mut table = plain_table();
    for place in in_order_of_votes(seats) {
        let option = &seats.lines[place];
        let label = contest
            .options
            .iter()
            .find(|candidate| candidate.id == option.option)
            .and_then(|candidate| candidate.name.as_ref())
            .map_or(option.option.as_str(), |name| name.en.as_str());
        table.add_row(vec![
            Cell::new(format!("  {label}")),
            right(grouped(option.votes)),
            right(percent(option.votes, figures.votes_sum)),
            right(format!("{}", option.seats)),
            Cell::new(how(option, seats)),
        ]);
    }
    if contest.against_all {
        table.add_row(vec![
            Cell::new("  against all"),
            right(grouped(figures.against_all)),
            right(percent(figures.against_all, figures.votes_sum)),
            right(String::new()),
            Cell::new(""),
        ]);
    }
    line(text, table.to_string());
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
    for other in &seats.sensitivity {
        line(text, format!("  {}", sensitivity(other)));
    }
    rules(text, &seats.rules);
    line(text, "");
}

fn sensitivity(other: &Sensitivity) -> String {
    let of = other.of.replace('_', " ");
    if other.passing_changes.is_empty() && other.seat_changes.is_empty() {
        return format!("as a share of {of}: no list and no seat would change");
    }
    let names = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
    let (passing, seats) = (names(&other.passing_changes), names(&other.seat_changes));
    format!("as a share of {of}: would pass or fail otherwise: {passing}; would have other seats: {seats}")
}

/// Each rule with how sure we are of it, in lines of the screen's width; `hattama definition check` has the articles.
fn rules(text: &mut String, rules: &[LegalRule]) {
    let told = rules.iter().map(|rule| {
        let name = format!("{} {}", rule.rule, rule.value).replace('_', " ");
        format!("{} [{}]", name.trim_end(), rule.certainty)
    });
    let mut row = "  rules:".to_owned();
    for rule in told {
        if row.chars().count() + 2 + rule.chars().count() > WIDTH {
            line(text, std::mem::replace(&mut row, "        ".to_owned()));
        }
        row.push_str(if row.trim_end().ends_with(':') || row.trim().is_empty() { " " } else { " · " });
        row.push_str(&rule);
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
    line(text, format!("Districts: {} of {} seats have a winner", decided.len(), contests.len()));
    for row in decided.chunks(12) {
        line(text, format!("  {}", row.join(" ")));
    }
    if let Some((lead, contest)) = closest {
        line(text, format!("  closest: {contest}, by {} votes", grouped(lead)));
    }
    rules(text, &answers.plurality_rules);
    line(text, "");
}

fn happened(text: &mut String, answers: &Answers, run: &RunReport) {
    let refused: u64 = run.refused_by_gateways.values().sum();
    let mut table = plain_table();
    let history = &run.history;
    table.add_row([
        "  corrected",
        "held",
        "contested",
        "superseded",
        "annulled",
        "duplicates",
        "flagged",
        "refused in log",
        "refused at gateway",
    ]);
    table.add_row(
        [
            all(answers, |figures| figures.stations.as_ref().map_or(0, |stations| stations.corrected)),
            history.ever(Outcome::Held),
            history.ever(Outcome::Contested),
            history.ever(Outcome::Superseded),
            history.ever(Outcome::Annulled),
            history.ever(Outcome::Duplicate),
            history.flagged,
            history.ever(Outcome::Refused),
            refused,
        ]
        .map(|count| right(grouped(count))),
    );
    line(text, "What happened to submissions in the night");
    line(text, table.to_string());
    let open = run.open;
    line(
        text,
        format!(
            "Still open: {} (held {}, contested {}, annulled {}, missing {})",
            open.sum(),
            open.held,
            open.contested,
            open.annulled,
            open.missing
        ),
    );
    for surprise in &run.surprises {
        line(text, format!("  SURPRISE: {surprise}"));
    }
    line(text, "");
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
            "Logged     after p50 {}, p99 {}",
            duration(run.latency.p50_microseconds),
            duration(run.latency.p99_microseconds)
        ),
    );
    line(
        text,
        format!(
            "Freshness  published after p50 {}, p99 {}",
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

fn next(text: &mut String, run: &RunReport, command: &str) {
    let export = format!("{}/export", run.log_dir);
    line(text, "Try next");
    line(
        text,
        format!("  break a byte   printf x | dd of={export}/records/submissions-1.records bs=1 seek=5000 conv=notrunc"),
    );
    line(text, format!("                 {command} recount {export}"));
    line(text, format!("  kill and go on {command} rehearse --log-dir night   # kill -9 it, then the same again"));
    line(text, format!("  a real night   {command} import --help              # docs/import.md"));
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
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
        assert_eq!(text, "  rules: threshold of took part [derived] · ties [assumed]\n");
    }

    #[test]
    fn what_another_denominator_would_change_is_said_and_so_is_that_nothing_would() {
        let nothing = Sensitivity { of: "took_part".into(), ..Sensitivity::default() };
        assert_eq!(sensitivity(&nothing), "as a share of took part: no list and no seat would change");
        let some = Sensitivity { passing_changes: vec!["jsdp".into()], ..nothing };
        assert_eq!(
            sensitivity(&some),
            "as a share of took part: would pass or fail otherwise: jsdp; would have other seats: none"
        );
    }
}
