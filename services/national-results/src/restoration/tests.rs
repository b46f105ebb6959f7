use super::*;
use bytes::Bytes;
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change},
    definition::{KeyRole, sample},
    digest::{BodyDigest, PublicationDigest},
    ids::AuthorityId,
    instant::Instant,
    submission::SubmissionBody,
};
use hattama_tally::{ControlFold, FIRST_POSITION, PositionPair, merge};
use hattama_wire::{RecordOpener, SigningKey, sign_submission};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

const SHARD: ShardId = ShardId(1);

fn body(generation: u32, sequence: u64, next_offset: u64, units: u8) -> PublicationBody {
    let definition = Arc::new(sample::definition());
    let control = ControlState::initial(Arc::clone(&definition), b"genesis");
    let nation = merge(&definition, &BTreeMap::new()).unwrap();
    let mut body = nation.publication(&definition, Generation(generation), &control, sequence, None);
    body.vector[1].position = PositionPair { next_offset, ..FIRST_POSITION };
    body.units_digest = BodyDigest([units; 32]);
    body
}

/// A publication that stood on the records at offsets 1 to `records`.
fn restoration_of(records: u64) -> Restoration {
    let (digest, record) = (PublicationDigest([0; 32]), Bytes::new());
    let body = body(1, 40, records + 1, 7);
    Restoration::new(KeptPublication { body, digest, written_at_milliseconds: 5, record })
}

fn restoration() -> Restoration {
    restoration_of(3)
}

fn record(offset: u64, earlier: &str) -> Record {
    let headers = vec![(EARLIER_POSITIONS_HEADER.to_owned(), Bytes::copy_from_slice(earlier.as_bytes()))];
    Record { offset, timestamp_milliseconds: 0, key: None, value: Bytes::new(), headers }
}

/// The control state behind amendments that give up records: generation, shard, first and last of each.
fn control(amendments: &[&[(u32, u32, u64, u64)]]) -> Arc<ControlState> {
    let definition = Arc::new(sample::definition());
    let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Authority, "operator").unwrap();
    let mut fold = ControlFold::new(Arc::clone(&definition), Generation(2), b"genesis");
    for (number, ranges) in (1..).zip(amendments) {
        let range = |(_, shard, first, last): &(u32, u32, u64, u64)| RecordRange {
            shard: ShardId(*shard),
            first: *first,
            last: *last,
        };
        let change = Change::RecordsLost { generation: ranges[0].0, ranges: ranges.iter().map(range).collect() };
        let content = AmendmentContent { number, author: AuthorityId::new("operator").unwrap(), change };
        let amendment = Amendment { content, reason: "a disk".into(), signed_at: Instant(0) };
        let body = SubmissionBody::Amendment(amendment);
        let signed = sign_submission(&key, &definition.id, &definition.core_digest, &body);
        let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
        fold.apply(&[&signed.record_value()], &opener);
    }
    assert_eq!(fold.state().amendments_applied() as usize, amendments.len());
    Arc::clone(fold.state())
}

fn progress(restoration: &Restoration, control: &ControlState) -> (u64, u64, u64) {
    let Progress { records, records_back, records_lost } = restoration.progress(Some(control));
    (records, records_back, records_lost)
}

fn missing(restoration: &Restoration, control: &ControlState) -> Vec<(u64, u64)> {
    let Missing { ranges, next } = restoration.missing(control, (ShardId::CONTROL, 0), 100);
    assert_eq!(next, None);
    ranges.into_iter().map(|range| (range.first, range.last)).collect()
}

#[test]
fn it_is_complete_when_every_record_has_come_again_and_is_covered() {
    let (restoration, control) = (restoration(), control(&[]));
    restoration.note(SHARD, &[record(1, "1:3"), record(2, "1:1"), record(3, "2:2"), record(4, "1:9,1:0")]);
    assert_eq!(progress(&restoration, &control), (3, 2, 0));
    assert_eq!(missing(&restoration, &control), [(2, 2)]);
    assert!(!restoration.is_complete(&body(2, 1_040, 5, 1), &control));
    restoration.note(SHARD, &[record(8, "1:2"), record(9, "1:2")]);
    assert_eq!(progress(&restoration, &control), (3, 3, 0));
    assert_eq!(missing(&restoration, &control), []);
    assert!(!restoration.is_complete(&body(2, 1_041, 8, 1), &control), "the record at offset 8 is not covered");
    assert!(restoration.is_complete(&body(2, 1_042, 9, 1), &control));
}

#[test]
fn it_is_complete_from_the_first_publication_on_that_has_the_same_figures() {
    let (restoration, control) = (restoration(), control(&[]));
    restoration.take(&body(2, 1_040, 2, 6));
    assert!(!restoration.is_complete(&body(2, 1_040, 2, 6), &control));
    restoration.take(&body(2, 1_041, 9, 7));
    restoration.take(&body(2, 1_042, 10, 7));
    assert!(!restoration.is_complete(&body(2, 1_040, 2, 6), &control));
    assert!(restoration.is_complete(&body(2, 1_041, 9, 7), &control));
    assert!(restoration.is_complete(&body(2, 1_050, 12, 8), &control), "and stays so");
}

#[test]
fn what_is_back_and_what_is_given_up_together_are_all_and_several_amendments_add_up() {
    let restoration = restoration_of(10);
    restoration.note(SHARD, &[record(1, "1:1"), record(2, "1:5"), record(3, "1:6")]);
    let (none, some) = (control(&[]), control(&[&[(1, 1, 2, 4)]]));
    assert_eq!(missing(&restoration, &none), [(2, 4), (7, 10)]);
    assert_eq!(missing(&restoration, &some), [(7, 10)]);
    assert_eq!(progress(&restoration, &some), (10, 3, 3));
    assert!(!restoration.is_complete(&body(2, 1_040, 4, 1), &some));
    let all = control(&[&[(1, 1, 2, 4)], &[(1, 1, 7, 9), (1, 1, 10, 10)]]);
    assert_eq!((progress(&restoration, &all), missing(&restoration, &all)), ((10, 3, 7), vec![]));
    assert!(restoration.is_complete(&body(2, 1_041, 4, 1), &all));
    assert!(!restoration.is_complete(&body(2, 1_041, 3, 1), &all), "the record at offset 3 is not covered");
    assert!(!restoration.is_complete(&body(2, 1_040, 4, 1), &some), "as it was, so it stays");
}

#[test]
fn what_amendments_say_of_another_generation_or_shard_or_beyond_the_publication_ends_nothing() {
    let restoration = restoration();
    restoration.note(SHARD, &[record(1, "1:1"), record(2, "1:2")]);
    for other in [(2, 1, 3, 3), (1, 2, 3, 3), (1, 0, 1, 3), (1, 1, 4, 99)] {
        let control = control(&[&[other]]);
        assert!(!restoration.is_complete(&body(2, 1_040, 3, 1), &control), "{other:?}");
        assert_eq!(progress(&restoration, &control), (3, 2, 0), "{other:?}");
        assert_eq!(missing(&restoration, &control), [(3, 3)], "{other:?}");
    }
    let right = control(&[&[(1, 1, 3, 99)]]);
    assert!(restoration.is_complete(&body(2, 1_040, 3, 1), &right));
    assert_eq!(progress(&restoration, &right), (3, 2, 1), "what it lists beyond the publication is none of these");
}

#[test]
fn what_was_given_up_and_comes_all_the_same_is_back_and_changes_no_earlier_answer() {
    let restoration = restoration();
    let control = control(&[&[(1, 1, 2, 3)]]);
    let given_up = restoration.given_up(&control).unwrap();
    restoration.note(SHARD, &[record(1, "1:1")]);
    let early = body(2, 1_040, 2, 1);
    assert!(restoration.is_complete(&early, &control));
    assert_eq!((progress(&restoration, &control), restoration.back_all_the_same(given_up)), ((3, 1, 2), 0));
    restoration.note(SHARD, &[record(7, "1:3")]);
    assert!(restoration.is_complete(&early, &control), "it was complete without the record at offset 7");
    assert_eq!((progress(&restoration, &control), restoration.back_all_the_same(given_up)), ((3, 2, 1), 1));
    restoration.note(SHARD, &[record(8, "1:2")]);
    assert_eq!((progress(&restoration, &control), restoration.back_all_the_same(given_up)), ((3, 3, 0), 2));
    let unamended = ControlState::initial(Arc::new(sample::definition()), b"genesis");
    assert!(!restoration.is_complete(&body(2, 1_041, 8, 1), &unamended), "all of it was not there yet");
    assert!(restoration.is_complete(&body(2, 1_042, 9, 1), &unamended));
}

#[test]
fn what_is_missing_is_told_in_pages() {
    let restoration = restoration_of(9);
    let control = control(&[&[(1, 1, 9, 9)]]);
    restoration.note(SHARD, &[record(1, "1:2"), record(2, "1:4,1:5")]);
    let page = |from, limit| {
        let Missing { ranges, next } = restoration.missing(&control, from, limit);
        (ranges.into_iter().map(|range| (range.first, range.last)).collect::<Vec<_>>(), next)
    };
    assert_eq!(page((ShardId::CONTROL, 0), 2), (vec![(1, 1), (3, 3)], Some((SHARD, 6))));
    assert_eq!(page((SHARD, 6), 2), (vec![(6, 8)], None));
    assert_eq!(page((SHARD, 7), 2), (vec![(7, 8)], None), "what comes meanwhile moves no page");
    assert_eq!(page((SHARD, 10), 2), (vec![], None));
    assert_eq!(page((ShardId(2), 0), 2), (vec![], None));
    assert_eq!(page((ShardId::CONTROL, 0), 3), (vec![(1, 1), (3, 3), (6, 8)], None), "no page for nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_says_what_looking_at_each_record_says(
        records in 0..12_u64,
        came in prop::collection::vec(1..14_u64, 0..14),
        lost in prop::collection::vec((1..14_u64, 0..3_u64), 0..4),
        reached in 1..20_u64,
    ) {
        let restoration = restoration_of(records);
        let amendments: Vec<_> = lost.iter().map(|(first, more)| [(1, 1, *first, first + more)]).collect();
        let amendments: Vec<_> = amendments.iter().map(<[_; 1]>::as_slice).collect();
        // The same content twice has another number: it is one more amendment.
        let control = control(&amendments);
        let given_up: BTreeSet<u64> = lost.iter().flat_map(|(first, more)| *first..=first + more).collect();
        let mut first_at = BTreeMap::new();
        for (now, earlier) in (1..).zip(&came) {
            restoration.note(SHARD, &[record(now, &format!("1:{earlier}"))]);
            first_at.entry(*earlier).or_insert(now);
        }
        let is_back = |one: &u64| first_at.contains_key(one);
        let in_time = |one: &u64| first_at.get(one).is_some_and(|now| *now < reached);
        let settled = (1..=records).all(|one| in_time(&one) || given_up.contains(&one));
        prop_assert_eq!(restoration.is_complete(&body(2, 1_040, reached, 1), &control), settled);
        let back = (1..=records).filter(is_back).count() as u64;
        let gone = (1..=records).filter(|one| !is_back(one) && given_up.contains(one)).count() as u64;
        prop_assert_eq!(progress(&restoration, &control), (records, back, gone));
        let told: Vec<u64> = missing(&restoration, &control).into_iter().flat_map(|(first, last)| first..=last).collect();
        let open: Vec<u64> = (1..=records).filter(|one| !is_back(one) && !given_up.contains(one)).collect();
        prop_assert_eq!(told, open);
    }
}
