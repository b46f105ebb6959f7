//! Which election, and where its log lies.

use crate::cluster::{ClusterError, ClusterSettings, ClusterSettingsError, await_cluster};
use hattama_election::{
    definition::{Definition, DefinitionFiles, LoadErrors, Purpose, ReadError},
    ids::ElectionId,
};
use hattama_record_log::{KafkaSettings, LogError, RecordLog};
use hattama_service_kit::{
    clock::{self, Clock, ClockError},
    config::{self, ConfigError},
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// The election and the log that a service works for. In the file: `[election]`.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElectionSettings {
    /// Folder of the election's definition [example: elections/kz-2023]
    #[arg(long, env = "HATTAMA_DEFINITION", value_name = "DIR")]
    pub definition: Option<PathBuf>,
    /// Folder of the embedded log, which one process at a time can open
    #[arg(long, env = "HATTAMA_LOG_DIR", value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// In the file: `[election.kafka]`.
    #[command(flatten)]
    pub kafka: ClusterSettings,
    /// Generation of the log [default: 1]
    #[arg(long, env = "HATTAMA_GENERATION", value_name = "N")]
    pub generation: Option<u32>,
    /// What this instance is called in what it writes [default: the service's name]
    #[arg(long, env = "HATTAMA_INSTANCE", value_name = "NAME")]
    pub instance: Option<String>,
    /// The clock of a rehearsal that several processes play: what it shows at a real instant, and its speed; refused when the
    /// definition is official [example: 2023-03-19T00:00:00Z,3600,2026-03-01T09:00:00Z]
    #[arg(long, env = "HATTAMA_REHEARSAL_TIME", value_name = "ORIGIN,SPEED,WALL_START")]
    pub rehearsal_time: Option<String>,
}

/// An election with its log open.
#[derive(Debug, Clone)]
pub struct ElectionLog {
    /// The election.
    pub definition: Arc<Definition>,
    /// Its log.
    pub log: RecordLog,
    /// Which generation of it, from 1.
    pub generation: u32,
    /// What this instance is called in what it writes.
    pub instance: String,
    /// The service's clock: real time, unless a rehearsal's was given.
    pub clock: Clock,
    /// How the cluster is reached that holds the log; `None` if it is embedded.
    pub kafka: Option<KafkaSettings>,
}

impl ElectionLog {
    /// Waits until the cluster answers, and refuses one that is too weak for the election. The embedded log is always good.
    ///
    /// # Errors
    /// As [`await_cluster`].
    pub async fn is_sound(&self) -> Result<(), ClusterError> {
        match &self.kafka {
            Some(settings) => await_cluster(settings, &self.definition, self.generation).await,
            None => Ok(()),
        }
    }
}

/// The election or its log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is missing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The definition's files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The definition is wrong.
    #[error(transparent)]
    Definition(#[from] LoadErrors),
    /// The rehearsal's time is no time, or the definition is official.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// How the cluster is reached.
    #[error(transparent)]
    Cluster(#[from] ClusterSettingsError),
    /// No log was named, or two.
    #[error("{what}: give --log-dir for the embedded log of one process, or --brokers for a Kafka cluster")]
    WhichLog {
        /// Which of both.
        what: &'static str,
    },
    /// A weaker cluster for a real election.
    #[error("{election} is an official election: --dev is for trials; its log needs three replicas (docs/kafka.md)")]
    OfficialIsNoTrial {
        /// The election.
        election: ElectionId,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl ElectionSettings {
    /// Loads the definition and opens the log. Brokers are not asked yet: [`ElectionLog::is_sound`].
    ///
    /// # Errors
    /// When a setting is missing, the definition is wrong, or another process has the embedded log.
    pub async fn open(self, default_instance: &str) -> Result<ElectionLog, OpenError> {
        let directory = config::required(self.definition, "definition")?;
        let definition = Arc::new(Definition::load(&DefinitionFiles::read(&directory)?)?);
        let clock = match self.rehearsal_time {
            None => Clock::system(),
            Some(time) => Clock::rehearsal(purpose_of(&definition), time.parse()?)?,
        };
        if self.kafka.is_dev() && definition.purpose == Purpose::Official {
            return Err(OpenError::OfficialIsNoTrial { election: definition.id.clone() });
        }
        let instance = self.instance.unwrap_or_else(|| default_instance.to_owned());
        let kafka = self.kafka.kafka(&instance)?;
        let log = match (self.log_dir, &kafka) {
            (Some(directory), None) => RecordLog::open_embedded(&directory).await?,
            (None, Some(settings)) => RecordLog::open_kafka(settings.clone()).await?,
            (None, None) => return Err(OpenError::WhichLog { what: "no log is named" }),
            (Some(_), Some(_)) => return Err(OpenError::WhichLog { what: "two logs are named" }),
        };
        Ok(ElectionLog { definition, log, generation: self.generation.unwrap_or(1), instance, clock, kafka })
    }
}

/// What a clock has to know of a definition.
fn purpose_of(definition: &Definition) -> clock::Purpose {
    match definition.purpose {
        Purpose::Official => clock::Purpose::Official,
        Purpose::Rehearsal => clock::Purpose::Rehearsal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;
    use std::path::Path;

    fn settings(folder: &Path, change: impl Fn(String) -> String) -> ElectionSettings {
        let definition = folder.join("definition");
        std::fs::create_dir_all(&definition).unwrap();
        let files = sample::definition_files();
        for name in files.names() {
            let text = String::from_utf8(files.get(name).unwrap().to_vec()).unwrap();
            std::fs::write(definition.join(name), change(text)).unwrap();
        }
        ElectionSettings { definition: Some(definition), ..ElectionSettings::default() }
    }

    #[tokio::test]
    async fn one_log_must_be_named_and_no_second_one() {
        let folder = tempfile::tempdir().unwrap();
        let none = settings(folder.path(), |text| text);
        let error = none.clone().open("x").await.unwrap_err().to_string();
        assert!(error.contains("no log is named") && error.contains("--brokers"), "{error}");
        let kafka = ClusterSettings { brokers: Some("127.0.0.1:1".to_owned()), ..ClusterSettings::default() };
        let both = ElectionSettings { log_dir: Some(folder.path().join("log")), kafka: kafka.clone(), ..none.clone() };
        let error = both.open("x").await.unwrap_err().to_string();
        assert!(error.contains("two logs are named"), "{error}");
        // Nobody listens there, and nobody is asked yet.
        let opened = ElectionSettings { kafka, ..none }.open("gateway-1").await.unwrap();
        assert_eq!(opened.kafka.as_ref().map(|kafka| kafka.client_id.as_str()), Some("gateway-1"));
        opened.log.close().await.unwrap();
    }
}
