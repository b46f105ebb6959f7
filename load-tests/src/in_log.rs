//! What lies in the log when a night is over: the chain of publications, and every word on every submission.

use crate::receipts::{Claim, Places};
use hattama_election::{definition::Definition, digest::PublicationDigest, ids::ShardId};
use hattama_election_log::{GenesisError, first_record};
use hattama_night_play::{in_the_log::outcome_steps, records::Records};
use hattama_record_log::{LogError, RecordLog, topics::TopicSet};
use hattama_tally::{Generation, Outcome, PositionPair, PublicationBody, SubmissionOutcome};
use hattama_wire::{Genesis, ServiceContext, decode_publication, open_service, publication_digest};
use std::collections::BTreeMap;

/// The valid publications of a generation.
#[derive(Debug, Default)]
pub struct Publications {
    /// By number.
    pub valid: BTreeMap<u64, (PublicationDigest, PublicationBody)>,
    /// Records of replicas that came second.
    pub lost_races: u64,
    /// What no reader could follow.
    pub wrong: Vec<String>,
}

impl Publications {
    /// Reads them.
    ///
    /// # Errors
    /// When the log cannot be read, or does not begin with a genesis.
    pub async fn read(
        log: &RecordLog,
        topics: &TopicSet,
        definition: &Definition,
        generation: u32,
    ) -> Result<Self, GenesisError> {
        let mut publications = Self::default();
        let failed = |source| GenesisError::Log { generation, source };
        let generation = Generation(generation);
        let genesis = first_record(log, definition, generation, &topics.publications, 0).await?.genesis;
        let mut records = Records::from(log, &topics.publications, 0, 1);
        while let Some(record) = records.next().await.map_err(failed)? {
            publications.take(definition, record.offset, &record.value, &genesis);
        }
        Ok(publications)
    }

    fn take(&mut self, definition: &Definition, offset: u64, value: &[u8], genesis: &Genesis) {
        let key = |id: &_| ServiceContext::Publication.key(definition, id);
        let opened = open_service(ServiceContext::Publication, value, key).ok();
        let body = opened.as_ref().and_then(|opened| decode_publication(definition, &opened.body).ok());
        let (Some(opened), Some(body)) = (opened, body) else {
            self.wrong.push(format!("record {offset} of publications is none"));
            return;
        };
        let digest = publication_digest(&opened.body);
        let follows = match self.valid.last_key_value() {
            None => (body.sequence, body.previous) == (genesis.first_sequence, genesis.last_publication),
            Some((last, (before, last_body))) => {
                body.sequence == last + 1 && body.previous == Some(*before) && body.is_beyond(last_body)
            }
        };
        if follows {
            self.valid.insert(body.sequence, (digest, body));
        } else if self.valid.contains_key(&body.sequence) {
            self.lost_races += 1;
        } else {
            self.wrong.push(format!("record {offset} of publications, number {}, follows none", body.sequence));
        }
    }
}

/// A generation of the log, as far as it came.
#[derive(Debug)]
pub struct Era {
    /// Which.
    pub generation: u32,
    /// Its publications.
    pub publications: Publications,
    /// Its outcomes.
    pub outcomes: Outcomes,
}

impl Era {
    /// Reads it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn read(
        log: &RecordLog,
        topics: &TopicSet,
        definition: &Definition,
        generation: u32,
    ) -> Result<Self, GenesisError> {
        let failed = |source| GenesisError::Log { generation, source };
        Ok(Self {
            generation,
            publications: Publications::read(log, topics, definition, generation).await?,
            outcomes: Outcomes::read(log, topics, definition, generation).await.map_err(failed)?,
        })
    }
}

/// Every word on the submissions of every shard, step by step.
#[derive(Debug, Default)]
pub struct Outcomes(BTreeMap<u32, Vec<(PositionPair, Vec<SubmissionOutcome>)>>);

impl Outcomes {
    /// Reads them.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn read(
        log: &RecordLog,
        topics: &TopicSet,
        definition: &Definition,
        generation: u32,
    ) -> Result<Self, LogError> {
        let mut outcomes = Self::default();
        for shard in 0..definition.shards {
            let steps = outcome_steps(log, topics, definition, generation, ShardId(shard)).await?;
            outcomes.0.insert(shard, steps.into_iter().map(|step| (step.to, step.outcomes)).collect());
        }
        Ok(outcomes)
    }

    /// What a submission stood as at a pair of positions; of a duplicate, what its content's first one stood as.
    fn at(&self, shard: u32, offset: u64, pair: &PositionPair) -> Outcome {
        let steps = self.0.get(&shard).map(Vec::as_slice).unwrap_or_default();
        let told = |offset: u64| {
            let told = steps.iter().rev().filter(|(to, _)| pair.covers(to)).flat_map(|(_, outcomes)| outcomes);
            told.into_iter().find(|told| told.offset == offset)
        };
        match told(offset) {
            None => Outcome::Counted,
            Some(SubmissionOutcome { outcome: Outcome::Duplicate, duplicate_of: Some(first), .. }) => {
                told(*first).map_or(Outcome::Counted, |told| told.outcome)
            }
            Some(told) => told.outcome,
        }
    }

    /// Why what lies here is not counted in a publication; none when it is.
    fn refutes(&self, shard: u32, offset: u64, body: &PublicationBody) -> Option<String> {
        let said = format!("a receipt says that record {offset} of shard {shard} is counted in {}", body.sequence);
        let entry = body.vector.iter().find(|entry| entry.shard.0 == shard);
        let Some(pair) = entry.map(|entry| entry.position).filter(|pair| offset < pair.next_offset) else {
            return Some(format!("{said}, which does not cover it"));
        };
        let outcome = self.at(shard, offset, &pair);
        (outcome != Outcome::Counted).then(|| format!("{said}, where it is {}", outcome.as_str()))
    }
}

/// Why a receipt's COUNTED(N) is not true of publication N; none when it is.
#[must_use]
pub fn refuted(claim: &Claim, eras: &[Era], places: &Places) -> Option<String> {
    let number = claim.publication;
    let found = eras.iter().find_map(|era| Some((era, era.publications.valid.get(&number)?)));
    let Some((era, (_, body))) = found else {
        return Some(format!("a receipt of {} says COUNTED({number}), which is no publication", claim.digest));
    };
    // What a gateway learned of a generation before it took the submission itself, no receipt of it says where.
    let (shard, offset) = places.get(&(claim.digest, era.generation))?;
    era.outcomes.refutes(*shard, *offset, body)
}
