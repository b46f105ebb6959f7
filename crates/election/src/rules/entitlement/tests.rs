use super::*;
use crate::{
    amendment::{Amendment, AmendmentContent, Change},
    decision::DecisionContent,
    definition::{RehearsalKeys, sample},
    digest::ContentDigest,
    form::Lines,
    ids::{AuthorityId, ContestId, ServiceId, ShardId, SlotId},
    instant::Instant,
    protocol::{Protocol, ProtocolContent},
    submission::{CommissionProtocolContent, Lines64, Probe},
    turnout::{TurnoutContent, TurnoutReport},
};

fn station_id(id: &str) -> StationId {
    StationId::new(id).unwrap()
}

fn station(definition: &Definition, id: &str) -> Holder {
    Holder::Station(definition.station(&station_id(id)).unwrap().0)
}

fn authority(definition: &Definition, id: &str) -> Holder {
    let index = definition.authorities.iter().position(|authority| authority.id.as_str() == id).unwrap();
    Holder::Authority(index.try_into().unwrap())
}

fn service(definition: &Definition, id: &str) -> Holder {
    let index = definition.services.iter().position(|service| service.id.as_str() == id).unwrap();
    Holder::Service(index.try_into().unwrap())
}

fn protocol_of(id: &str) -> SubmissionBody {
    SubmissionBody::Protocol(Protocol {
        content: ProtocolContent {
            station: station_id(id),
            contest: ContestId::new("council-list").unwrap(),
            revision: 1,
            lines: Lines::default(),
            votes: Vec::new(),
            against_all: None,
        },
        signed_at: Instant(0),
        supersedes: None,
        reason: None,
        correction_authority: None,
        signatories: Vec::new(),
        complaints: None,
        scan: None,
    })
}

fn turnout_of(id: &str) -> SubmissionBody {
    let (station, slot) = (station_id(id), SlotId::new("10-00").unwrap());
    let content = TurnoutContent { station, slot, revision: 1, received_a_ballot: 0, register: 0 };
    SubmissionBody::Turnout(TurnoutReport { content, signed_at: Instant(0) })
}

fn decided(author: &str, ruling: Ruling) -> SubmissionBody {
    let content = DecisionContent { author: AuthorityId::new(author).unwrap(), number: 1, ruling };
    SubmissionBody::Decision(Decision { content, reason: "because".into(), signed_at: Instant(0) })
}

fn confirm(author: &str, id: &str) -> SubmissionBody {
    decided(author, Ruling::Confirm { station: station_id(id), content: ContentDigest([0; 32]) })
}

fn annul_station(author: &str, id: &str, contest: &str) -> SubmissionBody {
    decided(author, Ruling::AnnulStation { station: station_id(id), contest: ContestId::new(contest).unwrap() })
}

fn tie(author: &str) -> SubmissionBody {
    let contest = ContestId::new("council-list").unwrap();
    decided(author, Ruling::ResolveTie { contest, between: Vec::new(), seats: 1, winners: Vec::new() })
}

fn amended(author: &str) -> SubmissionBody {
    let content = AmendmentContent {
        number: 1,
        author: AuthorityId::new(author).unwrap(),
        change: Change::StationClosed { station: station_id("north-001") },
    };
    SubmissionBody::Amendment(Amendment { content, reason: "because".into(), signed_at: Instant(0) })
}

fn totalled(author: &str, contest: &str) -> SubmissionBody {
    let content = CommissionProtocolContent {
        author: AuthorityId::new(author).unwrap(),
        contest: ContestId::new(contest).unwrap(),
        revision: 1,
        covered_count: 0,
        covered_digest: ContentDigest([0; 32]),
        covered: Vec::new(),
        lines: Lines64::default(),
        votes: Vec::new(),
        against_all: None,
    };
    SubmissionBody::CommissionProtocol(CommissionProtocol { content, signed_at: Instant(0) })
}

fn probe(from: ProbeSender) -> SubmissionBody {
    SubmissionBody::Probe(Probe { from, shard: ShardId(1), nonce: 0 })
}

fn probe_of_authority(id: &str) -> SubmissionBody {
    probe(ProbeSender::Authority(AuthorityId::new(id).unwrap()))
}

fn probe_of_service(id: &str) -> SubmissionBody {
    probe(ProbeSender::Service(ServiceId::new(id).unwrap()))
}

/// Checks that of `bodies` the holder may sign exactly those marked.
fn may_sign(definition: &Definition, holder: Holder, bodies: &[(SubmissionBody, bool)]) {
    for (body, expected) in bodies {
        assert_eq!(entitled(definition, holder, body), *expected, "{holder:?}: {body:?}");
    }
}

#[test]
fn a_station_speaks_only_for_itself() {
    let definition = sample::definition();
    let bodies = [
        (protocol_of("north-001"), true),
        (turnout_of("north-001"), true),
        (probe(ProbeSender::Station(station_id("north-001"))), true),
        (protocol_of("north-002"), false),
        (turnout_of("north-002"), false),
        (probe(ProbeSender::Station(station_id("north-002"))), false),
        (confirm("tec-north-a", "north-001"), false),
        (totalled("tec-north-a", "council-list"), false),
        (amended("cec"), false),
    ];
    may_sign(&definition, station(&definition, "north-001"), &bodies);
}

#[test]
fn a_territory_s_commission_decides_on_its_stations_and_totals_contests_that_are_not_a_district_s() {
    let definition = sample::definition();
    let bodies = [
        (confirm("tec-north-a", "north-001"), true),
        (confirm("tec-north-a", "north-003"), false),
        (confirm("tec-north-a", "nowhere"), false),
        (confirm("cec", "north-001"), false),
        (annul_station("tec-north-a", "north-001", "council-list"), true),
        (annul_station("tec-north-a", "north-001", "council-d-1"), false),
        (annul_station("tec-north-a", "north-003", "council-list"), false),
        (annul_station("tec-north-a", "north-001", "nothing"), false),
        (totalled("tec-north-a", "council-list"), true),
        (totalled("tec-north-a", "council-d-1"), false),
        (totalled("tec-north-b", "council-list"), false),
        (tie("tec-north-a"), false),
        (amended("tec-north-a"), false),
        (protocol_of("north-001"), false),
        (probe_of_authority("tec-north-a"), true),
        (probe_of_authority("cec"), false),
    ];
    may_sign(&definition, authority(&definition, "tec-north-a"), &bodies);
}

#[test]
fn a_district_s_commission_decides_on_its_own_contest_alone() {
    let definition = sample::definition();
    let bodies = [
        (confirm("dec-d-1", "north-001"), true),
        (confirm("dec-d-1", "north-003"), true),
        (confirm("dec-d-1", "south-001"), false),
        (confirm("dec-d-1", "abroad-001"), false),
        (annul_station("dec-d-1", "north-001", "council-d-1"), true),
        (annul_station("dec-d-1", "north-001", "council-list"), false),
        (annul_station("dec-d-1", "south-001", "council-d-2"), false),
        (totalled("dec-d-1", "council-d-1"), true),
        (totalled("dec-d-1", "council-d-2"), false),
        (tie("dec-d-1"), false),
        (amended("dec-d-1"), false),
    ];
    may_sign(&definition, authority(&definition, "dec-d-1"), &bodies);
}

#[test]
fn the_central_commission_decides_on_everything_and_the_operator_only_amends() {
    let definition = sample::definition();
    let central = [
        (confirm("cec", "abroad-001"), true),
        (annul_station("cec", "north-001", "council-d-1"), true),
        (totalled("cec", "council-list"), true),
        (totalled("cec", "council-d-2"), true),
        (tie("cec"), true),
        (amended("cec"), true),
        (amended("operator"), false),
        (tie("tec-north-a"), false),
        (protocol_of("north-001"), false),
    ];
    may_sign(&definition, authority(&definition, "cec"), &central);
    let operator = [
        (amended("operator"), true),
        (amended("cec"), false),
        (confirm("operator", "north-001"), false),
        (tie("operator"), false),
        (totalled("operator", "council-list"), false),
        (turnout_of("north-001"), false),
        (probe_of_authority("operator"), true),
    ];
    may_sign(&definition, authority(&definition, "operator"), &operator);
}

#[test]
fn an_importer_signs_for_all_stations_only_where_the_definition_allows_it() {
    let mut definition = sample::definition();
    let operator = authority(&definition, "operator");
    definition
        .authorities
        .iter_mut()
        .filter(|authority| authority.role == AuthorityRole::Operator)
        .for_each(|authority| authority.role = AuthorityRole::Importer);
    let bodies = |allowed| {
        [
            (protocol_of("north-001"), allowed),
            (turnout_of("abroad-001"), allowed),
            (amended("operator"), false),
            (confirm("operator", "north-001"), false),
        ]
    };
    may_sign(&definition, operator, &bodies(false));
    definition.rehearsal = Some(RehearsalKeys { importer: true, ..sample::keys() });
    may_sign(&definition, operator, &bodies(true));
    definition.rehearsal = None;
    may_sign(&definition, operator, &bodies(false));
}

#[test]
fn a_service_sends_nothing_but_its_own_probes() {
    let definition = sample::definition();
    let bodies = [
        (probe_of_service("gateway"), true),
        (probe_of_service("national"), false),
        (protocol_of("north-001"), false),
        (amended("cec"), false),
    ];
    may_sign(&definition, service(&definition, "gateway"), &bodies);
}

#[test]
fn a_holder_that_the_definition_does_not_have_may_say_nothing() {
    let definition = sample::definition();
    for holder in
        [Holder::Station(crate::ids::StationIndex(u32::MAX)), Holder::Authority(u16::MAX), Holder::Service(u16::MAX)]
    {
        may_sign(&definition, holder, &[(protocol_of("north-001"), false), (amended("cec"), false)]);
    }
}

#[test]
fn on_every_contest_of_a_station_exactly_one_lower_commission_and_the_central_one_decide() {
    let definition = sample::definition();
    for station in &definition.stations {
        for index in definition.contests_of(station) {
            let contest = &definition.contests[usize::from(index.0)];
            let ranks: Vec<u8> = definition
                .authorities
                .iter()
                .filter(|authority| decides_on(&authority.role, station, contest))
                .map(|authority| authority_rank(&authority.role))
                .collect();
            assert_eq!(ranks.iter().filter(|rank| **rank == 1).count(), 1, "{} {}", station.id, contest.id);
            assert_eq!(ranks.iter().filter(|rank| **rank == 2).count(), 1, "{} {}", station.id, contest.id);
            assert_eq!(ranks.len(), 2, "who decides nothing has no say");
        }
    }
}
