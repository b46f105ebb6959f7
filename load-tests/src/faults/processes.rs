//! Faults of the services' processes.

use super::Injected;
use crate::{
    rows::{Signal, Target},
    stage::Stage,
};
use std::{error::Error, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// A process that stands still is past its session by then (6 s), and what others do about it has happened.
const STANDS_STILL: Duration = Duration::from_secs(9);
/// A dead aggregator is away for longer than its session, so that another must take its shards.
const AGGREGATOR_AWAY: Duration = Duration::from_secs(11);
/// Another dead process is started again as soon as an init system would.
const OTHERS_AWAY: Duration = Duration::from_secs(2);
/// How long members that came stay.
const MEMBERS_STAY: Duration = Duration::from_secs(3);

/// How long a round takes, with time to settle.
pub fn round_seconds(target: Target, signal: Signal) -> u64 {
    match (target, signal) {
        (Target::Aggregator, Signal::Kill) => 16,
        (_, Signal::Stop) => 14,
        (Target::Aggregator, Signal::Term) => 10,
        (Target::Gateway | Target::National, _) => 7,
    }
}

/// One process gets a signal: in turn each.
pub async fn signal(
    stage: &mut Stage<'_>,
    target: Target,
    signal: Signal,
    round: u32,
    injected: &mut Injected,
) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let services = stage.of(target);
    let place = round as usize % services.len();
    let service = &mut services[place];
    match signal {
        Signal::Kill => {
            service.kill().await?;
            sleep_until(begun + if target == Target::Aggregator { AGGREGATOR_AWAY } else { OTHERS_AWAY }).await;
        }
        Signal::Term => drop(service.terminate().await?),
        Signal::Stop => {
            service.stand_still(STANDS_STILL).await?;
            injected.heals();
            return Ok(());
        }
    }
    injected.heals();
    service.start()?;
    Ok(service.ready().await?)
}

/// Both aggregators own every shard, whatever the other one does.
pub fn two_owners(stage: &mut Stage<'_>) {
    let shards: Vec<String> = (0..crate::night::SHARDS).map(|shard| shard.to_string()).collect();
    for aggregator in &mut stage.aggregators {
        aggregator.flag("--shards", &shards.join(","));
    }
}

/// Two members of three leave, one without a word, and come again.
pub async fn come_and_go(stage: &mut Stage<'_>, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    stage.aggregators[1].terminate().await?;
    stage.aggregators[2].kill().await?;
    sleep(AGGREGATOR_AWAY - MEMBERS_STAY).await;
    injected.heals();
    for aggregator in &mut stage.aggregators[1..] {
        aggregator.start()?;
        aggregator.ready().await?;
    }
    sleep(MEMBERS_STAY).await;
    Ok(())
}
