use super::*;
use crate::{
    form::{Certainty, FormLine, Lines},
    ids::{ContestId, FormId, SlotId, StationId},
    text::Text,
};
use LineMeaning::{
    BallotsFound, BallotsInvalid, BallotsIssued, BallotsReceived, BallotsSpoiled, BallotsUnused, BallotsValid,
    FoundPortable, IssuedAbsentee, IssuedOutside, VotersAdded, VotersListed,
};

mod properties;
mod published_errors;

const WITHOUT_ISSUED: [LineMeaning; 6] =
    [VotersListed, BallotsReceived, BallotsUnused, BallotsFound, BallotsInvalid, BallotsValid];

/// A rule, the lines that are written otherwise than on a clean protocol, and whether it fires then.
type Row<'a> = (RuleCode, &'a [(LineMeaning, u32)], bool);
/// A rule, the lines that make it fire, and the line whose absence stops it.
type AbsentRow<'a> = (RuleCode, &'a [(LineMeaning, u32)], LineMeaning);

fn form(meanings: &[LineMeaning]) -> Form {
    let word = String::new();
    let label = Text { kk: word.clone(), ru: word.clone(), en: word };
    let line = |meaning: &LineMeaning| FormLine {
        meaning: *meaning,
        required: false,
        source: Certainty::Assumed,
        label: label.clone(),
    };
    Form { id: FormId::new("f").unwrap(), lines: meanings.iter().map(line).collect() }
}

fn content(lines: &[(LineMeaning, u32)], votes: &[(&str, u32)], against_all: Option<u32>) -> ProtocolContent {
    let mut written = Lines::default();
    lines.iter().for_each(|(meaning, count)| written.set(*meaning, *count));
    ProtocolContent {
        station: StationId::new("s").unwrap(),
        contest: ContestId::new("c").unwrap(),
        revision: 1,
        lines: written,
        votes: votes.iter().map(|(option, votes)| (OptionId::new(option).unwrap(), *votes)).collect(),
        against_all,
    }
}

/// A full form on which every rule runs and none fires.
fn clean() -> ProtocolContent {
    let lines = [
        (VotersListed, 1_000),
        (VotersAdded, 10),
        (BallotsReceived, 1_100),
        (BallotsIssued, 700),
        (IssuedOutside, 20),
        (IssuedAbsentee, 5),
        (BallotsUnused, 390),
        (BallotsSpoiled, 10),
        (BallotsFound, 700),
        (FoundPortable, 20),
        (BallotsInvalid, 10),
        (BallotsValid, 690),
    ];
    content(&lines, &[("a", 401), ("b", 203), ("c", 56)], Some(30))
}

/// A form without issued ballots on which every rule runs and none fires.
fn clean_without_issued() -> ProtocolContent {
    let lines = [
        (VotersListed, 1_000),
        (BallotsReceived, 1_100),
        (BallotsUnused, 400),
        (BallotsFound, 700),
        (BallotsInvalid, 10),
        (BallotsValid, 690),
    ];
    content(&lines, &[("a", 401), ("b", 203), ("c", 56)], Some(30))
}

fn with(base: &ProtocolContent, lines: &[(LineMeaning, u32)]) -> ProtocolContent {
    let mut changed = base.clone();
    lines.iter().for_each(|(meaning, count)| changed.lines.set(*meaning, *count));
    changed
}

fn without(base: &ProtocolContent, meanings: &[LineMeaning]) -> ProtocolContent {
    let mut changed = base.clone();
    meanings.iter().for_each(|meaning| changed.lines.clear(*meaning));
    changed
}

fn check(form: &Form, content: &ProtocolContent) -> Vec<Violation> {
    protocol(form, content, &BTreeSet::new())
}

fn codes(form: &Form, content: &ProtocolContent) -> Vec<RuleCode> {
    check(form, content).into_iter().map(|violation| violation.code).collect()
}

#[test]
fn a_clean_protocol_breaks_no_rule() {
    assert_eq!(check(&form(&LineMeaning::ALL), &clean()), []);
    assert_eq!(check(&form(&WITHOUT_ISSUED), &clean_without_issued()), []);
}

#[test]
fn each_rule_of_a_full_form_fires_beyond_its_boundary_and_only_there() {
    use RuleCode::*;
    let full = form(&LineMeaning::ALL);
    let rows: [Row<'_>; 27] = [
        (SumOfVotesDiffers, &[(BallotsValid, 690)], false),
        (SumOfVotesDiffers, &[(BallotsValid, 689)], true),
        (SumOfVotesDiffers, &[(BallotsValid, 691)], true),
        (FoundDiffersFromCounted, &[(BallotsInvalid, 9)], true),
        (FoundDiffersFromCounted, &[(BallotsFound, 701), (BallotsInvalid, 11)], false),
        (FoundDiffersFromCounted, &[(BallotsFound, 701)], true),
        (BallotsUnbalanced, &[(BallotsSpoiled, 11)], true),
        (BallotsUnbalanced, &[(BallotsSpoiled, 11), (BallotsReceived, 1_101)], false),
        (BallotsUnbalanced, &[(BallotsReceived, 1_099)], true),
        (FoundExceedsIssued, &[(BallotsFound, 700)], false),
        (FoundExceedsIssued, &[(BallotsFound, 701)], true),
        (FoundBelowIssued, &[(BallotsFound, 700)], false),
        (FoundBelowIssued, &[(BallotsFound, 699)], true),
        (IssuedExceedsVoters, &[(BallotsIssued, 1_010)], false),
        (IssuedExceedsVoters, &[(BallotsIssued, 1_011)], true),
        (PartExceedsWhole, &[(IssuedOutside, 700)], false),
        (PartExceedsWhole, &[(IssuedOutside, 701)], true),
        (PartExceedsWhole, &[(IssuedAbsentee, 700)], false),
        (PartExceedsWhole, &[(IssuedAbsentee, 701)], true),
        (PartExceedsWhole, &[(FoundPortable, 700)], false),
        (PartExceedsWhole, &[(FoundPortable, 701)], true),
        (InvalidShareHigh, &[(BallotsInvalid, 20)], false),
        (InvalidShareHigh, &[(BallotsInvalid, 21)], true),
        (InvalidShareHigh, &[(BallotsInvalid, 0), (BallotsFound, 0)], false),
        (TurnoutComplete, &[(BallotsIssued, 1_009)], false),
        (TurnoutComplete, &[(BallotsIssued, 1_010)], true),
        (TurnoutComplete, &[(BallotsIssued, 0), (VotersListed, 0), (VotersAdded, 0)], false),
    ];
    for (code, lines, fires) in rows {
        assert_eq!(codes(&full, &with(&clean(), lines)).contains(&code), fires, "{code} with {lines:?}");
    }
}

#[test]
fn each_rule_of_a_form_without_issued_ballots_fires_beyond_its_boundary_and_only_there() {
    use RuleCode::*;
    let brief = form(&WITHOUT_ISSUED);
    let rows: [Row<'_>; 6] = [
        (ReceivedDiffersFromCounted, &[(BallotsReceived, 1_101)], true),
        (ReceivedDiffersFromCounted, &[(BallotsReceived, 1_101), (BallotsUnused, 401)], false),
        (FoundExceedsVoters, &[(VotersListed, 700)], false),
        (FoundExceedsVoters, &[(VotersListed, 699)], true),
        (TurnoutComplete, &[(VotersListed, 700)], true),
        (TurnoutComplete, &[(VotersListed, 701)], false),
    ];
    for (code, lines, fires) in rows {
        assert_eq!(
            codes(&brief, &with(&clean_without_issued(), lines)).contains(&code),
            fires,
            "{code} with {lines:?}"
        );
    }
    let mut with_spoiled = WITHOUT_ISSUED.to_vec();
    with_spoiled.push(BallotsSpoiled);
    with_spoiled.push(VotersAdded);
    let received = with(&clean_without_issued(), &[(BallotsSpoiled, 3), (BallotsReceived, 1_103)]);
    assert_eq!(codes(&form(&with_spoiled), &received), [], "spoiled ballots are a part where the form has them");
    let added = with(&clean_without_issued(), &[(VotersListed, 695), (VotersAdded, 6)]);
    assert_eq!(codes(&form(&with_spoiled), &added), [], "voters added count where the form has them");
}

#[test]
fn rules_of_one_kind_of_form_do_not_run_on_the_other() {
    let full = codes(&form(&LineMeaning::ALL), &with(&clean(), &[(BallotsReceived, 1), (BallotsFound, 2_000)]));
    assert!(!full.contains(&RuleCode::ReceivedDiffersFromCounted) && !full.contains(&RuleCode::FoundExceedsVoters));
    let lines = [(BallotsReceived, 1), (BallotsFound, 2_000), (BallotsIssued, 5)];
    let brief = codes(&form(&WITHOUT_ISSUED), &with(&clean_without_issued(), &lines));
    for code in [RuleCode::BallotsUnbalanced, RuleCode::FoundExceedsIssued, RuleCode::IssuedExceedsVoters] {
        assert!(!brief.contains(&code), "{code}: a line that is not on the form is not looked at");
    }
}

#[test]
fn a_rule_does_not_run_where_one_of_its_lines_is_absent() {
    use RuleCode::*;
    let full = form(&LineMeaning::ALL);
    let rows: [AbsentRow<'_>; 13] = [
        (SumOfVotesDiffers, &[(BallotsValid, 1)], BallotsValid),
        (FoundDiffersFromCounted, &[(BallotsFound, 1)], BallotsValid),
        (FoundDiffersFromCounted, &[(BallotsFound, 1)], BallotsInvalid),
        (BallotsUnbalanced, &[(BallotsReceived, 1)], BallotsSpoiled),
        (BallotsUnbalanced, &[(BallotsReceived, 1)], BallotsUnused),
        (FoundExceedsIssued, &[(BallotsFound, 900)], BallotsIssued),
        (FoundBelowIssued, &[(BallotsFound, 1)], BallotsIssued),
        (IssuedExceedsVoters, &[(BallotsIssued, 2_000)], VotersAdded),
        (IssuedExceedsVoters, &[(BallotsIssued, 2_000)], VotersListed),
        (PartExceedsWhole, &[(IssuedOutside, 701)], BallotsIssued),
        (PartExceedsWhole, &[(FoundPortable, 701)], BallotsFound),
        (InvalidShareHigh, &[(BallotsInvalid, 21)], BallotsInvalid),
        (TurnoutComplete, &[(BallotsIssued, 1_010)], VotersAdded),
    ];
    for (code, lines, absent) in rows {
        let wrong = with(&clean(), lines);
        assert!(codes(&full, &wrong).contains(&code), "{code} fires with {lines:?}");
        assert!(!codes(&full, &without(&wrong, &[absent])).contains(&code), "{code} runs without {absent}");
    }
    let mut no_votes = with(&clean(), &[(BallotsValid, 1)]);
    no_votes.votes.clear();
    no_votes.against_all = None;
    assert!(!codes(&full, &no_votes).contains(&SumOfVotesDiffers));
}

#[test]
fn the_share_of_invalid_ballots_is_taken_of_valid_and_invalid_where_found_is_absent() {
    let full = form(&LineMeaning::ALL);
    let no_found = without(&with(&clean(), &[(BallotsInvalid, 21)]), &[BallotsFound]);
    assert!(!codes(&full, &no_found).contains(&RuleCode::InvalidShareHigh), "21 of 711");
    assert!(codes(&full, &with(&no_found, &[(BallotsInvalid, 22)])).contains(&RuleCode::InvalidShareHigh), "22 of 712");
    let neither = without(&with(&no_found, &[(BallotsInvalid, 22)]), &[BallotsValid]);
    assert!(!codes(&full, &neither).contains(&RuleCode::InvalidShareHigh));
}

#[test]
fn votes_for_a_withdrawn_option_are_marked_and_none_are_not() {
    let full = form(&LineMeaning::ALL);
    let withdrawn = BTreeSet::from([OptionId::new("b").unwrap()]);
    let violations = protocol(&full, &clean(), &withdrawn);
    let field = Field::Option(OptionId::new("b").unwrap());
    assert_eq!(violations, [Violation::numbers(RuleCode::VotesForWithdrawn, field, 203, 0)]);
    let mut none = clean();
    none.votes[0].1 += 203;
    none.votes[1].1 = 0;
    assert_eq!(protocol(&full, &none, &withdrawn), []);
}

#[test]
fn a_transposed_figure_is_named_with_what_it_likely_was() {
    let full = form(&LineMeaning::ALL);
    let named = |content: &ProtocolContent| -> Vec<Violation> {
        check(&full, content).into_iter().filter(|violation| violation.code == RuleCode::DigitsTransposed).collect()
    };
    let mut votes = clean();
    votes.votes[1].1 = 230;
    let option = Field::Option(OptionId::new("b").unwrap());
    assert_eq!(named(&votes), [Violation::numbers(RuleCode::DigitsTransposed, option, 230, 203)]);
    let valid = Violation::numbers(RuleCode::DigitsTransposed, Field::Line(BallotsValid), 960, 690);
    assert_eq!(named(&with(&clean(), &[(BallotsValid, 960)])), [valid], "named once, though two sums fail");
    assert_eq!(named(&with(&clean(), &[(BallotsUnused, 391)])), [], "off by 1");
    assert_eq!(named(&with(&clean(), &[(BallotsUnused, 399)])), [], "off by 9, but no swap mends it");
}

#[test]
fn no_figure_is_named_where_several_would_do() {
    let two_lines = form(&[BallotsValid]);
    let ambiguous = content(&[(BallotsValid, 54)], &[("a", 45)], None);
    assert_eq!(codes(&two_lines, &ambiguous), [RuleCode::SumOfVotesDiffers]);
}

#[test]
fn a_second_sum_tells_which_of_two_figures_was_transposed() {
    let counted = form(&[BallotsFound, BallotsInvalid, BallotsValid]);
    let lines = [(BallotsFound, 54), (BallotsInvalid, 0), (BallotsValid, 54)];
    let violations = check(&counted, &content(&lines, &[("a", 45)], None));
    let option = Field::Option(OptionId::new("a").unwrap());
    let named = Violation::numbers(RuleCode::DigitsTransposed, option, 45, 54);
    assert!(violations.contains(&named), "45 valid ballots would contradict the 54 found: {violations:?}");
}

#[test]
fn a_turnout_report_may_have_the_whole_register_but_not_more() {
    let report = |received_a_ballot, register| TurnoutContent {
        station: StationId::new("s").unwrap(),
        slot: SlotId::new("10-00").unwrap(),
        revision: 1,
        received_a_ballot,
        register,
    };
    assert_eq!(turnout(&report(229, 229)), []);
    assert_eq!(turnout(&report(4_695, 229))[0].code, RuleCode::TurnoutExceedsRegister);
    assert_eq!(turnout(&report(230, 229))[0].expected, Some(229));
}
