//! What a script must come to.

use super::{Event, Fate, Incident, truth::TrueStation};
use hattama_election::{
    definition::Definition,
    digest::ContentDigest,
    form::LineMeaning,
    ids::{ContestIndex, StationIndex},
    protocol::ProtocolContent,
    rules::RuleCode,
};
use hattama_tally::{Outcome, SlotFigures};
use std::collections::BTreeMap;

/// What a night must come to. Counts of records suppose that every event that no gateway refuses lies in the log once; with
/// a single gateway the repeats may not, since it knows what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// How often each incident happens: stations, protocols, reports or records, not events.
    pub incidents: BTreeMap<Incident, u32>,
    /// By contest, in the definition's order.
    pub contests: Vec<ExpectedContest>,
    /// By slot, in time order.
    pub slots: Vec<SlotFigures>,
    /// The content that counts at each station for each contest.
    pub counted: BTreeMap<(StationIndex, ContestIndex), ContentDigest>,
    /// Protocols counted with a revision above 1.
    pub corrected: u32,
    /// Protocols counted because a commission confirmed them.
    pub confirmed: u32,
    /// Records in the log by outcome, over all shards.
    pub records: BTreeMap<Outcome, u32>,
    /// Records in the log that are refused, by rule.
    pub refused_in_log: BTreeMap<RuleCode, u32>,
    /// Submissions that a gateway refuses, by rule.
    pub refused_by_gateways: BTreeMap<RuleCode, u32>,
}

/// A contest's final figures for the nation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedContest {
    /// Stations with a counted protocol: all where it is held.
    pub stations: u64,
    /// Votes in ballot order.
    pub votes: Vec<u64>,
    /// Votes against all.
    pub against_all: u64,
    /// Sums of lines, by place in [`LineMeaning::ALL`].
    pub lines: [u64; LineMeaning::ALL.len()],
}

impl Expected {
    /// What follows from the truth alone.
    pub(super) fn of_truth(definition: &Definition, stations: &[TrueStation]) -> Self {
        let mut expected = Self {
            incidents: BTreeMap::new(),
            contests: vec![ExpectedContest::default(); definition.contests.len()],
            slots: Vec::new(),
            counted: BTreeMap::new(),
            corrected: 0,
            confirmed: 0,
            records: BTreeMap::new(),
            refused_in_log: BTreeMap::new(),
            refused_by_gateways: BTreeMap::new(),
        };
        for (contest, content) in stations.iter().flat_map(|station| &station.protocols) {
            let ballot = &definition.contests[usize::from(contest.0)].options;
            let sums = &mut expected.contests[usize::from(contest.0)];
            sums.votes.resize(ballot.len(), 0);
            for (sum, option) in sums.votes.iter_mut().zip(ballot) {
                let votes = content.votes.binary_search_by(|(id, _)| id.cmp(&option.id));
                *sum += votes.map_or(0, |place| u64::from(content.votes[place].1));
            }
            sums.add_all_but_votes(content);
        }
        expected
    }

    pub(super) fn count(&mut self, incident: Incident) {
        *self.incidents.entry(incident).or_default() += 1;
    }

    /// What follows from the events.
    pub(super) fn count_fates(&mut self, events: &[Event]) {
        for event in events {
            let outcome = match event.fate {
                Fate::RefusedByGateway(rule) => {
                    *self.refused_by_gateways.entry(rule).or_default() += 1;
                    continue;
                }
                Fate::RefusedInLog(rule) => {
                    *self.refused_in_log.entry(rule).or_default() += 1;
                    Outcome::Refused
                }
                Fate::Stands(outcome) => outcome,
            };
            *self.records.entry(outcome).or_default() += 1;
        }
    }
}

impl ExpectedContest {
    /// Votes for all options and against all.
    #[must_use]
    pub fn sum_of_votes(&self) -> u64 {
        self.votes.iter().sum::<u64>() + self.against_all
    }

    fn add_all_but_votes(&mut self, content: &ProtocolContent) {
        self.stations += 1;
        self.against_all += u64::from(content.against_all.unwrap_or(0));
        content.lines.written().for_each(|(meaning, count)| self.lines[meaning as usize] += u64::from(count));
    }
}
