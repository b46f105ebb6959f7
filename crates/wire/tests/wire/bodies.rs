//! Bodies read back; each has one encoding; what is not of this definition is refused by name.

use crate::any_body::{DEFINITION, outcomes, publication, tally};
use hattama_election::{
    definition::{RegionIndex, TerritoryIndex},
    digest::{BodyDigest, ChainDigest, PublicationDigest, SubmissionDigest, sha256},
    form::LineMeaning,
    ids::{ContestIndex, ShardId, SlotIndex},
    rules::RuleCode,
};
use hattama_proto::log::v1;
use hattama_tally::{
    ContestFigures, ContestTotals, FiguresDetail, Generation, LineTotal, MAX_PARTS, Outcome, OutcomesBody, Part,
    PositionPair, PublicationBody, RecordCounts, StationCounts, SubmissionOutcome, TallyBody, TurnoutTotals, Unit,
    UnitTotals, VectorEntry,
};
use hattama_wire::{
    BodyError, Genesis, LineTotals, MAX_FIGURE, decode_genesis, decode_outcomes, decode_publication, decode_tally,
    encode_genesis, encode_outcomes, encode_publication, encode_tally, publication_digest,
};
use proptest::{collection::vec, option, prelude::*};
use prost::Message;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_tally_reads_back_and_has_one_encoding(
        body in tally(), place in any::<prop::sample::Index>(), xor in 1_u8..,
    ) {
        let bytes = encode_tally(&DEFINITION, &body);
        prop_assert_eq!(decode_tally(&DEFINITION, &bytes), Ok(body.clone()));
        let mut other = bytes.to_vec();
        other[place.index(bytes.len())] ^= xor;
        if let Ok(read) = decode_tally(&DEFINITION, &other) {
            prop_assert_ne!(&read, &body);
            prop_assert_eq!(encode_tally(&DEFINITION, &read), other);
        }
    }

    #[test]
    fn outcomes_read_back_and_have_one_encoding(
        body in outcomes(), place in any::<prop::sample::Index>(), xor in 1_u8..,
    ) {
        let bytes = encode_outcomes(&body);
        prop_assert_eq!(decode_outcomes(&DEFINITION, &bytes), Ok(body.clone()));
        let mut other = bytes.to_vec();
        other[place.index(bytes.len())] ^= xor;
        if let Ok(read) = decode_outcomes(&DEFINITION, &other) {
            prop_assert_ne!(&read, &body);
            prop_assert_eq!(encode_outcomes(&read), other);
        }
    }

    #[test]
    fn a_publication_reads_back_and_has_one_encoding(
        body in publication(), place in any::<prop::sample::Index>(), xor in 1_u8..,
    ) {
        let bytes = encode_publication(&DEFINITION, &body);
        prop_assert_eq!(decode_publication(&DEFINITION, &bytes), Ok(body.clone()));
        let mut other = bytes.to_vec();
        other[place.index(bytes.len())] ^= xor;
        prop_assert_ne!(publication_digest(&other), publication_digest(&bytes));
        if let Ok(read) = decode_publication(&DEFINITION, &other) {
            prop_assert_ne!(&read, &body);
            prop_assert_eq!(encode_publication(&DEFINITION, &read), other);
        }
    }

    #[test]
    fn a_genesis_reads_back(
        generation in 1_u32.., last in option::of(any::<[u8; 32]>()), first_sequence in 1_u64..,
    ) {
        let genesis = Genesis {
            election: DEFINITION.id.clone(),
            generation: Generation(generation),
            core_digest: DEFINITION.core_digest,
            last_publication: last.map(PublicationDigest),
            first_sequence,
            restoring: None,
        };
        prop_assert_eq!(decode_genesis(&DEFINITION, &encode_genesis(&genesis)), Ok(genesis));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_bytes_are_no_body_and_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(decode_tally(&DEFINITION, &bytes).is_err());
        prop_assert!(decode_outcomes(&DEFINITION, &bytes).is_err());
        prop_assert!(decode_publication(&DEFINITION, &bytes).is_err());
        prop_assert!(decode_genesis(&DEFINITION, &bytes).is_err());
    }
}

fn a_tally() -> TallyBody {
    let unit = |unit| {
        let mut totals = UnitTotals::empty(4);
        totals.lines[LineMeaning::BallotsValid as usize] = LineTotal { sum: 0, written: 1 };
        (unit, totals)
    };
    let units = vec![unit(Unit::Region(RegionIndex(0))), unit(Unit::Territory(TerritoryIndex(1)))];
    let turnout = |slot| TurnoutTotals {
        slot: SlotIndex(slot),
        unit: Unit::Region(RegionIndex(0)),
        stations: 2,
        reported: 1,
        received_a_ballot: 0,
        register: 10,
    };
    TallyBody {
        election: DEFINITION.id.clone(),
        core_digest: DEFINITION.core_digest,
        generation: Generation(1),
        shard: ShardId(1),
        position: PositionPair { next_offset: 5, control_next_offset: 1 },
        chain: ChainDigest([1; 32]),
        control_chain: ChainDigest([2; 32]),
        fold_version: 1,
        records: RecordCounts::default(),
        contests: vec![ContestTotals { contest: ContestIndex(0), units }],
        turnout: vec![turnout(0), turnout(1)],
    }
}

/// The tally as a message, changed, and what is wrong with it.
fn wrong_tally(change: impl FnOnce(&mut v1::TallyBody)) -> BodyError {
    let bytes = encode_tally(&DEFINITION, &a_tally());
    let mut message = v1::TallyBody::decode(bytes).unwrap();
    change(&mut message);
    decode_tally(&DEFINITION, &message.encode_to_vec()).unwrap_err()
}

fn field_of(error: BodyError) -> String {
    match error {
        BodyError::Field { field, .. } => field,
        other => panic!("no field: {other}"),
    }
}

#[test]
fn only_written_lines_are_encoded() {
    let bytes = encode_tally(&DEFINITION, &a_tally());
    let message = v1::TallyBody::decode(bytes).unwrap();
    let lines = &message.contests[0].units[0].lines;
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].meaning, lines[0].sum, lines[0].written), (12, 0, 1));
}

#[test]
fn a_tally_of_another_election_or_core_is_foreign() {
    let foreign = wrong_tally(|message| message.election = "other".into());
    assert_eq!(foreign, BodyError::ForeignElection { found: "other".into() });
    let foreign = wrong_tally(|message| message.core_digest = vec![9; 32].into());
    assert!(matches!(foreign, BodyError::ForeignCore { .. }));
}

#[test]
fn what_the_definition_does_not_have_is_named() {
    let region = |id: &str| v1::Unit { unit: Some(v1::unit::Unit::Region(id.into())) };
    let found = [
        wrong_tally(|message| message.shard = DEFINITION.shards),
        wrong_tally(|message| message.contests[0].contest = "council-d-9".into()),
        wrong_tally(|message| message.contests[0].units[1].unit = Some(region("north-a"))),
        wrong_tally(|message| message.contests[0].units[1].unit = None),
        wrong_tally(|message| message.contests[0].units[1].votes.push(0)),
        wrong_tally(|message| message.contests[0].units[0].lines[0].meaning = 13),
        wrong_tally(|message| message.contests[0].units[0].stations = None),
        wrong_tally(|message| message.turnout[1].slot = "11-11".into()),
        wrong_tally(|message| message.turnout[1].register = MAX_FIGURE + 1),
        wrong_tally(|message| message.chain = vec![].into()),
        wrong_tally(|message| message.position = None),
        wrong_tally(|message| message.records = None),
    ];
    let expected = [
        "shard",
        "contests[0].contest",
        "contests[0].units[1].unit",
        "contests[0].units[1].unit",
        "contests[0].units[1].votes",
        "contests[0].units[0].lines[0].meaning",
        "contests[0].units[0].stations",
        "turnout[1].slot",
        "turnout[1].register",
        "chain",
        "position",
        "records",
    ];
    assert_eq!(found.map(field_of), expected);
}

#[test]
fn what_is_twice_or_out_of_order_is_refused_lest_it_be_summed_twice() {
    let found = [
        wrong_tally(|message| message.contests.push(message.contests[0].clone())),
        wrong_tally(|message| message.contests[0].units.swap(0, 1)),
        wrong_tally(|message| message.contests[0].units[1] = message.contests[0].units[0].clone()),
        wrong_tally(|message| message.turnout.swap(0, 1)),
        wrong_tally(|message| message.turnout[1] = message.turnout[0].clone()),
    ];
    assert_eq!(
        found.map(field_of),
        ["contests[1]", "contests[0].units[1]", "contests[0].units[1]", "turnout[1]", "turnout[1]"]
    );
}

#[test]
fn an_unknown_field_in_a_body_is_refused() {
    let bytes = [&encode_tally(&DEFINITION, &a_tally())[..], &[0xf8, 1, 1]].concat();
    assert!(matches!(decode_tally(&DEFINITION, &bytes), Err(BodyError::Encoding(_))));
}

fn some_outcomes() -> OutcomesBody {
    let outcome = |offset| SubmissionOutcome {
        offset,
        digest: SubmissionDigest(sha256(b"x")),
        outcome: Outcome::Held,
        rules: vec![RuleCode::SumOfVotesDiffers, RuleCode::DigitsTransposed],
        duplicate_of: None,
    };
    OutcomesBody {
        election: DEFINITION.id.clone(),
        core_digest: DEFINITION.core_digest,
        generation: Generation(1),
        shard: ShardId(1),
        from: PositionPair { next_offset: 1, control_next_offset: 1 },
        to: PositionPair { next_offset: 4, control_next_offset: 1 },
        part: Part::WHOLE,
        outcomes: vec![outcome(2), outcome(3)],
    }
}

fn wrong_outcomes(change: impl FnOnce(&mut v1::OutcomesBody)) -> BodyError {
    let mut message = v1::OutcomesBody::decode(encode_outcomes(&some_outcomes())).unwrap();
    change(&mut message);
    decode_outcomes(&DEFINITION, &message.encode_to_vec()).unwrap_err()
}

#[test]
fn outcomes_ascend_lie_before_their_position_and_name_known_rules() {
    assert!(decode_outcomes(&DEFINITION, &encode_outcomes(&some_outcomes())).is_ok());
    let found = [
        wrong_outcomes(|message| message.outcomes.swap(0, 1)),
        wrong_outcomes(|message| message.outcomes[1].offset = 4),
        wrong_outcomes(|message| message.outcomes[0].rules = vec![999]),
        wrong_outcomes(|message| message.outcomes[0].rules.reverse()),
        wrong_outcomes(|message| message.outcomes[0].outcome = 0),
        wrong_outcomes(|message| message.outcomes[0].digest = vec![1].into()),
        wrong_outcomes(|message| (message.part, message.parts) = (0, 0)),
        wrong_outcomes(|message| message.part = 2),
        wrong_outcomes(|message| message.parts = MAX_PARTS + 1),
    ];
    assert_eq!(
        found.map(field_of),
        [
            "outcomes[1]",
            "outcomes",
            "outcomes[0].rules",
            "outcomes[0].rules[1]",
            "outcomes[0].outcome",
            "outcomes[0].digest",
            "part",
            "part",
            "part"
        ]
    );
}

fn a_publication() -> PublicationBody {
    let detail = FiguresDetail::List { lines: LineTotals::default(), votes: vec![1, 2, 3, 4], seats: vec![] };
    let figures = |contest, detail| ContestFigures {
        contest: ContestIndex(contest),
        stations: StationCounts::default(),
        votes_sum: 10,
        against_all: 0,
        decision_needed: false,
        detail,
    };
    let plurality = FiguresDetail::Plurality { leader: Some(2), leader_votes: 5, runner_up_votes: 4 };
    PublicationBody {
        election: DEFINITION.id.clone(),
        core_digest: DEFINITION.core_digest,
        generation: Generation(1),
        sequence: 1,
        previous: None,
        vector: vec![
            VectorEntry { shard: ShardId(0), position: PositionPair { next_offset: 1, control_next_offset: 1 } },
            VectorEntry { shard: ShardId(1), position: PositionPair { next_offset: 9, control_next_offset: 1 } },
        ],
        control_next_offset: 1,
        contests: vec![figures(0, detail), figures(1, plurality)],
        turnout: vec![],
        units_digest: BodyDigest([3; 32]),
        records: RecordCounts::default(),
    }
}

fn wrong_publication(change: impl FnOnce(&mut v1::PublicationBody)) -> BodyError {
    let mut message = v1::PublicationBody::decode(encode_publication(&DEFINITION, &a_publication())).unwrap();
    change(&mut message);
    decode_publication(&DEFINITION, &message.encode_to_vec()).unwrap_err()
}

#[test]
fn figures_of_another_method_or_option_are_refused() {
    assert!(decode_publication(&DEFINITION, &encode_publication(&DEFINITION, &a_publication())).is_ok());
    let found = [
        wrong_publication(|message| message.contests[0].leader = Some(0)),
        wrong_publication(|message| message.contests[0].seats = vec![1]),
        wrong_publication(|message| message.contests[0].votes = vec![]),
        wrong_publication(|message| message.contests[1].votes = vec![1, 2, 3]),
        wrong_publication(|message| message.contests[1].leader = Some(3)),
        wrong_publication(|message| message.vector[1].shard = 0),
        wrong_publication(|message| message.previous = vec![1; 31].into()),
    ];
    assert_eq!(
        found.map(field_of),
        [
            "contests[0].leader",
            "contests[0].seats",
            "contests[0].votes",
            "contests[1].votes",
            "contests[1].leader",
            "vector[1]",
            "previous"
        ]
    );
}

#[test]
fn the_digest_of_a_publication_is_that_of_its_context_and_its_bytes() {
    let written_out = b"\0\0\0\x15hattama/publication/1\0\0\0\x04body";
    assert_eq!(publication_digest(b"body"), PublicationDigest(sha256(written_out)));
}

#[test]
fn a_genesis_without_generation_or_first_sequence_is_refused() {
    let genesis = |generation, first_sequence| {
        let message = v1::Genesis {
            election: "sample".into(),
            generation,
            core_digest: DEFINITION.core_digest.0.to_vec().into(),
            last_publication: vec![].into(),
            first_sequence,
            restoring: vec![].into(),
        };
        decode_genesis(&DEFINITION, &message.encode_to_vec())
    };
    assert!(genesis(1, 1).is_ok());
    assert_eq!(field_of(genesis(0, 1).unwrap_err()), "generation");
    assert_eq!(field_of(genesis(1, 0).unwrap_err()), "first_sequence");
}
