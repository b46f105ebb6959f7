//! What an independent reader finds: the outcomes chain by its rule, tallies, and a fold of its own.

use crate::rig::{GENERATION, Rig, eventually, genesis};
use bytes::Bytes;
use hattama_election::ids::ShardId;
use hattama_tally::{
    ControlFold, FIRST_POSITION, OutcomeChain, OutcomesBody, PositionPair, Read, ShardFold, SubmissionOutcome,
    TallyBody,
};
use hattama_wire::{Envelope, RecordOpener, ServiceContext, decode_tally, open_outcomes, open_service};
use std::{collections::BTreeMap, sync::Arc};

/// The outcomes of a shard that are not plainly counted, by offset.
pub type Words = BTreeMap<u64, SubmissionOutcome>;

/// A shard's outcomes records, read by the rule.
pub struct Chain {
    pub valid: Vec<OutcomesBody>,
    /// Parts of steps, whole or not.
    pub parts: usize,
    pub ignored: usize,
}

impl Chain {
    pub fn head(&self) -> PositionPair {
        self.valid.last().map_or(FIRST_POSITION, |last| last.to)
    }

    /// What the valid records say in the end. Nothing may be told twice.
    pub fn words(&self) -> Words {
        let mut words = Words::new();
        for body in &self.valid {
            for outcome in &body.outcomes {
                let before = if outcome.is_plain() {
                    let before = words.remove(&outcome.offset);
                    assert!(before.is_some(), "{outcome:?} was told although it is what readers assume");
                    before
                } else {
                    words.insert(outcome.offset, outcome.clone())
                };
                assert_ne!(before.as_ref(), Some(outcome), "told twice");
            }
        }
        words
    }
}

impl Rig {
    pub async fn chain(&self, shard: ShardId) -> Chain {
        let records = self.records(&self.topics.outcomes, shard).await;
        let mut chain = Chain { valid: Vec::new(), parts: 0, ignored: 0 };
        let mut by_rule = OutcomeChain::new(GENERATION, shard);
        for record in records {
            match open_outcomes(&self.definition, &record.value).map(|body| by_rule.read(body)) {
                Ok(Read::Step(step)) => chain.valid.push(step),
                Ok(Read::Part) => chain.parts += 1,
                Ok(Read::PassedOver(_)) | Err(_) => chain.ignored += 1,
            }
        }
        assert_eq!(chain.head(), by_rule.head());
        chain
    }

    /// The tallies of a shard in the order of the log.
    pub async fn tallies(&self, shard: ShardId) -> Vec<(TallyBody, Envelope)> {
        let context = ServiceContext::Tally;
        let records = self.records(&self.topics.tallies, shard).await;
        let read = records.iter().map(|record| {
            let opened = open_service(context, &record.value, |key| context.key(&self.definition, key)).unwrap();
            (decode_tally(&self.definition, &opened.body).unwrap(), opened.envelope)
        });
        read.collect()
    }

    /// Of several owners' tallies the one with the highest positions wins.
    pub async fn winning_tally(&self, shard: ShardId) -> Option<TallyBody> {
        let tallies = self.tallies(shard).await.into_iter().map(|(tally, _)| tally);
        tallies.reduce(|best, next| if next.position.is_beyond(&best.position) { next } else { best })
    }

    /// A shard's tally and words at a pair of positions, folded from scratch: all control, then all records.
    pub async fn fold_at(&self, shard: ShardId, at: PositionPair) -> (TallyBody, Words) {
        let opener = RecordOpener { election: self.definition.id.clone(), core_digest: self.definition.core_digest };
        let genesis = genesis(&self.definition, GENERATION.0);
        let mut control = ControlFold::new(Arc::clone(&self.definition), GENERATION, &genesis);
        let values = self.values(ShardId::CONTROL, at.control_next_offset).await;
        control.apply(&slices(&values), &opener);
        if shard == ShardId::CONTROL {
            return (control.tally(), words_of(control.outcomes()));
        }
        let state = Arc::clone(control.state());
        let mut fold = ShardFold::new(Arc::clone(&self.definition), GENERATION, shard, &genesis, state);
        fold.apply(&slices(&self.values(shard, at.next_offset).await), &opener);
        assert_eq!(fold.position(), at);
        (fold.tally(), words_of(fold.outcomes()))
    }

    /// Waits until a shard's outcomes and tally stand at the ends of the log.
    pub async fn settled(&self, shard: ShardId) -> (Chain, TallyBody) {
        let ends = self.ends(shard).await;
        eventually("outcomes and tally at the ends of the log", async || {
            let tally = self.winning_tally(shard).await?;
            let chain = self.chain(shard).await;
            (tally.position == ends && chain.head() == ends).then_some((chain, tally))
        })
        .await
    }

    /// Waits as [`Rig::settled`], and checks that chain and tally say what a fold from scratch says.
    pub async fn settled_and_right(&self, shard: ShardId) -> Chain {
        let (chain, tally) = self.settled(shard).await;
        let (expected, words) = self.fold_at(shard, tally.position).await;
        assert_eq!(tally, expected);
        assert_eq!(chain.words(), words);
        chain
    }
}

fn words_of<'a>(outcomes: impl Iterator<Item = &'a SubmissionOutcome>) -> Words {
    outcomes.map(|outcome| (outcome.offset, outcome.clone())).collect()
}

fn slices(values: &[Bytes]) -> Vec<&[u8]> {
    values.iter().map(AsRef::as_ref).collect()
}
