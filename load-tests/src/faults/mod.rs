//! Each row's fault: what the night and the stage need for it, and how it is injected while submissions flow.

mod brokers;
mod disks;
mod generations;
mod planted;
mod processes;
mod traffic;

use crate::{
    cluster::Cluster,
    night::{DAY, Night},
    numbers::Numbers,
    pace::Pace,
    receipts::Receipts,
    rows::{Fault, Row, Signal, Target},
    stage::{Size, Stage},
};
use std::{error::Error, path::Path, time::Duration};
use tokio::time::Instant;

/// From the first protocol to the first fault, and from the last one to the last protocol.
const MARGIN: Duration = Duration::from_secs(3);

/// How a row's night is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The services.
    pub size: Size,
    /// From the beginning of one round to that of the next.
    pub round: Duration,
    /// How long protocols come.
    pub flow: Duration,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Injected {
    /// Each round.
    pub rounds: Vec<Round>,
    /// Numbers have moved only when everything that was late is published; else when anything new is.
    pub strict: bool,
    /// Nothing was broken: there is no time to measure.
    pub is_quiet: bool,
    /// Times in which no log could acknowledge anything.
    pub must_not_log: Vec<(Instant, Instant)>,
    /// What did not go as it must.
    pub findings: Vec<String>,
}

/// A fault, and until when it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// When it happened.
    pub fault: Instant,
    /// When it began to be healed: what comes later is disturbed by that.
    pub until: Instant,
    /// When it is over as planned: until then submissions flow.
    pub over: Instant,
}

impl Injected {
    /// The last fault happens now: what it takes to find out where comes before.
    fn strikes(&mut self) {
        if let Some(round) = self.rounds.last_mut() {
            round.fault = Instant::now();
        }
    }

    /// The last fault is healed from now on.
    fn heals(&mut self) {
        if let Some(round) = self.rounds.last_mut() {
            round.until = round.until.min(Instant::now());
        }
    }
}

impl Plan {
    /// The plan of a row.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let size = match row.fault {
            Fault::ThreeReplicas => Size { gateways: 2, aggregators: 2, nationals: 3 },
            Fault::ThreeWays => Size { gateways: 3, aggregators: 2, nationals: 2 },
            Fault::ComeAndGo => Size { gateways: 2, aggregators: 3, nationals: 2 },
            _ => Size { gateways: 2, aggregators: 2, nationals: 2 },
        };
        let seconds = match row.fault {
            Fault::Process(target, signal) => processes::round_seconds(target, signal),
            Fault::Broker(_, signal) => brokers::round_seconds(signal),
            Fault::TwoBrokers | Fault::AllBrokers => 60,
            Fault::RollingRestart => 90,
            Fault::ComeAndGo => 16,
            Fault::DiskFull | Fault::FailedSync => 10,
            Fault::WritePoints => 2,
            Fault::WipedInTheMiddle | Fault::Truncated => 60,
            Fault::DiskLost => 15,
            Fault::TwoOwners
            | Fault::ThreeReplicas
            | Fault::WipedAfterwards
            | Fault::PlantedPanic
            | Fault::WrongClock
            | Fault::PoisonStorm
            | Fault::ThreeWays
            | Fault::DroppedAnswers => 15,
        };
        let round = Duration::from_secs(seconds);
        Self { size, round, flow: round * row.rounds + 2 * MARGIN }
    }

    /// How long after the first event a round begins, from 0, when those before it are over in time.
    #[must_use]
    pub fn begins_after(&self, round: u32) -> Duration {
        DAY + MARGIN + self.round * round
    }

    /// How many of so many rounds must have begun before what is planned then may be sent.
    #[must_use]
    pub fn rounds_before(&self, planned: Duration, rounds: u32) -> u32 {
        (0..rounds).take_while(|round| self.begins_after(*round) <= planned).count() as u32
    }
}

/// Why a row cannot be run here; none when it can.
#[must_use]
pub fn missing(fault: Fault, cluster: &Cluster, binaries: &Path) -> Option<String> {
    match fault {
        Fault::Broker(..) | Fault::TwoBrokers | Fault::RollingRestart if cluster.size < 3 => {
            Some("it needs three brokers: leave --brokers out".to_owned())
        }
        Fault::PlantedPanic if !planted::binary(binaries).is_file() => Some(planted::how_to_build(binaries)),
        _ => None,
    }
}

/// What a fault changes of the night.
///
/// # Errors
/// When an event cannot be signed.
pub fn prepare_night(fault: Fault, night: &mut Night, plan: &Plan, seed: u64) -> Result<(), Box<dyn Error>> {
    match fault {
        Fault::PoisonStorm => traffic::poison(night, seed)?,
        Fault::ThreeWays => traffic::three_ways(night, seed),
        Fault::WipedInTheMiddle | Fault::WipedAfterwards | Fault::Truncated => generations::without_intruders(night),
        _ => return Ok(()),
    }
    night.pace(plan.flow);
    Ok(())
}

/// What a fault changes of the services before they start.
///
/// # Errors
/// When a tool is missing.
pub fn prepare_stage(fault: Fault, stage: &mut Stage<'_>) -> Result<(), Box<dyn Error>> {
    match fault {
        Fault::TwoOwners => processes::two_owners(stage),
        Fault::PlantedPanic => planted::prepare(stage),
        Fault::WrongClock => traffic::wrong_clock(stage)?,
        Fault::DiskFull | Fault::WritePoints | Fault::FailedSync => disks::prepare(stage)?,
        _ => {}
    }
    Ok(())
}

/// Injects a row's fault, round by round. A round that takes longer than planned, on a busy machine, moves what comes after it.
///
/// # Errors
/// When a service or a broker cannot be started again.
pub async fn inject(
    row: &Row,
    plan: &Plan,
    night: &Night,
    stage: &mut Stage<'_>,
    numbers: &Numbers,
    pace: Pace,
) -> Result<Injected, Box<dyn Error>> {
    let mut injected = Injected { strict: true, ..Injected::default() };
    for round in 0..row.rounds {
        let planned = stage.begins + plan.begins_after(round);
        tokio::time::sleep_until(planned).await;
        let fault = Instant::now();
        pace.round_begins(round, fault - planned);
        let over = fault + plan.round;
        injected.rounds.push(Round { fault, until: over, over });
        one_round(row.fault, night, stage, numbers, round, &mut injected).await?;
    }
    Ok(injected)
}

async fn one_round(
    fault: Fault,
    night: &Night,
    stage: &mut Stage<'_>,
    numbers: &Numbers,
    round: u32,
    injected: &mut Injected,
) -> Result<(), Box<dyn Error>> {
    match fault {
        Fault::Process(target, signal) => {
            // A precinct whose gateway is away sends later: that is no delay of the numbers.
            injected.strict = target != Target::Gateway;
            processes::signal(stage, target, signal, round, injected).await
        }
        Fault::ComeAndGo => processes::come_and_go(stage, injected).await,
        Fault::Broker(which, signal) => brokers::signal(stage, which, signal, round, injected).await,
        Fault::TwoBrokers => brokers::two(stage, round, injected).await,
        Fault::AllBrokers => brokers::all(stage, injected).await,
        Fault::RollingRestart => {
            injected.strict = false;
            for target in [Target::Gateway, Target::Aggregator, Target::National] {
                for number in 0..stage.of(target).len() as u32 {
                    processes::signal(stage, target, Signal::Term, number, injected).await?;
                }
            }
            brokers::rolling(stage).await
        }
        Fault::WipedInTheMiddle => generations::wiped(stage, injected, night).await,
        Fault::Truncated => generations::truncated(stage, injected, night).await,
        Fault::PlantedPanic => planted::panic(stage, injected, night, numbers).await,
        Fault::DiskFull => disks::full(stage, injected).await,
        Fault::FailedSync => disks::failed_sync(stage, injected).await,
        Fault::WritePoints => disks::write_point(stage, round, injected).await,
        Fault::DiskLost => {
            injected.strict = false;
            disks::lost(stage).await
        }
        Fault::TwoOwners
        | Fault::ThreeReplicas
        | Fault::WipedAfterwards
        | Fault::WrongClock
        | Fault::PoisonStorm
        | Fault::ThreeWays
        | Fault::DroppedAnswers => {
            injected.is_quiet = true;
            Ok(())
        }
    }
}

/// What is left to do when everything was sent; what does not hold.
///
/// # Errors
/// When a service does not answer.
pub async fn afterwards(
    fault: Fault,
    night: &Night,
    stage: &mut Stage<'_>,
    receipts: &Receipts,
    numbers: &Numbers,
) -> Result<Vec<String>, Box<dyn Error>> {
    for service in stage.services() {
        service.still_runs()?;
    }
    match fault {
        Fault::DiskLost => disks::send_again(night, stage, receipts).await,
        Fault::PlantedPanic => planted::replace(stage).await.map(|()| Vec::new()),
        Fault::WipedAfterwards => generations::wiped_afterwards(stage, night, numbers).await,
        _ => Ok(Vec::new()),
    }
}
