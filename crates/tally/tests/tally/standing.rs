//! What a station counts for (design, D3), case by case.

use crate::{
    case::{Case, annul, annul_station, choose, confirm},
    common::folding::Folds,
};
use hattama_election::{
    definition::{Definition, ListMethod, Method, VoteBase},
    digest::ContentDigest,
    ids::{ContestIndex, ShardId, StationId},
    instant::Instant,
    rules::RuleCode,
    submission::SubmissionBody,
};
use hattama_tally::{Outcome, StationState, seats_of};
use std::sync::Arc;

const VOTES: [u32; 4] = [10, 20, 30, 40];
const OTHER_VOTES: [u32; 4] = [11, 20, 30, 40];

fn corrected(case: &mut Case, of: ContentDigest, revision: u8, votes: &[u32]) -> ContentDigest {
    let mut protocol = case.protocol(revision, votes);
    protocol.supersedes = Some(of);
    case.send_protocol(&protocol)
}

#[test]
fn a_held_revision_2_leaves_revision_1_counted_and_is_shown_beside_it() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let two = case.send_wrong(2);
    assert_eq!(case.cell().counted, Some((1, one)));
    assert_eq!(case.standing(two).0, Outcome::Held);
    assert_eq!((case.counts().counted, case.counts().held, case.counts().held_beside), (1, 0, 1));
}

#[test]
fn a_higher_revision_counts_and_the_lower_one_is_superseded() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let two = corrected(&mut case, one, 2, &OTHER_VOTES);
    assert_eq!(case.standing(two), (Outcome::Counted, vec![]));
    assert_eq!(case.standing(one), (Outcome::Superseded, vec![RuleCode::SupersededByRevision]));
    assert_eq!((case.counts().corrected, case.counts().flagged), (1, 0));
}

#[test]
fn a_correction_that_names_no_content_of_the_revision_before_is_flagged() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let three = corrected(&mut case, one, 3, &OTHER_VOTES);
    assert_eq!(case.standing(three), (Outcome::Counted, vec![RuleCode::HistoryIncomplete]));
}

#[test]
fn two_contents_under_one_revision_are_contested_and_leave_the_lower_one_counted() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let (two, other) = (case.send_votes(2, &VOTES), case.send_votes(2, &OTHER_VOTES));
    assert_eq!(case.cell().counted, Some((1, one)));
    for content in [two, other] {
        assert_eq!(case.standing(content).0, Outcome::Contested);
    }
    assert_eq!((case.counts().counted, case.counts().contested_beside), (1, 1));
}

#[test]
fn of_contents_contested_and_then_superseded_only_the_higher_revision_is_the_reason() {
    let mut case = Case::new();
    let (one, other) = (case.send_votes(1, &VOTES), case.send_votes(1, &OTHER_VOTES));
    assert_eq!(case.cell().state, StationState::Contested);
    corrected(&mut case, one, 2, &VOTES);
    for content in [one, other] {
        assert_eq!(case.standing(content), (Outcome::Superseded, vec![RuleCode::SupersededByRevision]));
    }
}

#[test]
fn a_choice_between_contested_contents_lets_one_stand() {
    let mut case = Case::new();
    let (one, other) = (case.send_votes(1, &VOTES), case.send_votes(1, &OTHER_VOTES));
    case.decide("tec-north-a", 1, choose(one, other));
    assert_eq!(case.standing(one), (Outcome::Counted, vec![]));
    assert_eq!(case.standing(other), (Outcome::Annulled, vec![RuleCode::SetAsideByDecision]));
}

#[test]
fn annulling_a_content_exposes_the_next_lower_one() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let two = corrected(&mut case, one, 2, &OTHER_VOTES);
    case.decide("tec-north-a", 1, annul(two));
    assert_eq!(case.cell().counted, Some((1, one)));
    assert_eq!(case.standing(two), (Outcome::Annulled, vec![RuleCode::AnnulledByDecision]));
}

#[test]
fn annulling_the_station_takes_out_what_was_sent_and_what_will_be() {
    let mut case = Case::new();
    case.decide("tec-north-a", 1, annul_station());
    assert_eq!(case.cell().state, StationState::Missing);
    let one = case.send_votes(1, &VOTES);
    case.send_votes(2, &VOTES);
    assert_eq!(case.cell().state, StationState::Annulled);
    assert_eq!(case.standing(one), (Outcome::Annulled, vec![RuleCode::AnnulledByDecision]));
    assert_eq!((case.counts().annulled, case.counts().expected), (1, 8));
}

#[test]
fn a_duplicate_signed_again_is_counted_once_and_points_to_the_first() {
    let mut case = Case::new();
    let mut protocol = case.protocol(1, &VOTES);
    case.send_protocol(&protocol);
    protocol.signed_at = Instant(protocol.signed_at.0 + 60);
    case.send_protocol(&protocol);
    let outcomes = case.outcomes(1);
    assert_eq!(outcomes[0].outcome, Outcome::Counted);
    assert_eq!((outcomes[1].outcome, outcomes[1].duplicate_of), (Outcome::Duplicate, Some(1)));
    assert_eq!(outcomes[1].rules, [RuleCode::SameContent]);
    assert_eq!(case.counts().counted, 1);
    let nation = case.fold().nation();
    assert_eq!(nation.contests[0].nation.sum_of_votes(), 101);
}

#[test]
fn a_content_signed_too_early_counts_when_somebody_signed_it_in_time() {
    let mut case = Case::new();
    let mut protocol = case.protocol(1, &VOTES);
    let in_time = protocol.signed_at;
    protocol.signed_at = Instant(in_time.0 - 1);
    let content = case.send_protocol(&protocol);
    assert_eq!(case.standing(content), (Outcome::Held, vec![RuleCode::SignedBeforeClose]));
    protocol.signed_at = in_time;
    case.send_protocol(&protocol);
    assert_eq!(case.standing(content).0, Outcome::Counted);
}

#[test]
fn a_confirmation_lifts_a_hold_and_says_so() {
    let mut case = Case::new();
    let wrong = case.send_wrong(1);
    assert_eq!(case.standing(wrong).0, Outcome::Held);
    case.decide("tec-north-a", 1, confirm(wrong));
    assert_eq!(case.standing(wrong).0, Outcome::Counted);
    assert!(case.standing(wrong).1.contains(&RuleCode::ConfirmedByDecision));
}

#[test]
fn a_confirmation_outlives_a_later_choice_of_the_same_content_but_no_annulment() {
    let mut case = Case::new();
    let (wrong, other) = (case.send_wrong(1), case.send_votes(1, &VOTES));
    case.decide("tec-north-a", 1, confirm(wrong));
    case.decide("tec-north-a", 3, choose(wrong, other));
    assert_eq!(case.standing(wrong).0, Outcome::Counted);
    case.decide("tec-north-a", 2, annul(wrong));
    assert_eq!(case.standing(wrong).0, Outcome::Held);
}

#[test]
fn the_decision_of_the_higher_commission_holds_whatever_its_number() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let low = case.decide("tec-north-a", 9, annul(one));
    let high = case.decide("cec", 1, confirm(one));
    assert_eq!(case.standing(one).0, Outcome::Counted);
    assert_eq!(case.decision(low), (Outcome::Superseded, vec![RuleCode::OverruledByDecision]));
    assert_eq!(case.decision(high).0, Outcome::Counted);
}

#[test]
fn annulling_the_station_overrules_a_lower_commission_s_ruling_on_a_content_there() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let low = case.decide("tec-north-a", 1, confirm(one));
    case.decide("cec", 1, annul_station());
    assert_eq!(case.decision(low), (Outcome::Superseded, vec![RuleCode::OverruledByDecision]));
}

#[test]
fn two_commissions_of_one_rank_overrule_nothing_of_each_other() {
    let mut case = Case::new();
    let absent = ContentDigest([9; 32]);
    let of_territory = case.decide("tec-north-a", 1, annul(absent));
    let of_district = case.decide("dec-d-1", 2, annul(absent));
    for decision in [of_territory, of_district] {
        assert_eq!(case.decision(decision), (Outcome::Counted, vec![RuleCode::TargetAbsent]));
    }
}

#[test]
fn two_decisions_under_one_number_are_contested_and_neither_holds() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let first = case.decide("tec-north-a", 1, annul(one));
    let second = case.decide("tec-north-a", 1, annul_station());
    assert_eq!(case.standing(one).0, Outcome::Counted);
    for decision in [first, second] {
        assert_eq!(case.decision(decision), (Outcome::Contested, vec![RuleCode::ContestedNumber]));
    }
}

#[test]
fn a_decision_on_what_is_not_its_author_s_is_refused_and_contests_no_number() {
    let mut case = Case::new();
    let one = case.send_votes(1, &VOTES);
    let report = case.report("10-00", 5);
    let refused = case.decide("dec-d-1", 1, annul(one));
    let also_refused = case.decide("dec-d-1", 1, annul(report));
    let absent = case.decide("dec-d-1", 1, annul(ContentDigest([9; 32])));
    for decision in [refused, also_refused] {
        assert_eq!(case.decision(decision), (Outcome::Refused, vec![RuleCode::NotEntitled]));
    }
    assert_eq!(case.decision(absent), (Outcome::Counted, vec![RuleCode::TargetAbsent]));
    assert_eq!(case.standing(one).0, Outcome::Counted);
}

#[test]
fn a_submission_in_another_shard_than_its_own_is_refused_there() {
    let mut case = Case::new();
    let body = SubmissionBody::Protocol(case.protocol(1, &VOTES));
    let key = case.station_key();
    for shard in [0, 2] {
        case.send_to(ShardId(shard), &key, body.clone());
        let outcome = &case.outcomes(shard)[0];
        assert_eq!((outcome.outcome, outcome.rules.as_slice()), (Outcome::Refused, &[RuleCode::WrongShard][..]));
    }
    assert_eq!(case.counts().counted, 0);
    case.send(&key, body);
    assert_eq!(case.counts().counted, 1);
}

#[test]
fn a_station_s_key_signs_for_no_other_station() {
    let mut case = Case::new();
    let other = case.definition.station(&StationId::new("north-002").unwrap()).unwrap().1.key;
    case.send(&other, SubmissionBody::Protocol(case.protocol(1, &VOTES)));
    assert_eq!(case.outcomes(1)[0].rules, [RuleCode::NotEntitled]);
    assert_eq!(case.cell().state, StationState::Missing);
}

#[test]
fn before_the_first_protocol_a_share_of_those_who_took_part_is_no_impossible_figure() {
    let case = Case::new();
    for (of, against_all) in [
        (VoteBase::TookPart, true),
        (VoteBase::ValidIncludingAgainstAll, true),
        (VoteBase::ValidIncludingAgainstAll, false),
    ] {
        let mut definition = Definition::clone(&case.definition);
        definition.contests[0].against_all = against_all;
        if let Method::List(ListMethod { threshold: Some(threshold), .. }) = &mut definition.contests[0].method {
            threshold.of.value = of;
        }
        let folds = Folds::of(&Arc::new(definition), &case.table(), case.logs());
        let nation = folds.nation();
        let seats = seats_of(&folds.definition, ContestIndex(0), &nation.contests[0].nation, folds.control.state());
        assert_eq!(seats.awarded(), [0, 0, 0, 0], "{seats:?}");
    }
}
