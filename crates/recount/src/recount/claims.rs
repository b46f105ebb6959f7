//! What services claim: read once, signatures checked, each claim kept as its positions and one digest.

use super::{
    differences::{Differences, Found},
    path::Paths,
    source::{Place, Source},
};
use crate::{
    export_format::{ExportReadError, Topic},
    report::{Counts, Subject},
};
use hattama_election::{
    digest::{PublicationDigest, sha256},
    ids::ShardId,
};
use hattama_tally::{FIRST_POSITION, PositionPair, PublicationBody, VectorEntry};
use hattama_wire::{Genesis, decode_publication, decode_tally, publication_digest};

/// A tally.
#[derive(Debug)]
pub(crate) struct TallyClaim {
    pub(crate) place: Place,
    /// SHA-256 over the body.
    pub(crate) digest: [u8; 32],
}

/// A publication.
#[derive(Debug)]
pub(crate) struct PublicationClaim {
    pub(crate) place: Place,
    pub(crate) sequence: u64,
    pub(crate) previous: Option<PublicationDigest>,
    pub(crate) vector: Vec<VectorEntry>,
    pub(crate) control_next_offset: u64,
    pub(crate) digest: PublicationDigest,
}

/// What a service's record says, when it is one of this election, generation and partition.
pub(super) struct Opened<B> {
    pub(super) body: B,
    bytes: bytes::Bytes,
    frozen: Option<String>,
}

/// Reads a shard's tallies. Answers the highest offset that one stands at, and why the shard says that it is frozen.
pub(crate) fn read_tallies(
    source: &Source<'_>,
    shard: ShardId,
    paths: &mut Paths,
    differences: &mut Differences,
    counts: &mut Counts,
) -> Result<(u64, Option<String>), ExportReadError> {
    let topic = Topic::Tallies;
    let mut highest = 0;
    let mut why_frozen = None;
    source.read_through(topic, shard.0, differences, counts, |place, value, differences, counts| {
        let decode = |bytes: &[u8]| decode_tally(&source.definition, bytes).map_err(|error| error.to_string());
        let of = |body: &hattama_tally::TallyBody| (body.generation.0, Some(body.shard));
        let Some(Opened { body, bytes, frozen }) =
            open(source, (topic, shard.0), place, value, decode, of, differences, counts)
        else {
            return;
        };
        why_frozen = frozen;
        highest = highest.max(body.position.next_offset);
        if !may_stand_at(shard, body.position) {
            let found = Found::new(Subject::Tally, topic.file(shard.0), "it stands where no fold can stand");
            let found = found.at(shard.0, place.record, place.byte);
            differences.add(found.between("a position behind the genesis", text(body.position)));
            return;
        }
        match paths.stop(body.position) {
            Some(stop) => stop.tallies.push(TallyClaim { place, digest: sha256(&bytes) }),
            None => counts.not_compared += 1,
        }
    })?;
    Ok((highest, why_frozen))
}

/// Reads the publications: those that every reader holds for valid, in their order.
pub(crate) fn read_publications(
    source: &Source<'_>,
    genesis: &Genesis,
    differences: &mut Differences,
    counts: &mut Counts,
) -> Result<Vec<PublicationClaim>, ExportReadError> {
    let topic = Topic::Publications;
    let mut valid = Vec::new();
    let mut last: Option<(PublicationBody, PublicationDigest)> = None;
    source.read_through(topic, 0, differences, counts, |place, value, differences, counts| {
        let decode = |bytes: &[u8]| decode_publication(&source.definition, bytes).map_err(|error| error.to_string());
        let of = |body: &PublicationBody| (body.generation.0, None);
        let Some(Opened { body, bytes, .. }) = open(source, (topic, 0), place, value, decode, of, differences, counts)
        else {
            return;
        };
        if last.as_ref().is_some_and(|(last, _)| body.sequence <= last.sequence) {
            counts.lost_races += 1;
            return;
        }
        let found = |what: &str| Found::new(Subject::Publication, topic.file(0), what).at(0, place.record, place.byte);
        if !is_vector(source, &body) || last.as_ref().is_some_and(|(last, _)| !body.is_beyond(last)) {
            let what = "its vector is not nowhere below and somewhere beyond that of the publication before";
            differences.add(found(what).between("a pair for each shard, beyond the last vector", vector_text(&body)));
            return;
        }
        let sequence = last.as_ref().map_or(genesis.first_sequence, |(last, _)| last.sequence + 1);
        let previous = last.as_ref().map_or(genesis.last_publication, |(_, digest)| Some(*digest));
        if (body.sequence, body.previous) != (sequence, previous) {
            let what = "it does not follow the publication before: one between them is missing or was changed";
            let text = |sequence, previous: Option<PublicationDigest>| {
                format!("number {sequence} behind {}", previous.map_or("none".into(), |digest| digest.to_string()))
            };
            differences.add(found(what).between(text(sequence, previous), text(body.sequence, body.previous)));
        }
        let digest = publication_digest(&bytes);
        valid.push(PublicationClaim {
            place,
            sequence: body.sequence,
            previous: body.previous,
            vector: body.vector.clone(),
            control_next_offset: body.control_next_offset,
            digest,
        });
        last = Some((body, digest));
    })?;
    Ok(valid)
}

#[expect(clippy::too_many_arguments, reason = "the three readers differ in exactly these")]
pub(super) fn open<B>(
    source: &Source<'_>,
    (topic, partition): (Topic, u32),
    place: Place,
    value: &[u8],
    decode: impl Fn(&[u8]) -> Result<B, String>,
    of: impl Fn(&B) -> (u32, Option<ShardId>),
    differences: &mut Differences,
    counts: &mut Counts,
) -> Option<Opened<B>> {
    let opened = source.open(topic, value).map_err(|error| error.to_string()).and_then(|opened| {
        counts.signatures_verified += 1;
        let body = decode(&opened.body)?;
        let (generation, shard) = of(&body);
        if generation != source.generation.0 {
            return Err(format!("it is of generation {generation}, not {}", source.generation.0));
        }
        if shard.is_some_and(|shard| shard.0 != partition) {
            return Err(format!("it is of another shard than its partition {partition}"));
        }
        Ok(Opened { body, bytes: opened.body, frozen: opened.envelope.frozen })
    });
    match opened {
        Ok(opened) => Some(opened),
        Err(what) => {
            let found = Found::new(Subject::Signature, topic.file(partition), what);
            let found = found.at(partition, place.record, place.byte);
            differences
                .add(found.between("a record that a service of the definition signed", "one that readers ignore"));
            None
        }
    }
}

fn may_stand_at(shard: ShardId, pair: PositionPair) -> bool {
    pair.covers(&FIRST_POSITION) && (shard != ShardId::CONTROL || pair.next_offset == pair.control_next_offset)
}

fn is_vector(source: &Source<'_>, body: &PublicationBody) -> bool {
    body.vector.len() == source.definition.shards as usize
        && body.vector.iter().all(|entry| may_stand_at(entry.shard, entry.position))
        && body.control_next_offset > 0
}

/// A pair of positions in words.
pub(crate) fn text(pair: PositionPair) -> String {
    format!("offset {} with control at {}", pair.next_offset, pair.control_next_offset)
}

fn vector_text(body: &PublicationBody) -> String {
    let pair = |entry: &VectorEntry| {
        format!("{}: {}/{}", entry.shard, entry.position.next_offset, entry.position.control_next_offset)
    };
    body.vector.iter().map(pair).collect::<Vec<_>>().join(", ")
}
