//! `hattama rehearse`: a whole election night on one machine, and what it came to.

mod apart;
mod byte_to_break;
mod cluster;
pub mod directory;
mod figures;
mod generation;
mod guard;
mod history;
mod progress;
mod run_report;
mod screen;
mod users;

use crate::{
    cli::{DEFAULT_LOG_DIR, RehearseArgs},
    commands::export::PROGRAM,
    output::print,
};
use byte_to_break::ByteToBreak;
use cluster::{Cluster, Dead, Plan, Size};
use directory::{Directory, Locked, Marker};
use generation::{FIRST_GENERATION, NightLog};
use guard::{Guard, Trouble};
use hattama_night_play::{
    answers::Answers,
    clock::{first_unsent, time_of},
    expected,
    export::Exported,
    freshness::Freshness,
    in_the_log,
    night::Night,
    player::{Counters, DEFAULT_TRIES, Player},
    watch,
};
use hattama_record_log::{LogError, RecordLog};
use hattama_recount::{Recounted, ResultDocument, Verdict};
use hattama_rehearsal::script::RehearsalKeyring;
use hattama_service_kit::{
    clock::{Clock, Purpose},
    config::ProcessSettings,
    listen,
    shutdown::{self, Shutdown},
    telemetry,
};
use history::History;
use progress::Progress;
use run_report::{Quantiles, RunReport, bytes_of, mean_per_second};
use std::{
    collections::HashSet,
    error::Error,
    fs,
    path::Path,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use users::Users;

/// Services have this long to come up before the first report is due, in real time.
const LEAD: Duration = Duration::from_secs(1);
/// The same where each service is a process: it reads the definition and joins the cluster first.
const LEAD_APART: Duration = Duration::from_secs(3);
/// What this client is called in the brokers' logs.
const CLIENT: &str = "rehearsal";
/// After the last submission everything must be published within this; it takes fractions of a second when all is well.
const COVERED_WITHIN: Duration = Duration::from_secs(120);
/// Exit code of a night that a signal ended: what shells give for Ctrl-C (128 + SIGINT).
const EXIT_INTERRUPTED: u8 = 130;
/// What services say while the screen belongs to the bars: what a person must act on.
const DEFAULT_LOG_FILTER: &str = "error";

/// Plays a night and shows it.
pub fn run(args: &RehearseArgs) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(rehearse(args))
}

async fn rehearse(args: &RehearseArgs) -> Result<ExitCode, Box<dyn Error>> {
    let started_at_all = Instant::now();
    let log_filter = std::env::var("HATTAMA_LOG").unwrap_or_else(|_| DEFAULT_LOG_FILTER.to_owned());
    let telemetry = telemetry::start(&ProcessSettings { log: Some(log_filter), ..ProcessSettings::default() })?;
    let mut night = match &args.recorded {
        Some(folder) => Night::recorded(folder)?,
        None => Night::generated(&args.definition, args.seed)?,
    };
    let definition = Arc::clone(&night.definition);
    let path = args.log_dir.as_deref().unwrap_or(Path::new(DEFAULT_LOG_DIR));
    let anew = args.log_dir.is_none();
    let users = Users::of(args);
    let kafka = users.operator().kafka(CLIENT)?;
    let (id, core_digest, label) = (definition.id.as_str(), &definition.core_digest, &night.label);
    let marker = |generation| Marker::new(id, core_digest, label.clone(), generation, kafka.is_some());
    let folder = Locked::folder(path)?;
    let (cluster_log, generation) = match &kafka {
        None => (None, FIRST_GENERATION),
        Some(settings) => {
            let log = RecordLog::connect_kafka(settings.clone()).await?;
            let generation = generation::on_cluster(&log, &definition, path, &marker(FIRST_GENERATION), anew).await?;
            (Some(log), generation)
        }
    };
    if anew && Directory::marker(path)?.is_some() {
        nobody_reads(&directory::log_of(path)).await?;
    }
    let directory = Directory::claim(folder, &marker(generation), anew)?;
    night.files.write(&directory.definition())?;

    let log = match cluster_log {
        Some(log) => log,
        None => RecordLog::open_embedded(&directory.log()).await?,
    };
    let night_log = generation::create(log, &definition, generation, kafka.as_ref()).await?;
    let NightLog { log, topics, .. } = &night_log;
    let already_logged = if directory.goes_on {
        in_the_log::logged(log, &topics.submissions, &definition).await?
    } else {
        HashSet::new()
    };
    let stop = Shutdown::new();
    shutdown::on_signals(&stop)?;
    let keyring = RehearsalKeyring::new(&definition)?;
    let events = std::mem::take(&mut night.events);
    let first = first_unsent(&events, &already_logged, &keyring, &definition);
    let time = time_of(first, args.speed, if args.processes { LEAD_APART } else { LEAD })?;
    let clock = Clock::rehearsal(Purpose::Rehearsal, time)?;
    let plan = Plan {
        definition: &definition,
        night: &night_log,
        users: &users,
        directory: &directory,
        time,
        clock,
        size: Size { gateways: args.gateways, aggregators: args.aggregators, national: args.national },
        board: listen::local(args.board_port),
    };
    let mut cluster = if args.processes { Cluster::apart(plan).await? } else { Cluster::together(plan).await? };
    say(args, &format!("Board: http://{}/", cluster.board));

    let intruders_log = match users.intruder() {
        Some(settings) => RecordLog::connect_kafka(settings.kafka(CLIENT)?.ok_or("an intruder needs brokers")?).await?,
        None => log.clone(),
    };
    let started = clock.monotonic();
    let counters = Arc::new(Counters::default());
    let freshness = Arc::new(Freshness::new()?);
    let (newest, following) = watch::follow(cluster.national_client()?, Arc::clone(&freshness));
    let progress = Progress::start(&definition, events.len() as u64, clock, Arc::clone(&counters), newest.clone());
    let player = Player {
        definition: Arc::clone(&definition),
        keyring,
        clock,
        gateways: cluster.gateway_clients()?,
        log: intruders_log,
        submissions: topics.submissions.clone(),
        already_logged,
        freshness: Arc::clone(&freshness),
        counters: Arc::clone(&counters),
        tries: DEFAULT_TRIES,
        receipts: None,
    };
    let mut guard = Guard {
        definition: Arc::clone(&definition),
        night: night_log.clone(),
        national: cluster.national_client()?,
        admins: cluster.national_admins(),
        telemetry,
    };
    let to_the_end = async {
        let played = player.play(tokio_stream::iter(events)).await?;
        let ends = in_the_log::ends(log, &topics.submissions, &definition).await?;
        watch::covers(newest, &ends, COVERED_WITHIN).await?;
        Ok::<_, Box<dyn Error>>((played, ends))
    };
    let ended = tokio::select! {
        // Ctrl-C in a terminal reaches the services too: that they end then is no failure.
        biased;
        _ = stop.requested() => Err(Early::Interrupted),
        dead = cluster.first_to_end() => Err(Early::Died(dead)),
        trouble = guard.first_trouble() => Err(Early::Trouble(trouble)),
        ended = to_the_end => Ok(ended),
    };
    let seconds = started.elapsed().as_secs_f64();
    progress.end();
    let (played, ends) = match ended {
        Ok(ended) => ended?,
        Err(early) => {
            following.abort();
            cluster.stop().await;
            night_log.log.close().await?;
            eprintln!("{}", stopped(&counters, directory.path()));
            return early.exit();
        }
    };

    let answers = Answers::ask(cluster.national_client()?).await?;
    let recounted = recount_night(&night_log, &night, &directory).await?;
    let history = History::read(&night_log, &definition).await?;
    let mut surprises = played.surprises.clone();
    surprises.extend(expected::surprises(&night, &answers));
    surprises.extend(guard.look().await.map(|trouble| trouble.to_string()));
    let run = RunReport {
        election: definition.id.to_string(),
        night: night.label.clone(),
        log_dir: directory.path().display().to_string(),
        on_kafka: kafka.is_some(),
        processes: args.processes,
        log_bytes: bytes_of(directory.path())?,
        generation,
        went_on: directory.goes_on,
        gateways: args.gateways,
        aggregators: args.aggregators,
        national: args.national,
        speed: args.speed.get(),
        seconds,
        total_seconds: started_at_all.elapsed().as_secs_f64(),
        submissions_logged: counters.logged.load(Ordering::Relaxed),
        refused_by_gateways: played.refused_by_rule.clone(),
        intruded: counters.intruded.load(Ordering::Relaxed),
        retried: counters.retried.load(Ordering::Relaxed),
        skipped: counters.skipped.load(Ordering::Relaxed),
        mean_per_second: mean_per_second(&played, seconds),
        peak_per_second: played.logged_by_second.iter().copied().max().unwrap_or(0),
        latency: Quantiles::from(&played.latency),
        freshness: Quantiles::from(&freshness.took()),
        last_publication: answers.result.publication.as_ref().map_or(0, |publication| publication.sequence),
        positions: ends,
        history,
        open: answers.open(),
        surprises,
        recount: recounted.report.clone(),
    };
    following.abort();
    let byte = ByteToBreak::in_export(&directory.export());
    show(args, &answers, &run, byte.as_ref(), &recounted)?;
    if args.stay {
        say(args, &format!("The board stays at http://{}/ until Ctrl-C", cluster.board));
        // Whoever has died is told below.
        tokio::select! {
            _ = stop.requested() => {}
            _ = cluster.first_to_end() => {}
        }
    }
    let failed = cluster.has_failed();
    cluster.stop().await;
    night_log.log.close().await?;
    let all_well = !failed && is_well(run.recount.verdict, &run.surprises);
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a night that was played to its end went as it must.
fn is_well(recount: Verdict, surprises: &[String]) -> bool {
    recount == Verdict::Match && surprises.is_empty()
}

/// What ends a night before its end.
#[derive(Debug)]
enum Early {
    /// Ctrl-C.
    Interrupted,
    /// A service has ended by itself.
    Died(Dead),
    /// An invariant is broken.
    Trouble(Trouble),
}

impl Early {
    /// How the command ends then. What could not be carried through is an error; a check that failed is an outcome.
    fn exit(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Interrupted => Ok(ExitCode::from(EXIT_INTERRUPTED)),
            Self::Died(dead) => Err(dead.into()),
            Self::Trouble(trouble) => {
                eprintln!("failed: {trouble}");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// What a night that was stopped says: nothing is lost, and how it goes on.
fn stopped(counters: &Counters, directory: &Path) -> String {
    format!(
        "stopped before the end: {} submissions are safe in the log. The same command with `--log-dir {}` goes on.",
        figures::grouped(counters.logged.load(Ordering::Relaxed) + counters.skipped.load(Ordering::Relaxed)),
        directory.display()
    )
}

/// What a folder holds that is begun anew is deleted first: never under one who reads its log, an export for instance.
async fn nobody_reads(log: &Path) -> Result<(), LogError> {
    if !log.exists() {
        return Ok(());
    }
    match RecordLog::open_embedded(log).await {
        Ok(log) => log.close().await,
        Err(error @ LogError::Locked { .. }) => Err(error),
        // Whatever else is wrong with it goes with it.
        Err(_) => Ok(()),
    }
}

/// The first line, and what else is told on the way. With `--json` standard output belongs to the document.
fn say(args: &RehearseArgs, text: &str) {
    if args.json {
        eprintln!("{text}");
    } else {
        print(text);
    }
}

/// What `--json` prints; the result's fields stay in the order of its canonical bytes.
#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    result: Option<&'a ResultDocument>,
    run: &'a RunReport,
}

fn show(
    args: &RehearseArgs,
    answers: &Answers,
    run: &RunReport,
    byte: Option<&ByteToBreak>,
    recounted: &Recounted,
) -> Result<(), Box<dyn Error>> {
    if args.json {
        let document = Document { schema: "hattama/rehearsal/1", result: recounted.result.as_ref(), run };
        print(serde_json::to_string_pretty(&document)?);
    } else {
        print(screen::render(answers, run, byte, &command_line()).trim_end());
    }
    Ok(())
}

/// How the reader has called this program: through cargo, or by its name.
fn command_line() -> String {
    if std::env::var_os("CARGO").is_some() {
        return "cargo run --release --".to_owned();
    }
    "hattama".to_owned()
}

async fn recount_night(log: &NightLog, night: &Night, directory: &Directory) -> Result<Recounted, Box<dyn Error>> {
    let out = directory.export();
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let NightLog { log, generation, .. } = log;
    let exported = Exported { log, files: &night.files, definition: &night.definition, generation: *generation };
    Ok(exported.recounted(PROGRAM, &out).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_night_that_the_recount_matches_and_that_has_no_surprise_is_well() {
        let surprise = || "shard 1 is frozen".to_owned();
        assert!(is_well(Verdict::Match, &[]));
        assert!(!is_well(Verdict::Mismatch, &[]));
        assert!(!is_well(Verdict::Match, &[surprise()]));
        assert!(!is_well(Verdict::Mismatch, &[surprise()]));
    }

    #[test]
    fn no_night_that_ends_early_ends_with_0() {
        let code = |early: Early| format!("{:?}", early.exit().ok());
        assert_ne!(code(Early::Interrupted), format!("{:?}", Some(ExitCode::SUCCESS)));
        assert_eq!(code(Early::Trouble(Trouble::Stopped)), format!("{:?}", Some(ExitCode::FAILURE)));
        let dead = Dead::Service(hattama_service_kit::shutdown::Cause::Parent);
        assert!(Early::Died(dead).exit().is_err(), "main makes 2 of it");
    }
}
