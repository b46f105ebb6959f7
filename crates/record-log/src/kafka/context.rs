//! What the client library reports goes to the log lines and metrics, and its newest complaint into errors.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Statistics;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::metrics;

/// A complaint that is older does not explain a failure of now.
const COMPLAINT_AGE: Duration = Duration::from_secs(60);

/// The newest complaint of any client of one log. A wrong password, for one, shows nowhere else: the
/// record just times out.
#[derive(Debug, Clone, Default)]
pub(super) struct Complaint(Arc<Mutex<Option<(Instant, String)>>>);

impl Complaint {
    /// A reason, with the newest complaint if there is a recent one.
    pub(super) fn explain(&self, reason: impl std::fmt::Display) -> String {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some((when, text)) if when.elapsed() < COMPLAINT_AGE => format!("{reason} (the client last said: {text})"),
            _ => reason.to_string(),
        }
    }

    fn remember(&self, text: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), text.to_owned()));
    }
}

/// The context of one client.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// What it is for, as a label of metrics.
    pub(super) client: &'static str,
    pub(super) complaint: Complaint,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
        let client = self.client;
        match level {
            // That a setting is usually another kind of client's.
            _ if facility == "CONFWARN" => tracing::debug!(client, message, "kafka client"),
            // Nothing is lost: it tries again. What stays wrong shows as an error of a call.
            Emerg | Alert | Critical | Error | Warning => {
                self.complaint.remember(message);
                tracing::warn!(client, facility, message, "kafka client");
            }
            Notice | Info => tracing::info!(client, facility, message, "kafka client"),
            Debug => tracing::debug!(client, facility, message, "kafka client"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        metrics::record(self.client, &statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down says less than why one is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.complaint.remember(reason);
        }
        let client = self.client;
        tracing::warn!(client, %error, reason, "kafka client");
    }
}

impl ConsumerContext for Context {}
