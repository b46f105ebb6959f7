//! One seat by plurality.

use hattama_apportionment::*;

use crate::common::{assumed, ids, resolution, void};

fn contest(votes: &[u64], against_all: u64) -> PluralityInput {
    let candidates = (b'A'..).zip(votes).map(|(letter, &votes)| Candidate::new(char::from(letter), votes)).collect();
    PluralityInput { candidates, against_all: Some(against_all), ..PluralityInput::default() }
}

fn result(input: &PluralityInput, against_all_ahead: AgainstAllAhead) -> PluralityResult {
    let against_all_ahead = Sourced::new(against_all_ahead, Source::new("no law found", Certainty::Assumed));
    let rules = PluralityRules { source: assumed(), tie: assumed(), against_all_ahead };
    plurality(&rules, input).unwrap()
}

fn open(input: &PluralityInput) -> PluralityOutcome {
    result(input, AgainstAllAhead::SeatOpen).outcome
}

fn ignoring(input: &PluralityInput) -> PluralityOutcome {
    result(input, AgainstAllAhead::Ignored).outcome
}

fn winner(option: &str, lead: u64, ahead_of: &str, by_decision: bool) -> PluralityOutcome {
    PluralityOutcome::Winner { option: option.into(), lead, ahead_of: ids(ahead_of), by_decision }
}

#[test]
fn most_votes_win_without_a_majority() {
    let input = contest(&[30, 40, 30], 5);
    assert_eq!(open(&input), winner("B", 10, "AC", false));
    let ranks: Vec<u32> =
        result(&input, AgainstAllAhead::SeatOpen).candidates.iter().map(|candidate| candidate.rank).collect();
    assert_eq!(ranks, [2, 1, 2]);
}

#[test]
fn one_candidate_wins_with_one_vote() {
    assert_eq!(open(&contest(&[1], 0)), winner("A", 1, "", false));
}

#[test]
fn equal_first_places_need_a_decision() {
    let PluralityOutcome::DecisionNeeded { tie } = open(&contest(&[9, 3, 9], 8)) else { panic!("no tie") };
    assert_eq!((tie.between, tie.seats, tie.choose, tie.stage), (ids("AC"), 1, 1, TieStage::Plurality));
}

#[test]
fn a_decision_elects_one_of_the_equal() {
    let mut input = contest(&[9, 3, 9], 8);
    input.resolved = vec![resolution("CA", 1, "C")];
    let decided = result(&input, AgainstAllAhead::SeatOpen);
    assert_eq!(decided.outcome, winner("C", 0, "A", true));
    assert_eq!(decided.resolutions[0].standing, Standing::Applied);
}

#[test]
fn a_decision_is_void_once_they_are_no_longer_equal() {
    let mut input = contest(&[10, 3, 9], 8);
    input.resolved = vec![resolution("CA", 1, "C")];
    let decided = result(&input, AgainstAllAhead::SeatOpen);
    assert_eq!(decided.outcome, winner("A", 1, "C", false));
    assert_eq!(decided.resolutions[0].standing, void(VoidReason::NoSuchTie));
}

#[test]
fn against_all_ahead_leaves_the_seat_open_or_is_ignored() {
    let input = contest(&[9, 3], 12);
    let law = Source::new("no law found", Certainty::Assumed);
    let expected = PluralityOutcome::AgainstAllAhead { against_all: 12, strongest: ids("A"), lead: 3, law };
    assert_eq!(open(&input), expected);
    assert_eq!(ignoring(&input), winner("A", 6, "B", false));
}

#[test]
fn against_all_level_with_the_strongest_leaves_the_seat_open_too() {
    assert!(matches!(open(&contest(&[9, 3], 9)), PluralityOutcome::AgainstAllAhead { lead: 0, .. }));
    assert_eq!(open(&contest(&[9, 3], 8)), winner("A", 6, "B", false));
}

#[test]
fn a_decision_on_a_tie_does_not_overrule_against_all() {
    let mut input = contest(&[9, 9], 10);
    input.resolved = vec![resolution("AB", 1, "A")];
    let decided = result(&input, AgainstAllAhead::SeatOpen);
    assert!(matches!(&decided.outcome, PluralityOutcome::AgainstAllAhead { strongest, .. } if *strongest == ids("AB")));
    assert_eq!(decided.resolutions[0].standing, void(VoidReason::NoSuchTie));
}

#[test]
fn without_votes_nobody_is_elected() {
    assert_eq!(open(&contest(&[0, 0], 0)), PluralityOutcome::NoVotes);
    assert_eq!(open(&contest(&[0], 0)), PluralityOutcome::NoVotes);
    assert_eq!(open(&contest(&[], 0)), PluralityOutcome::NoVotes);
    assert_eq!(ignoring(&contest(&[0, 0], 7)), PluralityOutcome::NoVotes);
    assert!(matches!(open(&contest(&[0, 0], 7)), PluralityOutcome::AgainstAllAhead { .. }));
}

#[test]
fn a_repeated_candidate_is_refused() {
    let mut input = contest(&[1, 2], 0);
    input.candidates[1].id = "A".into();
    let rules = result(&contest(&[1], 0), AgainstAllAhead::SeatOpen).rules;
    assert_eq!(plurality(&rules, &input), Err(InputError::DuplicateOption { id: "A".into() }));
}

#[test]
fn small_contests_agree_with_counting_by_hand() {
    for code in 0..4_u64.pow(4) {
        let votes = [code % 4, code / 4 % 4, code / 16 % 4];
        let against_all = code / 64;
        let mut sorted = votes;
        sorted.sort_unstable();
        let [_, second, first] = sorted;
        let outcome = open(&contest(&votes, against_all));
        let expected = match () {
            () if first == 0 && against_all == 0 => "no votes",
            () if against_all >= first => "against all",
            () if first == second => "tie",
            () => "winner",
        };
        let found = match &outcome {
            PluralityOutcome::NoVotes => "no votes",
            PluralityOutcome::AgainstAllAhead { .. } => "against all",
            PluralityOutcome::DecisionNeeded { .. } => "tie",
            PluralityOutcome::Winner { .. } => "winner",
        };
        assert_eq!(found, expected, "{votes:?} against all {against_all}");
    }
}
