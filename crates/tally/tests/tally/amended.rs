//! What amendments change, case by case (design, D10).

use crate::{
    case::{Case, STATION, annul},
    common::folding::{new_shard, slices},
};
use hattama_election::{
    amendment::{Change, KeyHolder, RecordRange},
    ids::{AuthorityId, ContestId, OptionId, ShardId, SlotId, StationId},
    instant::Instant,
    rules::{RuleCode, Severity},
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_tally::{Generation, MAX_DEFERRED, Outcome, PositionPair, StationState, seats_of};

const VOTES: [u32; 4] = [10, 20, 30, 40];
const OTHER_VOTES: [u32; 4] = [11, 20, 30, 40];

fn new_key_for_the_station(case: &Case) -> Change {
    Change::KeyReplaced { holder: KeyHolder::Station(StationId::new(STATION).unwrap()), key: case.new_key() }
}

#[test]
fn what_a_replaced_key_signed_is_refused_until_its_amendment_arrives() {
    let mut case = Case::new();
    let protocol = case.protocol(1, &VOTES);
    case.send(&case.new_key(), SubmissionBody::Protocol(protocol.clone()));
    let refused = &case.outcomes(1)[0];
    assert_eq!((refused.outcome, refused.rules.as_slice()), (Outcome::Refused, &[RuleCode::UnknownKey][..]));
    case.amend(1, new_key_for_the_station(&case));
    assert_eq!(case.outcomes(1)[0].outcome, Outcome::Counted);
    assert_eq!(case.cell().counted, Some((1, protocol.content.digest())));
}

#[test]
fn a_record_read_before_its_key_counts_once_control_moves_on() {
    let mut case = Case::new();
    let protocol = case.protocol(1, &VOTES);
    case.send(&case.new_key(), SubmissionBody::Protocol(protocol));
    case.amend(1, new_key_for_the_station(&case));
    let (folds, table) = (case.fold(), case.table());
    let first = folds.control.state_at(1).unwrap();
    let mut fold = new_shard(&case.definition, ShardId(1), &first);
    fold.apply(&slices(&case.logs()[1]), &table);
    assert_eq!(fold.tally().records.by_outcome[Outcome::Refused as usize], 1);
    fold.advance_control(folds.control.state_at(2).unwrap(), &table);
    assert_eq!(fold.tally(), folds.shards[&ShardId(1)].tally());
    assert_eq!(fold.tally().records.by_outcome[Outcome::Counted as usize], 1);
}

#[test]
fn a_key_is_unknown_again_when_its_amendment_s_number_is_contested() {
    let mut case = Case::new();
    let protocol = case.protocol(1, &VOTES);
    case.send(&case.new_key(), SubmissionBody::Protocol(protocol));
    case.amend(1, new_key_for_the_station(&case));
    case.amend(1, Change::StationClosed { station: StationId::new(STATION).unwrap() });
    let (folds, table) = (case.fold(), case.table());
    assert_eq!(case.outcomes(1)[0].rules, [RuleCode::UnknownKey]);
    // One that was told in between forgets it, and still knows how it was.
    let between = folds.control.state_at(2).unwrap();
    let mut fold = new_shard(&case.definition, ShardId(1), &between);
    fold.apply(&slices(&case.logs()[1]), &table);
    let (at, station) = (fold.position(), fold.stations()[0]);
    let then = fold.evaluation(station).cloned();
    assert_eq!(fold.tally().records.by_outcome[Outcome::Counted as usize], 1);
    fold.advance_control(folds.control.state_at(3).unwrap(), &table);
    assert_eq!(fold.tally(), folds.shards[&ShardId(1)].tally());
    assert_eq!(fold.evaluation_at(station, at, &between), then);
    assert_eq!(folds.shards[&ShardId(1)].evaluation_at(station, at, &between), then);
}

#[test]
fn a_fold_that_never_stood_where_a_key_was_in_force_still_knows_how_it_was_there() {
    let mut case = Case::new();
    case.send(&case.new_key(), SubmissionBody::Protocol(case.protocol(1, &VOTES)));
    case.amend(1, new_key_for_the_station(&case));
    case.amend(1, Change::StationClosed { station: StationId::new(STATION).unwrap() });
    let (folds, table) = (case.fold(), case.table());
    let state = |offset| folds.control.state_at(offset).unwrap();
    let mut fold = new_shard(&case.definition, ShardId(1), &state(1));
    fold.apply(&slices(&case.logs()[1]), &table);
    fold.advance_control(state(3), &table);
    let there = PositionPair { next_offset: 2, control_next_offset: 2 };
    let then = fold.evaluation_at(fold.stations()[0], there, &state(2)).unwrap();
    assert_eq!(then.contests[0].1.state, StationState::Counted);
}

#[test]
fn a_revocation_holds_all_but_what_it_lists() {
    let mut case = Case::new();
    let kept = case.protocol(1, &VOTES);
    let key = case.station_key();
    let digest = case.send(&key, SubmissionBody::Protocol(kept.clone()));
    let held = case.send_votes(2, &OTHER_VOTES);
    case.amend(1, Change::KeyRevoked { key: key.id(), still_valid: vec![digest] });
    assert_eq!(case.cell().counted, Some((1, kept.content.digest())));
    assert_eq!(case.standing(held).0, Outcome::Held);
    assert!(case.standing(held).1.contains(&RuleCode::KeyRevoked));
    // Of two revocations the later one says what stays valid.
    case.amend(2, Change::KeyRevoked { key: key.id(), still_valid: vec![] });
    assert_eq!(case.cell().state, StationState::Held);
}

#[test]
fn a_decision_by_a_revoked_key_is_held_and_contests_no_number() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let held = case.decide("tec-north-a", 1, annul(one));
    case.amend(1, Change::KeyRevoked { key: case.authority_key("tec-north-a").id(), still_valid: vec![] });
    case.amend(2, Change::SeverityChanged { rule: RuleCode::KeyRevoked, severity: Severity::Off });
    assert_eq!(case.decision(held), (Outcome::Held, vec![RuleCode::KeyRevoked]));
    assert_eq!(case.standing(one), (Outcome::Counted, vec![]));
}

#[test]
fn a_closed_station_is_not_expected_until_it_sends_something() {
    let mut case = Case::new();
    assert_eq!((case.counts().expected, case.counts().missing), (8, 8));
    case.amend(1, Change::StationClosed { station: StationId::new(STATION).unwrap() });
    assert_eq!((case.counts().expected, case.counts().missing), (7, 7));
    assert_eq!(case.cell().state, StationState::Closed);
    case.send_votes(1, &VOTES);
    assert_eq!((case.counts().expected, case.counts().counted), (8, 1));
}

#[test]
fn moving_the_close_of_a_station_holds_what_it_signed_before() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let at = Instant(case.protocol(1, &VOTES).signed_at.0 + 3_600);
    case.amend(1, Change::PollsClose { station: StationId::new(STATION).unwrap(), at });
    assert_eq!(case.standing(one), (Outcome::Held, vec![RuleCode::SignedBeforeClose]));
}

#[test]
fn a_severity_changed_by_amendment_is_asked_of_what_is_there_already() {
    let mut case = Case::new();
    let wrong = case.send_wrong(1);
    assert_eq!(case.standing(wrong), (Outcome::Held, vec![RuleCode::SumOfVotesDiffers]));
    case.amend(1, Change::SeverityChanged { rule: RuleCode::SumOfVotesDiffers, severity: Severity::Flag });
    assert_eq!(case.standing(wrong), (Outcome::Counted, vec![RuleCode::SumOfVotesDiffers]));
    case.amend(2, Change::SeverityChanged { rule: RuleCode::SumOfVotesDiffers, severity: Severity::Off });
    assert_eq!(case.standing(wrong), (Outcome::Counted, vec![]));
}

#[test]
fn an_amendment_behind_a_gap_waits_and_says_so() {
    let mut case = Case::new();
    case.amend(2, Change::StationClosed { station: StationId::new(STATION).unwrap() });
    assert_eq!(case.outcomes(0)[0].rules, [RuleCode::AmendmentGap]);
    assert!(case.fold().control.state().amendments_stopped().unwrap().contains("amendment 1 is missing"));
    case.amend(1, Change::FoldVersion { version: 1 });
    assert_eq!(case.outcomes(0)[0].outcome, Outcome::Counted);
    assert_eq!(case.fold().control.state().amendments_applied(), 2);
}

#[test]
fn an_amendment_cannot_bring_the_key_of_another_under_its_own_number() {
    let mut case = Case::new();
    let holder = KeyHolder::Authority(AuthorityId::new("cec").unwrap());
    case.amend(1, Change::KeyReplaced { holder, key: case.new_key() });
    let mut other = Case::new();
    other.amend(1, Change::FoldVersion { version: 1 });
    let same_number = other.table().get(&other.logs()[0][0]).unwrap().submission.body.clone();
    case.send(&case.new_key(), same_number);
    let outcomes = case.outcomes(0);
    assert_eq!(outcomes[0].outcome, Outcome::Counted);
    assert_eq!((outcomes[1].outcome, outcomes[1].rules.as_slice()), (Outcome::Refused, &[RuleCode::UnknownKey][..]));
}

fn lost(generation: u32, ranges: &[(u32, u64, u64)]) -> Change {
    let range =
        |(shard, first, last): &(u32, u64, u64)| RecordRange { shard: ShardId(*shard), first: *first, last: *last };
    Change::RecordsLost { generation, ranges: ranges.iter().map(range).collect() }
}

/// By generation: records of shard 1, records in all, amendments.
fn given_up(case: &Case) -> Vec<String> {
    let folds = case.fold();
    let all = folds.control.state().lost_records().map(|(generation, lost)| {
        let of_one: Vec<_> = lost.of(ShardId(1)).ranges().collect();
        format!("{}: {of_one:?}, {} by {:?}", generation.0, lost.count(), lost.amendments().collect::<Vec<_>>())
    });
    all.collect()
}

#[test]
fn what_amendments_give_up_as_lost_adds_up_by_generation_and_changes_no_figure() {
    let mut case = Case::new();
    case.send_votes(1, &VOTES);
    let before = case.fold().nation();
    // In whatever order they arrive.
    case.amend(3, lost(1, &[(1, 3, 6)]));
    assert!(given_up(&case).is_empty(), "it waits for those before it");
    case.amend(2, lost(2, &[(2, 9, 9)]));
    case.amend(1, lost(1, &[(0, 4, 4), (1, 1, 2), (1, 5, 9)]));
    assert_eq!(given_up(&case), ["1: [1..=9], 10 by [1, 3]", "2: [], 1 by [2]"]);
    let folds = case.fold();
    let authors = folds.control.state().lost_records_of(Generation(1)).unwrap().authors();
    assert!(authors.map(AuthorityId::as_str).eq(["cec"]));
    assert_eq!(folds.control.state().lost_records_of(Generation(3)), None);
    assert_eq!(folds.nation().contests, before.contests);
    // As of an earlier position it is as it was.
    let first = folds.control.state_at(3).unwrap();
    assert_eq!(first.lost_records().count(), 0);
    // One more under number 2 takes it and all behind it out again.
    case.amend(2, lost(2, &[(2, 9, 10)]));
    assert_eq!(given_up(&case), ["1: [1..=2, 5..=9], 8 by [1]"]);
}

#[test]
fn a_list_that_withdrew_is_nobody_s_runner_up_and_its_votes_are_in_no_base() {
    let mut case = Case::new();
    // lake, mountain, river, steppe: in the order of their ids.
    case.send_votes(1, &[4, 96, 0, 900]);
    let (control, nation) = (|case: &Case| case.fold().control.state().clone(), |case: &Case| case.fold().nation());
    let seats = |case: &Case| {
        let (control, nation) = (control(case), nation(case));
        seats_of(&case.definition, nation.contests[0].contest, &nation.contests[0].nation, &control)
    };
    // river, mountain, steppe, lake: in the order of the ballot.
    assert_eq!(seats(&case).awarded(), [0, 1, 9, 0]);
    let withdraw = |option: &str| Change::OptionWithdrawn {
        contest: ContestId::new("council-list").unwrap(),
        option: OptionId::new(option).unwrap(),
    };
    case.amend(1, withdraw("steppe"));
    // Of the 100 votes that are left 4 do not reach 5 %, and mountain alone passes: lake is the runner-up.
    assert_eq!(seats(&case).awarded(), [0, 8, 0, 2]);
    case.amend(2, withdraw("lake"));
    case.amend(3, withdraw("river"));
    assert_eq!(seats(&case).awarded(), [0, 10, 0, 0]);
}

#[test]
fn which_records_are_too_many_does_not_depend_on_when_their_key_came() {
    let mut case = Case::new();
    // Not entitled, so that nothing but the one at the end would count.
    for signed_at in 0..i64::try_from(MAX_DEFERRED).unwrap() {
        let (station, slot) = (StationId::new("north-002").unwrap(), SlotId::new("10-00").unwrap());
        let content = TurnoutContent { station, slot, revision: 1, received_a_ballot: 1, register: 2 };
        let report = TurnoutReport { content, signed_at: Instant(signed_at) };
        case.send(&case.new_key(), SubmissionBody::Turnout(report));
    }
    case.send(&case.new_key(), SubmissionBody::Protocol(case.protocol(1, &VOTES)));
    case.amend(1, new_key_for_the_station(&case));
    let (folds, table) = (case.fold(), case.table());
    let mut key_last = new_shard(&case.definition, ShardId(1), &folds.control.state_at(1).unwrap());
    key_last.apply(&slices(&case.logs()[1]), &table);
    key_last.advance_control(folds.control.state_at(2).unwrap(), &table);
    assert_eq!(key_last.tally(), folds.shards[&ShardId(1)].tally());
    assert_eq!(key_last.tally().records.by_outcome[Outcome::Counted as usize], 0);
}
