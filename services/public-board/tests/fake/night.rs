//! Figures like those of the night of 19 March 2023, at any hour of the count. Votes of districts are invented, and so
//! are their candidates.

use std::collections::BTreeMap;

use hattama_proto::log::v1::{ContestFigures, PositionPair, RecordCounts, SlotFigures, StationCounts, VectorEntry};
use hattama_proto::national::v1::{
    Contest, ContestOption, ContestSummary, Fraction, GetElectionResponse, GetNationalResultResponse,
    GetSeatAllocationResponse, LegalRule, NamedUnit, PublicationRef, Ratio, SeatLine, SeatStep, Sensitivity, Slot,
    StationRow, Text, Threshold,
};

use tonic::Code;

use super::names::{AGAINST_ALL, DISTRICT_REGIONS, LISTS, REGIONS};

pub const LIST: &str = "majilis-list";
pub const STATIONS: u64 = 10_223;
const HOME_STATIONS: u64 = 10_146;
const REGISTER_START: u64 = 12_032_550;
const REGISTER: u64 = 12_035_578;
const ISSUED: u64 = 6_521_860;
const LIST_SEATS: u32 = 69;
/// 2023-03-19T21:00:00+06:00
pub const EMBARGO_SECONDS: i64 = 1_679_238_000;
/// 2023-03-19T10:00:00+06:00
const FIRST_SLOT_SECONDS: i64 = 1_679_198_400;

/// All that a national service says of one publication.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    pub election: GetElectionResponse,
    pub result: Option<GetNationalResultResponse>,
    pub seats: BTreeMap<String, GetSeatAllocationResponse>,
    pub open: Vec<StationRow>,
    /// What the list of stations claims to be of, when that is not the newest publication.
    pub open_of_another: Option<u64>,
    /// What every question is answered with instead, when the service cannot answer.
    pub fails: Option<Code>,
    /// What questions about an older publication are answered with instead.
    pub older_fails: Option<Code>,
}

impl Scene {
    /// Before the first publication.
    pub fn nothing_yet() -> Self {
        Self { election: election(), ..Self::default() }
    }

    /// Publication `sequence`, when `counted` stations' list protocols are counted.
    pub fn counted(sequence: u64, counted: u64, published_at_milliseconds: i64) -> Self {
        let publication = PublicationRef {
            generation: 1,
            sequence,
            digest: vec![u8::try_from(sequence % 251).unwrap(); 32].into(),
            published_at_milliseconds,
        };
        let list = list_figures(counted);
        let allocation = allocation(&list, publication.clone());
        let list = ContestFigures { seats: allocation.lines.iter().map(|line| line.seats).collect(), ..list };
        let turnouts = ratios(&list, counted);
        let mut contests = vec![ContestSummary { figures: Some(list), embargoed: false, turnouts: turnouts.clone() }];
        contests.extend((0..29).map(|district| ContestSummary {
            figures: Some(district_figures(district, counted)),
            ..ContestSummary::default()
        }));
        let result = GetNationalResultResponse {
            publication: Some(publication),
            status: "counting".into(),
            turnouts,
            contests,
            turnout: slots(),
            records: Some(records(counted)),
            frozen_shards: vec![],
            shards_at_other_control: vec![],
            shards_checked: 19,
            shards: 21,
            vector: (0..=21)
                .map(|shard| VectorEntry {
                    shard,
                    position: Some(PositionPair { next_offset: 4_000 + u64::from(shard), control_next_offset: 3 }),
                })
                .collect(),
            restoring: None,
            lost_records: Vec::new(),
        };
        Self {
            election: election(),
            open: open(&result),
            result: Some(result),
            seats: BTreeMap::from([(LIST.to_owned(), allocation)]),
            open_of_another: None,
            fails: None,
            older_fails: None,
        }
    }

    /// The same with its votes behind the embargo, by the flag alone: the votes themselves are still in the answers.
    pub fn leaking_under_embargo(mut self) -> Self {
        for contest in self.result.iter_mut().flat_map(|result| &mut result.contests) {
            contest.embargoed = true;
        }
        self
    }
}

pub fn text(kk: impl Into<String>, ru: impl Into<String>, en: impl Into<String>) -> Option<Text> {
    Some(Text { kk: kk.into(), ru: ru.into(), en: en.into() })
}

fn election() -> GetElectionResponse {
    let list = Contest {
        id: LIST.into(),
        name: text("Мәжіліс: партиялық тізімдер", "Мажилис: партийные списки", "Majilis: party lists"),
        method: "list".into(),
        seats: LIST_SEATS,
        options: LISTS
            .iter()
            .map(|(id, kk, ru, en, _)| ContestOption {
                id: (*id).into(),
                name: text(*kk, *ru, *en),
                kind: "list".into(),
                nominated_by: String::new(),
            })
            .collect(),
        against_all: true,
        embargo_until_seconds: EMBARGO_SECONDS,
        district: String::new(),
    };
    GetElectionResponse {
        restoring: None,
        id: "kz-2023".into(),
        core_digest: vec![0xab; 32].into(),
        name: text(
            "Парламент Мәжілісі депутаттарының 2023 жылғы 19 наурыздағы сайлауы",
            "Выборы депутатов Мажилиса Парламента 19 марта 2023 года",
            "Election to the Majilis of the Parliament, 19 March 2023",
        ),
        purpose: "rehearsal".into(),
        provenance: "generated".into(),
        date: "2023-03-19".into(),
        national_utc_offset_minutes: 360,
        contests: std::iter::once(list).chain((0..29).map(district_contest)).collect(),
        regions: REGIONS
            .iter()
            .map(|(id, kk, ru, en)| NamedUnit { id: (*id).into(), name: text(*kk, *ru, *en), ..NamedUnit::default() })
            .collect(),
        territories: vec![],
        districts: (0..29).map(district_unit).collect(),
        slots: (0..7)
            .map(|slot| Slot {
                id: format!("{}-00", 10 + 2 * slot),
                at_seconds: FIRST_SLOT_SECONDS + 7_200 * i64::from(slot),
            })
            .collect(),
        stations: STATIONS,
        register: REGISTER_START,
    }
}

fn district_unit(district: usize) -> NamedUnit {
    let number = district + 1;
    NamedUnit {
        id: format!("d{number:02}"),
        name: text(
            format!("№ {number} бір мандатты аумақтық сайлау округі"),
            format!("Одномандатный территориальный избирательный округ № {number}"),
            format!("Single-Mandate District No. {number}"),
        ),
        region: DISTRICT_REGIONS[district].into(),
        ..NamedUnit::default()
    }
}

fn district_contest(district: usize) -> Contest {
    let number = district + 1;
    let option = |place: usize| ContestOption {
        id: format!("c{number:02}-{place:02}"),
        name: text(
            format!("{number}-{place:02} кандидат"),
            format!("Кандидат {number}-{place:02}"),
            format!("Candidate {number}-{place:02}"),
        ),
        kind: "candidate".into(),
        nominated_by: String::new(),
    };
    Contest {
        id: format!("majilis-district-d{number:02}"),
        name: text("Мәжіліс: бір мандатты округ", "Мажилис: одномандатный округ", "Majilis: single-mandate district"),
        method: "plurality".into(),
        seats: 1,
        options: (1..=15).map(option).collect(),
        against_all: true,
        embargo_until_seconds: EMBARGO_SECONDS,
        district: format!("d{number:02}"),
    }
}

fn share(number: u64, counted: u64) -> u64 {
    number * counted / STATIONS
}

/// A few are held, contested and annulled while there is room for them; the rest is missing.
fn stations(expected: u64, counted: u64, register: u64) -> StationCounts {
    let open = expected - counted;
    let (held, contested, annulled) = (open.min(14), open.saturating_sub(14).min(3), open.saturating_sub(17).min(1));
    StationCounts {
        expected,
        counted,
        held,
        contested,
        annulled,
        missing: open - held - contested - annulled,
        corrected: counted / 400,
        flagged: counted / 60,
        held_beside: counted / 5_000,
        contested_beside: 0,
        register_expected: register,
        register_counted: register * counted / expected,
    }
}

fn list_figures(counted: u64) -> ContestFigures {
    let votes: Vec<u64> = LISTS.iter().map(|list| share(list.4, counted)).collect();
    let against_all = share(AGAINST_ALL, counted);
    ContestFigures {
        contest: LIST.into(),
        stations: Some(stations(STATIONS, counted, REGISTER_START)),
        votes_sum: votes.iter().sum::<u64>() + against_all,
        votes,
        against_all,
        ..ContestFigures::default()
    }
}

/// The first is counted to the end, the 8th is a tie, the 17th waits for a decision, the 28th has nothing yet.
fn district_figures(district: usize, counted: u64) -> ContestFigures {
    let place = district as u64;
    let expected = HOME_STATIONS / 29 + u64::from(place < HOME_STATIONS % 29);
    let now = match district {
        _ if counted == STATIONS => expected,
        0 => expected,
        27 => 0,
        _ => (expected * counted / STATIONS).saturating_sub(place),
    };
    let votes = now * (118 + 7 * (place % 5));
    let complete = counted == STATIONS;
    let (leader, runner_up) = match district {
        7 if !complete => (None, votes),
        16 if !complete => (None, votes),
        _ if now == 0 => (None, 0),
        _ => (Some(u32::try_from(place * 5 % 15).unwrap()), votes * (60 + 3 * (place % 9)) / 100),
    };
    ContestFigures {
        contest: format!("majilis-district-d{:02}", district + 1),
        stations: Some(stations(expected, now, REGISTER_START / 29)),
        against_all: now * 11,
        votes_sum: now * 520,
        leader,
        leader_votes: votes,
        runner_up_votes: runner_up,
        decision_needed: district == 16 && !complete,
        ..ContestFigures::default()
    }
}

fn ratios(list: &ContestFigures, counted: u64) -> Vec<Ratio> {
    let denominator = share(REGISTER, counted);
    let ratio = |name: &str, numerator: u64, known: bool| Ratio {
        name: name.into(),
        numerator,
        denominator,
        stations: counted,
        known,
    };
    vec![
        ratio("received_a_ballot", share(ISSUED, counted), true),
        ratio("took_part", 0, false),
        ratio("valid_including_against_all", list.votes_sum, true),
    ]
}

fn slots() -> Vec<SlotFigures> {
    let received = [1_710_381, 3_688_077, 4_967_902, 6_255_727, 6_390_046, 6_509_695, ISSUED];
    let registers = [REGISTER_START; 5].into_iter().chain([12_035_004, REGISTER]);
    let slots = received.into_iter().zip(registers).enumerate();
    slots
        .map(|(place, (received_a_ballot, register))| SlotFigures {
            slot: format!("{}-00", 10 + 2 * place),
            stations: STATIONS,
            reported: STATIONS - 3 * place as u64,
            received_a_ballot,
            register,
        })
        .collect()
}

fn records(counted: u64) -> RecordCounts {
    let mut counts = RecordCounts {
        records: 0,
        counted: counted * 2 + 71_000,
        held: 31,
        duplicate: 118,
        superseded: 24,
        contested: 6,
        annulled: 1,
        refused: 2,
    };
    counts.records = counts.counted + 31 + 118 + 24 + 6 + 1 + 2;
    counts
}

fn open(result: &GetNationalResultResponse) -> Vec<StationRow> {
    let counts = result.contests[0].figures.as_ref().and_then(|figures| figures.stations).unwrap();
    let states = [
        ("held", counts.held, "SUM_OF_VOTES_DIFFERS"),
        ("contested", counts.contested, ""),
        ("annulled", counts.annulled, ""),
        ("missing", counts.missing, ""),
    ];
    let row = |state: &str, rule: &str, place: u64| StationRow {
        station: format!("{}-{:04}", 10 + place % 9, 17 + 13 * place),
        contest: if place % 3 == 2 { "majilis-district-d09".into() } else { LIST.into() },
        state: state.into(),
        rules: match (rule, place % 4) {
            ("", _) => vec![],
            (rule, 1) => vec![rule.into(), "DIGITS_TRANSPOSED".into()],
            (_, 2) => vec!["FOUND_EXCEEDS_ISSUED".into()],
            (rule, _) => vec![rule.into()],
        },
        region: REGIONS[place as usize % 20].0.into(),
        ..StationRow::default()
    };
    states.iter().flat_map(|(state, number, rule)| (0..*number).map(move |place| row(state, rule, place))).collect()
}

/// Hare's quota and largest remainders over the lists with five percent: enough for figures without ties.
fn allocation(list: &ContestFigures, publication: PublicationRef) -> GetSeatAllocationResponse {
    let fewest = list.votes_sum.div_ceil(20);
    let sharing: u64 = list.votes.iter().filter(|votes| **votes >= fewest).sum();
    let seats = u64::from(LIST_SEATS);
    let mut lines: Vec<SeatLine> = LISTS
        .iter()
        .zip(&list.votes)
        .map(|((id, ..), votes)| {
            let passed = *votes >= fewest && sharing > 0;
            let whole = if passed { votes * seats / sharing } else { 0 };
            SeatLine {
                option: (*id).into(),
                votes: *votes,
                passed,
                whole_quota_seats: u32::try_from(whole).unwrap(),
                remainder: if passed { votes * seats % sharing } else { 0 },
                remainder_seats: 0,
                seats: u32::try_from(whole).unwrap(),
            }
        })
        .collect();
    let left = LIST_SEATS.saturating_sub(lines.iter().map(|line| line.seats).sum()) as usize;
    let mut order: Vec<usize> = (0..lines.len()).filter(|place| lines[*place].passed).collect();
    order.sort_by_key(|place| std::cmp::Reverse(lines[*place].remainder));
    let mut steps = vec!["whole quotas were awarded".to_owned()];
    for place in order.into_iter().take(left) {
        lines[place].remainder_seats = 1;
        lines[place].seats += 1;
        steps.push(format!("{} gets a seat by its remainder", lines[place].option));
    }
    GetSeatAllocationResponse {
        publication: Some(publication),
        embargoed: false,
        seats: LIST_SEATS,
        lines,
        quota: Some(Fraction { numerator: sharing, denominator: seats }),
        threshold: Some(Threshold {
            share: Some(Fraction { numerator: 5, denominator: 100 }),
            of: "valid_including_against_all".into(),
            base: list.votes_sum,
            fewest_passing_votes: fewest,
            article: "Constitutional Law on Elections (No. 2464), art. 97-1".into(),
            certainty: "press".into(),
        }),
        steps: (1..).zip(steps).map(|(number, text)| SeatStep { number, text, option: String::new() }).collect(),
        ties: vec![],
        sensitivity: vec![Sensitivity { of: "took_part".into(), ..Sensitivity::default() }],
        explanation_json: String::new(),
        rules: vec![LegalRule {
            rule: "threshold".into(),
            value: "5/100".into(),
            article: "Constitutional Law on Elections (No. 2464), art. 97-1".into(),
            certainty: "press".into(),
        }],
    }
}
