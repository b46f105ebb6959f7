//! Faults of the brokers.

use super::Injected;
use crate::{
    rows::{Signal, Which},
    stage::Stage,
};
use hattama_night_play::player::LONGEST_PAUSE;
use std::{error::Error, time::Duration};
use tokio::time::{Instant, sleep};

/// A broker is away for longer than it takes others to notice (6 s) and to lead its partitions.
const BROKER_AWAY: Duration = Duration::from_secs(10);
/// A broker that hangs does so for longer than numbers may stand still: that it goes on again must not be what helps.
const BROKER_HANGS: Duration = Duration::from_secs(20);
/// Without two of three nothing can be acknowledged for so long.
const TWO_AWAY: Duration = Duration::from_secs(14);
/// What was acknowledged before the second one died a precinct may learn when it asks again.
const ON_ITS_WAY: Duration = Duration::from_secs(LONGEST_PAUSE.as_secs() + 1);

/// How long a round takes, with time to come into step again.
pub fn round_seconds(signal: Signal) -> u64 {
    match signal {
        Signal::Kill | Signal::Term => 24,
        Signal::Stop => 32,
    }
}

/// One broker gets a signal; it is in step again before this returns.
pub async fn signal(
    stage: &Stage<'_>,
    which: Which,
    signal: Signal,
    round: u32,
    injected: &mut Injected,
) -> Result<(), Box<dyn Error>> {
    let cluster = stage.cluster;
    let controller = cluster.controller()?;
    let others: Vec<u8> = (1..=cluster.size).filter(|broker| *broker != controller).collect();
    let broker = match which {
        Which::Controller => controller,
        Which::Follower => others[round as usize % others.len()],
    };
    let command = match signal {
        Signal::Kill => "kill",
        Signal::Term => "stop",
        Signal::Stop => "pause",
    };
    injected.strikes();
    cluster.broker(command, broker).await?;
    sleep(if signal == Signal::Stop { BROKER_HANGS } else { BROKER_AWAY }).await;
    injected.heals();
    cluster.broker(if signal == Signal::Stop { "resume" } else { "start" }, broker).await?;
    stage.in_step().await
}

/// Two brokers of three die, and come again.
pub async fn two(stage: &Stage<'_>, round: u32, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    let stays = 1 + (round % u32::from(stage.cluster.size)) as u8;
    for broker in (1..=stage.cluster.size).filter(|broker| *broker != stays) {
        stage.cluster.broker("kill", broker).await?;
    }
    come_again(stage, injected).await
}

/// All brokers die, and come again.
pub async fn all(stage: &Stage<'_>, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    for broker in 1..=stage.cluster.size {
        stage.cluster.broker("kill", broker).await?;
    }
    come_again(stage, injected).await
}

/// Each broker is stopped and started, one after the other.
pub async fn rolling(stage: &Stage<'_>) -> Result<(), Box<dyn Error>> {
    for broker in 1..=stage.cluster.size {
        stage.cluster.broker("stop", broker).await?;
        stage.cluster.broker("start", broker).await?;
        stage.in_step().await?;
    }
    Ok(())
}

/// Started together: one alone has no quorum to start with.
async fn come_again(stage: &Stage<'_>, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    let down = Instant::now() + ON_ITS_WAY;
    sleep(TWO_AWAY).await;
    injected.must_not_log.push((down, Instant::now()));
    let size = stage.cluster.size.to_string();
    stage.cluster.run(&["up", &size]).await?;
    stage.in_step().await
}
