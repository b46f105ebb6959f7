//! What stations and commissions sign in the small night.

use super::{Partitions, genesis};
use bytes::Bytes;
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder},
    decision::{Decision, DecisionContent, Ruling},
    definition::{Definition, KeyRole, sample},
    digest::ContentDigest,
    form::{LineMeaning, Lines},
    ids::{AuthorityId, ContestId, OptionId, SlotId, StationId},
    instant::Instant,
    protocol::{Protocol, ProtocolContent},
    rules::{RuleCode, Severity},
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_wire::{SigningKey, sign_submission};

/// An hour after the last station at home has closed.
pub const NIGHT: &str = "2030-06-03T00:00:00Z";

pub fn station_key(id: &str) -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), KeyRole::Station, id).unwrap()
}

pub fn authority_key(role: KeyRole, id: &str) -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), role, id).unwrap()
}

pub fn signed(definition: &Definition, key: &SigningKey, body: &SubmissionBody) -> Bytes {
    sign_submission(key, &definition.id, &definition.core_digest, body).record_value()
}

/// A protocol that adds up: `votes` in ballot order, the last against all.
pub fn protocol(station: &str, contest: &str, revision: u8, votes: &[u32]) -> Protocol {
    let definition = sample::definition();
    let (_, of) = definition.contest(&ContestId::new(contest).unwrap()).unwrap();
    let (against_all, options) = votes.split_last().unwrap();
    let mut by_option: Vec<(OptionId, u32)> =
        of.options.iter().map(|option| option.id.clone()).zip(options.iter().copied()).collect();
    by_option.sort();
    let valid: u32 = votes.iter().sum();
    let invalid = 2;
    let mut lines = Lines::default();
    for (meaning, count) in [
        (LineMeaning::VotersListed, valid + 50),
        (LineMeaning::BallotsReceived, valid + invalid + 30),
        (LineMeaning::BallotsIssued, valid + invalid),
        (LineMeaning::BallotsUnused, 29),
        (LineMeaning::BallotsSpoiled, 1),
        (LineMeaning::BallotsFound, valid + invalid),
        (LineMeaning::BallotsInvalid, invalid),
        (LineMeaning::BallotsValid, valid),
    ] {
        lines.set(meaning, count);
    }
    Protocol {
        content: ProtocolContent {
            station: StationId::new(station).unwrap(),
            contest: ContestId::new(contest).unwrap(),
            revision,
            lines,
            votes: by_option,
            against_all: Some(*against_all),
        },
        signed_at: Instant::parse(NIGHT).unwrap(),
        supersedes: None,
        reason: None,
        correction_authority: None,
        signatories: Vec::new(),
        complaints: None,
        scan: None,
    }
}

pub fn by_station(definition: &Definition, protocol: Protocol) -> Bytes {
    let key = station_key(protocol.content.station.as_str());
    signed(definition, &key, &SubmissionBody::Protocol(protocol))
}

pub fn turnout(definition: &Definition, station: &str, slot: &str, received_a_ballot: u32) -> Bytes {
    let content = TurnoutContent {
        station: StationId::new(station).unwrap(),
        slot: SlotId::new(slot).unwrap(),
        revision: 1,
        received_a_ballot,
        register: 2_000,
    };
    let report = TurnoutReport { content, signed_at: Instant::parse(NIGHT).unwrap() };
    signed(definition, &station_key(station), &SubmissionBody::Turnout(report))
}

pub fn decision(definition: &Definition, author: (&str, KeyRole, &str), number: u32, ruling: Ruling) -> Bytes {
    let (author, role, key) = author;
    let decision = Decision {
        content: DecisionContent { author: AuthorityId::new(author).unwrap(), number, ruling },
        reason: "the paper was looked at again".into(),
        signed_at: Instant::parse(NIGHT).unwrap(),
    };
    signed(definition, &authority_key(role, key), &SubmissionBody::Decision(decision))
}

pub fn amendment(definition: &Definition, number: u32, change: Change) -> Bytes {
    let amendment = Amendment {
        content: AmendmentContent { number, author: AuthorityId::new("cec").unwrap(), change },
        reason: "as the commission resolved".into(),
        signed_at: Instant::parse(NIGHT).unwrap(),
    };
    signed(definition, &authority_key(KeyRole::Authority, "cec"), &SubmissionBody::Amendment(amendment))
}

/// The key that an amendment brings for station south-003.
pub fn new_key() -> SigningKey {
    SigningKey::from_seed([42; 32]).unwrap()
}

/// The night by shard: first protocols, a duplicate, the same content signed again, a correction, a contested revision and
/// the choice, a held one and its confirmation, a key that an amendment brings later, refused records of three kinds.
pub fn submissions() -> Partitions {
    let definition = sample::definition();
    let definition = &definition;
    let first = genesis(definition);
    let key_replaced = Change::KeyReplaced {
        holder: KeyHolder::Station(StationId::new("south-003").unwrap()),
        key: new_key().public_key(),
    };
    let severity = Change::SeverityChanged { rule: RuleCode::InvalidShareHigh, severity: Severity::Hold };
    let control = vec![
        first.clone(),
        amendment(definition, 2, severity),
        Bytes::from_static(b"no amendment"),
        amendment(definition, 1, key_replaced),
    ];
    vec![control, north_a(definition), north_b(definition), south(definition), abroad(definition)]
}

fn north_a(definition: &Definition) -> Vec<Bytes> {
    let one = protocol("north-001", "council-list", 1, &[500, 300, 40, 20, 10]);
    let mut again = one.clone();
    again.signed_at = Instant(again.signed_at.0 + 60);
    let mut corrected = protocol("north-001", "council-list", 2, &[501, 299, 40, 20, 10]);
    corrected.supersedes = Some(one.content.digest());
    corrected.reason = Some("two bundles were exchanged".into());
    vec![
        genesis(definition),
        turnout(definition, "north-001", "10-00", 150),
        by_station(definition, one.clone()),
        turnout(definition, "north-002", "10-00", 200),
        by_station(definition, one),
        by_station(definition, protocol("north-001", "council-d-1", 1, &[400, 300, 150, 20])),
        by_station(definition, again),
        by_station(definition, protocol("north-002", "council-list", 1, &[200, 350, 100, 50, 30])),
        by_station(definition, corrected),
        by_station(definition, protocol("north-002", "council-d-1", 1, &[300, 310, 100, 20])),
        turnout(definition, "north-001", "14-00", 600),
    ]
}

fn north_b(definition: &Definition) -> Vec<Bytes> {
    let mut wrong_sum = protocol("north-004", "council-list", 1, &[80, 40, 30, 20, 4]);
    wrong_sum.content.votes[0].1 += 7;
    let confirm =
        Ruling::Confirm { station: StationId::new("north-004").unwrap(), content: wrong_sum.content.digest() };
    let mut tampered = by_station(definition, protocol("north-003", "council-list", 1, &[1, 1, 1, 1, 1])).to_vec();
    *tampered.last_mut().unwrap() ^= 1;
    vec![
        genesis(definition),
        Bytes::from(tampered),
        by_station(definition, protocol("north-003", "council-list", 1, &[300, 200, 100, 50, 25])),
        by_station(definition, wrong_sum),
        by_station(definition, protocol("south-001", "council-list", 1, &[9, 9, 9, 9, 9])),
        by_station(definition, protocol("north-003", "council-d-1", 1, &[300, 250, 100, 25])),
        decision(definition, ("tec-north-b", KeyRole::Territorial, "north-b"), 1, confirm),
    ]
}

fn south(definition: &Definition) -> Vec<Bytes> {
    let one = protocol("south-001", "council-list", 1, &[700, 500, 300, 100, 50]);
    let other = protocol("south-001", "council-list", 1, &[600, 600, 300, 100, 50]);
    let choose = choose(&one.content.digest(), &other.content.digest());
    let by_new_key = protocol("south-003", "council-list", 1, &[20, 20, 10, 5, 1]);
    vec![
        genesis(definition),
        by_station(definition, one),
        signed(definition, &new_key(), &SubmissionBody::Protocol(by_new_key)),
        by_station(definition, protocol("south-002", "council-d-2", 1, &[400, 380, 20])),
        by_station(definition, other),
        by_station(definition, protocol("south-002", "council-list", 1, &[300, 200, 150, 100, 40])),
        by_station(definition, protocol("south-001", "council-d-2", 1, &[800, 830, 20])),
        decision(definition, ("tec-south-a", KeyRole::Territorial, "south-a"), 1, choose),
        turnout(definition, "south-002", "20-00", 900),
    ]
}

fn choose(chosen: &ContentDigest, set_aside: &ContentDigest) -> Ruling {
    let station = StationId::new("south-001").unwrap();
    Ruling::Choose { station, chosen: *chosen, set_aside: vec![*set_aside] }
}

fn abroad(definition: &Definition) -> Vec<Bytes> {
    vec![
        genesis(definition),
        Bytes::from_static(b"\x00 this is no submission"),
        by_station(definition, protocol("abroad-001", "council-list", 1, &[30, 20, 10, 5, 2])),
    ]
}
