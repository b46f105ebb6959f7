//! What happened in the night: every word that any submission ever had, as the outcomes topic tells it.

use super::generation::NightLog;
use hattama_election::{definition::Definition, ids::ShardId, rules::RuleCode};
use hattama_night_play::in_the_log::outcome_steps;
use hattama_record_log::LogError;
use hattama_tally::Outcome;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many submissions ever had an outcome, and how many ever had a rule fire.
#[derive(Debug, Default, Serialize)]
pub struct History {
    /// By outcome other than plainly counted.
    pub by_outcome: BTreeMap<Outcome, u64>,
    /// By rule.
    pub by_rule: BTreeMap<RuleCode, u64>,
    /// Counted submissions that ever had a flag.
    pub flagged: u64,
}

impl History {
    /// Reads the outcomes of all shards.
    pub async fn read(night: &NightLog, definition: &Definition) -> Result<Self, LogError> {
        let mut history = Self::default();
        for shard in (0..definition.shards).map(ShardId) {
            history.add_shard(night, definition, shard).await?;
        }
        Ok(history)
    }

    async fn add_shard(&mut self, night: &NightLog, definition: &Definition, shard: ShardId) -> Result<(), LogError> {
        let mut outcomes: BTreeSet<(Outcome, u64)> = BTreeSet::new();
        let mut rules: BTreeSet<(RuleCode, u64)> = BTreeSet::new();
        let mut flagged: BTreeSet<u64> = BTreeSet::new();
        let steps = outcome_steps(&night.log, &night.topics, definition, night.generation, shard).await?;
        for told in steps.into_iter().flat_map(|step| step.outcomes) {
            outcomes.insert((told.outcome, told.offset));
            rules.extend(told.rules.iter().map(|rule| (*rule, told.offset)));
            if told.outcome == Outcome::Counted && !told.rules.is_empty() {
                flagged.insert(told.offset);
            }
        }
        for (outcome, _) in outcomes {
            *self.by_outcome.entry(outcome).or_default() += 1;
        }
        for (rule, _) in rules {
            *self.by_rule.entry(rule).or_default() += 1;
        }
        self.flagged += flagged.len() as u64;
        Ok(())
    }

    /// Submissions that ever had this outcome.
    pub fn ever(&self, outcome: Outcome) -> u64 {
        self.by_outcome.get(&outcome).copied().unwrap_or(0)
    }
}
