//! Faults that end a generation of the log: all of it is lost, or a part of it, and the operator makes the next one.

use super::Injected;
use crate::{
    in_log::Era,
    night::Night,
    numbers::Numbers,
    services::Service,
    stage::{Stage, connect},
};
use hattama_record_log::topics::TopicSet;
use hattama_rehearsal::script::Route;
use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

/// The shard of which a part is lost.
const TRUNCATED_SHARD: u32 = 1;
/// Somebody must say so within this: gateways compare journal and log every 30 s.
const ALARM_WITHIN: Duration = Duration::from_secs(60);
/// How gateways and aggregators say so.
const ALARMS: [&str; 2] = ["the log has lost acknowledged records", "records were lost"];
/// Everything that was sent before the loss is published within this.
const COVERED_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

/// Who writes past the gateways has no journal: what an intruder wrote does not come back, and nobody misses it.
pub fn without_intruders(night: &mut Night) {
    night.events.retain(|event| matches!(event.through, Route::Gateway(_)));
}

/// All data of all brokers is gone; the operator makes the next generation, and gateways fill it.
pub async fn wiped(stage: &mut Stage<'_>, injected: &mut Injected, night: &Night) -> Result<(), Box<dyn Error>> {
    injected.strict = false;
    lose(stage, night, true).await
}

/// The same, when everything is counted and published.
pub async fn wiped_afterwards(
    stage: &mut Stage<'_>,
    night: &Night,
    numbers: &Numbers,
) -> Result<Vec<String>, Box<dyn Error>> {
    let deadline = Instant::now() + COVERED_WITHIN;
    let all = night.expected.counted.len() as u64;
    while numbers.seen().last().is_none_or(|seen| seen.counted < all) {
        if Instant::now() > deadline {
            return Ok(vec!["not everything was counted before the loss".to_owned()]);
        }
        sleep(PAUSE).await;
    }
    lose(stage, night, true).await?;
    Ok(Vec::new())
}

/// All brokers die, and the newest half of one partition is gone on each; somebody must say so.
pub async fn truncated(stage: &mut Stage<'_>, injected: &mut Injected, night: &Night) -> Result<(), Box<dyn Error>> {
    injected.strict = false;
    let before: Vec<u64> = logs(stage).iter().map(|log| length(log)).collect();
    for broker in 1..=stage.cluster.size {
        stage.cluster.broker("kill", broker).await?;
    }
    for broker in 1..=stage.cluster.size {
        cut_in_half(&stage.cluster.partition(broker, stage.topics.submissions.as_str(), TRUNCATED_SHARD))?;
    }
    let size = stage.cluster.size.to_string();
    stage.cluster.run(&["up", &size]).await?;
    if !alarm(stage, &before).await {
        injected.findings.push(format!("nobody said in {} s that a part was lost", ALARM_WITHIN.as_secs()));
    }
    lose(stage, night, false).await
}

/// The generation is given up: what came of it is kept for the checks, the next one is made, everything starts in that.
async fn lose(stage: &mut Stage<'_>, night: &Night, is_wiped: bool) -> Result<(), Box<dyn Error>> {
    for service in stage.nationals.iter_mut().chain(&mut stage.aggregators) {
        service.kill().await?;
    }
    stage.lost.push(Era::read(&stage.log, &stage.topics, &night.definition, stage.generation).await?);
    if is_wiped {
        let size = stage.cluster.size.to_string();
        stage.cluster.run(&["wipe"]).await?;
        stage.cluster.run(&["up", &size]).await?;
        stage.log = connect(stage.cluster).await?;
    }
    make_generation(stage).await?;
    stage.generation += 1;
    stage.topics = TopicSet::new(night.definition.id.as_str(), stage.generation)?;
    let generation = stage.generation;
    for gateway in &mut stage.gateways {
        gateway.terminate().await?;
    }
    for service in stage.services() {
        service.generation(generation);
        service.start()?;
    }
    for service in stage.services() {
        service.ready().await?;
    }
    Ok(())
}

/// As an operator does, who asks the gateways that run.
async fn make_generation(stage: &Stage<'_>) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(stage.binaries.join("hattama"));
    command.args(["generation", "new", "--definition"]).arg(stage.folder.join("definition"));
    command.args(["--brokers", &stage.cluster.brokers]);
    if stage.cluster.size == 1 {
        command.arg("--dev");
    }
    for gateway in &stage.gateways {
        command.args(["--gateway", &format!("http://{}", gateway.address())]);
    }
    let output = command.kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("hattama generation new: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

/// Whether anybody says that data is lost, who did not say so before.
async fn alarm(stage: &mut Stage<'_>, before: &[u64]) -> bool {
    let deadline = Instant::now() + ALARM_WITHIN;
    while Instant::now() < deadline {
        let said = logs(stage).iter().zip(before).any(|(log, from)| {
            let text = fs::read(log).unwrap_or_default();
            let new = text.get(usize::try_from(*from).unwrap_or(usize::MAX)..).unwrap_or_default();
            let text = String::from_utf8_lossy(new);
            ALARMS.iter().any(|alarm| text.contains(alarm))
        });
        if said {
            return true;
        }
        sleep(PAUSE).await;
    }
    false
}

fn logs(stage: &mut Stage<'_>) -> Vec<PathBuf> {
    stage.services().map(|service: &mut Service| service.log()).collect()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Cuts the newest segment; the broker finds its last whole batch by itself when it starts after a death.
fn cut_in_half(partition: &Path) -> Result<(), Box<dyn Error>> {
    let segments = fs::read_dir(partition).map_err(|error| format!("{}: {error}", partition.display()))?;
    let mut segments: Vec<PathBuf> = segments.filter_map(|entry| Some(entry.ok()?.path())).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    segments.sort();
    let newest = segments.last().ok_or_else(|| format!("{} has no segment", partition.display()))?;
    let file: File = OpenOptions::new().write(true).open(newest)?;
    file.set_len(file.metadata()?.len() / 2)?;
    Ok(file.sync_all()?)
}
