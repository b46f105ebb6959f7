//! Settings in layers: a flag beats an environment variable, which beats the TOML file, which beats the default.
//!
//! One struct serves all layers. It derives `clap::Args`, `Serialize`, `Deserialize` and `Default`, every field is an
//! `Option` (or another such struct), and it refuses unknown keys:
//!
//! ```
//! use std::net::SocketAddr;
//! use hattama_service_kit::config::ProcessSettings;
//!
//! /// The flags' help, the environment's names and the file's keys in one place.
//! #[derive(Debug, Default, clap::Args, serde::Serialize, serde::Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! pub struct Settings {
//!     /// Where stations connect.
//!     #[arg(long, env = "HATTAMA_GATEWAY_LISTEN")]
//!     pub listen: Option<SocketAddr>,
//!     /// In the file: `[process]`.
//!     #[command(flatten)]
//!     pub process: ProcessSettings,
//! }
//! ```
//!
//! clap resolves flag and environment; [`layered`] lays the result over the file. Defaults are the last layer, and
//! belong to the code that reads the field: `settings.listen.unwrap_or(listen::local(7101))`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::listen;

/// A configuration file over this size is a mistake (a data file named by accident), not a configuration.
const LONGEST_FILE_BYTES: u64 = 1 << 20;

/// A drain must end before an operator or systemd (90 s by default) loses patience.
const DEFAULT_DRAIN_SECONDS: u32 = 10;

/// The settings of every service's process. In the file: `[process]`.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessSettings {
    /// Address of /metrics, /healthz and /readyz [default: 127.0.0.1 and the service's port]
    #[arg(long, env = "HATTAMA_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,
    /// What to log, for example `info` or `info,hattama_record_log=debug` [default: info]
    #[arg(long, env = "HATTAMA_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log [default: text]
    #[arg(long, env = "HATTAMA_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// How long a stop may take, in seconds, before what is left is abandoned [default: 10]
    #[arg(long, env = "HATTAMA_DRAIN_SECONDS", value_name = "SECONDS")]
    pub drain_seconds: Option<u32>,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl ProcessSettings {
    /// Where the admin listener binds: the setting, else the loopback address with the service's `default_port`.
    pub fn admin_listen(&self, default_port: u16) -> SocketAddr {
        self.admin_listen.unwrap_or(listen::local(default_port))
    }

    /// How long a drain may take.
    pub fn drain_deadline(&self) -> Duration {
        Duration::from_secs(self.drain_seconds.unwrap_or(DEFAULT_DRAIN_SECONDS).into())
    }
}

/// Lays `flags` (as clap resolved them from the command line and the environment) over the file at `path`, if any.
///
/// # Errors
/// The file cannot be read, is not TOML, or has a key or a value that `T` does not know.
pub fn layered<T: Serialize + DeserializeOwned>(flags: T, path: Option<&Path>) -> Result<T, ConfigError> {
    let Some(path) = path else {
        return Ok(flags);
    };
    let file: T = load(path)?;
    let mut merged = Table::try_from(&file).map_err(|error| layer_error(&error))?;
    overlay(&mut merged, Table::try_from(&flags).map_err(|error| layer_error(&error))?);
    T::deserialize(merged).map_err(|error| layer_error(&error))
}

/// Reads one TOML file.
///
/// # Errors
/// The file cannot be read, is not TOML, or has a key or a value that `T` does not know; the error names the file,
/// line, column and key, and a near name if there is one.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| ConfigError::Parse {
        path: path.to_owned(),
        near: near_name(error.message()).map_or_else(String::new, |name| format!("\ndid you mean `{name}`?")),
        text: error.to_string().trim_end().to_owned(),
    })
}

/// The value of a setting that has no default; `key` is its name in the file.
///
/// # Errors
/// It was given in no layer.
pub fn required<T>(value: Option<T>, key: &'static str) -> Result<T, ConfigError> {
    value.ok_or(ConfigError::Missing { key })
}

/// Settings could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file says something that is not understood.
    #[error("cannot use the configuration file {}: {text}{near}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column, the line itself and what is wrong with it.
        text: String,
        /// A suggestion, or empty.
        near: String,
    },
    /// A value of the command line or the environment does not fit beside the file's.
    #[error("cannot lay flags and environment over the configuration file: {text}")]
    Layer {
        /// What does not fit.
        text: String,
    },
    /// A setting without a default was given nowhere.
    #[error(
        "`{key}` is not set: give --{flag}, its environment variable (see --help), or `{key}` in the configuration file",
        flag = key.replace('_', "-")
    )]
    Missing {
        /// Its name in the file.
        key: &'static str,
    },
}

fn read(path: &Path) -> std::io::Result<String> {
    let size_bytes = std::fs::metadata(path)?.len();
    if size_bytes > LONGEST_FILE_BYTES {
        let text = format!("{size_bytes} bytes is more than the {LONGEST_FILE_BYTES} of a configuration");
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, text));
    }
    std::fs::read_to_string(path)
}

fn layer_error(error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Layer { text: error.to_string() }
}

/// Lays `upper` over `lower`: a value replaces, a table is merged key by key.
fn overlay(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(lower)), Value::Table(upper)) => overlay(lower, upper),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

/// From serde's "unknown field `x`, expected one of `a`, `b`" the known name nearest to the unknown one, if it is near.
fn near_name(message: &str) -> Option<&str> {
    let mut names = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?
        .split('`')
        .skip(1)
        .step_by(2);
    let unknown = names.next()?;
    // A third of the letters wrong is still a slip; more is another word.
    let farthest = (unknown.chars().count() / 3).max(1);
    names
        .map(|name| (edit_distance(unknown, name), name))
        .filter(|(distance, _)| *distance <= farthest)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance: how many letters to insert, delete or replace.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Environment names of its own, so that no other test and no shell sets them.
    #[derive(Debug, Default, PartialEq, clap::Args, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        #[arg(long, env = "HATTAMA_CONFIG_TEST_LISTEN")]
        listen: Option<SocketAddr>,
        // PATH is set in every process: the environment's layer without changing the environment.
        #[arg(long, env = "PATH")]
        search_path: Option<String>,
        #[arg(long, env = "HATTAMA_CONFIG_TEST_DATA")]
        data_directory: Option<PathBuf>,
        #[command(flatten)]
        outbox: Outbox,
    }

    #[derive(Debug, Default, PartialEq, clap::Args, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Outbox {
        #[arg(long)]
        outbox_limit: Option<u32>,
        #[arg(long)]
        outbox_pause_seconds: Option<u64>,
    }

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        settings: Settings,
    }

    fn flags(arguments: &[&str]) -> Settings {
        Arguments::parse_from([&["test"], arguments].concat()).settings
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file() {
        let file = file(
            "listen = \"127.0.0.1:1\"\nsearch_path = \"from the file\"\ndata_directory = \"from-the-file\"\n\
             [outbox]\noutbox_limit = 1\noutbox_pause_seconds = 2\n",
        );
        let merged = layered(flags(&["--listen", "127.0.0.1:9", "--outbox-limit", "9"]), Some(file.path())).unwrap();
        let expected = Settings {
            listen: Some(listen::local(9)),
            search_path: Some(std::env::var("PATH").unwrap()),
            data_directory: Some("from-the-file".into()),
            outbox: Outbox { outbox_limit: Some(9), outbox_pause_seconds: Some(2) },
        };
        assert_eq!(merged, expected);

        let flag_over_environment = flags(&["--search-path", "from the flag"]);
        let merged = layered(flag_over_environment, Some(file.path())).unwrap();
        assert_eq!(merged.search_path.as_deref(), Some("from the flag"));
        assert_eq!(merged.listen, Some(listen::local(1)));
    }

    #[test]
    fn without_a_file_the_flags_stand() {
        let merged = layered(flags(&["--outbox-limit", "7"]), None).unwrap();
        assert_eq!(merged.outbox.outbox_limit, Some(7));
        assert_eq!(merged.listen, None);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_a_near_name() {
        let file = file("data_directory = \"x\"\n[outbox]\noutbox_limt = 3\n");
        let message = layered(Settings::default(), Some(file.path())).unwrap_err().to_string();
        for part in [
            file.path().to_str().unwrap(),
            "line 3, column 1",
            "unknown field `outbox_limt`",
            "did you mean `outbox_limit`?",
        ] {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
    }

    #[test]
    fn an_unknown_key_that_resembles_nothing_gets_no_suggestion() {
        let file = file("colour = \"red\"\n");
        let message = load::<Settings>(file.path()).unwrap_err().to_string();
        assert!(message.contains("unknown field `colour`"), "{message}");
        assert!(!message.contains("did you mean"), "{message}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        let file = file("\nlisten = \"not an address\"\n");
        let message = load::<Settings>(file.path()).unwrap_err().to_string();
        assert!(message.contains("line 2, column 10"), "{message}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let message = load::<Settings>(Path::new("/nonexistent/gateway.toml")).unwrap_err().to_string();
        assert!(message.contains("/nonexistent/gateway.toml"), "{message}");
    }

    #[test]
    fn a_missing_setting_says_how_to_give_it() {
        assert_eq!(required(Some(1), "data_directory").unwrap(), 1);
        let message = required::<u8>(None, "data_directory").unwrap_err().to_string();
        assert!(message.contains("--data-directory"), "{message}");
    }

    #[test]
    fn the_edit_distance_counts_single_letters() {
        assert_eq!(edit_distance("listen", "listen"), 0);
        assert_eq!(edit_distance("lisen", "listen"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
