//! Plays the night of one row, with its fault, and looks at what came of it.

use crate::{
    cluster::Cluster,
    diagnostics,
    faults::{self, Injected, Plan},
    in_log::Era,
    night::Night,
    numbers::{Numbers, moved_after},
    pace::{self, Pace},
    proxy::Proxies,
    receipts::{self, Receipts},
    report::{RowReport, Verdict, milliseconds},
    rows::{Fault, Row},
    stage::Stage,
    timeline,
    verify::{self, Evidence, Truth},
};
use hattama_election::digest::SubmissionDigest;
use hattama_night_play::{
    clients,
    export::Exported,
    freshness::Freshness,
    in_the_log,
    player::{Answered, Counters, Player},
};
use hattama_proto::gateway::v1::{Receipt, ReceiptState};
use hattama_rehearsal::script::RehearsalKeyring;
use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    error::Error,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// After the last submission everything must be published within this.
const COVERED_WITHIN: Duration = Duration::from_secs(90);
/// After that gateways have read every outcome within this.
const STANDINGS_WITHIN: Duration = Duration::from_secs(120);
/// A whole row takes at most this much longer than its flow.
const ROW_WITHIN: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(250);
/// How often a line says how far it is.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Tries for one submission: longer than any outage of a row.
const TRIES: u32 = 60;
/// Receipts on their way to the collector.
const RECEIPTS_QUEUE: usize = 4_096;

/// What every row is run with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The brokers.
    pub cluster: &'a Cluster,
    /// Where the services' binaries lie.
    pub binaries: PathBuf,
    /// Where rows leave their logs.
    pub out: PathBuf,
    /// The first row's seed; each row has the next.
    pub seed: u64,
}

/// Runs a row; whatever goes wrong is a finding.
pub async fn row(context: &Context<'_>, row: &Row, number: u64) -> RowReport {
    let started = Instant::now();
    let mut report = RowReport::new(row);
    if let Some(why) = faults::missing(row.fault, context.cluster, &context.binaries) {
        report.verdict = Verdict::Skipped;
        report.findings.push(why);
        return report;
    }
    if let Err(error) = played(context, row, number, &mut report).await {
        report.findings.push(error.to_string());
    }
    report.verdict = if report.findings.is_empty() { Verdict::Passed } else { Verdict::Failed };
    report.seconds = started.elapsed().as_secs();
    report
}

async fn played(context: &Context<'_>, row: &Row, number: u64, report: &mut RowReport) -> Result<(), Box<dyn Error>> {
    let plan = Plan::of(row);
    let mut night = Night::generate(&format!("faults-{number}"), context.seed + number, plan.flow)?;
    faults::prepare_night(row.fault, &mut night, &plan, context.seed + number)?;
    // Before the stage: from there on the night's clock runs.
    let truth = Truth::of(&night)?;
    let folder = context.out.join(&row.id);
    let mut stage = Stage::build(context.cluster, &night, plan.size, &context.binaries, &folder).await?;
    faults::prepare_stage(row.fault, &mut stage)?;
    let within = plan.flow + ROW_WITHIN;
    let ended = match timeout(within, on_stage(context, row, &plan, &night, &truth, &mut stage, report)).await {
        Ok(ended) => ended,
        Err(_) => Err(format!("it was not over after {} s", within.as_secs()).into()),
    };
    if ended.is_err()
        && let Err(error) = diagnostics::keep(&mut stage).await
    {
        report.findings.push(format!("what was said at the end could not be kept: {error}"));
    }
    ended
}

async fn on_stage(
    context: &Context<'_>,
    row: &Row,
    plan: &Plan,
    night: &Night,
    truth: &Truth,
    stage: &mut Stage<'_>,
    report: &mut RowReport,
) -> Result<(), Box<dyn Error>> {
    stage.start().await?;
    let begins = stage.begins;
    let numbers = Numbers::default();
    let following = numbers.follow(&stage.replicas());
    let proxies = match row.fault {
        Fault::DroppedAnswers => Some(Proxies::start(&stage.gateway_addresses(), context.seed).await?),
        _ => None,
    };
    let doors = proxies.as_ref().map_or_else(|| stage.gateway_addresses(), Proxies::addresses);
    let (pace, events) = Pace::events(night, plan, row.rounds, begins);
    let (player, collected, counters, collecting) = cast(night, stage, &doors)?;
    // A fault that cannot be injected or healed ends the row with its own error, whatever the precincts still wait for.
    let playing =
        async { tokio::try_join!(player.play(events), faults::inject(row, plan, night, stage, &numbers, pace)) };
    let (played, injected) = tokio::select! {
        ended = playing => ended?,
        never = tell(&row.id, night.events.len(), &counters, &numbers) => match never {},
    };
    collecting.await?;
    let over = Instant::now();
    report.findings.extend(played.surprises.clone());
    report.findings.extend(faults::afterwards(row.fault, night, stage, &collected, &numbers).await?);

    let ends = in_the_log::ends(&stage.log, &stage.topics.submissions, &night.definition).await?;
    await_covered(&numbers, stage.generation, &ends).await?;
    let covered = Instant::now();
    let final_receipts = await_standings(stage, truth).await?;
    report.standings_late_milliseconds = milliseconds(covered.elapsed());
    stage.stop().await?;
    drop(following);

    let answered = collected.all();
    let evidence = evidence(stage, night, &answered, final_receipts, &numbers).await?;
    report.findings.extend(verify::findings(night, &evidence, truth));
    report.findings.extend(numbers.wrong());
    timeline::write(&stage.folder.join("timeline.csv"), begins, &injected, &answered, &evidence.seen)?;
    report.submissions = ends.values().map(|end| end - 1).sum();
    report.publications = evidence.eras.iter().map(|era| era.publications.valid.len() as u64).sum();
    report.lost_races = evidence.eras.iter().map(|era| era.publications.lost_races).sum();
    report.claims = evidence.claims.len() as u64;
    report.retried = counters.retried.load(Ordering::Relaxed);
    let due = pace::due(night, plan, &injected.rounds, begins);
    times(report, row, &answered, &due, &numbers, &injected, over);
    stage.log.clone().close().await?;
    Ok(())
}

/// What everybody said, and what a recount of an export says of it.
async fn evidence(
    stage: &mut Stage<'_>,
    night: &Night,
    answered: &[Answered],
    final_receipts: Vec<(SubmissionDigest, Receipt)>,
    numbers: &Numbers,
) -> Result<Evidence, Box<dyn Error>> {
    let said = || {
        let on_the_way = answered.iter().map(|answered| (answered.digest, &answered.receipt));
        on_the_way.chain(final_receipts.iter().map(|(digest, receipt)| (*digest, receipt)))
    };
    let (claims, places) = (receipts::claims(said()), receipts::places(said()));
    let mut eras = std::mem::take(&mut stage.lost);
    let (log, topics, generation) = (&stage.log, &stage.topics, stage.generation);
    eras.push(Era::read(log, topics, &night.definition, generation).await?);
    let exported = Exported { log, files: &night.files, definition: &night.definition, generation };
    let recounted = exported.recounted("hattama-load-tests", &stage.folder.join("export")).await?;
    Ok(Evidence { claims, places, receipts: final_receipts, seen: numbers.seen(), eras, recounted })
}

type Cast = (Player, Receipts, Arc<Counters>, tokio::task::JoinHandle<()>);

/// The precincts, and who writes down what they are told.
fn cast(night: &Night, stage: &Stage<'_>, doors: &[SocketAddr]) -> Result<Cast, Box<dyn Error>> {
    let (sender, receiver) = mpsc::channel::<Answered>(RECEIPTS_QUEUE);
    let (receipts, counters) = (Receipts::default(), Arc::new(Counters::default()));
    let collecting = tokio::spawn(receipts.clone().collect(receiver));
    let player = Player {
        definition: Arc::clone(&night.definition),
        keyring: RehearsalKeyring::new(&night.definition)?,
        clock: stage.clock,
        gateways: doors.iter().map(|address| clients::gateway(*address)).collect::<Result<_, _>>()?,
        log: stage.log.clone(),
        submissions: stage.topics.submissions.clone(),
        already_logged: HashSet::new(),
        freshness: Arc::new(Freshness::new()?),
        counters: Arc::clone(&counters),
        tries: TRIES,
        receipts: Some(sender),
    };
    Ok((player, receipts, counters, collecting))
}

async fn tell(row: &str, events: usize, counters: &Counters, numbers: &Numbers) -> Infallible {
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        let played = counters.played.load(Ordering::Relaxed);
        let newest = numbers.seen().last().map_or((0, 0), |seen| (seen.sequence, seen.counted));
        eprintln!("{row}: {played} of {events} sent, publication {} with {} protocols", newest.0, newest.1);
    }
}

async fn await_covered(numbers: &Numbers, generation: u32, ends: &BTreeMap<u32, u64>) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + COVERED_WITHIN;
    while !numbers.cover(generation, ends) {
        if Instant::now() > deadline {
            let newest = numbers.seen().last().map(|seen| seen.vector.clone());
            let after = COVERED_WITHIN.as_secs();
            return Err(format!("after {after} s publications end at {newest:?}, the log at {ends:?}").into());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// What gateways say in the end; waits until that is the truth, and otherwise gives what it is.
async fn await_standings(stage: &Stage<'_>, truth: &Truth) -> Result<Vec<(SubmissionDigest, Receipt)>, Box<dyn Error>> {
    let deadline = Instant::now() + STANDINGS_WITHIN;
    loop {
        let said = receipts::ask(&stage.gateway_addresses(), &truth.submissions).await?;
        if receipts::counted(&verify::protocols(&said, truth)) == truth.contents || Instant::now() > deadline {
            return Ok(said);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How long receipts and numbers stood still, against what the row allows.
fn times(
    report: &mut RowReport,
    row: &Row,
    answered: &[Answered],
    due: &BTreeMap<u32, Instant>,
    numbers: &Numbers,
    injected: &Injected,
    over: Instant,
) {
    let sent = receipts::sent(answered, due);
    let seen = numbers.seen();
    let mut moves = Vec::new();
    for (place, round) in injected.rounds.iter().enumerate().filter(|_| !injected.is_quiet) {
        match moved_after(round.fault, round.until, if injected.strict { &sent } else { &[] }, &seen) {
            Some(moved) => moves.push(moved),
            None => report.findings.push(format!("round {}: numbers never moved again", place + 1)),
        }
    }
    if let (Some(within), Some(worst)) = (row.moves_within, moves.iter().max())
        && *worst > within
    {
        report.findings.push(format!("numbers moved again after {worst:.1?}, {within:.0?} are promised"));
    }
    report.moved_milliseconds = moves.into_iter().map(milliseconds).collect();
    if (injected.rounds.len() as u32) < row.rounds {
        report.findings.push(format!("only {} of {} rounds while submissions came", injected.rounds.len(), row.rounds));
    }
    let last = due.values().max().map_or(over, |last| (*last).min(over));
    let rounds = injected.rounds.iter().map(|round| (round.fault, round.over.min(last))).filter(|(from, to)| from < to);
    let gaps = rounds.map(|(from, to)| receipts::longest_gap(answered, ReceiptState::Received, from, to));
    if let Some(gap) = gaps.max() {
        report.longest_gap_milliseconds = milliseconds(gap);
        if let Some(within) = row.gap_within.filter(|within| gap > *within) {
            report.findings.push(format!("no receipt for {gap:.1?}, {within:.0?} are promised"));
        }
    }
    report.findings.extend(injected.findings.iter().cloned());
    report.findings.extend(injected.must_not_log.iter().filter_map(|(from, to)| {
        let logged = logged_within(answered, *from, *to);
        (logged > 0).then(|| format!("{logged} submissions became LOGGED while no log could acknowledge them"))
    }));
}

/// New offsets that were acknowledged in a time.
fn logged_within(answered: &[Answered], from: Instant, to: Instant) -> usize {
    let mut known: HashSet<(u32, u64)> = HashSet::new();
    let mut logged = 0;
    for answered in answered {
        let Some(position) = &answered.receipt.position else { continue };
        let is_new = known.insert((position.partition, position.offset));
        logged += usize::from(is_new && (from..to).contains(&answered.at));
    }
    logged
}
