//! Follows the publications of the night: for the progress bars, for freshness, and to know when everything is covered.

use crate::freshness::Freshness;
use hattama_proto::national::v1::{
    GetNationalResultResponse, WatchPublicationsRequest, national_results_client::NationalResultsClient,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};
use tonic::transport::Channel;

/// A pause before the stream is opened again.
const PAUSE: Duration = Duration::from_millis(200);

/// The newest result, or none before the first publication.
pub type Newest = watch::Receiver<Option<Arc<GetNationalResultResponse>>>;

/// Follows until it is dropped.
pub fn follow(
    client: NationalResultsClient<Channel>,
    freshness: Arc<Freshness>,
) -> (Newest, tokio::task::JoinHandle<()>) {
    let (announce, newest) = watch::channel(None);
    let following = tokio::spawn(async move {
        while !announce.is_closed() {
            follow_once(client.clone(), &freshness, &announce).await;
            tokio::time::sleep(PAUSE).await;
        }
    });
    (newest, following)
}

async fn follow_once(
    mut client: NationalResultsClient<Channel>,
    freshness: &Freshness,
    announce: &watch::Sender<Option<Arc<GetNationalResultResponse>>>,
) {
    let Ok(answer) = client.watch_publications(WatchPublicationsRequest { after_sequence: None }).await else { return };
    let mut publications = answer.into_inner();
    while let Ok(Some(publication)) = publications.message().await {
        let Some(result) = publication.result else { continue };
        freshness.published(&result.vector, Instant::now());
        if announce.send(Some(Arc::new(result))).is_err() {
            return;
        }
    }
}

/// Waits until a publication covers every end, and returns it; at the deadline says which shards lag.
pub async fn covers(
    mut newest: Newest,
    ends: &BTreeMap<u32, u64>,
    deadline: Duration,
) -> Result<Arc<GetNationalResultResponse>, String> {
    let is_covered = |result: &Option<Arc<_>>| result.as_ref().is_some_and(|result| lagging(result, ends).is_empty());
    let waited =
        tokio::time::timeout(deadline, newest.wait_for(is_covered)).await.map(|found| found.map(|found| found.clone()));
    match waited {
        Ok(Ok(result)) => result.ok_or_else(|| "no publication".to_owned()),
        Ok(Err(_)) => Err("publications are followed no longer".to_owned()),
        Err(_) => {
            let shards = newest.borrow().as_ref().map(|result| lagging(result, ends));
            Err(match shards {
                None => "no publication has appeared".to_owned(),
                Some(shards) => format!("after {} s these shards are still behind: {shards:?}", deadline.as_secs()),
            })
        }
    }
}

/// Shards that a publication does not cover to their end: shard, next offset, end.
fn lagging(result: &GetNationalResultResponse, ends: &BTreeMap<u32, u64>) -> Vec<(u32, u64, u64)> {
    let positions: BTreeMap<u32, u64> =
        result.vector.iter().filter_map(|entry| Some((entry.shard, entry.position.as_ref()?.next_offset))).collect();
    ends.iter()
        .map(|(shard, end)| (*shard, positions.get(shard).copied().unwrap_or(0), *end))
        .filter(|(_, position, end)| position < end)
        .collect()
}
