//! Opening: what is signed for this election by a known key is read; everything else is refused for the reason it has.

use crate::common::{CORE, a_protocol, a_turnout_report, body, election, key, opener};
use hattama_election::{
    digest::{CoreDigest, SubmissionDigest, sha256},
    ids::ElectionId,
    key::{KeyId, PublicKey},
    rules::RuleCode,
    submission::{Submission, SubmissionBody},
};
use hattama_tally::{OpenRecords, Opened};
use hattama_wire::{
    FORMAT, RecordOpener, SignedMessage, SignedSubmission, encode_payload, limits::MAX_SUBMISSION_BYTES, sign_raw,
    sign_submission,
};
use proptest::prelude::*;

/// The keys of the tests that are in force: seeds 0 to 9.
fn known(id: &KeyId) -> Option<PublicKey> {
    (0..10).map(|place| key(place).public_key()).find(|public| public.id() == *id)
}

fn only_key_1(id: &KeyId) -> Option<PublicKey> {
    Some(key(1).public_key()).filter(|public| public.id() == *id)
}

fn signed(body: &SubmissionBody) -> SignedSubmission {
    sign_submission(&key(1), &election(), &CORE, body)
}

fn a_submission() -> SignedSubmission {
    signed(&SubmissionBody::Protocol(a_protocol()))
}

/// Opens one value both ways, and sees that they agree.
fn open(opener: &RecordOpener, value: &[u8]) -> Opened {
    let mut opened = opener.open(&[value], &known);
    assert_eq!(opened.len(), 1);
    let opened = opened.remove(0);
    match (opener.open_one(value, &known), &opened) {
        (Ok(submission), Opened::Submission(other)) => assert_eq!(&submission, other.as_ref()),
        (Err(error), Opened::Refused { digest, rules }) => {
            assert_eq!(error.digest, *digest);
            assert!(error.errors.iter().all(|error| rules.contains(&error.rule)));
        }
        (Err(error), Opened::UnknownKey { digest, key }) => {
            assert_eq!((error.digest, error.unknown_key), (*digest, Some(*key)));
        }
        (one, batch) => panic!("{one:?} singly, {batch:?} in a batch"),
    }
    opened
}

fn refused_with(value: &[u8], digest: SubmissionDigest, rule: RuleCode) {
    assert_eq!(open(&opener(), value), Opened::Refused { digest, rules: vec![rule] });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_signed_opens_to_the_same(body in body()) {
        let submission = signed(&body);
        let expected = Submission { digest: submission.digest(), key: key(1).id(), body };
        prop_assert_eq!(open(&opener(), &submission.record_value()), Opened::Submission(Box::new(expected)));
    }

    #[test]
    fn a_changed_record_never_opens(body in body(), place in any::<prop::sample::Index>(), xor in 1_u8..) {
        let mut value = signed(&body).record_value().to_vec();
        let place = place.index(value.len());
        value[place] ^= xor;
        prop_assert!(!matches!(open(&opener(), &value), Opened::Submission(_)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_bytes_are_refused_and_never_panic(value in prop::collection::vec(any::<u8>(), 0..300)) {
        let digest = SubmissionDigest(sha256(&value));
        // A value that happens to be an empty message would still have no signature.
        prop_assert_eq!(open(&opener(), &value), Opened::Refused { digest, rules: vec![RuleCode::Malformed] });
    }

    #[test]
    fn random_signed_bytes_are_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let submission = SignedSubmission { signature: key(1).sign(&bytes), signed: bytes.into() };
        let digest = submission.digest();
        match open(&opener(), &submission.record_value()) {
            Opened::Refused { digest: found, .. } => prop_assert_eq!(found, digest),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_random_payload_with_a_good_signature_never_panics(
        payload in prop::collection::vec(any::<u8>(), 0..120),
        kind in prop_oneof!["protocol", "turnout", "commission-protocol", "decision", "amendment", "probe", "[a-z]*"],
    ) {
        let submission = sign_raw(&key(1), &election(), &CORE, &kind, FORMAT, &payload);
        if let Ok(read) = opener().open_one(&submission.record_value(), &only_key_1) {
            prop_assert_eq!(encode_payload(&read.body), payload);
        }
    }
}

#[test]
fn flipping_any_bit_of_a_record_refuses_it() {
    let value = a_submission().record_value();
    for place in 0..value.len() {
        for bit in 0..8 {
            let mut other = value.to_vec();
            other[place] ^= 1 << bit;
            let opened = opener().open_one(&other, &only_key_1);
            assert!(opened.is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn a_value_that_is_no_canonical_record_is_malformed_under_the_digest_of_the_value() {
    let submission = a_submission();
    let value = submission.record_value();
    let unknown_field = [&value[..], &[0x18, 1]].concat();
    let no_signature = value[..value.len() - 66].to_vec();
    let mut swapped = value[value.len() - 66..].to_vec();
    swapped.extend_from_slice(&value[..value.len() - 66]);
    for wrong in [unknown_field, no_signature, swapped, value[..value.len() - 1].to_vec(), vec![]] {
        refused_with(&wrong, SubmissionDigest(sha256(&wrong)), RuleCode::Malformed);
    }
}

#[test]
fn a_record_above_the_limit_is_too_long() {
    let submission = sign_raw(&key(1), &election(), &CORE, "probe", FORMAT, &vec![0; MAX_SUBMISSION_BYTES]);
    let value = submission.record_value();
    refused_with(&value, SubmissionDigest(sha256(&value)), RuleCode::TooLong);
}

#[test]
fn another_election_core_kind_or_format_is_refused_by_name() {
    let payload = encode_payload(&SubmissionBody::Protocol(a_protocol()));
    let other = ElectionId::new("other").unwrap();
    let cases = [
        (sign_raw(&key(1), &other, &CORE, "protocol", FORMAT, &payload), RuleCode::ForeignElection),
        (sign_raw(&key(1), &election(), &CoreDigest([8; 32]), "protocol", FORMAT, &payload), RuleCode::ForeignCore),
        (sign_raw(&key(1), &election(), &CORE, "verdict", FORMAT, &payload), RuleCode::Unsupported),
        (sign_raw(&key(1), &election(), &CORE, "protocol", "protobuf/2", &payload), RuleCode::Unsupported),
    ];
    for (submission, rule) in cases {
        refused_with(&submission.record_value(), submission.digest(), rule);
    }
}

#[test]
fn a_turnout_report_presented_as_a_protocol_is_refused() {
    let payload = encode_payload(&SubmissionBody::Turnout(a_turnout_report()));
    let signed_as_protocol = sign_raw(&key(1), &election(), &CORE, "protocol", FORMAT, &payload);
    assert!(matches!(open(&opener(), &signed_as_protocol.record_value()), Opened::Refused { .. }));

    let honest = signed(&SubmissionBody::Turnout(a_turnout_report()));
    let message = SignedMessage { kind: "protocol", ..SignedMessage::parse(&honest.signed).unwrap() };
    let relabelled = SignedSubmission { signed: message.encode(), signature: honest.signature };
    refused_with(&relabelled.record_value(), relabelled.digest(), RuleCode::BadSignature);
}

#[test]
fn a_key_that_is_not_in_force_is_kept_and_not_judged() {
    let submission = sign_submission(&key(99), &election(), &CORE, &SubmissionBody::Protocol(a_protocol()));
    let expected = Opened::UnknownKey { digest: submission.digest(), key: key(99).id() };
    assert_eq!(open(&opener(), &submission.record_value()), expected);
}

#[test]
fn a_signature_by_another_key_is_bad_whatever_the_payload_says() {
    let message = SignedMessage {
        kind: "protocol",
        election: "sample",
        core_digest: CORE,
        key: key(1).id(),
        format: FORMAT,
        payload: b"no protobuf at all",
    };
    let signed = message.encode();
    let forged = SignedSubmission { signature: key(2).sign(&signed), signed };
    refused_with(&forged.record_value(), forged.digest(), RuleCode::BadSignature);
}

#[test]
fn of_a_thousand_records_exactly_the_wrong_ones_are_refused_at_their_place() {
    let good: Vec<SignedSubmission> = (0..1_000_u32)
        .map(|place| {
            let mut report = a_turnout_report();
            report.content.received_a_ballot = place;
            let signer = key(u8::try_from(place % 10).unwrap());
            sign_submission(&signer, &election(), &CORE, &SubmissionBody::Turnout(report))
        })
        .collect();
    let mut sent = good.clone();
    sent[300].signature = sent[301].signature;
    let mut values: Vec<Vec<u8>> = sent.iter().map(|submission| submission.record_value().to_vec()).collect();
    values[7] = b"no record".to_vec();
    let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let opened = opener().open(&slices, &known);
    assert_eq!(opened.len(), 1_000);
    for (place, opened) in opened.iter().enumerate() {
        match (place, opened) {
            (7, Opened::Refused { rules, .. }) => assert_eq!(rules, &[RuleCode::Malformed]),
            (300, Opened::Refused { rules, .. }) => assert_eq!(rules, &[RuleCode::BadSignature]),
            (_, Opened::Submission(submission)) => assert_eq!(submission.digest, good[place].digest()),
            (_, other) => panic!("{place}: {other:?}"),
        }
    }
    assert_eq!(opener().open(&[], &known), []);
}

#[test]
fn an_error_tells_the_submission_the_rule_and_the_field() {
    let mut protocol = a_protocol();
    protocol.content.votes[0].1 = 10_000_000;
    let submission = signed(&SubmissionBody::Protocol(protocol));
    let error = opener().open_one(&submission.record_value(), &known).unwrap_err();
    let expected = format!(
        "submission {} is refused; COUNT_OUT_OF_RANGE at votes.lake: 10000000 is above 9999999",
        submission.digest().short()
    );
    assert_eq!(error.to_string(), expected);
}
