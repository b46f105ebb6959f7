//! A random world as it lies in a log: signed, in its shards, in order or stirred.

use crate::{
    common::{Partitions, genesis},
    worlds::{
        places,
        random::Random,
        world::{ADDED_KEYS, World},
    },
};
use bytes::Bytes;
use hattama_election::{
    amendment::Change,
    definition::{Definition, DefinitionFiles, KeyRole},
    digest::SubmissionDigest,
    key::KeyId,
    submission::SubmissionBody,
};
use hattama_wire::{SigningKey, sign_submission};
use std::{collections::BTreeMap, sync::Arc};

/// A definition and what was sent in it, by shard, without the genesis records.
pub(crate) struct SignedWorld {
    pub(crate) files: DefinitionFiles,
    pub(crate) definition: Arc<Definition>,
    logs: Partitions,
}

impl SignedWorld {
    /// The world of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let world = World::random(seed);
        let definition = &world.definition;
        let keys = signing_keys(definition);
        let mut digests = BTreeMap::new();
        let mut logs = vec![Vec::new(); definition.shards as usize];
        for sent in &world.sent {
            let body = with_signed_digests(sent.submission.body.clone(), &digests);
            let key = &keys[&sent.submission.key];
            let signed = sign_submission(key, &definition.id, &definition.core_digest, &body);
            digests.insert(sent.submission.digest, signed.digest());
            logs[world.shard_of(sent).0 as usize].push(signed.record_value());
        }
        // The definition is the first that a world draws from its seed.
        let files = places::files(&mut Random::new(seed));
        assert_eq!(Definition::load(&files).unwrap().core_digest, definition.core_digest);
        Self { files, definition: Arc::clone(definition), logs }
    }

    /// Each submission once, in the order in which it was sent.
    pub(crate) fn plain(&self) -> Partitions {
        self.logs.iter().map(|log| self.behind_genesis(log.clone())).collect()
    }

    /// All submissions in a random order, some of them several times, among records that are refused: with a broken signature,
    /// of another shard, no submissions at all.
    pub(crate) fn stirred(&self, random: &mut Random) -> Partitions {
        let mut logs = Partitions::new();
        for (shard, log) in self.logs.iter().enumerate() {
            let mut stirred = log.clone();
            let twice = random.some(log, 30);
            stirred.extend(random.some(&twice, 30));
            stirred.extend(twice);
            stirred.extend(random.some(log, 10).iter().map(forged));
            let elsewhere = (shard + 1) % self.logs.len();
            stirred.extend(random.some(&self.logs[elsewhere], 10));
            if random.chance(40) {
                stirred.push(Bytes::from_static(b"no record"));
            }
            random.shuffle(&mut stirred);
            logs.push(self.behind_genesis(stirred));
        }
        logs
    }

    fn behind_genesis(&self, mut log: Vec<Bytes>) -> Vec<Bytes> {
        log.insert(0, genesis(&self.definition));
        log
    }
}

/// The same submission; its signature, which ends the record, is none.
fn forged(record: &Bytes) -> Bytes {
    let mut bytes = record.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    Bytes::from(bytes)
}

/// A revocation names what stays valid by digests of what was signed before: the world knows those by other names.
fn with_signed_digests(
    mut body: SubmissionBody,
    digests: &BTreeMap<SubmissionDigest, SubmissionDigest>,
) -> SubmissionBody {
    if let SubmissionBody::Amendment(amendment) = &mut body
        && let Change::KeyRevoked { still_valid, .. } = &mut amendment.content.change
    {
        still_valid.iter_mut().for_each(|digest| *digest = digests[digest]);
        still_valid.sort_unstable();
    }
    body
}

/// Whoever may sign in a world.
fn signing_keys(definition: &Definition) -> BTreeMap<KeyId, SigningKey> {
    let ids = |role, ids: Vec<String>| ids.into_iter().map(move |id| (role, id));
    let stations = definition.stations.iter().map(|of| of.id.to_string());
    let added = (0..ADDED_KEYS).map(|number| format!("added-{number}"));
    let names = ids(KeyRole::Station, stations.chain(added).collect())
        .chain(ids(KeyRole::Territorial, definition.territories.iter().map(|of| of.id.to_string()).collect()))
        .chain(ids(KeyRole::District, definition.districts.iter().map(|of| of.id.to_string()).collect()))
        .chain(ids(KeyRole::Authority, definition.authorities.iter().map(|of| of.id.to_string()).collect()));
    let rehearsal = definition.rehearsal.as_ref().unwrap();
    names.map(|(role, id)| SigningKey::rehearsal(rehearsal, role, &id).unwrap()).map(|key| (key.id(), key)).collect()
}
