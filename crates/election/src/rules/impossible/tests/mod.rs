use super::*;
use crate::{
    decision::Ruling,
    definition::sample,
    digest::ContentDigest,
    form::{LineMeaning, Lines},
    ids::{AuthorityId, ContestId, OptionId, SlotId, StationId},
    instant::Instant,
    protocol::{
        MAX_SIGNATORIES, MAX_SIGNATORY_NAME_BYTES, Protocol, ProtocolContent, Signatory, SignatoryRole, SignatoryStance,
    },
    rules::{RuleCode::*, Severity},
    submission::{CommissionProtocol, CommissionProtocolContent, Lines64, MAX_COVERED},
    turnout::{TurnoutContent, TurnoutReport},
};
use proptest::prelude::*;
use rulings::decided;

mod rulings;

fn station(id: &str) -> StationId {
    StationId::new(id).unwrap()
}

fn contest(id: &str) -> ContestId {
    ContestId::new(id).unwrap()
}

fn options(ids: &[&str]) -> Vec<OptionId> {
    ids.iter().map(|id| OptionId::new(id).unwrap()).collect()
}

fn contents(numbers: &[u8]) -> Vec<ContentDigest> {
    numbers.iter().map(|number| ContentDigest([*number; 32])).collect()
}

fn codes(violations: &[Violation]) -> Vec<RuleCode> {
    violations.iter().map(|violation| violation.code).collect()
}

/// A change of something that is fine, and the faults that it makes: code and field.
type Row<'a, T> = (fn(&mut T), &'a [(RuleCode, &'a str)]);

/// What a check says of each change of something that is fine: its codes and fields.
fn table<T: Clone>(fine: &T, check: impl Fn(&T) -> Vec<Violation>, rows: &[Row<'_, T>]) {
    assert_eq!(check(fine), [], "unchanged it is fine");
    for (row, (change, expected)) in rows.iter().enumerate() {
        let mut changed = fine.clone();
        change(&mut changed);
        let found = check(&changed);
        let found: Vec<_> = found.iter().map(|violation| (violation.code, violation.field.to_string())).collect();
        let found: Vec<_> = found.iter().map(|(code, field)| (*code, field.as_str())).collect();
        assert_eq!(found, *expected, "row {row}");
    }
}

/// A protocol of the sample's list contest with every line written.
fn fine_protocol() -> Protocol {
    let mut lines = Lines::default();
    LineMeaning::ALL.iter().for_each(|meaning| lines.set(*meaning, 0));
    let votes = options(&["lake", "mountain", "river", "steppe"]).into_iter().map(|option| (option, 0)).collect();
    let content = ProtocolContent {
        station: station("north-001"),
        contest: contest("council-list"),
        revision: 1,
        lines,
        votes,
        against_all: Some(0),
    };
    Protocol {
        content,
        signed_at: Instant(0),
        supersedes: None,
        reason: None,
        correction_authority: None,
        signatories: Vec::new(),
        complaints: None,
        scan: None,
    }
}

fn signatories(count: usize, name_bytes: usize) -> Vec<Signatory> {
    let name = "x".repeat(name_bytes);
    vec![Signatory { role: SignatoryRole::Member, name, stance: SignatoryStance::Signed }; count]
}

#[test]
fn a_protocol_must_fit_its_station_and_contest() {
    let definition = sample::definition();
    table(
        &fine_protocol(),
        |one| protocol(&definition, one),
        &[
            (|one| one.content.station = station("nowhere"), &[(UnknownStation, "station")]),
            (|one| one.content.contest = contest("nothing"), &[(UnknownContest, "contest")]),
            (|one| one.content.contest = contest("council-d-2"), &[(UnknownContest, "contest")]),
            (|one| one.content.revision = 0, &[(RevisionOutOfRange, "revision")]),
            (|one| one.content.revision = 99, &[]),
            (|one| one.content.revision = 100, &[(RevisionOutOfRange, "revision")]),
            (|one| one.content.against_all = None, &[(AgainstAllMismatch, "against_all")]),
            (|one| drop(one.content.votes.pop()), &[(OptionsMismatch, "votes[steppe]")]),
            (|one| one.content.votes.push((OptionId::new("zebra").unwrap(), 1)), &[(OptionsMismatch, "votes[zebra]")]),
            (
                |one| one.content.votes.insert(1, (OptionId::new("lake").unwrap(), 1)),
                &[(OptionsMismatch, "votes[lake]")],
            ),
            (|one| one.content.votes.swap(0, 1), &[(OptionsMismatch, "votes")]),
            (|one| one.content.lines.clear(LineMeaning::VotersAdded), &[]),
            (|one| one.content.lines.clear(LineMeaning::BallotsFound), &[(RequiredLineMissing, "ballots_found")]),
        ],
    );
}

#[test]
fn a_protocol_must_keep_its_limits() {
    let definition = sample::definition();
    table(
        &fine_protocol(),
        |one| protocol(&definition, one),
        &[
            (|one| one.content.lines.set(LineMeaning::BallotsFound, MAX_COUNT), &[]),
            (
                |one| one.content.lines.set(LineMeaning::BallotsFound, MAX_COUNT + 1),
                &[(CountOutOfRange, "ballots_found")],
            ),
            (|one| one.content.votes[0].1 = u32::MAX, &[(CountOutOfRange, "votes[lake]")]),
            (|one| one.content.against_all = Some(MAX_COUNT + 1), &[(CountOutOfRange, "against_all")]),
            (|one| one.complaints = Some(MAX_COUNT + 1), &[(CountOutOfRange, "complaints")]),
            (|one| one.reason = Some("x".repeat(MAX_REASON_BYTES)), &[]),
            (|one| one.reason = Some("x".repeat(MAX_REASON_BYTES + 1)), &[(TooLong, "reason")]),
            (
                |one| one.correction_authority = Some("x".repeat(MAX_REASON_BYTES + 1)),
                &[(TooLong, "correction_authority")],
            ),
            (|one| one.signatories = signatories(MAX_SIGNATORIES, MAX_SIGNATORY_NAME_BYTES), &[]),
            (|one| one.signatories = signatories(MAX_SIGNATORIES + 1, 0), &[(TooLong, "signatories")]),
            (|one| one.signatories = signatories(1, MAX_SIGNATORY_NAME_BYTES + 1), &[(TooLong, "signatories.name")]),
        ],
    );
}

#[test]
fn a_line_that_the_station_s_form_lacks_is_refused_and_what_a_ballot_lacks_too() {
    let mut definition = sample::definition();
    let brief = definition.forms.iter().position(|form| form.id.as_str() == "brief").unwrap();
    definition.stations.iter_mut().for_each(|station| station.form = Some(brief));
    definition.contests.iter_mut().for_each(|contest| contest.against_all = false);
    let found = protocol(&definition, &fine_protocol());
    let refused: Vec<String> = found.iter().map(Violation::to_string).collect();
    assert_eq!(
        refused,
        [
            "AGAINST_ALL_MISMATCH at against_all: 0 is written",
            "LINE_NOT_ON_FORM at voters_added: 0 is written",
            "LINE_NOT_ON_FORM at ballots_issued: 0 is written",
            "LINE_NOT_ON_FORM at issued_outside: 0 is written",
            "LINE_NOT_ON_FORM at issued_absentee: 0 is written",
            "LINE_NOT_ON_FORM at ballots_spoiled: 0 is written",
            "LINE_NOT_ON_FORM at found_portable: 0 is written",
        ]
    );
}

#[test]
fn an_answer_stays_short_whatever_was_sent() {
    let definition = sample::definition();
    let mut one = fine_protocol();
    one.content.votes = (0..10_000).map(|n| (OptionId::new(&format!("o-{n}")).unwrap(), u32::MAX)).collect();
    assert_eq!(protocol(&definition, &one).len(), MAX_VIOLATIONS);
}

#[test]
fn a_turnout_report_must_fit_the_definition() {
    let definition = sample::definition();
    let content = TurnoutContent {
        station: station("north-001"),
        slot: SlotId::new("10-00").unwrap(),
        revision: 1,
        received_a_ballot: 10,
        register: 20,
    };
    table(
        &TurnoutReport { content, signed_at: Instant(0) },
        |report| turnout(&definition, report),
        &[
            (|report| report.content.station = station("nowhere"), &[(UnknownStation, "station")]),
            (|report| report.content.slot = SlotId::new("11-00").unwrap(), &[(UnknownSlot, "slot")]),
            (|report| report.content.revision = 0, &[(RevisionOutOfRange, "revision")]),
            (|report| report.content.register = MAX_COUNT + 1, &[(CountOutOfRange, "register")]),
            (|report| report.content.received_a_ballot = u32::MAX, &[(CountOutOfRange, "received_a_ballot")]),
        ],
    );
}

fn fine_total() -> CommissionProtocol {
    let covered = contents(&[1, 2]);
    let votes = options(&["lake", "mountain", "river", "steppe"]).into_iter().map(|option| (option, 0)).collect();
    let content = CommissionProtocolContent {
        author: AuthorityId::new("tec-north-a").unwrap(),
        contest: contest("council-list"),
        revision: 1,
        covered_count: 2,
        covered_digest: covered_digest(&covered),
        covered,
        lines: Lines64::default(),
        votes,
        against_all: Some(0),
    };
    CommissionProtocol { content, signed_at: Instant(0) }
}

#[test]
fn a_commission_s_protocol_must_agree_with_what_it_covers() {
    let definition = sample::definition();
    table(
        &fine_total(),
        |one| commission_protocol(&definition, one),
        &[
            (|one| one.content.author = AuthorityId::new("nobody").unwrap(), &[(RulingImpossible, "author")]),
            (|one| one.content.contest = contest("nothing"), &[(UnknownContest, "contest")]),
            (|one| one.content.revision = 0, &[(RevisionOutOfRange, "revision")]),
            (|one| one.content.covered_count = 3, &[(Malformed, "covered")]),
            (|one| one.content.covered_count = 9, &[(CountOutOfRange, "covered_count"), (Malformed, "covered")]),
            (|one| one.content.covered.reverse(), &[(Malformed, "covered")]),
            (|one| one.content.covered[0] = ContentDigest([0; 32]), &[(Malformed, "covered_digest")]),
            (
                |one| one.content.covered = vec![ContentDigest([0; 32]); MAX_COVERED + 1],
                &[(TooLong, "covered"), (Malformed, "covered")],
            ),
            (|one| drop(one.content.votes.pop()), &[(OptionsMismatch, "votes[steppe]")]),
            (|one| one.content.against_all = None, &[(AgainstAllMismatch, "against_all")]),
            (|one| one.content.lines.set(LineMeaning::BallotsFound, 2 * 9_999_999), &[]),
            (
                |one| one.content.lines.set(LineMeaning::BallotsFound, 2 * 9_999_999 + 1),
                &[(CountOutOfRange, "ballots_found")],
            ),
            // Two numbers run together, as a newspaper printed them in 2022.
            (|one| one.content.votes[0].1 = 8_108_668_485, &[(CountOutOfRange, "votes[lake]")]),
            (|one| one.content.against_all = Some(u64::MAX), &[(CountOutOfRange, "against_all")]),
        ],
    );
}

#[test]
fn a_large_scope_is_named_by_a_digest_alone() {
    let mut definition = sample::definition();
    let one = definition.stations[0].clone();
    definition.stations = vec![one; MAX_COVERED + 1];
    let mut large = fine_total();
    large.content.covered_count = 1_001;
    large.content.covered.clear();
    assert_eq!(commission_protocol(&definition, &large), []);
    large.content.covered_count = 1_000;
    assert_eq!(codes(&commission_protocol(&definition, &large)), [Malformed]);
}

/// An id that the sample may have, or not.
fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["north-001", "abroad-001", "council-list", "council-d-1", "lake", "c-1", "cec", "x"])
            .prop_map(str::to_owned),
        "[a-z0-9.-]{1,32}",
    ]
}

proptest! {
    #[test]
    fn no_protocol_makes_a_check_panic_and_every_answer_is_bounded(
        ids in prop::collection::vec(any_id(), 2),
        revision: u8,
        counts in prop::collection::vec(prop::option::of(any::<u32>()), 12),
        votes in prop::collection::vec((any_id(), any::<u32>()), 0..40),
        against_all: Option<u32>,
        signed_at: i64,
    ) {
        let definition = sample::definition();
        let mut one = fine_protocol();
        one.content.station = station(&ids[0]);
        one.content.contest = contest(&ids[1]);
        one.content.revision = revision;
        one.content.lines = Lines::default();
        for (meaning, count) in LineMeaning::ALL.into_iter().zip(counts) {
            count.into_iter().for_each(|count| one.content.lines.set(meaning, count));
        }
        one.content.votes = votes.iter().map(|(id, votes)| (OptionId::new(id).unwrap(), *votes)).collect();
        one.content.against_all = against_all;
        one.signed_at = Instant(signed_at);
        let found = protocol(&definition, &one);
        prop_assert!(found.len() <= MAX_VIOLATIONS);
        prop_assert!(found.iter().all(|violation| violation.code.default_severity() == Severity::Refuse));
    }

    #[test]
    fn no_decision_makes_a_check_panic_and_every_fault_is_refused(
        ids in prop::collection::vec(any_id(), 3),
        number: u32,
        seats: u32,
        between in prop::collection::vec(any_id(), 0..80),
        winners in prop::collection::vec(any_id(), 0..80),
        covered in prop::collection::vec(any::<u8>(), 0..80),
        kind in 0..4,
    ) {
        let definition = sample::definition();
        let to_options = |ids: &[String]| ids.iter().map(|id| OptionId::new(id).unwrap()).collect::<Vec<_>>();
        let (place, question, content) = (station(&ids[0]), contest(&ids[1]), ContentDigest([7; 32]));
        let mut one = decided(match kind {
            0 => Ruling::Confirm { station: place, content },
            1 => Ruling::AnnulStation { station: place, contest: question },
            2 => Ruling::Choose { station: place, chosen: content, set_aside: contents(&covered) },
            _ => Ruling::ResolveTie {
                contest: question, between: to_options(&between), seats, winners: to_options(&winners),
            },
        });
        one.content.number = number;
        one.content.author = AuthorityId::new(&ids[2]).unwrap();
        let found = decision(&definition, &one);
        prop_assert!(found.len() <= MAX_VIOLATIONS);
        prop_assert!(found.iter().all(|violation| violation.code.default_severity() == Severity::Refuse));
    }
}
