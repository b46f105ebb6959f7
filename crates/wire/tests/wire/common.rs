//! Anything that can be said in a submission, at random; right in form, of any sense.

use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder, MAX_LOST_RANGES, MAX_STILL_VALID, RecordRange},
    decision::{Decision, DecisionContent, Ruling},
    digest::{ContentDigest, CoreDigest, ScanDigest, SubmissionDigest},
    form::{LineMeaning, Lines},
    ids::{AuthorityId, ContestId, ElectionId, OptionId, ServiceId, ShardId, SlotId, StationId},
    instant::Instant,
    protocol::{MAX_COUNT, MAX_REASON_BYTES, Protocol, ProtocolContent, Signatory, SignatoryRole, SignatoryStance},
    rules::{RuleCode, Severity},
    submission::{CommissionProtocol, CommissionProtocolContent, Lines64, Probe, ProbeSender, SubmissionBody},
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_wire::{RecordOpener, SigningKey};
use proptest::{collection::vec, option, prelude::*};

/// The core that the tests sign for.
pub const CORE: CoreDigest = CoreDigest([7; 32]);

/// The election that the tests sign for.
pub fn election() -> ElectionId {
    ElectionId::new("sample").unwrap()
}

/// Opens what the tests sign.
pub fn opener() -> RecordOpener {
    RecordOpener { election: election(), core_digest: CORE }
}

/// A key of the tests.
pub fn key(place: u8) -> SigningKey {
    SigningKey::from_seed([place; 32]).unwrap()
}

const ID: &str = "[a-z0-9.-]{1,32}";

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(MAX_COUNT), 0..=MAX_COUNT]
}

fn digest() -> impl Strategy<Value = ContentDigest> {
    any::<[u8; 32]>().prop_map(ContentDigest)
}

fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![any::<i64>(), 0..4_000_000_000_i64].prop_map(Instant)
}

fn station() -> impl Strategy<Value = StationId> {
    ID.prop_map(|text| StationId::new(&text).unwrap())
}

fn contest() -> impl Strategy<Value = ContestId> {
    ID.prop_map(|text| ContestId::new(&text).unwrap())
}

fn option_id() -> impl Strategy<Value = OptionId> {
    ID.prop_map(|text| OptionId::new(&text).unwrap())
}

fn authority() -> impl Strategy<Value = AuthorityId> {
    ID.prop_map(|text| AuthorityId::new(&text).unwrap())
}

fn votes<N: std::fmt::Debug>(number: impl Strategy<Value = N>) -> impl Strategy<Value = Vec<(OptionId, N)>> {
    proptest::collection::btree_map(option_id(), number, 0..8).prop_map(|votes| votes.into_iter().collect())
}

fn lines() -> impl Strategy<Value = Lines> {
    vec(option::of(count()), LineMeaning::ALL.len()).prop_map(|counts| {
        let mut lines = Lines::default();
        for (meaning, count) in LineMeaning::ALL.into_iter().zip(counts) {
            if let Some(count) = count {
                lines.set(meaning, count);
            }
        }
        lines
    })
}

fn lines64() -> impl Strategy<Value = Lines64> {
    vec(option::of(any::<u64>()), LineMeaning::ALL.len()).prop_map(|sums| {
        let mut lines = Lines64::default();
        for (meaning, sum) in LineMeaning::ALL.into_iter().zip(sums) {
            if let Some(sum) = sum {
                lines.set(meaning, sum);
            }
        }
        lines
    })
}

fn signatory() -> impl Strategy<Value = Signatory> {
    let role = prop_oneof![
        Just(SignatoryRole::Chair),
        Just(SignatoryRole::DeputyChair),
        Just(SignatoryRole::Secretary),
        Just(SignatoryRole::Member)
    ];
    let stance =
        prop_oneof![Just(SignatoryStance::Signed), Just(SignatoryStance::Refused), Just(SignatoryStance::Dissenting)];
    (role, ".{0,20}", stance).prop_map(|(role, name, stance)| Signatory { role, name, stance })
}

/// Protocols.
pub fn protocol() -> impl Strategy<Value = Protocol> {
    let content = (station(), contest(), 1..=99_u8, lines(), votes(count()), option::of(count())).prop_map(
        |(station, contest, revision, lines, votes, against_all)| ProtocolContent {
            station,
            contest,
            revision,
            lines,
            votes,
            against_all,
        },
    );
    let beside = (
        option::of(digest()),
        option::of(".{0,40}"),
        option::of(".{0,40}"),
        vec(signatory(), 0..4),
        option::of(count()),
        option::of(any::<[u8; 32]>()),
    );
    (content, instant(), beside).prop_map(
        |(content, signed_at, (supersedes, reason, correction_authority, signatories, complaints, scan))| Protocol {
            content,
            signed_at,
            supersedes,
            reason,
            correction_authority,
            signatories,
            complaints,
            scan: scan.map(ScanDigest),
        },
    )
}

/// Turnout reports.
pub fn turnout() -> impl Strategy<Value = TurnoutReport> {
    (station(), ID, 1..=99_u8, count(), count(), instant()).prop_map(
        |(station, slot, revision, received_a_ballot, register, signed_at)| {
            let slot = SlotId::new(&slot).unwrap();
            TurnoutReport {
                content: TurnoutContent { station, slot, revision, received_a_ballot, register },
                signed_at,
            }
        },
    )
}

fn commission_protocol() -> impl Strategy<Value = CommissionProtocol> {
    let covered = (any::<u32>(), digest(), vec(digest(), 0..5));
    let figures = (lines64(), votes(any::<u64>()), option::of(any::<u64>()));
    (authority(), contest(), 1..=99_u8, covered, figures, instant()).prop_map(
        |(author, contest, revision, covered, (lines, votes, against_all), signed_at)| {
            let (covered_count, covered_digest, covered) = covered;
            let content = CommissionProtocolContent {
                author,
                contest,
                revision,
                covered_count,
                covered_digest,
                covered,
                lines,
                votes,
                against_all,
            };
            CommissionProtocol { content, signed_at }
        },
    )
}

fn ruling() -> impl Strategy<Value = Ruling> {
    prop_oneof![
        (station(), digest()).prop_map(|(station, content)| Ruling::Confirm { station, content }),
        (station(), digest()).prop_map(|(station, content)| Ruling::Annul { station, content }),
        (station(), contest()).prop_map(|(station, contest)| Ruling::AnnulStation { station, contest }),
        (station(), digest(), vec(digest(), 0..4)).prop_map(|(station, chosen, set_aside)| Ruling::Choose {
            station,
            chosen,
            set_aside
        }),
        (contest(), vec(option_id(), 0..4), any::<u32>(), vec(option_id(), 0..4))
            .prop_map(|(contest, between, seats, winners)| Ruling::ResolveTie { contest, between, seats, winners }),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    (authority(), any::<u32>(), ruling(), "[a-z].{0,40}", instant()).prop_map(
        |(author, number, ruling, reason, signed_at)| Decision {
            content: DecisionContent { author, number, ruling },
            reason,
            signed_at,
        },
    )
}

fn record_range() -> impl Strategy<Value = RecordRange> {
    (any::<u32>(), any::<u64>(), any::<u64>()).prop_map(|(shard, first, last)| RecordRange {
        shard: ShardId(shard),
        first,
        last,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let holder = prop_oneof![station().prop_map(KeyHolder::Station), authority().prop_map(KeyHolder::Authority)];
    let rule = (0..RuleCode::ALL.len()).prop_map(|place| RuleCode::ALL[place]);
    let severity = prop_oneof![Just(Severity::Off), Just(Severity::Flag), Just(Severity::Hold)];
    let still_valid = vec(any::<[u8; 32]>().prop_map(SubmissionDigest), 0..4);
    prop_oneof![
        (holder, any::<u8>()).prop_map(|(holder, seed)| Change::KeyReplaced { holder, key: key(seed).public_key() }),
        (any::<u8>(), still_valid)
            .prop_map(|(seed, still_valid)| Change::KeyRevoked { key: key(seed).id(), still_valid }),
        (contest(), option_id()).prop_map(|(contest, option)| Change::OptionWithdrawn { contest, option }),
        station().prop_map(|station| Change::StationClosed { station }),
        (station(), instant()).prop_map(|(station, at)| Change::PollsClose { station, at }),
        (rule, severity).prop_map(|(rule, severity)| Change::SeverityChanged { rule, severity }),
        any::<u32>().prop_map(|version| Change::FoldVersion { version }),
        (any::<u32>(), vec(record_range(), 0..4))
            .prop_map(|(generation, ranges)| Change::RecordsLost { generation, ranges }),
    ]
}

fn amendment() -> impl Strategy<Value = Amendment> {
    (any::<u32>(), authority(), change(), "[a-z].{0,40}", instant()).prop_map(
        |(number, author, change, reason, signed_at)| Amendment {
            content: AmendmentContent { number, author, change },
            reason,
            signed_at,
        },
    )
}

fn probe() -> impl Strategy<Value = Probe> {
    let from = prop_oneof![
        station().prop_map(ProbeSender::Station),
        ID.prop_map(|id| ProbeSender::Service(ServiceId::new(&id).unwrap())),
        authority().prop_map(ProbeSender::Authority),
    ];
    (from, any::<u32>(), any::<u64>()).prop_map(|(from, shard, nonce)| Probe { from, shard: ShardId(shard), nonce })
}

/// Everything that a submission may say.
pub fn body() -> impl Strategy<Value = SubmissionBody> {
    prop_oneof![
        protocol().prop_map(SubmissionBody::Protocol),
        turnout().prop_map(SubmissionBody::Turnout),
        commission_protocol().prop_map(SubmissionBody::CommissionProtocol),
        decision().prop_map(SubmissionBody::Decision),
        amendment().prop_map(SubmissionBody::Amendment),
        probe().prop_map(SubmissionBody::Probe),
    ]
}

/// A small protocol with every kind of field.
pub fn a_protocol() -> Protocol {
    let mut lines = Lines::default();
    lines.set(LineMeaning::VotersListed, 1_000);
    lines.set(LineMeaning::BallotsValid, 0);
    Protocol {
        content: ProtocolContent {
            station: StationId::new("north-001").unwrap(),
            contest: ContestId::new("council-list").unwrap(),
            revision: 2,
            lines,
            votes: vec![(OptionId::new("lake").unwrap(), 3), (OptionId::new("river").unwrap(), 0)],
            against_all: Some(0),
        },
        signed_at: Instant(1_700_000_000),
        supersedes: Some(ContentDigest([1; 32])),
        reason: Some("miscounted".into()),
        correction_authority: Some("the commission".into()),
        signatories: vec![Signatory {
            role: SignatoryRole::Chair,
            name: "A. B.".into(),
            stance: SignatoryStance::Dissenting,
        }],
        complaints: Some(0),
        scan: Some(ScanDigest([2; 32])),
    }
}

/// A small turnout report.
pub fn a_turnout_report() -> TurnoutReport {
    TurnoutReport {
        content: TurnoutContent {
            station: StationId::new("north-001").unwrap(),
            slot: SlotId::new("10-00").unwrap(),
            revision: 1,
            received_a_ballot: 10,
            register: 100,
        },
        signed_at: Instant(0),
    }
}

/// An amendment that names as many submissions as it may.
pub fn a_long_amendment(extra: usize) -> Amendment {
    let still_valid = (0..MAX_STILL_VALID + extra).map(|_| SubmissionDigest([3; 32])).collect();
    Amendment {
        content: AmendmentContent {
            number: 1,
            author: AuthorityId::new("cec").unwrap(),
            change: Change::KeyRevoked { key: key(1).id(), still_valid },
        },
        reason: "stolen".into(),
        signed_at: Instant(0),
    }
}

/// An amendment that gives up as many ranges as it may, in the longest encoding.
pub fn a_long_list_of_lost_records(extra: usize) -> Amendment {
    let range = |_| RecordRange { shard: ShardId(u32::MAX), first: u64::MAX, last: u64::MAX };
    let ranges = (0..MAX_LOST_RANGES + extra).map(range).collect();
    let long = a_long_amendment(0);
    let change = Change::RecordsLost { generation: u32::MAX, ranges };
    let reason = "r".repeat(MAX_REASON_BYTES);
    Amendment { content: AmendmentContent { change, ..long.content }, reason, ..long }
}
