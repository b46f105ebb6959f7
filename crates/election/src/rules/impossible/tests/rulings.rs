//! Decisions, amendments and probes that cannot be.

use super::{codes, contents, contest, options, station, table};
use crate::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder, MAX_LOST_RANGES, MAX_STILL_VALID, RecordRange},
    decision::{Decision, DecisionContent, MAX_SET_ASIDE, MAX_TIED_OPTIONS, Ruling},
    definition::sample,
    digest::{ContentDigest, SubmissionDigest},
    ids::{AuthorityId, OptionId, ServiceId, ShardId},
    instant::Instant,
    key::{KeyId, PublicKey},
    protocol::MAX_REASON_BYTES,
    rules::{
        RuleCode::{self, *},
        Severity,
        impossible::{amendment, decision, probe},
    },
    submission::{Probe, ProbeSender},
};

pub(super) fn decided(ruling: Ruling) -> Decision {
    let content = DecisionContent { author: AuthorityId::new("cec").unwrap(), number: 1, ruling };
    Decision { content, reason: "counted again".into(), signed_at: Instant(0) }
}

#[test]
fn a_decision_needs_a_reason_a_number_and_an_author() {
    let definition = sample::definition();
    let fine = decided(Ruling::Confirm { station: station("north-001"), content: ContentDigest([0; 32]) });
    table(
        &fine,
        |one| decision(&definition, one),
        &[
            (|one| one.reason.clear(), &[(ReasonMissing, "reason")]),
            (|one| one.reason = " \n ".into(), &[(ReasonMissing, "reason")]),
            (|one| one.reason = "x".repeat(MAX_REASON_BYTES + 1), &[(TooLong, "reason")]),
            (|one| one.content.number = 0, &[(RulingImpossible, "number")]),
            (|one| one.content.author = AuthorityId::new("nobody").unwrap(), &[(RulingImpossible, "author")]),
            (
                |one| {
                    one.content.ruling = Ruling::Annul { station: station("nowhere"), content: ContentDigest([0; 32]) };
                },
                &[(UnknownStation, "station")],
            ),
        ],
    );
}

#[test]
fn a_station_is_annulled_only_in_a_contest_that_is_held_there() {
    let definition = sample::definition();
    let annul = |place: &str, question: &str| {
        codes(&decision(
            &definition,
            &decided(Ruling::AnnulStation { station: station(place), contest: contest(question) }),
        ))
    };
    assert_eq!(annul("north-001", "council-d-1"), []);
    assert_eq!(annul("north-001", "council-d-2"), [UnknownContest]);
    assert_eq!(annul("abroad-001", "council-d-1"), [UnknownContest]);
    assert_eq!(annul("north-001", "nothing"), [UnknownContest]);
    assert_eq!(annul("nowhere", "council-list"), [UnknownStation]);
}

#[test]
fn a_choice_sets_others_aside_and_not_the_chosen_one() {
    let definition = sample::definition();
    let choose = |chosen: u8, set_aside: Vec<ContentDigest>| {
        let ruling = Ruling::Choose { station: station("north-001"), chosen: ContentDigest([chosen; 32]), set_aside };
        codes(&decision(&definition, &decided(ruling)))
    };
    assert_eq!(choose(1, contents(&[0, 2])), []);
    assert_eq!(choose(1, contents(&[])), [RulingImpossible]);
    assert_eq!(choose(1, contents(&[2, 0])), [RulingImpossible]);
    assert_eq!(choose(1, contents(&[2, 2])), [RulingImpossible]);
    assert_eq!(choose(2, contents(&[0, 2])), [RulingImpossible]);
    let many: Vec<u8> = (0..=u8::try_from(MAX_SET_ASIDE).unwrap()).collect();
    assert_eq!(choose(200, contents(&many)), [TooLong]);
    assert_eq!(choose(200, contents(&many[1..])), []);
}

#[test]
fn a_tie_is_resolved_among_those_tied_with_a_winner_for_each_seat() {
    let definition = sample::definition();
    let resolve = |between: &[&str], seats: u32, winners: &[&str]| {
        let (between, winners) = (options(between), options(winners));
        let ruling = Ruling::ResolveTie { contest: contest("council-list"), between, seats, winners };
        let found = decision(&definition, &decided(ruling));
        found.iter().map(|violation| violation.field.to_string()).collect::<Vec<_>>()
    };
    assert!(resolve(&["lake", "river"], 1, &["river"]).is_empty());
    assert!(resolve(&["lake", "river", "steppe"], 2, &["lake", "steppe"]).is_empty());
    assert!(resolve(&["lake", "river"], 2, &["river"]).is_empty(), "one runner-up gets both seats");
    assert_eq!(resolve(&["lake", "river", "steppe"], 2, &["lake", "river", "steppe"]), ["seats", "winners"]);
    assert_eq!(resolve(&["lake", "river"], 2, &["lake", "river"]), ["winners"], "nobody loses: no tie");
    assert_eq!(resolve(&["lake", "river"], 0, &[]), ["seats"]);
    assert_eq!(resolve(&["lake", "river"], 1, &[]), ["seats"]);
    assert_eq!(resolve(&["lake", "river"], 1, &["steppe"]), ["winners"]);
    assert_eq!(resolve(&["lake", "river", "steppe"], 2, &["river", "lake"]), ["winners"]);
    assert_eq!(resolve(&["river", "lake"], 1, &["river"]), ["between"]);
    assert_eq!(resolve(&["lake"], 1, &["lake"]), ["between", "winners"]);
    assert_eq!(resolve(&["lake", "zebra"], 1, &["lake"]), ["votes[zebra]"]);
    let many: Vec<String> = (0..=MAX_TIED_OPTIONS).map(|n| format!("o-{n:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(resolve(&many, 1, &["o-000"])[0], "between");
}

fn amended(change: Change) -> Amendment {
    let content = AmendmentContent { number: 1, author: AuthorityId::new("operator").unwrap(), change };
    Amendment { content, reason: "as announced".into(), signed_at: Instant(0) }
}

#[test]
fn an_amendment_needs_a_reason_a_number_and_an_author() {
    let definition = sample::definition();
    table(
        &amended(Change::FoldVersion { version: 1 }),
        |one| amendment(&definition, one),
        &[
            (|one| one.reason.clear(), &[(ReasonMissing, "reason")]),
            (|one| one.content.number = 0, &[(RulingImpossible, "number")]),
            (|one| one.content.author = AuthorityId::new("nobody").unwrap(), &[(RulingImpossible, "author")]),
            (|one| one.content.change = Change::FoldVersion { version: 0 }, &[(RulingImpossible, "version")]),
        ],
    );
}

#[test]
fn an_amendment_names_what_exists() {
    let definition = sample::definition();
    let change = |change| codes(&amendment(&definition, &amended(change)));
    let withdrawn = |question: &str, option: &str| Change::OptionWithdrawn {
        contest: contest(question),
        option: OptionId::new(option).unwrap(),
    };
    assert_eq!(change(withdrawn("council-d-1", "c-3")), []);
    assert_eq!(change(withdrawn("council-d-2", "c-3")), [RulingImpossible]);
    assert_eq!(change(withdrawn("nothing", "c-3")), [UnknownContest]);
    assert_eq!(change(Change::StationClosed { station: station("north-001") }), []);
    assert_eq!(change(Change::StationClosed { station: station("nowhere") }), [UnknownStation]);
    assert_eq!(change(Change::PollsClose { station: station("nowhere"), at: Instant(0) }), [UnknownStation]);
}

#[test]
fn a_severity_changes_only_where_the_catalogue_allows_it() {
    let definition = sample::definition();
    for &rule in RuleCode::ALL {
        for severity in [Severity::Off, Severity::Flag, Severity::Hold, Severity::Refuse] {
            let found = amendment(&definition, &amended(Change::SeverityChanged { rule, severity }));
            assert_eq!(found.is_empty(), rule.may_change_to(severity), "{rule} {severity:?}");
        }
    }
}

#[test]
fn lost_records_lie_in_shards_that_exist_behind_the_genesis_in_order_and_within_their_limit() {
    let definition = sample::definition();
    let lost = |generation: u32, ranges: &[(u32, u64, u64)]| {
        let range =
            |(shard, first, last): &(u32, u64, u64)| RecordRange { shard: ShardId(*shard), first: *first, last: *last };
        let ranges = ranges.iter().map(range).collect();
        let found = amendment(&definition, &amended(Change::RecordsLost { generation, ranges }));
        found.iter().map(|one| (one.code, one.field.to_string())).collect::<Vec<_>>()
    };
    let wrong = |field: &str| vec![(RulingImpossible, field.to_owned())];
    assert_eq!(lost(1, &[(0, 1, 1), (1, 1, 4), (1, 5, 5), (1, 9, u64::MAX), (2, 1, 2)]), []);
    assert_eq!(lost(0, &[(1, 1, 4)]), wrong("generation"));
    let last = definition.shards - 1;
    assert_eq!(lost(1, &[(last, 1, 4)]), []);
    for impossible in [
        &[][..],
        &[(1, 0, 4)],
        &[(1, 4, 3)],
        &[(last + 1, 1, 4)],
        &[(1, 1, 4), (1, 4, 6)],
        &[(1, 5, 6), (1, 1, 4)],
        &[(2, 1, 4), (1, 5, 6)],
        &[(1, 1, 4), (1, 1, 4)],
    ] {
        assert_eq!(lost(1, impossible), wrong("ranges"), "{impossible:?}");
    }
    let many: Vec<_> = (0..=MAX_LOST_RANGES as u64).map(|n| (1, 2 * n + 1, 2 * n + 1)).collect();
    assert_eq!(lost(1, &many[1..]), []);
    assert_eq!(lost(1, &many), [(TooLong, "ranges".to_owned())]);
}

#[test]
fn a_revocation_lists_what_stays_valid_in_order_and_within_its_limit() {
    let definition = sample::definition();
    let revoked = |count: usize| Change::KeyRevoked {
        key: KeyId([0; 16]),
        still_valid: (0..count).map(|n| SubmissionDigest([u8::try_from(n % 256).unwrap(); 32])).collect(),
    };
    assert_eq!(amendment(&definition, &amended(revoked(0))), []);
    assert_eq!(amendment(&definition, &amended(revoked(MAX_STILL_VALID))), []);
    let found = amendment(&definition, &amended(revoked(MAX_STILL_VALID + 1)));
    assert_eq!(codes(&found), [TooLong, RulingImpossible], "one too many, and the first once more");
}

#[test]
fn a_new_key_is_for_somebody_who_exists_and_is_nobody_else_s() {
    let definition = sample::definition();
    let new_key = PublicKey::new(curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED.0).unwrap();
    let of_north = definition.station(&station("north-001")).unwrap().1.key;
    let of_cec = definition.authority(&AuthorityId::new("cec").unwrap()).unwrap().key;
    let replace = |holder: KeyHolder, key: PublicKey| {
        let found = amendment(&definition, &amended(Change::KeyReplaced { holder, key }));
        found.iter().map(|violation| (violation.code, violation.field.to_string())).collect::<Vec<_>>()
    };
    let north = || KeyHolder::Station(station("north-001"));
    let cec = || KeyHolder::Authority(AuthorityId::new("cec").unwrap());
    let key = || vec![(RulingImpossible, "key".to_owned())];
    assert_eq!(replace(north(), new_key), []);
    assert_eq!(replace(cec(), new_key), []);
    assert_eq!(replace(north(), of_north), [], "its own key again changes nothing");
    assert_eq!(replace(cec(), of_cec), []);
    assert_eq!(replace(north(), of_cec), key());
    assert_eq!(replace(cec(), of_north), key());
    assert_eq!(replace(KeyHolder::Station(station("nowhere")), new_key), [(UnknownStation, "station".to_owned())]);
    let nobody = KeyHolder::Authority(AuthorityId::new("nobody").unwrap());
    assert_eq!(replace(nobody, new_key), [(RulingImpossible, "holder".to_owned())]);
}

#[test]
fn a_probe_comes_from_somebody_who_exists_through_a_shard_that_exists() {
    let definition = sample::definition();
    let sent = |from: ProbeSender, shard: u32| {
        codes(&probe(&definition, &Probe { from, shard: ShardId(shard), nonce: u64::MAX }))
    };
    let from_station = |id: &str| ProbeSender::Station(station(id));
    assert_eq!(sent(from_station("north-001"), 1), []);
    assert_eq!(sent(from_station("north-001"), 2), [WrongShard]);
    assert_eq!(sent(from_station("nowhere"), 1), [UnknownStation]);
    let from_service = |id: &str| ProbeSender::Service(ServiceId::new(id).unwrap());
    assert_eq!(sent(from_service("gateway"), 0), []);
    assert_eq!(sent(from_service("gateway"), definition.shards - 1), []);
    assert_eq!(sent(from_service("gateway"), definition.shards), [WrongShard]);
    assert_eq!(sent(from_service("nobody"), 0), [Malformed]);
    let from_authority = |id: &str| ProbeSender::Authority(AuthorityId::new(id).unwrap());
    assert_eq!(sent(from_authority("cec"), 4), []);
    assert_eq!(sent(from_authority("nobody"), u32::MAX), [Malformed]);
}
