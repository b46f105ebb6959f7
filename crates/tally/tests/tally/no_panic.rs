//! No input may panic a fold (design, D12): random bytes, changed records, and well-signed records with absurd contents.

use crate::common::{
    folding::{GENERATION, check_fold, new_control, new_shard, slices},
    opener::{Sent, Table},
    random::Random,
};
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder, RecordRange},
    decision::{Decision, DecisionContent, Ruling},
    definition::{Definition, KeyRole, sample},
    digest::{ContentDigest, SubmissionDigest},
    form::{LineMeaning, Lines},
    ids::{AuthorityId, ContestId, OptionId, ServiceId, ShardId, SlotId, StationId},
    instant::Instant,
    key::KeyId,
    protocol::{MAX_COUNT, Protocol, ProtocolContent},
    rules::{RuleCode, Severity},
    submission::{CommissionProtocol, CommissionProtocolContent, Lines64, Probe, ProbeSender, SubmissionBody},
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_tally::{OpenRecords, PositionPair, check_publication, check_tally};
use hattama_wire::{RecordOpener, SigningKey, sign_submission};
use proptest::prelude::*;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

static SAMPLE: LazyLock<Arc<Definition>> = LazyLock::new(|| Arc::new(sample::definition()));

fn opener() -> RecordOpener {
    RecordOpener { election: SAMPLE.id.clone(), core_digest: SAMPLE.core_digest }
}

/// Folds these records as control and as every shard, in two batches, and asks everything that a service asks.
fn fold_everywhere(records: &[Vec<u8>], opener: &dyn OpenRecords) {
    let mut control = new_control(&SAMPLE);
    control.apply(&slices(records), opener);
    check_tally(&control.tally()).unwrap();
    control.take_outcomes(control.position());
    let first = control.state_at(1).unwrap();
    for shard in (1..SAMPLE.shards).map(ShardId) {
        let mut fold = new_shard(&SAMPLE, shard, &first);
        let (one, two) = records.split_at(records.len() / 2);
        fold.apply(&slices(one), opener);
        fold.advance_control(Arc::clone(control.state()), opener);
        fold.apply(&slices(two), opener);
        check_fold(&fold);
        fold.take_outcomes(fold.position());
        let nowhere = PositionPair { next_offset: u64::MAX, control_next_offset: 0 };
        for station in fold.stations() {
            assert_eq!(fold.evaluation_at(*station, nowhere, &first), None);
        }
        let tallies = [(ShardId::CONTROL, control.tally()), (shard, fold.tally())].into_iter().collect();
        let nation = hattama_tally::merge(&SAMPLE, &tallies).unwrap();
        let publication = nation.publication(&SAMPLE, GENERATION, control.state(), u64::MAX, None);
        check_publication(&publication, None, &nation).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_panic_no_fold(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..12)) {
        fold_everywhere(&records, &opener());
    }

    #[test]
    fn changed_records_panic_no_fold(seed in any::<u64>(), place in any::<prop::sample::Index>(), xor in any::<u8>()) {
        let mut records = signed(&mut Random::new(seed), 4);
        let victim = place.index(records.len());
        let byte = place.index(records[victim].len());
        records[victim][byte] ^= xor;
        fold_everywhere(&records, &opener());
    }

    #[test]
    fn absurd_submissions_panic_no_fold_as_signed_records(seed in any::<u64>()) {
        fold_everywhere(&signed(&mut Random::new(seed), 30), &opener());
    }

    #[test]
    fn absurd_submissions_panic_no_fold_even_when_the_wire_would_have_stopped_them(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let sent: Vec<Sent> = (0..60).map(|_| absurd(&mut random)).map(|(_, key, body)| Sent::new(&key, body)).collect();
        let records: Vec<Vec<u8>> = sent.iter().map(Sent::value).collect();
        fold_everywhere(&records, &Table::new(&sent));
    }
}

/// Records that are or were interesting: each lies in a file of its own. Those that are well signed name the sample's core;
/// when that changes `HATTAMA_WRITE_CORPUS=1` writes them again.
#[test]
fn the_records_of_the_corpus_panic_no_fold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    if std::env::var_os("HATTAMA_WRITE_CORPUS").is_some() {
        for (number, record) in signed(&mut Random::new(0), 12).iter().enumerate() {
            std::fs::write(folder.join(format!("signed-{number:02}.record")), record).unwrap();
        }
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let records: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(records.len() >= 10, "the corpus is in {}", folder.display());
    records.iter().for_each(|record| fold_everywhere(std::slice::from_ref(record), &opener()));
    fold_everywhere(&records, &opener());
}

fn signed(random: &mut Random, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let (key, _, body) = absurd(random);
            sign_submission(&key, &SAMPLE.id, &SAMPLE.core_digest, &body).record_value().to_vec()
        })
        .collect()
}

/// Who may sign in the sample: stations, commissions, offices, a service, and one whose key an amendment may bring.
const SIGNERS: [(KeyRole, &str); 8] = [
    (KeyRole::Station, "north-001"),
    (KeyRole::Station, "abroad-001"),
    (KeyRole::Territorial, "north-a"),
    (KeyRole::District, "d-1"),
    (KeyRole::Authority, "cec"),
    (KeyRole::Authority, "operator"),
    (KeyRole::Service, "gateway"),
    (KeyRole::Station, "brought"),
];

/// Something of the right form that no person would write, by somebody.
fn absurd(random: &mut Random) -> (SigningKey, hattama_election::key::PublicKey, SubmissionBody) {
    let body = match random.below(8) {
        0..3 => protocol(random),
        3 => turnout(random),
        4 | 5 => decision(random),
        6 => amendment(random),
        _ if random.chance(50) => commission_protocol(random),
        _ => probe(random),
    };
    let (role, id) = match &body {
        SubmissionBody::Amendment(_) if random.chance(70) => SIGNERS[4],
        SubmissionBody::Decision(_) if random.chance(40) => SIGNERS[4],
        SubmissionBody::Protocol(_) | SubmissionBody::Turnout(_) if random.chance(60) => SIGNERS[0],
        _ => *random.pick(&SIGNERS),
    };
    let key = SigningKey::rehearsal(&sample::keys(), role, id).unwrap();
    (key.clone(), key.public_key(), body)
}

fn number(random: &mut Random) -> u32 {
    *random.pick(&[0, 1, 2, 9, 10, 99, 100, 2_400, MAX_COUNT - 1, MAX_COUNT, MAX_COUNT + 1, u32::MAX])
}

fn word(random: &mut Random, from: &[&'static str]) -> &'static str {
    from[random.below(from.len())]
}

fn instant(random: &mut Random) -> Instant {
    Instant(*random.pick(&[i64::MIN, -1, 0, 1, 1_906_638_000, i64::MAX]))
}

fn revision(random: &mut Random) -> u8 {
    *random.pick(&[0, 1, 1, 1, 2, 2, 99, 100, 255])
}

fn station(random: &mut Random) -> StationId {
    StationId::new(word(random, &["north-001", "north-001", "north-001", "abroad-001", "south-003", "nowhere"]))
        .unwrap()
}

fn contest(random: &mut Random) -> ContestId {
    ContestId::new(word(random, &["council-list", "council-list", "council-d-1", "council-d-2", "nothing"])).unwrap()
}

fn options(contest: &ContestId) -> &'static [&'static str] {
    match contest.as_str() {
        "council-list" => &["lake", "mountain", "river", "steppe"],
        "council-d-1" => &["c-1", "c-2", "c-3"],
        _ => &["c-1", "c-2"],
    }
}

fn content(random: &mut Random) -> ContentDigest {
    // Those of protocols that the fold may well have.
    let mut other = Random::new(random.next() % 16);
    match protocol(&mut other) {
        SubmissionBody::Protocol(protocol) if random.chance(80) => protocol.content.digest(),
        _ => ContentDigest([0xff; 32]),
    }
}

fn protocol(random: &mut Random) -> SubmissionBody {
    // Some come again and again, so that decisions find them.
    let mut again = Random::new(random.next() % 16);
    let random = if random.chance(50) { &mut again } else { random };
    let contest = contest(random);
    let mut lines = Lines::default();
    for meaning in LineMeaning::ALL {
        if random.chance(95) {
            lines.set(meaning, number(random));
        }
    }
    let mut votes: Vec<(OptionId, u32)> =
        options(&contest).iter().map(|id| (OptionId::new(id).unwrap(), number(random))).collect();
    if random.chance(5) {
        votes.pop();
    }
    let content = ProtocolContent {
        station: station(random),
        contest,
        revision: revision(random),
        lines,
        votes,
        against_all: random.chance(95).then(|| number(random)),
    };
    SubmissionBody::Protocol(Protocol {
        content,
        signed_at: instant(random),
        supersedes: random.chance(30).then_some(ContentDigest([0; 32])),
        reason: random.chance(30).then(|| "\u{0}қ".repeat(200)),
        correction_authority: None,
        signatories: Vec::new(),
        complaints: random.chance(30).then(|| number(random)),
        scan: None,
    })
}

fn turnout(random: &mut Random) -> SubmissionBody {
    let content = TurnoutContent {
        station: station(random),
        slot: SlotId::new(word(random, &["10-00", "14-00", "20-00", "99-99"])).unwrap(),
        revision: revision(random),
        received_a_ballot: number(random),
        register: number(random),
    };
    SubmissionBody::Turnout(TurnoutReport { content, signed_at: instant(random) })
}

fn authority(random: &mut Random) -> AuthorityId {
    AuthorityId::new(word(random, &["cec", "cec", "operator", "tec-north-a", "dec-d-1", "nobody"])).unwrap()
}

fn decision(random: &mut Random) -> SubmissionBody {
    let (station, contest) = (station(random), contest(random));
    let ruling = match random.below(5) {
        0 => Ruling::Confirm { station, content: content(random) },
        1 => Ruling::Annul { station, content: content(random) },
        2 => Ruling::AnnulStation { station, contest },
        3 => {
            let mut set_aside: Vec<ContentDigest> = (0..random.below(70)).map(|_| content(random)).collect();
            set_aside.sort_unstable();
            set_aside.dedup();
            Ruling::Choose { station, chosen: content(random), set_aside }
        }
        _ => {
            let between: Vec<OptionId> = options(&contest).iter().map(|id| OptionId::new(id).unwrap()).collect();
            let winners = random.some(&between, 50);
            Ruling::ResolveTie { contest, between, seats: number(random), winners }
        }
    };
    let content = DecisionContent { author: authority(random), number: number(random), ruling };
    SubmissionBody::Decision(Decision { content, reason: "because".into(), signed_at: instant(random) })
}

fn amendment(random: &mut Random) -> SubmissionBody {
    let brought = sample::keys().public_key(KeyRole::Station, "brought").unwrap();
    let change = match random.below(8) {
        0 => Change::KeyReplaced { holder: KeyHolder::Station(station(random)), key: brought },
        1 => {
            let key = *random.pick(&[brought.id(), SAMPLE.stations[1].key.id(), KeyId([0; 16])]);
            Change::KeyRevoked { key, still_valid: vec![SubmissionDigest([0; 32])] }
        }
        2 => {
            let contest = contest(random);
            let option = OptionId::new(word(random, options(&contest))).unwrap();
            Change::OptionWithdrawn { contest, option }
        }
        3 => Change::StationClosed { station: station(random) },
        4 => Change::PollsClose { station: station(random), at: instant(random) },
        5 => Change::SeverityChanged {
            rule: *random.pick(RuleCode::ALL),
            severity: *random.pick(&[Severity::Off, Severity::Flag, Severity::Hold, Severity::Refuse]),
        },
        6 => {
            let offset = |random: &mut Random| *random.pick(&[0, 1, 5, u64::MAX - 1, u64::MAX]);
            let range = |_| {
                let shard = ShardId(random.below(6).try_into().unwrap());
                RecordRange { shard, first: offset(random), last: offset(random) }
            };
            let mut ranges: Vec<RecordRange> = (0..3).map(range).collect();
            ranges.sort_unstable();
            Change::RecordsLost { generation: random.between(0, 2), ranges }
        }
        _ => Change::FoldVersion { version: number(random) },
    };
    let number = if random.chance(70) { random.between(1, 3) } else { number(random) };
    let content = AmendmentContent { number, author: authority(random), change };
    SubmissionBody::Amendment(Amendment { content, reason: "because".into(), signed_at: instant(random) })
}

fn commission_protocol(random: &mut Random) -> SubmissionBody {
    let contest = contest(random);
    let votes = options(&contest).iter().map(|id| (OptionId::new(id).unwrap(), u64::from(number(random)))).collect();
    let mut lines = Lines64::default();
    lines.set(LineMeaning::BallotsFound, *random.pick(&[0, 1, u64::MAX]));
    let content = CommissionProtocolContent {
        author: authority(random),
        contest,
        revision: revision(random),
        covered_count: number(random),
        covered_digest: ContentDigest([1; 32]),
        covered: Vec::new(),
        lines,
        votes,
        against_all: Some(u64::MAX),
    };
    SubmissionBody::CommissionProtocol(CommissionProtocol { content, signed_at: instant(random) })
}

fn probe(random: &mut Random) -> SubmissionBody {
    let from = match random.below(3) {
        0 => ProbeSender::Station(station(random)),
        1 => ProbeSender::Service(ServiceId::new("gateway").unwrap()),
        _ => ProbeSender::Authority(authority(random)),
    };
    SubmissionBody::Probe(Probe { from, shard: ShardId(number(random)), nonce: u64::MAX })
}
