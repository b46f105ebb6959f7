//! The merge of the newest tally of every shard, and the publication that it makes.

use crate::{
    control::ControlState,
    invariant::InvariantBroken,
    position::{FIRST_POSITION, Generation},
    publication::{PublicationBody, SlotFigures, VectorEntry},
    seats::figures_of,
    totals::{ContestTotals, LineTotal, RecordCounts, TallyBody, TurnoutTotals, Unit, UnitTotals},
};
use hattama_election::{
    definition::Definition,
    digest::{BodyDigest, CanonicalHasher, PublicationDigest},
    ids::{ContestIndex, ShardId, SlotIndex},
};
use std::collections::BTreeMap;

/// A contest's totals for the nation and for every unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalContest {
    /// The contest.
    pub contest: ContestIndex,
    /// The nation.
    pub nation: UnitTotals,
    /// Regions, territories, districts.
    pub units: BTreeMap<Unit, UnitTotals>,
}

/// What the newest tallies add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nation {
    /// By contest, in the definition's order; a contest of which no shard has told anything yet is empty.
    pub contests: Vec<NationalContest>,
    /// By slot and unit.
    pub turnout: BTreeMap<(SlotIndex, Unit), TurnoutTotals>,
    /// By slot, in time order.
    pub slots: Vec<SlotFigures>,
    /// Records by outcome.
    pub records: RecordCounts,
    /// For every shard its tally's positions, or the first when it has told nothing.
    pub vector: Vec<VectorEntry>,
}

/// Adds up the newest tally of each shard.
///
/// # Errors
/// `conservation`, when regions, territories and districts of a contest do not come to the same nation.
pub fn merge(definition: &Definition, tallies: &BTreeMap<ShardId, TallyBody>) -> Result<Nation, InvariantBroken> {
    let mut contests: Vec<NationalContest> = (0..definition.contests.len())
        .filter_map(|place| u16::try_from(place).ok())
        .map(|place| NationalContest {
            contest: ContestIndex(place),
            nation: UnitTotals::empty(definition.contests[usize::from(place)].options.len()),
            units: BTreeMap::new(),
        })
        .collect();
    let mut turnout = BTreeMap::new();
    let mut records = RecordCounts::default();
    for tally in tallies.values() {
        records.add(&tally.records);
        for totals in &tally.contests {
            if let Some(contest) = contests.get_mut(usize::from(totals.contest.0)) {
                contest.add(totals);
            }
        }
        tally.turnout.iter().for_each(|totals| add_turnout(&mut turnout, totals));
    }
    contests.iter().try_for_each(NationalContest::check)?;
    let slots = slots_of(definition, &turnout);
    let vector = (0..definition.shards)
        .map(ShardId)
        .map(|shard| VectorEntry {
            shard,
            position: tallies.get(&shard).map_or(FIRST_POSITION, |tally| tally.position),
        })
        .collect();
    Ok(Nation { contests, turnout, slots, records, vector })
}

impl NationalContest {
    fn add(&mut self, totals: &ContestTotals) {
        let options = self.nation.votes.len();
        for (unit, part) in &totals.units {
            self.units.entry(*unit).or_insert_with(|| UnitTotals::empty(options)).add(part);
            if matches!(unit, Unit::Region(_)) {
                self.nation.add(part);
            }
        }
    }

    /// The nation is the sum of its regions by construction; its territories must come to the same (promise P4).
    fn check(&self) -> Result<(), InvariantBroken> {
        let mut territories = UnitTotals::empty(self.nation.votes.len());
        self.units
            .iter()
            .filter(|(unit, _)| matches!(unit, Unit::Territory(_)))
            .for_each(|(_, totals)| territories.add(totals));
        if territories == self.nation {
            return Ok(());
        }
        Err(InvariantBroken {
            id: "conservation",
            what: format!(
                "contest {}: {} stations and {} votes in the nation, {} and {} over its territories",
                self.contest.0,
                self.nation.stations.counted,
                self.nation.sum_of_votes(),
                territories.stations.counted,
                territories.sum_of_votes()
            ),
        })
    }
}

fn add_turnout(turnout: &mut BTreeMap<(SlotIndex, Unit), TurnoutTotals>, part: &TurnoutTotals) {
    let sum = turnout.entry((part.slot, part.unit)).or_insert(TurnoutTotals {
        stations: 0,
        reported: 0,
        received_a_ballot: 0,
        register: 0,
        ..*part
    });
    sum.stations += part.stations;
    sum.reported += part.reported;
    sum.received_a_ballot += part.received_a_ballot;
    sum.register += part.register;
}

fn slots_of(definition: &Definition, turnout: &BTreeMap<(SlotIndex, Unit), TurnoutTotals>) -> Vec<SlotFigures> {
    (0..definition.slots.len())
        .filter_map(|place| u16::try_from(place).ok().map(SlotIndex))
        .map(|slot| {
            let mut figures = SlotFigures { slot, stations: 0, reported: 0, received_a_ballot: 0, register: 0 };
            let regions = turnout.iter().filter(|((of, unit), _)| *of == slot && matches!(unit, Unit::Region(_)));
            for (_, totals) in regions {
                figures.stations += totals.stations;
                figures.reported += totals.reported;
                figures.received_a_ballot += totals.received_a_ballot;
                figures.register += totals.register;
            }
            figures
        })
        .collect()
}

impl Nation {
    /// A contest's totals.
    #[must_use]
    pub fn contest(&self, contest: ContestIndex) -> Option<&NationalContest> {
        self.contests.get(usize::from(contest.0))
    }

    /// The publication that these totals make under a control state.
    #[must_use]
    pub fn publication(
        &self,
        definition: &Definition,
        generation: Generation,
        control: &ControlState,
        sequence: u64,
        previous: Option<PublicationDigest>,
    ) -> PublicationBody {
        PublicationBody {
            election: definition.id.clone(),
            core_digest: definition.core_digest,
            generation,
            sequence,
            previous,
            vector: self.vector.clone(),
            control_next_offset: control.next_offset(),
            contests: self
                .contests
                .iter()
                .map(|contest| figures_of(definition, contest.contest, &contest.nation, control))
                .collect(),
            turnout: self.slots.clone(),
            units_digest: self.units_digest(definition),
            records: self.records,
        }
    }

    /// One digest over the totals of all regions, territories and districts.
    #[must_use]
    pub fn units_digest(&self, definition: &Definition) -> BodyDigest {
        let mut hasher = CanonicalHasher::new("hattama/units/1");
        for contest in &self.contests {
            hasher = hasher.text(definition.contests[usize::from(contest.contest.0)].id.as_str());
            hasher = hasher.number(contest.units.len() as u64);
            for (unit, totals) in &contest.units {
                hasher = hash_totals(hash_unit(hasher, definition, *unit), totals);
            }
        }
        hasher = hasher.number(self.turnout.len() as u64);
        for ((slot, unit), totals) in &self.turnout {
            hasher = hasher.text(definition.slots[usize::from(slot.0)].id.as_str());
            hasher = hash_unit(hasher, definition, *unit)
                .number(totals.stations)
                .number(totals.reported)
                .number(totals.received_a_ballot)
                .number(totals.register);
        }
        BodyDigest(hasher.finish())
    }
}

fn hash_unit(hasher: CanonicalHasher, definition: &Definition, unit: Unit) -> CanonicalHasher {
    match unit {
        Unit::Region(index) => hasher.text("region").text(definition.regions[usize::from(index.0)].id.as_str()),
        Unit::Territory(index) => {
            hasher.text("territory").text(definition.territories[usize::from(index.0)].id.as_str())
        }
        Unit::District(index) => hasher.text("district").text(definition.districts[usize::from(index.0)].id.as_str()),
    }
}

fn hash_totals(hasher: CanonicalHasher, totals: &UnitTotals) -> CanonicalHasher {
    let hasher = totals.stations.as_array().into_iter().fold(hasher, CanonicalHasher::number);
    let hasher =
        totals.lines.iter().fold(hasher, |hasher, LineTotal { sum, written }| hasher.number(*sum).number(*written));
    let hasher = hasher.number(totals.votes.len() as u64);
    totals.votes.iter().copied().fold(hasher, CanonicalHasher::number).number(totals.against_all)
}
