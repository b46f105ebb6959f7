//! Payloads read back, and every other encoding or wrong form is refused by name.

use crate::common::{a_long_amendment, a_long_list_of_lost_records, a_protocol, a_turnout_report, body};
use hattama_election::{
    rules::RuleCode,
    submission::{Kind, SubmissionBody},
};
use hattama_proto::submission::v1;
use hattama_wire::{decode_payload, encode_payload, limits};
use proptest::prelude::*;
use prost::Message as _;

/// The protocol as a message, changed.
fn changed(change: impl FnOnce(&mut v1::Protocol)) -> Vec<u8> {
    let payload = encode_payload(&SubmissionBody::Protocol(a_protocol()));
    let mut message = v1::Protocol::decode(payload).unwrap();
    change(&mut message);
    message.encode_to_vec()
}

/// What is wrong with a payload: rules and fields.
fn wrong(kind: Kind, payload: &[u8]) -> Vec<(RuleCode, String)> {
    decode_payload(kind, payload).unwrap_err().into_iter().map(|error| (error.rule, error.field)).collect()
}

fn wrong_protocol(change: impl FnOnce(&mut v1::Protocol)) -> Vec<(RuleCode, String)> {
    wrong(Kind::Protocol, &changed(change))
}

fn one(rule: RuleCode, field: &str) -> Vec<(RuleCode, String)> {
    vec![(rule, field.to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_payload_reads_back(body in body()) {
        let payload = encode_payload(&body);
        prop_assert_eq!(decode_payload(body.kind(), &payload), Ok(body));
    }

    #[test]
    fn an_unknown_field_behind_is_unsupported(body in body(), number in 100_u32..500_000, value in 0_u8..128) {
        let mut payload = encode_payload(&body).to_vec();
        prost::encoding::encode_key(number, prost::encoding::WireType::Varint, &mut payload);
        payload.push(value);
        prop_assert_eq!(wrong(body.kind(), &payload), one(RuleCode::Unsupported, "payload"));
    }

    #[test]
    fn a_payload_has_one_encoding_only(body in body(), place in any::<prop::sample::Index>(), xor in 1_u8..) {
        let payload = encode_payload(&body);
        let mut other = payload.to_vec();
        let place = place.index(other.len());
        other[place] ^= xor;
        if let Ok(read) = decode_payload(body.kind(), &other) {
            prop_assert_ne!(&read, &body);
            prop_assert_eq!(encode_payload(&read), other);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    #[test]
    fn random_bytes_never_panic_and_what_is_read_is_canonical(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0..Kind::ALL.len(),
    ) {
        if let Ok(read) = decode_payload(Kind::ALL[kind], &payload) {
            prop_assert_eq!(encode_payload(&read), payload);
        }
    }
}

#[test]
fn fields_out_of_order_are_unsupported() {
    // Probe: nonce (5) before shard (4) before sender (1).
    let mut payload = vec![0x29, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 3, 0x0a, 1, b'x'];
    assert_eq!(wrong(Kind::Probe, &payload), one(RuleCode::Unsupported, "payload"));
    payload.rotate_right(5);
    payload[..5].copy_from_slice(&[0x0a, 1, b'x', 0x20, 3]);
    assert!(decode_payload(Kind::Probe, &payload).is_ok(), "the same fields in their order");
}

#[test]
fn a_zero_that_is_written_out_is_unsupported() {
    assert!(decode_payload(Kind::Probe, &[0x0a, 1, b'x']).is_ok());
    assert_eq!(wrong(Kind::Probe, &[0x0a, 1, b'x', 0x20, 0]), one(RuleCode::Unsupported, "payload"));
}

#[test]
fn a_number_in_more_bytes_than_it_needs_is_unsupported() {
    assert!(decode_payload(Kind::Probe, &[0x0a, 1, b'x', 0x20, 1]).is_ok());
    assert_eq!(wrong(Kind::Probe, &[0x0a, 1, b'x', 0x20, 0x81, 0]), one(RuleCode::Unsupported, "payload"));
}

#[test]
fn a_number_that_would_lose_its_high_bits_is_unsupported() {
    // 2³² + 1 in a field of 32 bits: protobuf reads 1.
    let payload = [0x0a, 1, b'x', 0x20, 0x81, 0x80, 0x80, 0x80, 0x10];
    assert_eq!(wrong(Kind::Probe, &payload), one(RuleCode::Unsupported, "payload"));
}

#[test]
fn two_senders_of_one_probe_are_unsupported() {
    let payload = [0x0a, 1, b'x', 0x12, 1, b'y'];
    assert_eq!(wrong(Kind::Probe, &payload), one(RuleCode::Unsupported, "payload"));
}

#[test]
fn a_turnout_report_is_no_protocol() {
    let payload = encode_payload(&SubmissionBody::Turnout(a_turnout_report()));
    assert!(decode_payload(Kind::Turnout, &payload).is_ok());
    assert!(decode_payload(Kind::Protocol, &payload).is_err());
    let payload = encode_payload(&SubmissionBody::Protocol(a_protocol()));
    assert!(decode_payload(Kind::Turnout, &payload).is_err());
}

#[test]
fn a_wrong_id_or_digest_is_malformed_and_named() {
    assert_eq!(wrong_protocol(|message| message.station = "North".into()), one(RuleCode::Malformed, "station"));
    assert_eq!(wrong_protocol(|message| message.contest = String::new()), one(RuleCode::Malformed, "contest"));
    assert_eq!(
        wrong_protocol(|message| message.votes[1].option = "a b".into()),
        one(RuleCode::Malformed, "votes[1].option")
    );
    assert_eq!(
        wrong_protocol(|message| message.supersedes = Some(vec![0; 31].into())),
        one(RuleCode::Malformed, "supersedes")
    );
    assert_eq!(wrong_protocol(|message| message.scan = Some(vec![].into())), one(RuleCode::Malformed, "scan"));
}

#[test]
fn lines_and_options_out_of_order_or_twice_are_malformed() {
    assert_eq!(wrong_protocol(|message| message.lines.swap(0, 1)), one(RuleCode::Malformed, "lines.voters_listed"));
    assert_eq!(
        wrong_protocol(|message| message.lines[1].meaning = message.lines[0].meaning),
        one(RuleCode::Malformed, "lines.voters_listed")
    );
    assert_eq!(wrong_protocol(|message| message.votes.swap(0, 1)), one(RuleCode::Malformed, "votes"));
    assert_eq!(
        wrong_protocol(|message| message.votes[1].option = message.votes[0].option.clone()),
        one(RuleCode::Malformed, "votes")
    );
}

#[test]
fn a_value_of_an_enum_that_is_unspecified_is_malformed_and_an_unknown_one_unsupported() {
    assert_eq!(wrong_protocol(|message| message.lines[0].meaning = 0), one(RuleCode::Malformed, "lines[0].meaning"));
    assert_eq!(wrong_protocol(|message| message.lines[0].meaning = 13), one(RuleCode::Unsupported, "lines[0].meaning"));
    assert_eq!(
        wrong_protocol(|message| message.signatories[0].role = 5),
        one(RuleCode::Unsupported, "signatories[0].role")
    );
    assert_eq!(
        wrong_protocol(|message| message.signatories[0].stance = 0),
        one(RuleCode::Malformed, "signatories[0].stance")
    );
}

#[test]
fn a_count_above_its_limit_is_named_with_its_line_or_option() {
    let expected = ["lines.ballots_valid", "votes.lake", "against_all", "complaints"];
    let found = wrong_protocol(|message| {
        message.lines[1].count = 10_000_000;
        message.votes[0].votes = 10_000_000;
        message.against_all = Some(u32::MAX);
        message.complaints = Some(10_000_000);
    });
    assert_eq!(found, expected.map(|field| (RuleCode::CountOutOfRange, field.to_owned())));
    assert!(decode_payload(Kind::Protocol, &changed(|message| message.lines[1].count = 9_999_999)).is_ok());
}

#[test]
fn a_revision_is_1_to_99() {
    for revision in [0, 100, 256 + 1, u32::MAX] {
        let found = wrong_protocol(|message| message.revision = revision);
        assert_eq!(found, one(RuleCode::RevisionOutOfRange, "revision"), "{revision}");
    }
    assert!(decode_payload(Kind::Protocol, &changed(|message| message.revision = 99)).is_ok());
}

#[test]
fn a_text_or_list_above_its_limit_is_too_long() {
    assert_eq!(wrong_protocol(|message| message.reason = Some("x".repeat(1_001))), one(RuleCode::TooLong, "reason"));
    assert_eq!(
        wrong_protocol(|message| message.signatories[0].name = "ә".repeat(101)),
        one(RuleCode::TooLong, "signatories[0].name")
    );
    let signatory = v1::Signatory { role: 1, name: String::new(), stance: 1 };
    assert_eq!(
        wrong_protocol(|message| message.signatories = vec![signatory; 33]),
        one(RuleCode::TooLong, "signatories")
    );
    let at_the_limit = encode_payload(&SubmissionBody::Amendment(a_long_amendment(0)));
    assert!(decode_payload(Kind::Amendment, &at_the_limit).is_ok());
    let above = encode_payload(&SubmissionBody::Amendment(a_long_amendment(1)));
    assert_eq!(wrong(Kind::Amendment, &above), one(RuleCode::TooLong, "key_revoked.still_valid"));
    let above = encode_payload(&SubmissionBody::Amendment(a_long_list_of_lost_records(1)));
    assert_eq!(wrong(Kind::Amendment, &above), one(RuleCode::TooLong, "records_lost.ranges"));
}

#[test]
fn the_longest_list_of_lost_records_is_far_below_what_a_submission_may_have() {
    let longest = encode_payload(&SubmissionBody::Amendment(a_long_list_of_lost_records(0)));
    assert!(decode_payload(Kind::Amendment, &longest).is_ok());
    assert!(longest.len() < limits::MAX_SUBMISSION_BYTES * 2 / 3, "{} bytes", longest.len());
}

#[test]
fn a_decision_or_amendment_without_reason_ruling_or_change_is_refused() {
    let decision = v1::Decision { author: "cec".into(), number: 1, reason: " ".into(), ..Default::default() };
    assert_eq!(
        wrong(Kind::Decision, &decision.encode_to_vec()),
        [(RuleCode::ReasonMissing, "reason".to_owned()), (RuleCode::Malformed, "ruling".to_owned())]
    );
    let amendment = v1::Amendment { author: "cec".into(), number: 1, reason: "r".into(), ..Default::default() };
    assert_eq!(wrong(Kind::Amendment, &amendment.encode_to_vec()), one(RuleCode::Malformed, "change"));
    let probe = v1::Probe { shard: 1, ..Default::default() };
    assert_eq!(wrong(Kind::Probe, &probe.encode_to_vec()), one(RuleCode::Malformed, "from"));
}

#[test]
fn a_change_to_a_rule_or_severity_that_is_not_known_is_unsupported() {
    let amendment = |rule: &str, severity: &str| {
        let change = v1::SeverityChanged { rule: rule.into(), severity: severity.into() };
        let change = Some(v1::amendment::Change::SeverityChanged(change));
        let reason = "r".into();
        v1::Amendment { number: 1, author: "cec".into(), reason, signed_at_seconds: 0, change }.encode_to_vec()
    };
    assert!(decode_payload(Kind::Amendment, &amendment("INVALID_SHARE_HIGH", "hold")).is_ok());
    let rule = wrong(Kind::Amendment, &amendment("NEW_RULE", "hold"));
    assert_eq!(rule, one(RuleCode::Unsupported, "severity_changed.rule"));
    let severity = wrong(Kind::Amendment, &amendment("INVALID_SHARE_HIGH", "refuse"));
    assert_eq!(severity, one(RuleCode::Unsupported, "severity_changed.severity"));
}

#[test]
fn a_new_key_that_anybody_could_sign_for_is_malformed() {
    let holder = Some(v1::key_replaced::Holder::Station("s".into()));
    let change = v1::KeyReplaced { key: vec![0; 32].into(), holder };
    let amendment = v1::Amendment {
        number: 1,
        author: "cec".into(),
        reason: "r".into(),
        signed_at_seconds: 0,
        change: Some(v1::amendment::Change::KeyReplaced(change)),
    };
    assert_eq!(wrong(Kind::Amendment, &amendment.encode_to_vec()), one(RuleCode::Malformed, "key_replaced.key"));
}

#[test]
fn thirty_thousand_wrong_votes_give_a_short_answer() {
    let found = wrong_protocol(|message| {
        message.votes = vec![v1::OptionVotes { option: "?".into(), votes: 1 }; 30_000];
        message.revision = 0;
        message.scan = Some(vec![].into());
    });
    assert!(found.len() <= hattama_wire::limits::MAX_FIELD_ERRORS + 1);
    assert_eq!(found[0].0, RuleCode::RevisionOutOfRange);
}
