//! A step that is too large for one record, in parts.

use crate::any_body::{DEFINITION, outcomes};
use hattama_election::{
    digest::{CoreDigest, SubmissionDigest},
    ids::{ElectionId, ShardId},
    rules::RuleCode,
};
use hattama_tally::{
    FIRST_POSITION, Generation, MAX_PARTS, Outcome, OutcomeChain, OutcomesBody, Part, PositionPair, Read,
    SubmissionOutcome,
};
use hattama_wire::{
    Envelope, OutcomesError, ServiceContext, SigningKey, TooManyParts, decode_outcomes, encode_outcomes,
    limits::{MAX_ENVELOPE_TEXT_BYTES, MAX_OUTCOMES_LIST_BYTES, MAX_SERVICE_RECORD_BYTES},
    open_outcomes, sign_service, split_outcomes,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn parts_make_the_step_again_and_each_fits(body in outcomes(), list_bytes in 1..700_usize) {
        let step = OutcomesBody { from: FIRST_POSITION, shard: ShardId(1), part: Part::WHOLE, ..body };
        let parts = split_outcomes(step.clone(), list_bytes).unwrap();
        prop_assert_eq!(&parts, &split_outcomes(step.clone(), list_bytes).unwrap());
        let of = u32::try_from(parts.len()).unwrap();
        let empty = encode_outcomes(&OutcomesBody { outcomes: Vec::new(), ..step.clone() }).len();
        let mut chain = OutcomeChain::new(step.generation, step.shard);
        for (number, part) in (1..).zip(parts) {
            prop_assert_eq!(part.part, Part::new(number, of).unwrap());
            let bytes = encode_outcomes(&part);
            prop_assert!(part.outcomes.len() <= 1 || bytes.len() <= empty + list_bytes);
            match chain.read(decode_outcomes(&DEFINITION, &bytes).unwrap()) {
                Read::Step(whole) => prop_assert_eq!((number, whole), (of, step.clone())),
                read => prop_assert_eq!((number < of, read), (true, Read::Part)),
            }
        }
    }
}

/// A step of so many outcomes, each as short as one can be.
fn step_of(outcomes: u64) -> OutcomesBody {
    let outcome = |offset| SubmissionOutcome {
        offset,
        digest: SubmissionDigest([1; 32]),
        outcome: Outcome::Held,
        rules: vec![RuleCode::KeyRevoked],
        duplicate_of: None,
    };
    OutcomesBody {
        election: DEFINITION.id.clone(),
        core_digest: DEFINITION.core_digest,
        generation: Generation(1),
        shard: ShardId(1),
        from: FIRST_POSITION,
        to: PositionPair { next_offset: outcomes + 1, control_next_offset: 2 },
        part: Part::WHOLE,
        outcomes: (1..=outcomes).map(outcome).collect(),
    }
}

#[test]
fn a_full_part_with_the_longest_of_everything_fits_into_a_record() {
    let step = OutcomesBody {
        election: ElectionId::new(&"e".repeat(hattama_election::ids::MAX_ID_BYTES)).unwrap(),
        core_digest: CoreDigest([0xff; 32]),
        generation: Generation(u32::MAX),
        shard: ShardId(u32::MAX),
        from: PositionPair { next_offset: u64::MAX - 1, control_next_offset: u64::MAX },
        to: PositionPair { next_offset: u64::MAX, control_next_offset: u64::MAX },
        ..step_of(50_000)
    };
    let parts = split_outcomes(step, MAX_OUTCOMES_LIST_BYTES).unwrap();
    assert_eq!(parts.len(), 3);
    let text = "t".repeat(2 * MAX_ENVELOPE_TEXT_BYTES);
    let envelope =
        Envelope { instance: text.clone(), written_at_milliseconds: -1, build: text.clone(), frozen: Some(text) };
    let key = SigningKey::from_seed([7; 32]).unwrap();
    let bytes =
        parts.iter().map(|part| sign_service(ServiceContext::Outcomes, &key, encode_outcomes(part), &envelope).len());
    let bytes: Vec<usize> = bytes.collect();
    assert!(bytes.iter().all(|bytes| *bytes <= MAX_SERVICE_RECORD_BYTES), "{bytes:?}");
    assert!(bytes[0] > MAX_OUTCOMES_LIST_BYTES, "it is full");
}

#[test]
fn a_step_without_outcomes_is_one_part() {
    assert_eq!(split_outcomes(step_of(0), 1), Ok(vec![step_of(0)]));
}

#[test]
fn a_step_of_too_many_parts_is_refused() {
    let most = u64::from(MAX_PARTS);
    assert_eq!(split_outcomes(step_of(most), 1).unwrap().len(), MAX_PARTS as usize);
    let parts = MAX_PARTS as usize + 1;
    assert_eq!(split_outcomes(step_of(most + 1), 1), Err(TooManyParts { parts }));
}

#[test]
fn outcomes_are_opened_when_an_aggregator_of_the_definition_signed_them() {
    use hattama_election::definition::{KeyRole, sample};
    let signed = |service, body| {
        let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Service, service).unwrap();
        sign_service(ServiceContext::Outcomes, &key, body, &Envelope::default())
    };
    let step = step_of(3);
    let bytes = encode_outcomes(&step);
    assert_eq!(open_outcomes(&DEFINITION, &signed("aggregator", bytes.clone())), Ok(step));
    let foreign = open_outcomes(&DEFINITION, &signed("national", bytes));
    assert!(matches!(foreign, Err(OutcomesError::Record(_))), "{foreign:?}");
    let no_body = open_outcomes(&DEFINITION, &signed("aggregator", bytes::Bytes::from_static(b"x")));
    assert!(matches!(no_body, Err(OutcomesError::Body(_))), "{no_body:?}");
}
