//! What the nation publishes, as every replica gives it out, and how long numbers stood still after a fault.

use crate::receipts::Sent;
use hattama_election::digest::PublicationDigest;
use hattama_night_play::clients;
use hattama_proto::national::v1::{GetNationalResultResponse, WatchPublicationsRequest};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// A pause before a stream is opened again.
const PAUSE: Duration = Duration::from_millis(100);
/// What is covered this soon after it was sent was never late.
const NOT_LATE: Duration = Duration::from_secs(1);

/// A publication, when a replica gave it out.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// The generation of the log.
    pub generation: u32,
    /// Its number.
    pub sequence: u64,
    /// Its digest.
    pub digest: PublicationDigest,
    /// Protocols that count in it.
    pub counted: u64,
    /// Shards that stand still.
    pub frozen: Vec<u32>,
    /// Next offset by shard.
    pub vector: BTreeMap<u32, u64>,
}

/// All that was seen.
#[derive(Debug, Clone, Default)]
pub struct Numbers(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    seen: Vec<Seen>,
    /// Numbers that went back, or two publications of one number.
    wrong: Vec<String>,
}

impl Numbers {
    /// Follows replicas until the set is dropped.
    pub fn follow(&self, replicas: &[(String, SocketAddr)]) -> JoinSet<()> {
        let mut following = JoinSet::new();
        for (name, address) in replicas {
            let (numbers, name, address) = (self.clone(), name.clone(), *address);
            following.spawn(async move {
                let mut highest = 0;
                loop {
                    numbers.follow_once(&name, address, &mut highest).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        following
    }

    async fn follow_once(&self, name: &str, address: SocketAddr, highest: &mut u64) {
        let Ok(mut client) = clients::national(address) else { return };
        let request = WatchPublicationsRequest { after_sequence: (*highest > 0).then_some(*highest) };
        let Ok(answer) = client.watch_publications(request).await else { return };
        let mut publications = answer.into_inner();
        while let Ok(Some(publication)) = publications.message().await {
            let Some(seen) = publication.result.and_then(|result| seen(&result)) else { continue };
            self.note(name, seen, highest);
        }
    }

    fn note(&self, name: &str, seen: Seen, highest: &mut u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.sequence < *highest {
            let what = format!("{name} gave out publication {} after {highest}", seen.sequence);
            inner.wrong.push(what);
        }
        *highest = seen.sequence.max(*highest);
        inner.seen.push(seen);
    }

    /// All that was seen, in the order of seeing.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    /// What no replica may ever do.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wrong.clone()
    }

    /// Whether a publication covers all these ends of a generation.
    #[must_use]
    pub fn cover(&self, generation: u32, ends: &BTreeMap<u32, u64>) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = inner.seen.iter().rev().filter(|seen| seen.generation == generation);
        seen.any(|seen| ends.iter().all(|(shard, end)| seen.vector.get(shard) >= Some(end)))
    }
}

/// How long after a fault the last submission came into a publication that was late because of it; when none was late,
/// when the next publication with higher counts came. None when numbers never moved again.
#[must_use]
pub fn moved_after(fault: Instant, until: Instant, sent: &[Sent], seen: &[Seen]) -> Option<Duration> {
    let before = seen.iter().filter(|seen| seen.at <= fault).map(|seen| seen.counted).max().unwrap_or(0);
    let next = seen.iter().filter(|seen| seen.at > fault && seen.counted > before).map(|seen| seen.at).min()?;
    let mut moved = next;
    for sent in sent.iter().filter(|sent| sent.at + NOT_LATE > fault && sent.at < until) {
        let covers = |seen: &&Seen| seen.vector.get(&sent.shard).is_some_and(|next| sent.offset < *next);
        let covered = seen.iter().filter(covers).map(|seen| seen.at).min()?;
        if covered > sent.at + NOT_LATE && covered > fault {
            moved = moved.max(covered);
        }
    }
    Some(moved - fault)
}

fn seen(result: &GetNationalResultResponse) -> Option<Seen> {
    let publication = result.publication.as_ref()?;
    let stations = result.contests.iter().filter_map(|contest| contest.figures.as_ref()?.stations.as_ref());
    let position =
        |entry: &hattama_proto::log::v1::VectorEntry| Some((entry.shard, entry.position.as_ref()?.next_offset));
    Some(Seen {
        at: Instant::now(),
        generation: publication.generation,
        sequence: publication.sequence,
        digest: PublicationDigest(publication.digest.as_ref().try_into().ok()?),
        counted: stations.map(|stations| stations.counted).sum(),
        frozen: result.frozen_shards.clone(),
        vector: result.vector.iter().filter_map(position).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(at: Instant, counted: u64, next: u64) -> Seen {
        let digest = PublicationDigest([0; 32]);
        Seen {
            at,
            generation: 1,
            sequence: counted,
            digest,
            counted,
            frozen: Vec::new(),
            vector: BTreeMap::from([(1, next), (2, 9)]),
        }
    }

    #[test]
    fn numbers_have_moved_when_the_last_late_submission_is_covered() {
        let fault = Instant::now() + Duration::from_secs(60);
        let second = Duration::from_secs(1);
        let seen = [
            publication(fault - second, 5, 3),
            publication(fault + second, 6, 3),
            publication(fault + 7 * second, 8, 5),
        ];
        let sent = |at, offset| Sent { at, shard: 1, offset };
        let late = [sent(fault - second / 2, 3), sent(fault + 2 * second, 4)];
        let until = fault + 10 * second;
        assert_eq!(moved_after(fault, until, &late, &seen), Some(7 * second));
        assert_eq!(moved_after(fault, until, &[], &seen), Some(second));
        assert_eq!(moved_after(fault, until, &[sent(fault + second, 5)], &seen), None);
        assert_eq!(moved_after(fault, until, &[], &seen[..1]), None);
    }
}
