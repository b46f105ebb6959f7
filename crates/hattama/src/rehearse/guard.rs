//! Looks after a night while it is played: a shard that stands still or publishing that has stopped ends it at once, by name,
//! and not when somebody loses patience.

use super::generation::NightLog;
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_night_play::records::Records;
use hattama_proto::national::v1::{GetNationalResultRequest, national_results_client::NationalResultsClient};
use hattama_record_log::LogError;
use hattama_service_kit::telemetry::Telemetry;
use hattama_wire::{ServiceContext, open_service};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::transport::Channel;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often in a row the same must be seen: where a night goes on whose aggregator had frozen a shard, the log says so until
/// the aggregator has announced itself again.
const LOOKS: u32 = 3;
/// A service that stands still answers nothing.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// The gauge by which the national service tells that it publishes no more.
const STOPPED_GAUGE: &str = "hattama_national_publishing_stopped";

/// Why nothing can come of a night any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A check of a shard has failed.
    #[error("shard {shard} is frozen: {why}; what to do is in docs/promises.md under `A shard is frozen`")]
    Frozen {
        /// The first of them.
        shard: u32,
        /// Why, with the invariant.
        why: String,
    },
    /// A check of the nation has failed.
    #[error(
        "publishing has stopped: the error line of the national service names the invariant; what to do is in \
         docs/promises.md under `Publishing has stopped`"
    )]
    Stopped,
}

/// Whom to ask.
#[derive(Debug)]
pub struct Guard {
    /// The election.
    pub definition: Arc<Definition>,
    /// Its log.
    pub night: NightLog,
    /// A client of the national service.
    pub national: NationalResultsClient<Channel>,
    /// Where national replicas that are processes give their metrics.
    pub admins: Vec<SocketAddr>,
    /// The metrics of this process, where they run in it.
    pub telemetry: Telemetry,
}

impl Guard {
    /// Waits until there is trouble.
    pub async fn first_trouble(&mut self) -> Trouble {
        let (mut before, mut seen) = (None, 0);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(trouble) = self.look().await else {
                (before, seen) = (None, 0);
                continue;
            };
            seen = if before.as_ref() == Some(&trouble) { seen + 1 } else { 1 };
            if seen == LOOKS {
                return trouble;
            }
            before = Some(trouble);
        }
    }

    /// What is wrong now. Whoever does not answer is not in trouble by that: services may be slow to come up.
    pub async fn look(&mut self) -> Option<Trouble> {
        let asked = self.national.get_national_result(GetNationalResultRequest { sequence: None });
        if let Ok(Ok(answer)) = tokio::time::timeout(ANSWER_WAIT, asked).await
            && let Some(shard) = answer.into_inner().frozen_shards.first().copied()
        {
            let why = match self.said_by_owner(ShardId(shard)).await {
                Ok(Some(why)) => why,
                // Then the national service has found it.
                _ => "the error line of the national service says why".to_owned(),
            };
            return Some(Trouble::Frozen { shard, why });
        }
        self.has_stopped().await.then_some(Trouble::Stopped)
    }

    async fn has_stopped(&self) -> bool {
        if says_stopped(&self.telemetry.render()) {
            return true;
        }
        for admin in &self.admins {
            if let Ok(Ok(metrics)) = tokio::time::timeout(ANSWER_WAIT, metrics_of(*admin)).await
                && says_stopped(&metrics)
            {
                return true;
            }
        }
        false
    }

    /// Why the shard's aggregator has frozen it, as its last tally says.
    async fn said_by_owner(&self, shard: ShardId) -> Result<Option<String>, LogError> {
        let mut records = Records::from(&self.night.log, &self.night.topics.tallies, shard.0, 1);
        let mut last = None;
        while let Some(record) = records.next().await? {
            let opened = open_service(ServiceContext::Tally, &record.value, |key| {
                ServiceContext::Tally.key(&self.definition, key)
            });
            if let Ok(opened) = opened {
                last = opened.envelope.frozen;
            }
        }
        Ok(last)
    }
}

fn says_stopped(metrics: &str) -> bool {
    metrics.lines().filter_map(|line| line.strip_prefix(STOPPED_GAUGE)).any(|value| value.trim() == "1")
}

async fn metrics_of(admin: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(admin).await?;
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {admin}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_of_the_national_service_says_whether_publishing_has_stopped() {
        let metrics = |value| format!("# TYPE {STOPPED_GAUGE} gauge\n{STOPPED_GAUGE} {value}\nother 1\n");
        assert!(says_stopped(&metrics(1)));
        assert!(!says_stopped(&metrics(0)));
        assert!(!says_stopped(""));
    }
}
