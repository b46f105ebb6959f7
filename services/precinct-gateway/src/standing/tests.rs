use super::*;
use hattama_election::digest::CoreDigest;
use hattama_election::ids::{ElectionId, ShardId};
use hattama_tally::{Generation, Part, SubmissionOutcome};

fn pair(next_offset: u64, control_next_offset: u64) -> PositionPair {
    PositionPair { next_offset, control_next_offset }
}

fn digest(number: u8) -> SubmissionDigest {
    SubmissionDigest([number; 32])
}

fn outcome(offset: u64, outcome: Outcome) -> SubmissionOutcome {
    SubmissionOutcome { offset, digest: digest(0), outcome, rules: Vec::new(), duplicate_of: None }
}

pub(super) fn body(from: PositionPair, to: PositionPair, outcomes: Vec<SubmissionOutcome>) -> OutcomesBody {
    OutcomesBody {
        election: ElectionId::new("sample").unwrap(),
        core_digest: CoreDigest([0; 32]),
        generation: Generation(1),
        shard: ShardId(1),
        from,
        to,
        part: Part::WHOLE,
        outcomes,
    }
}

/// Standings with this gateway's submissions 1 and 2 at offsets 1 and 2, and others' behind them.
fn standings() -> ShardStandings {
    let mut standings = ShardStandings::default();
    let others = (3..20).map(|number| (digest(number), false));
    assert_eq!(standings.records([(digest(1), true), (digest(2), true)].into_iter().chain(others)), []);
    standings
}

fn duplicate(offset: u64, of: u64) -> SubmissionOutcome {
    SubmissionOutcome { duplicate_of: Some(of), ..outcome(offset, Outcome::Duplicate) }
}

/// By number of the submission.
fn outcomes_of(news: &[News]) -> Vec<(u8, Outcome)> {
    let outcome = |news: &News| match news {
        News::Stands { digest, standing } => Some((digest.0[0], standing.outcome)),
        News::LiesAt { .. } | News::CountedIn { .. } => None,
    };
    news.iter().filter_map(outcome).collect()
}

fn counted(number: u8, sequence: u64) -> News {
    News::CountedIn { digest: digest(number), sequence }
}

fn named(sequence: u64, pair: PositionPair) -> Named {
    Named { sequence, pair }
}

#[test]
fn what_outcomes_cover_and_do_not_list_is_counted() {
    let mut standings = standings();
    let news = standings.step(body(pair(1, 1), pair(3, 1), vec![outcome(2, Outcome::Held)]));
    assert_eq!(outcomes_of(&news), [(1, Outcome::Counted), (2, Outcome::Held)]);
}

#[test]
fn what_outcomes_do_not_cover_yet_has_no_standing() {
    let mut standings = standings();
    let news = standings.step(body(pair(1, 1), pair(2, 1), vec![]));
    assert_eq!(outcomes_of(&news), [(1, Outcome::Counted)]);
    assert_eq!(standings.publication(named(1, pair(2, 1))), [counted(1, 1)]);
}

#[test]
fn the_first_publication_that_counts_a_submission_is_named_and_no_later_one() {
    let mut standings = standings();
    standings.step(body(pair(1, 1), pair(3, 1), vec![outcome(2, Outcome::Held)]));
    assert_eq!(standings.publication(named(7, pair(3, 1))), [counted(1, 7)]);
    let news = standings.step(body(pair(3, 1), pair(4, 1), vec![outcome(2, Outcome::Counted)]));
    assert_eq!(outcomes_of(&news), [(2, Outcome::Counted)]);
    assert_eq!(standings.publication(named(8, pair(4, 1))), [counted(2, 8)]);
    assert_eq!(standings.publication(named(9, pair(4, 1))), []);
}

#[test]
fn a_publication_counts_as_of_its_own_pair_however_far_the_outcomes_are() {
    let mut standings = standings();
    standings.step(body(pair(1, 1), pair(3, 1), vec![outcome(2, Outcome::Held)]));
    let flipped = vec![outcome(1, Outcome::Superseded), outcome(2, Outcome::Counted)];
    standings.step(body(pair(3, 1), pair(5, 1), flipped));
    standings.step(body(pair(5, 1), pair(5, 2), vec![outcome(2, Outcome::Annulled)]));
    assert_eq!(standings.publication(named(1, pair(3, 1))), [counted(1, 1)]);
    assert_eq!(standings.publication(named(2, pair(5, 1))), [counted(2, 2)]);
    assert_eq!(standings.publication(named(3, pair(5, 2))), []);
}

#[test]
fn a_submission_that_was_never_counted_at_a_named_pair_is_counted_in_none() {
    let mut standings = standings();
    standings.step(body(pair(1, 1), pair(3, 1), vec![]));
    standings.step(body(pair(3, 1), pair(4, 1), vec![outcome(1, Outcome::Superseded)]));
    assert_eq!(standings.publication(named(1, pair(4, 1))), [counted(2, 1)]);
}

#[test]
fn publications_wait_for_the_outcomes_of_their_pair() {
    let mut standings = standings();
    assert_eq!(standings.publication(named(1, pair(2, 1))), []);
    assert_eq!(standings.publication(named(2, pair(3, 1))), []);
    let news = standings.step(body(pair(1, 1), pair(2, 1), vec![]));
    assert_eq!(news.last(), Some(&counted(1, 1)));
    let news = standings.step(body(pair(2, 1), pair(3, 1), vec![]));
    assert_eq!(news.last(), Some(&counted(2, 2)));
}

#[test]
fn a_pair_that_the_outcomes_did_not_go_through_says_nothing() {
    let mut standings = standings();
    standings.step(body(pair(1, 1), pair(3, 2), vec![]));
    assert_eq!(standings.publication(named(1, pair(2, 1))), []);
    assert_eq!(standings.publication(named(2, pair(3, 2))), [counted(1, 2), counted(2, 2)]);
}

#[test]
fn the_first_copy_of_the_same_bytes_has_the_standing() {
    let mut standings = ShardStandings::default();
    standings.records([(digest(1), true), (digest(2), true), (digest(3), false), (digest(1), true)]);
    let news = standings.step(body(pair(1, 1), pair(5, 1), vec![duplicate(4, 1)]));
    assert_eq!(outcomes_of(&news), [(1, Outcome::Counted), (2, Outcome::Counted)]);
    assert_eq!(standings.offset_of(&digest(1)), Some(1));
}

#[test]
fn a_copy_that_lay_there_before_the_gateway_knew_it_has_its_standing_with_its_history() {
    let mut standings = ShardStandings::default();
    standings.records([1, 2, 3, 4].map(|number| (digest(number), false)));
    standings.step(body(pair(1, 1), pair(3, 1), vec![outcome(2, Outcome::Held)]));
    assert_eq!(standings.publication(named(1, pair(3, 1))), []);
    standings.records([(digest(1), true)]);
    let news = standings.step(body(pair(3, 1), pair(6, 1), vec![duplicate(5, 1)]));
    assert_eq!(news[0], News::LiesAt { digest: digest(1), offset: 1 });
    assert_eq!(outcomes_of(&news), [(1, Outcome::Counted)]);
    assert_eq!(news.last(), Some(&counted(1, 1)));
    assert_eq!(standings.offset_of(&digest(1)), Some(1));
    assert_eq!(standings.publication(named(2, pair(6, 1))), []);
}

#[test]
fn a_copy_that_only_the_sender_found_has_its_standing_although_it_was_passed_before() {
    let mut standings = ShardStandings::default();
    standings.records([1, 2].map(|number| (digest(number), false)));
    standings.step(body(pair(1, 1), pair(3, 1), vec![outcome(2, Outcome::Held)]));
    standings.publication(named(1, pair(3, 1)));
    let news = standings.found(1, digest(1));
    assert_eq!(outcomes_of(&news), [(1, Outcome::Counted)]);
    assert_eq!(news.last(), Some(&counted(1, 1)));
    assert_eq!(outcomes_of(&standings.found(2, digest(2))), [(2, Outcome::Held)]);
    // Known already; beyond what is read; another's.
    for (offset, number) in [(1, 1), (3, 3), (2, 4)] {
        assert_eq!(standings.found(offset, digest(number)), []);
    }
}

#[test]
fn steps_wait_until_the_records_before_their_end_are_read() {
    let mut standings = ShardStandings::default();
    assert_eq!(standings.step(body(pair(1, 1), pair(3, 1), vec![])), []);
    assert!(standings.is_behind());
    assert_eq!(standings.records([(digest(1), true)]), []);
    let news = standings.records([(digest(2), true), (digest(3), true)]);
    assert_eq!(outcomes_of(&news), [(1, Outcome::Counted), (2, Outcome::Counted)]);
    assert!(!standings.is_behind());
}

#[test]
fn a_duplicate_of_other_bytes_names_them() {
    let mut standings = ShardStandings::default();
    standings.records([(digest(9), false), (digest(1), true)]);
    let news = standings.step(body(pair(1, 1), pair(3, 1), vec![duplicate(2, 1)]));
    let News::Stands { standing, .. } = &news[0] else { panic!("{news:?}") };
    assert_eq!((standing.outcome, standing.duplicate_of), (Outcome::Duplicate, Some(digest(9))));
}

#[test]
fn forgotten_publications_leave_the_later_ones() {
    let mut standings = standings();
    for sequence in 0..=MAX_WAITING_PUBLICATIONS as u64 {
        assert_eq!(standings.publication(named(sequence, pair(3, sequence + 1))), []);
    }
    let to = pair(3, MAX_WAITING_PUBLICATIONS as u64 + 1);
    let news = standings.step(body(pair(1, 1), to, vec![]));
    assert_eq!(news.last(), Some(&counted(2, MAX_WAITING_PUBLICATIONS as u64)));
    assert!(standings.waiting.is_empty());
}
