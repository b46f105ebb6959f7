//! How a cluster is reached, and what every client of it is told; why: docs/kafka.md.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;

use super::preset::MAX_MESSAGE_BYTES;
use crate::LogError;

/// The group that clients which only read by offset name: the client library wants one. Nobody joins
/// it and nothing is committed to it, but a secure cluster must let readers name it.
pub const READERS_GROUP: &str = "hattama.readers";

/// How long a record may wait for its acknowledgement before its outcome is unknown: longer than a
/// leader's election after the loss of a broker (10 to 20 s at worst), short enough for a sender to wait.
pub const DEFAULT_MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a question to the brokers may take, with its repetitions.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the client library's figures become metrics.
pub const DEFAULT_STATISTICS_INTERVAL: Duration = Duration::from_secs(5);

/// How a Kafka cluster is reached.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// Some of its brokers, `host:port,host:port`.
    pub brokers: String,
    /// What this process is called in the brokers' logs and in metrics.
    pub client_id: String,
    /// Whether and how it is kept from others.
    pub security: KafkaSecurity,
    /// Topics are made with one replica instead of three: for a single broker, never for an official election.
    pub dev: bool,
    /// Only reads: appends are refused. For users who have no right to write anywhere.
    pub read_only: bool,
    /// How long a record may wait for its acknowledgement; then its outcome is unknown.
    pub message_timeout: Duration,
    /// How long a question may take, with its repetitions.
    pub request_timeout: Duration,
    /// How often the client library's figures become metrics; zero: never.
    pub statistics_interval: Duration,
}

/// How the connections to the brokers are kept from others.
#[derive(Clone)]
pub enum KafkaSecurity {
    /// Not at all: for the loopback and for closed networks.
    Plain,
    /// TLS, and a user with a password (SASL/SCRAM-SHA-512). Needs the feature `kafka-tls`.
    TlsScram {
        /// The certificate, in PEM, that must have signed the brokers'.
        ca_file: PathBuf,
        /// The user.
        user: String,
        /// Its password; never shown.
        password: String,
    },
}

impl fmt::Debug for KafkaSecurity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => formatter.write_str("Plain"),
            Self::TlsScram { ca_file, user, .. } => {
                formatter.debug_struct("TlsScram").field("ca_file", ca_file).field("user", user).finish_non_exhaustive()
            }
        }
    }
}

impl KafkaSettings {
    /// Plain connections, three replicas, the usual timeouts.
    #[must_use]
    pub fn new(brokers: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            client_id: client_id.into(),
            security: KafkaSecurity::Plain,
            dev: false,
            read_only: false,
            message_timeout: DEFAULT_MESSAGE_TIMEOUT,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            statistics_interval: DEFAULT_STATISTICS_INTERVAL,
        }
    }

    /// For questions and administration: it never writes records.
    pub(super) fn query_client(&self) -> Result<ClientConfig, LogError> {
        let mut config = self.common()?;
        // Asked for ends, it says what there is, not what is below the oldest open transaction: somebody else's
        // must not hide records. (Documented for consumers alone, obeyed by all.)
        config.set("isolation.level", "read_uncommitted");
        // Nobody asks for minutes, then one question goes to a broker that hung meanwhile, and is asked of another after
        // this. Answers are small and come at once.
        config.set("socket.timeout.ms", "1500");
        Ok(config)
    }

    pub(super) fn producer(&self) -> Result<ClientConfig, LogError> {
        let mut config = self.common()?;
        config
            // Includes acks=all, unlimited retries and an order that retries keep.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", milliseconds(self.message_timeout))
            .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
            .set("compression.type", "zstd")
            // What came while a batch was on its way is the next batch: waiting longer gains little.
            .set("linger.ms", "2")
            // The log has its own, tighter limits (MAX_IN_FLIGHT_…): these are never met.
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", "262144");
        Ok(config)
    }

    /// For one read at a time, of what is known to be there.
    pub(super) fn random_reader(&self) -> Result<ClientConfig, LogError> {
        let mut config = self.reader()?;
        // It is only assigned while it reads, so a request that waits for news is in the next read's way.
        config.set("fetch.wait.max.ms", "5");
        Ok(config)
    }

    /// For following many partitions.
    pub(super) fn follower(&self) -> Result<ClientConfig, LogError> {
        let mut config = self.reader()?;
        // A partition that is added waits so long for the request that is on its way. News never wait.
        config.set("fetch.wait.max.ms", "100");
        Ok(config)
    }

    /// For a member of a group that owns partitions and reads none of them.
    pub(super) fn member(&self, group: &str, session_timeout: Duration) -> Result<ClientConfig, LogError> {
        let mut config = self.reader()?;
        config
            .set("group.id", group)
            // The protocol of KIP-848 (`consumer`) has silent stalls in librdkafka before 2.15.
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", milliseconds(session_timeout))
            .set("heartbeat.interval.ms", milliseconds(session_timeout / HEARTBEATS_PER_SESSION))
            // Nobody reads here: should anything be fetched before it is paused, let it be nothing.
            .set("auto.offset.reset", "latest");
        Ok(config)
    }

    fn reader(&self) -> Result<ClientConfig, LogError> {
        let mut config = self.common()?;
        config
            .set("group.id", READERS_GROUP)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // An offset that the brokers do not have is lost data: an error, never a jump.
            .set("auto.offset.reset", "error")
            // Nothing here is transactional; somebody else's open transaction must not hold readers up.
            .set("isolation.level", "read_uncommitted")
            .set("allow.auto.create.topics", "false")
            .set("check.crcs", "true")
            // The default of 1,000 ms puts a reader that has work to do to sleep.
            .set("fetch.queue.backoff.ms", "5")
            // As fast as the default of 64 MiB, without its memory.
            .set("queued.max.messages.kbytes", "2048")
            .set("fetch.message.max.bytes", "262144")
            .set("fetch.max.bytes", FETCH_MAX_BYTES.to_string());
        Ok(config)
    }

    fn common(&self) -> Result<ClientConfig, LogError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("statistics.interval.ms", milliseconds(self.statistics_interval))
            // A broker that comes back is found within a second, not ten.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // A broker that hangs is given up after this, not a minute: others lead its partitions soon. An append that was
            // on its way is sent again, and is there once.
            .set("socket.timeout.ms", "4000")
            // A broker that hangs still takes connections: what is asked first on one is given up sooner than after ten.
            .set("api.version.request.timeout.ms", "2000")
            .set("socket.connection.setup.timeout.ms", "5000")
            // Who had nothing to ask of it hears of the new leaders by itself, before its first question hangs too.
            .set("topic.metadata.refresh.interval.ms", "1000")
            // A new leader is looked for soon.
            .set("topic.metadata.refresh.fast.interval.ms", "100")
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true");
        let KafkaSecurity::TlsScram { ca_file, user, password } = &self.security else { return Ok(config) };
        if !cfg!(feature = "kafka-tls") {
            return Err(LogError::Refused {
                action: format!("the connection to {}", self.brokers),
                reason: "this program was built without TLS: build it with the feature `kafka-tls`".to_owned(),
            });
        }
        config
            .set("security.protocol", "SASL_SSL")
            .set("sasl.mechanism", "SCRAM-SHA-512")
            .set("sasl.username", user)
            .set("sasl.password", password)
            .set("ssl.ca.location", ca_file.to_string_lossy());
        Ok(config)
    }
}

/// What one answer to a fetch may hold: several of the largest records.
const FETCH_MAX_BYTES: usize = 8 << 20;

/// A member that misses all but one heartbeat is still one.
const HEARTBEATS_PER_SESSION: u32 = 6;

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let mut settings = KafkaSettings::new("b:1", "test");
        let (user, password) = ("gateway".to_owned(), "open sesame".to_owned());
        settings.security = KafkaSecurity::TlsScram { ca_file: "ca.pem".into(), user, password };
        let shown = format!("{settings:?}");
        assert!(shown.contains("gateway") && !shown.contains("sesame"), "{shown}");
    }

    #[cfg(not(feature = "kafka-tls"))]
    #[test]
    fn tls_in_a_program_without_it_is_refused_by_name() {
        let mut settings = KafkaSettings::new("b:1", "test");
        let (user, password) = ("gateway".to_owned(), String::new());
        settings.security = KafkaSecurity::TlsScram { ca_file: "ca.pem".into(), user, password };
        let error = settings.producer().unwrap_err().to_string();
        assert!(error.contains("kafka-tls"), "{error}");
    }
}
