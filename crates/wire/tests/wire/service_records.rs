//! Service records: believed only as what they were signed as, by a service that may sign it.

use crate::common::key;
use bytes::Bytes;
use hattama_election::{
    definition::{KeyRole, sample},
    key::{KeyId, PublicKey},
};
use hattama_proto::log::v1;
use hattama_wire::{
    Envelope, OpenedServiceRecord, ServiceContext, ServiceRecordError, SigningKey,
    limits::{MAX_ENVELOPE_TEXT_BYTES, MAX_SERVICE_RECORD_BYTES},
    open_service, sign_service,
};
use proptest::prelude::*;
use prost::Message as _;

const CONTEXTS: [ServiceContext; 3] = [ServiceContext::Outcomes, ServiceContext::Tally, ServiceContext::Publication];

fn only_key_1(id: &KeyId) -> Option<PublicKey> {
    Some(key(1).public_key()).filter(|public| public.id() == *id)
}

fn envelope() -> Envelope {
    Envelope {
        instance: "aggregator-1".into(),
        written_at_milliseconds: 1_700_000_000_123,
        build: "0.1.0".into(),
        frozen: Some("at offset 9".into()),
    }
}

fn a_record() -> Bytes {
    sign_service(ServiceContext::Tally, &key(1), Bytes::from_static(b"body"), &envelope())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_record_opens_as_what_it_was_signed_as_and_as_nothing_else(
        body in prop::collection::vec(any::<u8>(), 0..100),
        instance in ".{0,20}",
        written_at_milliseconds in any::<i64>(),
        frozen in prop::option::of(".{0,20}"),
    ) {
        let envelope = Envelope { instance, written_at_milliseconds, build: "b".into(), frozen };
        for context in CONTEXTS {
            let value = sign_service(context, &key(1), body.clone().into(), &envelope);
            let expected =
                OpenedServiceRecord { key: key(1).id(), body: body.clone().into(), envelope: envelope.clone() };
            prop_assert_eq!(open_service(context, &value, only_key_1), Ok(expected));
            for other in CONTEXTS.into_iter().filter(|other| *other != context) {
                let found = open_service(other, &value, only_key_1);
                prop_assert_eq!(found, Err(ServiceRecordError::BadSignature { key: key(1).id() }));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_bytes_are_no_service_record_and_never_panic(value in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open_service(ServiceContext::Tally, &value, only_key_1).is_err());
    }
}

#[test]
fn a_record_with_any_bit_flipped_is_not_believed() {
    let value = a_record();
    for place in 0..value.len() {
        for bit in 0..8 {
            let mut other = value.to_vec();
            other[place] ^= 1 << bit;
            assert!(open_service(ServiceContext::Tally, &other, only_key_1).is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn a_key_that_may_not_sign_is_named() {
    let value = sign_service(ServiceContext::Tally, &key(2), Bytes::new(), &envelope());
    let found = open_service(ServiceContext::Tally, &value, only_key_1);
    assert_eq!(found, Err(ServiceRecordError::UnknownKey { key: key(2).id() }));
}

#[test]
fn aggregators_sign_outcomes_and_tallies_and_national_services_publications() {
    let definition = sample::definition();
    let service = |id: &str| SigningKey::rehearsal(&sample::keys(), KeyRole::Service, id).unwrap().public_key();
    let may = |context: ServiceContext, key: PublicKey| context.key(&definition, &key.id()) == Some(key);
    let signs = |key: PublicKey| CONTEXTS.map(|context| may(context, key));
    assert_eq!(signs(service("aggregator")), [true, true, false]);
    assert_eq!(signs(service("national")), [false, false, true]);
    assert_eq!(signs(service("gateway")), [false, false, false]);
    assert_eq!(signs(definition.stations[0].key), [false, false, false]);
    assert_eq!(signs(key(1).public_key()), [false, false, false]);
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let envelope = Envelope { frozen: Some("қ".repeat(MAX_ENVELOPE_TEXT_BYTES)), ..envelope() };
    let value = sign_service(ServiceContext::Tally, &key(1), Bytes::new(), &envelope);
    let opened = open_service(ServiceContext::Tally, &value, only_key_1).unwrap();
    assert_eq!(opened.envelope.frozen, Some("қ".repeat(MAX_ENVELOPE_TEXT_BYTES / 2)));
}

#[test]
fn a_field_that_a_newer_binary_adds_to_the_envelope_is_passed_over() {
    let mut record = v1::ServiceRecord::decode(a_record()).unwrap();
    record.envelope = [&record.envelope[..], &[0x78, 1]].concat().into();
    let framed = |part: &[u8]| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat();
    let signed = [&b"hattama/tally/1"[..], &record.key_id, &record.body, &record.envelope].map(framed).concat();
    record.signature = key(1).sign(&signed).to_vec().into();
    let opened = open_service(ServiceContext::Tally, &record.encode_to_vec(), only_key_1).unwrap();
    assert_eq!(opened.envelope, envelope());
}

#[test]
fn an_unknown_field_beside_the_body_is_refused() {
    let value = [&a_record()[..], &[0x78, 1]].concat();
    let found = open_service(ServiceContext::Tally, &value, only_key_1);
    assert!(matches!(found, Err(ServiceRecordError::Encoding(_))));
}

#[test]
fn a_record_above_the_limit_is_not_read() {
    let value = vec![0; MAX_SERVICE_RECORD_BYTES + 1];
    let found = open_service(ServiceContext::Tally, &value, only_key_1);
    assert_eq!(found, Err(ServiceRecordError::TooLarge { bytes: MAX_SERVICE_RECORD_BYTES + 1 }));
}
