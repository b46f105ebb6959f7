//! Reads a page as a reader does, and knows which numbers may stand on it.

use std::collections::BTreeSet;

use crate::fake::night::{LIST, Scene};
use hattama_proto::log::v1::StationCounts;

/// What can be read of a page: the text of its main part without tags, and without the texts' own fixed numbers.
pub fn text_of(page: &str) -> String {
    let start = page.find("<main").unwrap_or(0);
    let end = page.find("</main>").unwrap_or(page.len());
    let mut text = String::new();
    let mut inside_a_tag = false;
    for character in page[start..end].chars() {
        match character {
            '<' => inside_a_tag = true,
            '>' => {
                inside_a_tag = false;
                text.push(' ');
            }
            character if !inside_a_tag => text.push(character),
            _ => {}
        }
    }
    // As askama writes them.
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&#60;", "<").replace("&#62;", ">").replace("&amp;", "&")
}

/// The English numbers of a text: `12,035,578`, `53.90`, `22`. What is glued to letters or in ids is no number.
pub fn numbers_of(text: &str) -> BTreeSet<String> {
    let is_number = |c: char| c.is_ascii_digit() || c == ',' || c == '.';
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | ';'));
    let trimmed = words.map(|word| word.trim_end_matches([',', '.', ':', '%']));
    trimmed.filter(|word| !word.is_empty() && word.chars().all(is_number)).map(str::to_owned).collect()
}

/// A count as the English page writes it.
pub fn english(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// All that a page of this publication may say in numbers: its counts, sums of stations over contests, leads, and
/// shares of these. Worked out apart from the board's own code.
pub fn allowed_numbers(scene: &Scene) -> BTreeSet<String> {
    let result = scene.result.as_ref().unwrap();
    let publication = result.publication.as_ref().unwrap();
    let mut allowed = Allowed::default();
    allowed.counts([publication.sequence, publication.generation.into(), 0]);
    allowed.counts([result.shards_checked.into(), result.shards.into()]);
    for ratio in result.turnouts.iter().filter(|ratio| ratio.known) {
        allowed.part(ratio.numerator, ratio.denominator, 2);
    }
    allowed.counts(result.turnouts.iter().map(|ratio| ratio.stations));
    for slot in &result.turnout {
        allowed.part(slot.received_a_ballot, slot.register, 2);
        allowed.part(slot.received_a_ballot, slot.register, 1);
        allowed.counts([slot.reported, slot.stations]);
    }
    contests(scene, &mut allowed);
    seats(scene, &mut allowed);
    let records = result.records.as_ref().unwrap();
    allowed.counts([records.records, records.counted, records.held, records.duplicate, records.superseded]);
    allowed.counts([records.contested, records.annulled, records.refused, scene.open.len() as u64, 50]);
    // The law's number, the axis of the chart, and "updated 0 s ago" in a slow test.
    allowed.counts([100, 97]);
    allowed.0.insert("2464".to_owned());
    allowed.counts(0..30);
    allowed.0
}

fn contests(scene: &Scene, allowed: &mut Allowed) {
    let mut together = StationCounts::default();
    let result = scene.result.as_ref().unwrap();
    for (contest, summary) in scene.election.contests.iter().zip(&result.contests) {
        let figures = summary.figures.as_ref().unwrap();
        let stations = figures.stations.as_ref().unwrap();
        if contest.id == LIST {
            allowed.stations(stations);
            allowed.counts([figures.votes_sum]);
            for votes in figures.votes.iter().chain([&figures.against_all]) {
                allowed.part(*votes, figures.votes_sum, 2);
            }
            continue;
        }
        allowed.part(stations.counted, stations.expected, 0);
        allowed.counts([figures.leader_votes, figures.leader_votes - figures.runner_up_votes]);
        together.expected += stations.expected;
        together.counted += stations.counted;
        together.held += stations.held;
        together.contested += stations.contested;
        together.annulled += stations.annulled;
        together.missing += stations.missing;
        together.corrected += stations.corrected;
        together.flagged += stations.flagged;
        together.held_beside += stations.held_beside + stations.contested_beside;
        together.register_expected += stations.register_expected;
        together.register_counted += stations.register_counted;
    }
    allowed.stations(&together);
}

fn seats(scene: &Scene, allowed: &mut Allowed) {
    let allocation = &scene.seats[LIST];
    let (quota, threshold) = (allocation.quota.unwrap(), allocation.threshold.as_ref().unwrap());
    allowed.counts([quota.numerator, quota.denominator, threshold.fewest_passing_votes, threshold.base]);
    let cut = |numerator: u64, denominator: u64, scale: u64| {
        u128::from(numerator) * u128::from(scale) / u128::from(denominator)
    };
    if quota.numerator > 0 {
        let value = u64::try_from(cut(quota.numerator, quota.denominator, 100)).unwrap();
        allowed.0.insert(format!("{}.{:02}", english(value / 100), value % 100));
    }
    for line in &allocation.lines {
        allowed.counts([line.whole_quota_seats, line.remainder_seats, line.seats].map(u64::from));
        if line.passed {
            allowed.0.insert(format!("0.{:04}", cut(line.remainder, quota.numerator, 10_000)));
        }
    }
    let whole: u32 = allocation.lines.iter().map(|line| line.whole_quota_seats).sum();
    let house: u32 = scene.election.contests.iter().map(|contest| contest.seats).sum();
    let leaders = scene.result.iter().flat_map(|result| &result.contests);
    let led = leaders.filter(|contest| contest.figures.as_ref().unwrap().leader.is_some()).count() as u64;
    allowed.counts([whole.into(), house.into(), led, u64::from(house) - 69 - led]);
}

#[derive(Default)]
struct Allowed(BTreeSet<String>);

impl Allowed {
    fn counts(&mut self, counts: impl IntoIterator<Item = u64>) {
        self.0.extend(counts.into_iter().map(english));
    }

    fn stations(&mut self, stations: &StationCounts) {
        self.part(stations.counted, stations.expected, 0);
        self.part(stations.register_counted, stations.register_expected, 0);
        self.counts([stations.held, stations.contested, stations.annulled, stations.missing, stations.corrected]);
        self.counts([stations.flagged, stations.held_beside + stations.contested_beside]);
    }

    /// Both numbers and their share: rounded half up, and never to nothing or all.
    fn part(&mut self, part: u64, whole: u64, decimals: u32) {
        self.counts([part, whole]);
        let scale = 10_u64.pow(decimals);
        let exact = u128::from(part) * u128::from(100 * scale) * 2 + u128::from(whole);
        let rounded = u64::try_from(exact / (2 * u128::from(whole))).unwrap();
        let honest = match (part, rounded) {
            (0, _) => return self.counts([0]),
            (part, _) if part == whole => return self.counts([100]),
            (_, rounded) => rounded.clamp(1, 100 * scale - 1),
        };
        let fraction = match decimals {
            0 => String::new(),
            _ => format!(".{:0width$}", honest % scale, width = decimals as usize),
        };
        self.0.insert(format!("{}{fraction}", honest / scale));
    }
}
