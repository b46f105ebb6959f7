//! Which Kafka cluster holds the log, how it is reached, and whether it keeps what the design promises.

use crate::pause::Pause;
use hattama_election::definition::Definition;
use hattama_record_log::{
    KafkaSettings, LogError,
    kafka::{self, KafkaSecurity, preset::Deviation},
    topics::TopicSet,
};
use hattama_service_kit::secret::{self, SecretError};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, time::Duration};

/// How long one look at the cluster may take: whoever starts wants to know soon, and looks again.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The Kafka cluster that holds the log. In the file: `[election.kafka]`.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterSettings {
    /// Some brokers of the Kafka cluster that holds the log, instead of the embedded log [example: a:9092,b:9092]
    #[arg(long, env = "HATTAMA_BROKERS", value_name = "HOST:PORT,…")]
    pub brokers: Option<String>,
    /// A cluster weaker than three replicas of which two acknowledge is good enough; refused when the definition is official
    #[arg(long, env = "HATTAMA_DEV", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub dev: Option<bool>,
    /// Certificate in PEM that must have signed the brokers'; with it connections are TLS with a user and a password
    #[arg(long = "kafka-ca-file", env = "HATTAMA_KAFKA_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// User of the cluster (SASL/SCRAM-SHA-512)
    #[arg(long = "kafka-user", env = "HATTAMA_KAFKA_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// File whose first line is the user's password
    #[arg(long = "kafka-password-file", env = "HATTAMA_KAFKA_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// The settings of a cluster do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum ClusterSettingsError {
    /// Of certificate, user and password some are there and some not.
    #[error(
        "a secure cluster needs --kafka-ca-file, --kafka-user and --kafka-password-file together: {missing} is missing"
    )]
    Incomplete {
        /// The flag that is missing.
        missing: &'static str,
    },
    /// The password's file.
    #[error(transparent)]
    Password(#[from] SecretError),
    /// How to reach brokers, without brokers.
    #[error("{given} says how a Kafka cluster is reached, but no --brokers are given")]
    NoBrokers {
        /// The flag that was given.
        given: &'static str,
    },
}

/// A cluster may not hold an election's log, or cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// It keeps less than it has to.
    #[error("the cluster does not keep the log as it has to be kept (for a trial on one broker there is --dev):\n{0}")]
    Weak(Deviations),
    /// The brokers do not answer, or say no.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What is not as it has to be, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviations(pub Vec<Deviation>);

impl Deviations {
    /// Whether nothing is wrong but that topics are not there.
    #[must_use]
    pub fn only_missing(&self) -> bool {
        self.0.iter().all(Deviation::is_missing)
    }
}

impl fmt::Display for Deviations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, deviation) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "\n" };
            write!(formatter, "{separator}  {deviation}")?;
        }
        Ok(())
    }
}

impl ClusterSettings {
    /// What the log's client needs; `None` without brokers.
    ///
    /// # Errors
    /// [`ClusterSettingsError`].
    pub fn kafka(&self, client_id: &str) -> Result<Option<KafkaSettings>, ClusterSettingsError> {
        let parts = [
            ("--kafka-ca-file", self.ca_file.is_some()),
            ("--kafka-user", self.user.is_some()),
            ("--kafka-password-file", self.password_file.is_some()),
        ];
        let Some(brokers) = &self.brokers else {
            return match parts.iter().find(|(_, is_there)| *is_there) {
                Some((given, _)) => Err(ClusterSettingsError::NoBrokers { given }),
                None => Ok(None),
            };
        };
        let mut settings = KafkaSettings::new(brokers, client_id);
        settings.dev = self.is_dev();
        if let (Some(ca_file), Some(user), Some(password_file)) = (&self.ca_file, &self.user, &self.password_file) {
            let password = secret::read_password(password_file)?;
            settings.security = KafkaSecurity::TlsScram { ca_file: ca_file.clone(), user: user.clone(), password };
        } else if parts.iter().any(|(_, is_there)| *is_there) {
            let missing = parts.iter().find(|(_, is_there)| !is_there).map_or("one", |(flag, _)| flag);
            return Err(ClusterSettingsError::Incomplete { missing });
        }
        Ok(Some(settings))
    }

    /// Whether a weaker cluster is good enough.
    #[must_use]
    pub fn is_dev(&self) -> bool {
        self.dev.unwrap_or(false)
    }

    /// The flags that say the same, for a process that is started.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let valued = [
            ("--brokers", self.brokers.clone()),
            ("--kafka-ca-file", path(&self.ca_file)),
            ("--kafka-user", self.user.clone()),
            ("--kafka-password-file", path(&self.password_file)),
            ("--dev", self.is_dev().then(|| "true".to_owned())),
        ];
        valued.into_iter().filter_map(|(flag, value)| value.map(|value| format!("{flag}={value}"))).collect()
    }
}

/// Compares the cluster's topics of a generation with the preset, once. What is weaker with `--dev`, and replicas that lag,
/// are only told.
///
/// # Errors
/// [`ClusterError`].
pub async fn check_cluster(
    settings: &KafkaSettings,
    definition: &Definition,
    generation: u32,
) -> Result<(), ClusterError> {
    let topics = TopicSet::new(definition.id.as_str(), generation)?;
    let settings = KafkaSettings { request_timeout: CHECK_TIMEOUT, ..settings.clone() };
    let found = kafka::check(&settings, &topics, definition.shards).await?.deviations;
    let (told, refused): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|deviation| deviation.is_passing() || (settings.dev && !deviation.is_wrong_for_all()));
    for deviation in told {
        tracing::warn!(%deviation, "the cluster is weaker than it has to be");
    }
    if refused.is_empty() { Ok(()) } else { Err(ClusterError::Weak(Deviations(refused))) }
}

/// The same, looking again for as long as the brokers do not answer.
///
/// # Errors
/// As [`check_cluster`], but for what may pass.
pub async fn await_cluster(
    settings: &KafkaSettings,
    definition: &Definition,
    generation: u32,
) -> Result<(), ClusterError> {
    let mut pause = Pause::new();
    loop {
        match check_cluster(settings, definition, generation).await {
            Err(ClusterError::Log(error)) if error.may_pass() => {
                pause.after(&error, "the brokers are waited for").await
            }
            checked => return checked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secure(directory: &std::path::Path) -> ClusterSettings {
        std::fs::write(directory.join("password"), "sesame\n").unwrap();
        ClusterSettings {
            brokers: Some("b:1".to_owned()),
            ca_file: Some("ca.pem".into()),
            user: Some("gateway".to_owned()),
            password_file: Some(directory.join("password")),
            dev: None,
        }
    }

    #[test]
    fn a_user_comes_with_certificate_and_password_or_what_is_missing_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let whole = secure(directory.path());
        let settings = whole.kafka("gateway-1").unwrap().unwrap();
        assert!(matches!(&settings.security, KafkaSecurity::TlsScram { password, .. } if password == "sesame"));
        let error = ClusterSettings { user: None, ..whole.clone() }.kafka("x").unwrap_err().to_string();
        assert!(error.contains("--kafka-user is missing"), "{error}");
        let error = ClusterSettings { brokers: None, ..whole }.kafka("x").unwrap_err().to_string();
        assert!(error.contains("no --brokers"), "{error}");
        assert!(ClusterSettings::default().kafka("x").unwrap().is_none());
    }

    #[test]
    fn flags_say_what_the_settings_say() {
        let directory = tempfile::tempdir().unwrap();
        let settings = ClusterSettings { dev: Some(true), ..secure(directory.path()) };
        let flags = settings.flags();
        assert_eq!(
            (flags[0].as_str(), flags[2].as_str(), flags[4].as_str()),
            ("--brokers=b:1", "--kafka-user=gateway", "--dev=true")
        );
        assert!(ClusterSettings::default().flags().is_empty());
    }
}
