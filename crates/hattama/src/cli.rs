//! The command line.

use clap::{Args, Parser, Subcommand};
use hattama_election_log::{ClusterSettings, ElectionSettings};
use std::{num::NonZeroU32, path::PathBuf};

/// The election that is rehearsed when none is named.
pub const DEFAULT_DEFINITION: &str = "elections/kz-2023";
/// Where a rehearsal's log lies when no place is named.
pub const DEFAULT_LOG_DIR: &str = "rehearsal-log";
/// An hour of the night in a second: a night of 32 hours in about half a minute.
pub const DEFAULT_SPEED: NonZeroU32 = NonZeroU32::new(3_600).unwrap();
/// The seed of the night that is played when none is named.
pub const DEFAULT_SEED: u64 = 2023;
/// The most aggregators that share the shards of one process.
pub const MAX_AGGREGATORS: u8 = 16;

/// Election-night results: signed protocols in, totals, turnout and seats out, and everything can be recomputed.
///
/// Without a command it rehearses the night of 19 March 2023: nothing has to be installed or configured.
#[derive(Debug, Parser)]
#[command(name = "hattama", version, max_term_width = 110, after_help = "Next: hattama rehearse --help")]
pub struct Cli {
    /// What to do [default: rehearse]
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a whole election night on this machine and show what it came to
    Rehearse(RehearseArgs),
    /// Turn another system's files into a definition and a recorded night (docs/import.md)
    Import(ImportArgs),
    /// Write everything that anyone needs to recount a night into a folder
    Export(ExportArgs),
    /// Make the topics of an election's log on Kafka, or compare them with how they have to be (docs/kafka.md)
    Topics {
        /// What to do with them
        #[command(subcommand)]
        command: TopicsCommand,
    },
    /// Recompute every total and seat from exported files alone: MATCH, or the first station that differs
    Recount(RecountArgs),
    /// Check or generate the definition of an election
    Definition {
        /// What to do with it
        #[command(subcommand)]
        command: DefinitionCommand,
    },
    /// A log that has lost data: make its next generation, list the generations, give up what never comes again (docs/log.md)
    Generation {
        /// What to do
        #[command(subcommand)]
        command: Box<GenerationCommand>,
    },
}

impl Default for Command {
    fn default() -> Self {
        Self::Rehearse(RehearseArgs::default())
    }
}

/// `hattama rehearse`.
///
/// Gateways, aggregators, national service and board run in one process, but talk through the log and over gRPC as they
/// would apart. With --brokers the log lies on a Kafka cluster; with --processes they are apart. Whoever kills it may start it again with the same --log-dir: it goes on and comes to the same result.
#[derive(Debug, Clone, Args)]
pub struct RehearseArgs {
    /// Folder of the election's definition; refused when its purpose is official
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DEFINITION)]
    pub definition: PathBuf,
    /// Which of countless nights to play; the definition never changes with it
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// Seconds of the night in one real second: 3600 plays an hour in a second, 1 is the real pace
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SPEED)]
    pub speed: NonZeroU32,
    /// Folder of the log and the gateways' journals; an interrupted rehearsal in it goes on. Without this flag
    /// `rehearsal-log` is used and begun anew
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Replay an imported night (hattama import) in its order and rhythm
    #[arg(long, value_name = "DIR", conflicts_with_all = ["definition", "seed"])]
    pub recorded: Option<PathBuf>,
    /// Aggregators that share the shards
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_AGGREGATORS)))]
    pub aggregators: u8,
    /// Replicas of the national service
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub national: u8,
    /// Precinct gateways
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub gateways: u8,
    /// The log on a Kafka cluster instead of in the folder: a new night there is a new generation
    #[command(flatten)]
    pub kafka: ClusterSettings,
    /// Run every gateway, aggregator, national replica and the board as a process of its own
    #[arg(long, requires = "brokers")]
    pub processes: bool,
    /// Folder with `ca.pem` and USER.password of the users operator, gateway, aggregator and national: each service reaches a
    /// secure cluster as its own user (`deploy/kafka/local.sh --secure` makes such a folder)
    #[arg(long, value_name = "DIR", requires = "processes", conflicts_with_all = ["ca_file", "user", "password_file"])]
    pub kafka_users: Option<PathBuf>,
    /// Port of the board on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub board_port: u16,
    /// Keep the board up after the night, until Ctrl-C
    #[arg(long)]
    pub stay: bool,
    /// Print one JSON document (docs/result-schema.md) instead of the screen
    #[arg(long)]
    pub json: bool,
}

impl Default for RehearseArgs {
    fn default() -> Self {
        Self {
            definition: DEFAULT_DEFINITION.into(),
            seed: DEFAULT_SEED,
            speed: DEFAULT_SPEED,
            log_dir: None,
            recorded: None,
            aggregators: 3,
            national: 1,
            gateways: 2,
            kafka: ClusterSettings::default(),
            processes: false,
            kafka_users: None,
            board_port: 0,
            stay: false,
            json: false,
        }
    }
}

/// `hattama import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What the columns mean (docs/import.md)
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// The data: CSV, or CSV packed with xz
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Folder to write the definition and the recorded night into; must not exist or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `hattama export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// Folder to write into; must not exist or be empty
    #[arg(value_name = "DIR", required_unless_present = "out_flag")]
    pub out: Option<PathBuf>,
    /// The same as a flag
    #[arg(id = "out_flag", long = "out", value_name = "DIR", conflicts_with = "out")]
    pub out_flag: Option<PathBuf>,
    /// Folder of a rehearsal
    #[arg(long, value_name = "DIR", default_value = DEFAULT_LOG_DIR)]
    pub log_dir: PathBuf,
    /// Folder of the definition, with --brokers
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DEFINITION)]
    pub definition: PathBuf,
    /// Generation of the log, with --brokers [default: the newest]
    #[arg(long, value_name = "N", requires = "brokers")]
    pub generation: Option<u32>,
    /// A log on a Kafka cluster instead of a rehearsal's folder
    #[command(flatten)]
    pub kafka: ClusterSettings,
}

/// `hattama topics`.
#[derive(Debug, Clone, Subcommand)]
pub enum TopicsCommand {
    /// Make the topics of a generation and their genesis records; what is there stays as it is
    Apply(TopicsArgs),
    /// Compare what is there with how it has to be: each deviation with the command that mends it
    Check(TopicsArgs),
}

/// `hattama topics apply` and `check`.
#[derive(Debug, Clone, Args)]
pub struct TopicsArgs {
    /// Folder of the election's definition
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DEFINITION)]
    pub definition: PathBuf,
    /// Generation of the log; one above 1 of an official election is made with `hattama generation new`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub generation: u32,
    /// The cluster.
    #[command(flatten)]
    pub kafka: ClusterSettings,
}

/// `hattama recount`.
#[derive(Debug, Clone, Args)]
pub struct RecountArgs {
    /// Folder that `hattama export` wrote
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Print one JSON document instead of lines
    #[arg(long)]
    pub json: bool,
}

/// `hattama definition`.
#[derive(Debug, Clone, Subcommand)]
pub enum DefinitionCommand {
    /// Load a definition, name every error with file, line and column, and show what it holds
    Check {
        /// Folder of the definition
        #[arg(value_name = "DIR", default_value = DEFAULT_DEFINITION)]
        dir: PathBuf,
    },
    /// Generate the definition of kz-2023 from its committed sources
    Generate {
        /// Folder to write into
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DEFINITION)]
        out: PathBuf,
    },
}

/// `hattama generation`.
#[derive(Debug, Subcommand)]
pub enum GenerationCommand {
    /// Make the next generation: its numbers go on above the highest publication that anybody knows
    New(GenerationNewArgs),
    /// List the generations of a log and how far each has come
    Show(GenerationShowArgs),
    /// List the records of a lost log that have not come again
    ///
    /// A new generation is filled from the gateways' journals. This asks a national service which records of the last publication
    /// before the loss are not back yet, prints how many there are of each shard, and writes a list for `give-up`.
    Lost(GenerationLostArgs),
    /// Give up records that will not come again, by a signed amendment: "restoring" ends, and every result says so
    ///
    /// Board and API say "restoring" until every record of the last publication before the loss is back. Records whose journal is gone,
    /// and that no precinct sends again, are given up with this. First without --yes: it shows what would be given up and signs nothing.
    /// Only what is both on the list and still missing is given up. No figure changes by it; every result goes on saying how many records
    /// were given up, by which amendment and by whom, and what comes all the same is counted.
    GiveUp(GenerationGiveUpArgs),
}

/// `hattama generation new`.
///
/// Name every gateway, by its address or, when it does not run, by its journal. Safe to repeat: a generation that is half made
/// is completed, and one that nothing is written to is used.
#[derive(Debug, Args)]
pub struct GenerationNewArgs {
    /// Which election, and where its log lies.
    #[command(flatten)]
    pub election: ElectionSettings,
    /// Address of a gateway that runs
    #[arg(long, value_name = "ADDRESS", required_unless_present = "journal")]
    pub gateway: Vec<String>,
    /// Folder of the journal of a gateway that does not run
    #[arg(long, value_name = "DIR")]
    pub journal: Vec<PathBuf>,
    /// Address of a national service that still runs
    #[arg(long, value_name = "ADDRESS")]
    pub national: Vec<String>,
    /// Go on without this one, which could not be asked, as it was named
    #[arg(long, value_name = "NAME")]
    pub without: Vec<String>,
}

/// `hattama generation show`.
#[derive(Debug, Args)]
pub struct GenerationShowArgs {
    /// Which election, and where its log lies.
    #[command(flatten)]
    pub election: ElectionSettings,
}

/// `hattama generation lost`.
#[derive(Debug, Args)]
pub struct GenerationLostArgs {
    /// Address of a national service
    #[arg(long, value_name = "ADDRESS")]
    pub national: String,
    /// File to write the list into, as JSON; one that is there is replaced
    #[arg(long, value_name = "FILE", default_value = "lost.json")]
    pub out: PathBuf,
}

/// `hattama generation give-up`.
#[derive(Debug, Args)]
pub struct GenerationGiveUpArgs {
    /// The list that `hattama generation lost` wrote; ranges may be taken out of it
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    /// Folder of the election's definition
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DEFINITION)]
    pub definition: PathBuf,
    /// Address of a national service
    #[arg(long, value_name = "ADDRESS")]
    pub national: String,
    /// Address of the gateway that takes the amendments
    #[arg(long, value_name = "ADDRESS")]
    pub gateway: String,
    /// Who signs: the central commission or the operator, by its id in the definition
    #[arg(long, value_name = "ID")]
    pub author: String,
    /// File with the author's private key: 32 bytes in base64url [default: a rehearsal's own key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Why these will not come again, for everyone to read in the log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Go on although records of control are missing too, which may be amendments
    #[arg(long)]
    pub without_control: bool,
    /// Sign and submit
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
