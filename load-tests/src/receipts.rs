//! Every receipt that the precincts got, and what gateways say of each submission in the end.

use hattama_election::digest::{ContentDigest, SubmissionDigest};
use hattama_night_play::{clients, player::Answered};
use hattama_proto::{
    gateway::v1::{GetReceiptRequest, Receipt, ReceiptState},
    log::v1::Outcome,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// A submission in the log: when it was due, and where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// When the precinct sent it first.
    pub at: Instant,
    /// Its shard.
    pub shard: u32,
    /// Its lowest known offset.
    pub offset: u64,
}

/// A receipt that says COUNTED(N).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// Whose receipt.
    pub digest: SubmissionDigest,
    /// N.
    pub publication: u64,
}

/// Collects receipts while the night is played.
#[derive(Debug, Clone, Default)]
pub struct Receipts(Arc<Mutex<Vec<Answered>>>);

impl Receipts {
    /// Takes all that come until nobody sends any more.
    pub async fn collect(self, mut from: mpsc::Receiver<Answered>) {
        while let Some(answered) = from.recv().await {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
        }
    }

    /// All of them, in the order of coming.
    #[must_use]
    pub fn all(&self) -> Vec<Answered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where each submission lies and when it was due, by the time at which its event was to be sent.
#[must_use]
pub fn sent(answered: &[Answered], due: &BTreeMap<u32, Instant>) -> Vec<Sent> {
    let mut lowest: BTreeMap<SubmissionDigest, Sent> = BTreeMap::new();
    for answered in answered {
        let Some(position) = &answered.receipt.position else { continue };
        let Some(at) = due.get(&answered.event) else { continue };
        let new = Sent { at: *at, shard: position.partition, offset: position.offset };
        let known = lowest.entry(answered.digest).or_insert(new);
        known.at = known.at.min(new.at);
        known.offset = known.offset.min(new.offset);
    }
    lowest.into_values().collect()
}

/// The longest time between two receipts of at least this state, from `from` to `to`.
#[must_use]
pub fn longest_gap(answered: &[Answered], state: ReceiptState, from: Instant, to: Instant) -> Duration {
    let is_one = |answered: &&Answered| answered.receipt.state >= state as i32;
    let mut times: Vec<Instant> = answered.iter().filter(is_one).map(|answered| answered.at).collect();
    times.retain(|at| (from..=to).contains(at));
    times.extend([from, to]);
    times.sort();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// Asks every gateway for every submission's receipt; a gateway knows those that came through it.
///
/// # Errors
/// When a gateway does not answer.
pub async fn ask(
    gateways: &[SocketAddr],
    digests: &BTreeSet<SubmissionDigest>,
) -> Result<Vec<(SubmissionDigest, Receipt)>, Box<dyn Error>> {
    let mut receipts = Vec::new();
    for address in gateways {
        let mut client = clients::gateway(*address)?;
        for digest in digests {
            let request = GetReceiptRequest { digest: bytes::Bytes::copy_from_slice(&digest.0) };
            match client.get_receipt(request).await {
                Ok(answer) => receipts.extend(answer.into_inner().receipt.map(|receipt| (*digest, receipt))),
                Err(status) if status.code() == tonic::Code::NotFound => {}
                Err(status) => return Err(format!("{address} gives no receipt of {digest}: {status}").into()),
            }
        }
    }
    Ok(receipts)
}

/// The contents whose current standing is counted.
#[must_use]
pub fn counted(receipts: &[(SubmissionDigest, Receipt)]) -> BTreeSet<ContentDigest> {
    let is_counted = |receipt: &Receipt| {
        receipt.standing.as_ref().is_some_and(|standing| standing.outcome == Outcome::Counted as i32)
    };
    let content = |receipt: &Receipt| receipt.content.as_ref().try_into().ok().map(ContentDigest);
    receipts.iter().filter(|(_, receipt)| is_counted(receipt)).filter_map(|(_, receipt)| content(receipt)).collect()
}

/// What every gateway says of a content's submissions, in words.
pub fn of<'a>(
    content: &'a ContentDigest,
    receipts: &'a [(SubmissionDigest, Receipt)],
) -> impl Iterator<Item = String> + 'a {
    receipts.iter().filter(|(_, receipt)| receipt.content.as_ref() == content.0).map(move |(digest, receipt)| {
        let place = receipt.position.as_ref().map(|position| (position.partition, position.offset));
        let standing = receipt.standing.as_ref();
        let outcome = standing.map(|standing| standing.outcome()).map_or("none", |outcome| outcome.as_str_name());
        let at = standing.and_then(|standing| standing.at.as_ref()).map(|at| (at.next_offset, at.control_next_offset));
        format!("{}: {digest} of content {content} at {place:?} is {outcome} as of {at:?}", receipt.gateway)
    })
}

/// Where submissions lie, by generation: shard and lowest offset.
pub type Places = BTreeMap<(SubmissionDigest, u32), (u32, u64)>;

/// Where receipts say that submissions lie.
pub fn places<'a>(receipts: impl Iterator<Item = (SubmissionDigest, &'a Receipt)>) -> Places {
    let mut places = Places::new();
    for (digest, receipt) in receipts {
        let Some(position) = &receipt.position else { continue };
        let place = (position.partition, position.offset);
        let known = places.entry((digest, position.generation)).or_insert(place);
        *known = place.min(*known);
    }
    places
}

/// Every COUNTED(N) that was ever said, each once.
pub fn claims<'a>(receipts: impl Iterator<Item = (SubmissionDigest, &'a Receipt)>) -> BTreeSet<Claim> {
    receipts.filter_map(|(digest, receipt)| Some(Claim { digest, publication: receipt.counted_in? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_counts_from_the_beginning_to_the_end_of_the_time_that_is_looked_at() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let answered = |at, state: ReceiptState| Answered {
            event: 0,
            digest: SubmissionDigest([0; 32]),
            gateway: 0,
            receipt: Receipt { state: state as i32, ..Receipt::default() },
            at,
        };
        let all =
            [answered(start + second, ReceiptState::Logged), answered(start + 3 * second, ReceiptState::Received)];
        let gap = |state| longest_gap(&all, state, start, start + 4 * second);
        assert_eq!(gap(ReceiptState::Received), 2 * second);
        assert_eq!(gap(ReceiptState::Logged), 3 * second);
    }
}
