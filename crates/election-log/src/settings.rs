//! Which election, and where its log lies.

use hattama_election::definition::{Definition, DefinitionFiles, LoadErrors, Purpose, ReadError};
use hattama_record_log::{LogError, RecordLog};
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
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl ElectionSettings {
    /// Loads the definition and opens the log.
    ///
    /// # Errors
    /// When a setting is missing, the definition is wrong, or another process has the log.
    pub async fn open(self, default_instance: &str) -> Result<ElectionLog, OpenError> {
        let directory = config::required(self.definition, "definition")?;
        let definition = Arc::new(Definition::load(&DefinitionFiles::read(&directory)?)?);
        let clock = match self.rehearsal_time {
            None => Clock::system(),
            Some(time) => Clock::rehearsal(purpose_of(&definition), time.parse()?)?,
        };
        let log = RecordLog::open_embedded(&config::required(self.log_dir, "log_dir")?).await?;
        Ok(ElectionLog {
            definition,
            log,
            generation: self.generation.unwrap_or(1),
            instance: self.instance.unwrap_or_else(|| default_instance.to_owned()),
            clock,
        })
    }
}

/// What a clock has to know of a definition.
fn purpose_of(definition: &Definition) -> clock::Purpose {
    match definition.purpose {
        Purpose::Official => clock::Purpose::Official,
        Purpose::Rehearsal => clock::Purpose::Rehearsal,
    }
}
