//! `hattama-load-tests`: what the system does when things break, on real processes and real brokers.

mod cluster;
mod diagnostics;
mod disk;
mod faults;
mod in_log;
mod night;
mod numbers;
mod pace;
mod play;
mod preload;
mod proxy;
mod random;
mod receipts;
mod report;
mod rows;
mod services;
mod stage;
mod timeline;
mod verify;

use clap::{Args, Parser, Subcommand};
use cluster::Cluster;
use play::Context;
use report::Run;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// Where the cluster's first broker listens when nothing is said.
const DEFAULT_PORT: u16 = 27_092;
/// Exit code of a run that a signal ended: what shells give for Ctrl-C (128 + SIGINT).
const EXIT_INTERRUPTED: u8 = 130;

/// What the system does when things break: real processes, real brokers, generated truth.
#[derive(Debug, Parser)]
#[command(name = "hattama-load-tests", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a night for each row of the fault table, break what the row says, and check that nothing is lost, nothing counts
    /// twice and every number is true
    Faults(FaultsArgs),
}

#[derive(Debug, Args)]
struct FaultsArgs {
    /// Rows to run [default: all]
    rows: Vec<String>,
    /// Name the rows and what they do, and run none
    #[arg(long)]
    list: bool,
    /// Brokers: 1 for a quick look at rows that break none
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    brokers: u8,
    /// Full runs in a row, each with other nights; ends with the first one in which a row fails
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Rounds of rows that measure a promised time, spread over the runs
    #[arg(long, value_name = "N", default_value_t = rows::TIMED_ROUNDS, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    timed_rounds: u32,
    /// Rounds of each row in each run, whatever its own number
    #[arg(long, value_name = "N", conflicts_with = "timed_rounds", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: Option<u32>,
    /// Tell how long numbers and receipts stood still, and judge only whether everything is true: for machines that are busy
    /// with other work
    #[arg(long)]
    only_tell_times: bool,
    /// Seed of the first night
    #[arg(long, value_name = "N", default_value_t = 2023)]
    seed: u64,
    /// First port of the brokers
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Folder for logs, journals and exports; the rows' folders in it are begun anew
    #[arg(long, value_name = "DIR", default_value = "target/faults")]
    out: PathBuf,
    /// Folder of the services' binaries [default: where this one lies]
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Write the report as JSON, after each row
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Go on after the last row in the report, if it is of the same command and commit and no row failed
    #[arg(long, requires = "json")]
    resume: bool,
    /// Write the report as a page
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Command::Faults(args) = Cli::parse().command;
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &FaultsArgs) -> Result<ExitCode, Box<dyn Error>> {
    let mut rows = rows::chosen(&args.rows)?;
    for row in &mut rows {
        row.rounds = match args.rounds {
            Some(rounds) => rounds,
            None if row.is_timed() => args.timed_rounds.div_ceil(args.runs),
            None => row.rounds,
        };
    }
    if args.only_tell_times {
        for row in &mut rows {
            (row.moves_within, row.gap_within) = (None, None);
        }
    }
    if args.list {
        for row in rows {
            println!("{:<22} {}. {}", row.id, row.does, row.must);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // Whatever ends first, everything that was started is dropped, and ends with it.
        tokio::select! {
            ended = faults(args, &rows) => ended,
            _ = interrupt.recv() => Ok(ExitCode::from(EXIT_INTERRUPTED)),
            _ = terminate.recv() => Ok(ExitCode::from(EXIT_INTERRUPTED)),
        }
    })
}

async fn faults(args: &FaultsArgs, rows: &[rows::Row]) -> Result<ExitCode, Box<dyn Error>> {
    let out = std::path::absolute(&args.out)?;
    fs::create_dir_all(&out)?;
    eprintln!("starting {} broker(s)", args.brokers);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cluster = Cluster::start(&root, &out.join("kafka"), args.port, args.brokers).await?;
    let binaries = match &args.binaries {
        Some(folder) => folder.clone(),
        None => std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let context = Context { cluster: &cluster, binaries, out, seed: args.seed };
    let mut run = match &args.json {
        Some(path) if args.resume => Run::gone_on_with(path, args.brokers).unwrap_or_else(|why| {
            eprintln!("all rows are run anew: {why}");
            Run::new(args.brokers)
        }),
        _ => Run::new(args.brokers),
    };
    let mut nights = 1..;
    for number in 1..=args.runs {
        for (row, night) in rows.iter().zip(&mut nights) {
            if run.has(&row.id, number) {
                continue;
            }
            eprintln!("{}: {}", row.id, row.does);
            let report = play::row(&context, row, night).await;
            eprintln!("{}: {:?} in {} s, run {number} of {}", row.id, report.verdict, report.seconds, args.runs);
            run.add(report);
            save(args, &run)?;
        }
        if run.failed() {
            break;
        }
    }
    println!("{}", run.table());
    Ok(if run.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// After each row: a run that is stopped has told what it had.
fn save(args: &FaultsArgs, run: &Run) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_string_pretty(run)? + "\n")?;
    }
    if let Some(path) = &args.markdown {
        fs::write(path, run.markdown())?;
    }
    Ok(())
}
