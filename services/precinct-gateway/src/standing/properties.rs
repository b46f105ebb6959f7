//! Whatever comes first, and however often: all gateways that have read everything say the same of a submission.

use super::tests::body;
use super::*;
use hattama_election::rules::RuleCode;
use hattama_tally::{FIRST_POSITION, SubmissionOutcome};
use proptest::prelude::*;

/// Contents, each of which is signed in so many ways.
const CONTENTS: u8 = 4;
const WAYS: u8 = 2;

/// A record of the partition: its content, and which of the bytes that say it.
type Copy = (u8, u8);

/// A shard as it is written.
#[derive(Debug, Clone)]
struct Shard {
    /// From offset 1 on.
    records: Vec<Copy>,
    /// From which control position on the key of each of the bytes is in force.
    in_force_from: Vec<u64>,
    /// Where the chain goes; the last pair covers everything.
    pairs: Vec<PositionPair>,
    /// Which of the pairs are published; the last is.
    published: Vec<bool>,
}

/// What happens at a gateway.
#[derive(Debug, Clone)]
enum Event {
    /// So many records are read.
    Records(usize),
    /// A step is read.
    Step,
    /// A publication is read.
    Publication,
    /// A precinct sends these bytes.
    Sends(Copy),
}

fn digest((content, way): Copy) -> SubmissionDigest {
    SubmissionDigest([content * WAYS + way; 32])
}

impl Shard {
    fn is_visible(&self, copy: Copy, at: PositionPair) -> bool {
        self.in_force_from[usize::from(copy.0 * WAYS + copy.1)] <= at.control_next_offset
    }

    /// The offsets before a pair that satisfy a condition.
    fn offsets(&self, at: PositionPair, is_one: impl Fn(Copy) -> bool) -> Vec<u64> {
        (1..at.next_offset).filter(|offset| is_one(self.records[*offset as usize - 1])).collect()
    }

    /// The outcome of a record, as the fold would have it: the first visible one of a content stands for it, every third
    /// content is held at a time, and of the others the highest counts.
    fn outcome(&self, offset: u64, at: PositionPair) -> SubmissionOutcome {
        let copy = self.records[offset as usize - 1];
        let of = |content| self.offsets(at, |other| other.0 == content && self.is_visible(other, at));
        let is_held = |content: u8| (u64::from(content) + at.control_next_offset).is_multiple_of(3);
        let counted = (0..CONTENTS).rev().find(|content| !is_held(*content) && !of(*content).is_empty());
        let first = of(copy.0).first().copied();
        let (outcome, rules, duplicate_of) = if !self.is_visible(copy, at) {
            (Outcome::Refused, vec![RuleCode::UnknownKey], None)
        } else if first != Some(offset) {
            (Outcome::Duplicate, vec![RuleCode::SameContent], first)
        } else if is_held(copy.0) {
            (Outcome::Held, vec![RuleCode::SumOfVotesDiffers], None)
        } else if counted == Some(copy.0) {
            (Outcome::Counted, vec![], None)
        } else {
            (Outcome::Superseded, vec![RuleCode::SupersededByRevision], None)
        };
        SubmissionOutcome { offset, digest: digest(copy), outcome, rules, duplicate_of }
    }

    fn step(&self, number: usize) -> OutcomesBody {
        let from = if number == 0 { FIRST_POSITION } else { self.pairs[number - 1] };
        let to = self.pairs[number];
        let differs = |offset: &u64| {
            let now = self.outcome(*offset, to);
            if *offset < from.next_offset { now != self.outcome(*offset, from) } else { !now.is_plain() }
        };
        let outcomes = (1..to.next_offset).filter(differs).map(|offset| self.outcome(offset, to)).collect();
        body(from, to, outcomes)
    }

    /// What these bytes stand as in the end, for one who knew them from the start.
    fn truth(&self, copy: Copy) -> Option<Said> {
        let end = *self.pairs.last()?;
        let first = *self.offsets(end, |other| other == copy).first()?;
        let SubmissionOutcome { outcome, rules, duplicate_of, .. } = self.outcome(first, end);
        let duplicate_of = duplicate_of.map(|offset| digest(self.records[offset as usize - 1]));
        Some(Said { outcome, rules, duplicate_of })
    }
}

/// A standing without the pair that it was told at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    outcome: Outcome,
    rules: Vec<RuleCode>,
    duplicate_of: Option<SubmissionDigest>,
}

/// A gateway: what it keeps, what it has read, what its book says.
struct Reader<'a> {
    shard: &'a Shard,
    standings: ShardStandings,
    kept: BTreeSet<Copy>,
    records: usize,
    steps: usize,
    publications: usize,
    said: BTreeMap<SubmissionDigest, Said>,
    counted_in: BTreeMap<SubmissionDigest, u64>,
}

impl<'a> Reader<'a> {
    fn new(shard: &'a Shard) -> Self {
        let standings = ShardStandings::default();
        let (said, counted_in) = (BTreeMap::new(), BTreeMap::new());
        Self { shard, standings, kept: BTreeSet::new(), records: 0, steps: 0, publications: 0, said, counted_in }
    }

    fn happens(&mut self, event: &Event) {
        let news = match event {
            Event::Records(count) => {
                let to = (self.records + count).min(self.shard.records.len());
                let read = &self.shard.records[self.records..to];
                self.records = to;
                self.standings.records(read.iter().map(|copy| (digest(*copy), self.kept.contains(copy))))
            }
            Event::Step if self.steps < self.shard.pairs.len() => {
                self.steps += 1;
                self.standings.step(self.shard.step(self.steps - 1))
            }
            Event::Publication if self.publications < self.shard.pairs.len() => {
                self.publications += 1;
                let place = self.publications - 1;
                let named = Named { sequence: self.publications as u64, pair: self.shard.pairs[place] };
                if self.shard.published[place] { self.standings.publication(named) } else { Vec::new() }
            }
            Event::Step | Event::Publication => Vec::new(),
            Event::Sends(copy) => {
                self.kept.insert(*copy);
                let (read, later) = self.shard.records.split_at(self.records);
                let passed = read.iter().rposition(|other| other == copy);
                match passed {
                    // Its own copy would come later. Where none does, its sender found another's.
                    Some(place) if !later.contains(copy) => self.standings.found(place as u64 + 1, digest(*copy)),
                    _ => Vec::new(),
                }
            }
        };
        for one in news {
            match one {
                News::LiesAt { .. } => {}
                News::Stands { digest, standing: Standing { outcome, rules, duplicate_of, .. } } => {
                    self.said.insert(digest, Said { outcome, rules, duplicate_of });
                }
                News::CountedIn { digest, sequence } => {
                    assert_eq!(self.counted_in.insert(digest, sequence), None, "told twice");
                }
            }
        }
    }

    fn read_the_rest(&mut self) {
        self.happens(&Event::Records(usize::MAX / 2));
        for _ in 0..self.shard.pairs.len() {
            self.happens(&Event::Step);
            self.happens(&Event::Publication);
        }
    }
}

fn shards() -> impl Strategy<Value = Shard> {
    let copy = (0..CONTENTS, 0..WAYS);
    let records = proptest::collection::vec(copy, 1..24);
    let in_force_from = proptest::collection::vec(1..4_u64, usize::from(CONTENTS * WAYS));
    let moves = proptest::collection::vec((0..5_u64, 0..2_u64, any::<bool>()), 0..12);
    (records, in_force_from, moves).prop_map(|(records, in_force_from, moves)| {
        let end = records.len() as u64 + 1;
        let (mut pairs, mut published, mut at) = (Vec::new(), Vec::new(), FIRST_POSITION);
        for (records, control, is_published) in moves.into_iter().chain([(end, 3, true)]) {
            let to = PositionPair {
                next_offset: (at.next_offset + records).min(end),
                control_next_offset: at.control_next_offset + control,
            };
            if to != at {
                pairs.push(to);
                published.push(is_published);
                at = to;
            }
        }
        Shard { records, in_force_from, pairs, published }
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (1..6_usize).prop_map(Event::Records),
        Just(Event::Step),
        Just(Event::Publication),
        ((0..CONTENTS), (0..WAYS)).prop_map(Event::Sends),
    ];
    proptest::collection::vec(event, 0..40)
}

proptest! {
    #[test]
    fn in_any_order_and_interleaving_all_submissions_end_in_the_same_standings(
        (shard, events) in (shards(), events())
    ) {
        let mut reader = Reader::new(&shard);
        events.iter().for_each(|event| reader.happens(event));
        reader.read_the_rest();
        let end = *shard.pairs.last().unwrap();
        for copy in reader.kept.clone() {
            let truth = shard.truth(copy);
            prop_assert_eq!(reader.said.get(&digest(copy)), truth.as_ref(), "{:?}", copy);
            let counted_in = reader.counted_in.get(&digest(copy)).copied();
            // The last publication counts everything that counts.
            let must = truth.is_some_and(|said| said.outcome == Outcome::Counted);
            prop_assert!(counted_in.is_some() || !must, "{copy:?} is counted, and in no publication");
            if let Some(sequence) = counted_in {
                let pair = shard.pairs[sequence as usize - 1];
                let offsets = shard.offsets(pair, |other| other == copy);
                let was = offsets.iter().any(|offset| shard.outcome(*offset, pair).outcome == Outcome::Counted);
                prop_assert!(was && end.covers(&pair), "{copy:?} is not counted in {sequence}");
            }
        }
        prop_assert!(!reader.standings.is_behind());
    }
}
