//! Publications: each shard learns which pair of its positions they name, and the journal keeps the newest.

use std::sync::Arc;

use hattama_election::digest::PublicationDigest;
use hattama_record_log::Record;
use hattama_tally::PublicationBody;
use hattama_wire::{Genesis, ServiceContext, decode_publication, open_service, publication_digest};
use tokio::sync::mpsc;

use super::{Source, WrongLog};
use crate::journal::{Journal, JournalledPublication};
use crate::metrics;
use crate::standing::Named;

/// Follows publications for ever. `shards` has a queue for each shard, in their order.
///
/// # Errors
/// The log is another election's.
pub(crate) async fn follow(
    source: Arc<Source>,
    journal: Journal,
    shards: Vec<mpsc::Sender<Named>>,
) -> Result<(), WrongLog> {
    let topic = &source.topics.publications;
    let genesis = source.genesis_patiently(topic, 0).await?.genesis;
    let mut chain = Chain::new(genesis);
    let mut reader = source.reader(topic, 0);
    loop {
        let mut newest = None;
        for record in reader.next_batch().await {
            let Some((body, digest)) = believed(&source, &record) else { continue };
            if !chain.takes(&source, &body, digest) {
                tracing::debug!(offset = record.offset, sequence = body.sequence, "a publication that came second");
                metrics::ignored_record("publications", "not_next");
                continue;
            }
            for (queue, entry) in shards.iter().zip(&body.vector) {
                // A shard that is gone has failed, and the gateway stops.
                let _ = queue.send(Named { sequence: body.sequence, pair: entry.position }).await;
            }
            metrics::publication(body.sequence);
            newest = Some(JournalledPublication {
                generation: body.generation.0,
                sequence: body.sequence,
                digest,
                value: record.value,
            });
        }
        if let Some(newest) = newest {
            // A journal that has stopped stops the gateway.
            let _ = journal.note_publication(newest).await;
        }
    }
}

fn believed(source: &Source, record: &Record) -> Option<(PublicationBody, PublicationDigest)> {
    let definition = &source.definition;
    let context = ServiceContext::Publication;
    let opened = open_service(context, &record.value, |key| context.key(definition, key));
    let read = opened.map_err(|error| error.to_string()).and_then(|opened| {
        let body = decode_publication(definition, &opened.body).map_err(|error| error.to_string())?;
        Ok((body, publication_digest(&opened.body)))
    });
    read.inspect_err(|error| {
        tracing::warn!(offset = record.offset, error, "a publication is not believed and ignored");
        metrics::ignored_record("publications", "not_believed");
    })
    .ok()
}

/// The valid publications of a generation: each follows from the one before (design, D5).
#[derive(Debug)]
struct Chain {
    next_sequence: u64,
    previous: Option<PublicationDigest>,
    last: Option<PublicationBody>,
}

impl Chain {
    fn new(genesis: Genesis) -> Self {
        Self { next_sequence: genesis.first_sequence, previous: genesis.last_publication, last: None }
    }

    /// True when it is the next valid one; then the chain ends with it.
    fn takes(&mut self, source: &Source, body: &PublicationBody, digest: PublicationDigest) -> bool {
        let names_every_shard = body.vector.iter().map(|entry| entry.shard.0).eq(0..source.definition.shards);
        let valid = body.generation == source.generation
            && names_every_shard
            && body.sequence == self.next_sequence
            && body.previous == self.previous
            && self.last.as_ref().is_none_or(|last| body.is_beyond(last));
        if valid {
            self.next_sequence += 1;
            self.previous = Some(digest);
            self.last = Some(body.clone());
        }
        valid
    }
}
