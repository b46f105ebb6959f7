//! Bodies of the log at random: right in form, of any sense.

use hattama_election::{
    definition::{Definition, DistrictIndex, Method, RegionIndex, TerritoryIndex, sample},
    digest::{BodyDigest, ChainDigest, PublicationDigest, SubmissionDigest},
    form::LineMeaning,
    ids::{ContestIndex, ShardId, SlotIndex},
    rules::RuleCode,
};
use hattama_tally::{
    ContestFigures, ContestTotals, FiguresDetail, Generation, LineTotal, MAX_PARTS, Outcome, OutcomesBody, Part,
    PositionPair, PublicationBody, RecordCounts, SlotFigures, StationCounts, SubmissionOutcome, TallyBody,
    TurnoutTotals, Unit, UnitTotals, VectorEntry,
};
use hattama_wire::{LineTotals, MAX_FIGURE};
use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use std::sync::LazyLock;

/// The definition that they are of.
pub static DEFINITION: LazyLock<Definition> = LazyLock::new(sample::definition);

fn figure() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(MAX_FIGURE), 0..10_000_u64]
}

fn position() -> impl Strategy<Value = PositionPair> {
    (any::<u64>(), any::<u64>())
        .prop_map(|(next_offset, control_next_offset)| PositionPair { next_offset, control_next_offset })
}

fn stations() -> impl Strategy<Value = StationCounts> {
    vec(figure(), 12).prop_map(|counts| StationCounts::from_array(counts.try_into().unwrap()))
}

fn records() -> impl Strategy<Value = RecordCounts> {
    (figure(), vec(figure(), 7))
        .prop_map(|(records, counts)| RecordCounts { records, by_outcome: counts.try_into().unwrap() })
}

fn lines() -> impl Strategy<Value = LineTotals> {
    let line = prop_oneof![
        Just(LineTotal::default()),
        (figure(), 1..=MAX_FIGURE).prop_map(|(sum, written)| LineTotal { sum, written })
    ];
    vec(line, LineMeaning::ALL.len()).prop_map(|lines| lines.try_into().unwrap())
}

fn units() -> Vec<Unit> {
    let index = |count: usize| 0..u16::try_from(count).unwrap();
    let regions = index(DEFINITION.regions.len()).map(|index| Unit::Region(RegionIndex(index)));
    let territories = index(DEFINITION.territories.len()).map(|index| Unit::Territory(TerritoryIndex(index)));
    let districts = index(DEFINITION.districts.len()).map(|index| Unit::District(DistrictIndex(index)));
    regions.chain(territories).chain(districts).collect()
}

fn contest_totals(place: usize) -> impl Strategy<Value = ContestTotals> {
    let options = DEFINITION.contests[place].options.len();
    let totals = (stations(), lines(), vec(figure(), options), figure())
        .prop_map(|(stations, lines, votes, against_all)| UnitTotals { stations, lines, votes, against_all })
        .boxed();
    subsequence(units(), 0..=units().len()).prop_flat_map(move |units| {
        let contest = ContestIndex(u16::try_from(place).unwrap());
        vec(totals.clone(), units.len())
            .prop_map(move |totals| ContestTotals { contest, units: units.iter().copied().zip(totals).collect() })
    })
}

fn some_contests<T: std::fmt::Debug + 'static, S: Strategy<Value = T> + 'static>(
    of: impl Fn(usize) -> S,
) -> impl Strategy<Value = Vec<T>> {
    let each: Vec<BoxedStrategy<Option<T>>> =
        (0..DEFINITION.contests.len()).map(|place| option::of(of(place)).boxed()).collect();
    each.prop_map(|contests| contests.into_iter().flatten().collect())
}

fn turnout() -> impl Strategy<Value = Vec<TurnoutTotals>> {
    let slots = (0..u16::try_from(DEFINITION.slots.len()).unwrap()).map(SlotIndex);
    let places: Vec<(SlotIndex, Unit)> =
        slots.flat_map(|slot| units().into_iter().map(move |unit| (slot, unit))).collect();
    subsequence(places.clone(), 0..=places.len()).prop_flat_map(|places| {
        vec((figure(), figure(), figure(), figure()), places.len()).prop_map(move |figures| {
            let totals = places.iter().zip(figures).map(|((slot, unit), figures)| {
                let (stations, reported, received_a_ballot, register) = figures;
                TurnoutTotals { slot: *slot, unit: *unit, stations, reported, received_a_ballot, register }
            });
            totals.collect()
        })
    })
}

/// Tallies.
pub fn tally() -> impl Strategy<Value = TallyBody> {
    let head = (any::<u32>(), 0..DEFINITION.shards, position(), any::<[u8; 32]>(), any::<[u8; 32]>(), any::<u32>());
    (head, records(), some_contests(contest_totals), turnout()).prop_map(|(head, records, contests, turnout)| {
        let (generation, shard, position, chain, control_chain, fold_version) = head;
        TallyBody {
            election: DEFINITION.id.clone(),
            core_digest: DEFINITION.core_digest,
            generation: Generation(generation),
            shard: ShardId(shard),
            position,
            chain: ChainDigest(chain),
            control_chain: ChainDigest(control_chain),
            fold_version,
            records,
            contests,
            turnout,
        }
    })
}

/// Outcomes.
pub fn outcomes() -> impl Strategy<Value = OutcomesBody> {
    let rules = subsequence(RuleCode::ALL.to_vec(), 0..5);
    let outcome = (0..Outcome::ALL.len(), rules, option::of(any::<u64>()), any::<[u8; 32]>());
    let listed = proptest::collection::btree_map(1..10_000_u64, outcome, 0..20);
    let part = (1..=MAX_PARTS).prop_flat_map(|of| (1..=of, Just(of)));
    (any::<u32>(), 0..DEFINITION.shards, position(), 10_000..u64::MAX, part, listed).prop_map(
        |(generation, shard, from, to, (number, of), listed)| OutcomesBody {
            election: DEFINITION.id.clone(),
            core_digest: DEFINITION.core_digest,
            generation: Generation(generation),
            shard: ShardId(shard),
            from,
            to: PositionPair { next_offset: to, control_next_offset: 1 },
            part: Part::new(number, of).unwrap(),
            outcomes: listed
                .into_iter()
                .map(|(offset, (outcome, rules, duplicate_of, digest))| SubmissionOutcome {
                    offset,
                    digest: SubmissionDigest(digest),
                    outcome: Outcome::ALL[outcome],
                    rules,
                    duplicate_of,
                })
                .collect(),
        },
    )
}

fn contest_figures(place: usize) -> impl Strategy<Value = ContestFigures> {
    let contest = &DEFINITION.contests[place];
    let options = contest.options.len();
    let detail = match contest.method {
        Method::List(_) => (lines(), vec(figure(), options), vec(any::<u32>(), options))
            .prop_map(|(lines, votes, seats)| FiguresDetail::List { lines, votes, seats })
            .boxed(),
        Method::Plurality(_) => (option::of(0..u32::try_from(options).unwrap()), figure(), figure())
            .prop_map(|(leader, leader_votes, runner_up_votes)| FiguresDetail::Plurality {
                leader,
                leader_votes,
                runner_up_votes,
            })
            .boxed(),
    };
    let contest = ContestIndex(u16::try_from(place).unwrap());
    (stations(), figure(), figure(), any::<bool>(), detail).prop_map(
        move |(stations, votes_sum, against_all, decision_needed, detail)| ContestFigures {
            contest,
            stations,
            votes_sum,
            against_all,
            decision_needed,
            detail,
        },
    )
}

/// Publications.
pub fn publication() -> impl Strategy<Value = PublicationBody> {
    let head = (any::<u32>(), any::<u64>(), option::of(any::<[u8; 32]>()), any::<u64>(), any::<[u8; 32]>());
    let vector = vec(position(), DEFINITION.shards as usize).prop_map(|positions| {
        (0..).map(ShardId).zip(positions).map(|(shard, position)| VectorEntry { shard, position }).collect()
    });
    let slots = vec((figure(), figure(), figure(), figure()), DEFINITION.slots.len()).prop_map(|slots| {
        let figures = (0..).map(SlotIndex).zip(slots).map(|(slot, figures)| {
            let (stations, reported, received_a_ballot, register) = figures;
            SlotFigures { slot, stations, reported, received_a_ballot, register }
        });
        figures.collect()
    });
    (head, vector, some_contests(contest_figures), slots, records()).prop_map(
        |(head, vector, contests, turnout, records)| {
            let (generation, sequence, previous, control_next_offset, units_digest) = head;
            PublicationBody {
                election: DEFINITION.id.clone(),
                core_digest: DEFINITION.core_digest,
                generation: Generation(generation),
                sequence,
                previous: previous.map(PublicationDigest),
                vector,
                control_next_offset,
                contests,
                turnout,
                units_digest: BodyDigest(units_digest),
                records,
            }
        },
    )
}
