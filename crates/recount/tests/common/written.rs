//! What services write into the log, signed as they sign it.

use super::{GENERATION, Night, Partitions, envelope, genesis};
use bytes::Bytes;
use hattama_election::{
    definition::{Definition, KeyRole},
    ids::ShardId,
};
use hattama_recount::export_format::Topic;
use hattama_tally::{ControlState, OutcomesBody, PositionPair, PublicationBody, TallyBody, merge};
use hattama_wire::{
    ServiceContext, SigningKey, encode_outcomes, encode_publication, encode_tally, publication_digest, sign_service,
};
use std::{collections::BTreeMap, sync::Arc};

/// The topics that services write, and what a reader takes of them.
pub struct Written {
    definition: Arc<Definition>,
    aggregator: SigningKey,
    national: SigningKey,
    outcomes: Partitions,
    tallies: Partitions,
    newest: BTreeMap<ShardId, TallyBody>,
    publications: Vec<Bytes>,
    last: Option<PublicationBody>,
}

impl Written {
    /// Topics with nothing but their genesis.
    pub fn new(definition: &Arc<Definition>) -> Self {
        let first = genesis(definition);
        let shards = definition.shards as usize;
        let keys = definition.rehearsal.as_ref().unwrap();
        let key = |id| SigningKey::rehearsal(keys, KeyRole::Service, id).unwrap();
        Self {
            definition: Arc::clone(definition),
            aggregator: key("aggregator"),
            national: key("national"),
            outcomes: vec![vec![first.clone()]; shards],
            tallies: vec![vec![first.clone()]; shards],
            newest: BTreeMap::new(),
            publications: vec![first],
            last: None,
        }
    }

    /// Where the newest tally of a shard stands.
    pub fn position(&self, shard: ShardId) -> Option<PositionPair> {
        self.newest.get(&shard).map(|tally| tally.position)
    }

    pub fn outcomes(&mut self, body: &OutcomesBody) {
        let value = sign_service(ServiceContext::Outcomes, &self.aggregator, encode_outcomes(body), &envelope());
        self.outcomes[body.shard.0 as usize].push(value);
    }

    /// The tally with the higher positions is the one that is published, whichever was written last (design, D4).
    pub fn tally(&mut self, tally: TallyBody) {
        let body = encode_tally(&self.definition, &tally);
        let value = sign_service(ServiceContext::Tally, &self.aggregator, body, &envelope());
        self.tallies[tally.shard.0 as usize].push(value);
        if self.position(tally.shard).is_none_or(|newest| tally.position.covers(&newest)) {
            self.newest.insert(tally.shard, tally);
        }
    }

    /// Publishes what the newest tallies add up to, when that is beyond the last publication.
    pub fn publish(&mut self, control: &ControlState) {
        let nation = merge(&self.definition, &self.newest).unwrap();
        let sequence = self.last.as_ref().map_or(1, |last| last.sequence + 1);
        let previous = self.last.as_ref().map(|last| publication_digest(&encode_publication(&self.definition, last)));
        let body = nation.publication(&self.definition, GENERATION, control, sequence, previous);
        if self.last.as_ref().is_some_and(|last| !body.is_beyond(last)) {
            return;
        }
        let bytes = encode_publication(&self.definition, &body);
        self.publications.push(sign_service(ServiceContext::Publication, &self.national, bytes, &envelope()));
        self.last = Some(body);
    }

    /// All topics together.
    pub fn night(self, submissions: Partitions) -> Night {
        let topics = BTreeMap::from([
            (Topic::Submissions, submissions),
            (Topic::Outcomes, self.outcomes),
            (Topic::Tallies, self.tallies),
            (Topic::Publications, vec![self.publications]),
        ]);
        Night { definition: self.definition, topics }
    }
}
