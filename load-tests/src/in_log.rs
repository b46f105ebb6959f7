//! What lies in the log when a night is over: the chain of publications, and every word on every submission.

use crate::receipts::Claim;
use hattama_election::{definition::Definition, digest::PublicationDigest, ids::ShardId};
use hattama_record_log::{LogError, RecordLog, topics::TopicSet};
use hattama_tally::{Generation, Outcome, OutcomeChain, PositionPair, PublicationBody, Read, SubmissionOutcome};
use hattama_wire::{ServiceContext, decode_publication, open_outcomes, open_service, publication_digest};
use std::collections::BTreeMap;

/// Records read at a time.
const BATCH_RECORDS: usize = 512;

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
    /// Reads them; `first` is the first number of the generation.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn read(
        log: &RecordLog,
        topics: &TopicSet,
        definition: &Definition,
        first: u64,
    ) -> Result<Self, LogError> {
        let mut publications = Self::default();
        let mut reader = log.reader(&topics.publications, 0, 1);
        loop {
            let batch = reader.next_batch_now(BATCH_RECORDS).await?;
            if batch.is_empty() {
                return Ok(publications);
            }
            for record in batch {
                publications.take(definition, record.offset, &record.value, first);
            }
        }
    }

    fn take(&mut self, definition: &Definition, offset: u64, value: &[u8], first: u64) {
        let key = |id: &_| ServiceContext::Publication.key(definition, id);
        let opened = open_service(ServiceContext::Publication, value, key).ok();
        let body = opened.as_ref().and_then(|opened| decode_publication(definition, &opened.body).ok());
        let (Some(opened), Some(body)) = (opened, body) else {
            self.wrong.push(format!("record {offset} of publications is none"));
            return;
        };
        let digest = publication_digest(&opened.body);
        let follows = match self.valid.last_key_value() {
            None => body.sequence == first,
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
            let mut chain = OutcomeChain::new(Generation(generation), ShardId(shard));
            let steps = outcomes.0.entry(shard).or_default();
            let mut reader = log.reader(&topics.outcomes, shard, 1);
            loop {
                let batch = reader.next_batch_now(BATCH_RECORDS).await?;
                if batch.is_empty() {
                    break;
                }
                for record in batch {
                    let Ok(body) = open_outcomes(definition, &record.value) else { continue };
                    if let Read::Step(step) = chain.read(body) {
                        steps.push((step.to, step.outcomes));
                    }
                }
            }
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

    /// Why a receipt's COUNTED(N) is not true of publication N; none when it is.
    #[must_use]
    pub fn refutes(&self, claim: &Claim, publications: &Publications) -> Option<String> {
        let Claim { shard, offset, publication } = *claim;
        let said = format!("a receipt says that record {offset} of shard {shard} is counted in {publication}");
        let Some((_, body)) = publications.valid.get(&publication) else {
            return Some(format!("{said}, which is no publication"));
        };
        let entry = body.vector.iter().find(|entry| entry.shard.0 == shard);
        let Some(pair) = entry.map(|entry| entry.position).filter(|pair| offset < pair.next_offset) else {
            return Some(format!("{said}, which does not cover it"));
        };
        let outcome = self.at(shard, offset, &pair);
        (outcome != Outcome::Counted).then(|| format!("{said}, where it is {}", outcome.as_str()))
    }
}
