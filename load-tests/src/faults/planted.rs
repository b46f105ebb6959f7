//! Aggregators with a planted bug: their fold panics at a mark.

use super::Injected;
use crate::{night::Night, numbers::Numbers, stage::Stage};
use hattama_night_play::{
    in_the_log,
    processes::{Binaries, Service},
};
use hattama_record_log::NewRecord;
use std::{
    error::Error,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::sleep;

/// The mark that such a build panics at (`planted.rs` of the aggregator).
const MARK: &[u8] = b"hattama: the fold of this build panics here";
/// The shard that it comes to.
const SHARD: u32 = 1;
/// After this the shard is frozen, and others have gone on.
const LOOKED_AT_AFTER: Duration = Duration::from_secs(10);

/// Where the build lies: in a folder beside the others.
pub fn binary(binaries: &Path) -> PathBuf {
    binaries.join("planted").join(Service::Aggregator.binary())
}

/// What a reader does who has none.
pub fn how_to_build(binaries: &Path) -> String {
    format!(
        "it needs a build with a bug: cargo build --release -p hattama-territorial-aggregator --features planted-panic \
         --target-dir target/planted, copied to {}",
        binary(binaries).display()
    )
}

/// All aggregators have the bug.
pub fn prepare(stage: &mut Stage<'_>) {
    let program = binary(&stage.binaries);
    stage.aggregators.iter_mut().for_each(|aggregator| aggregator.program(program.clone()));
}

/// The mark comes; one shard freezes, the others go on.
pub async fn panic(
    stage: &Stage<'_>,
    injected: &mut Injected,
    night: &Night,
    numbers: &Numbers,
) -> Result<(), Box<dyn Error>> {
    injected.strict = false;
    stage.log.append(&stage.topics.submissions, SHARD, NewRecord::of_value(MARK)).await?;
    sleep(LOOKED_AT_AFTER / 2).await;
    let before = numbers.seen().last().cloned();
    let ends = in_the_log::ends(&stage.log, &stage.topics.submissions, &night.definition).await?;
    sleep(LOOKED_AT_AFTER / 2).await;
    let after = numbers.seen().last().cloned();
    let (Some(before), Some(after)) = (before, after) else { return Err("nothing was published".into()) };
    if after.frozen != [SHARD] {
        injected
            .findings
            .push(format!("shards {:?} are shown as frozen, {SHARD} has a record that panics", after.frozen));
    }
    for (shard, next) in &after.vector {
        if *shard == SHARD && before.vector.get(shard) != Some(next) {
            injected.findings.push(format!("shard {shard} moves, behind a record that panics"));
        }
        if *shard != SHARD && ends.get(shard) > Some(next) {
            injected.findings.push(format!("shard {shard} stands still at {next}, the log went on"));
        }
    }
    Ok(())
}

/// The bug is mended.
pub async fn replace(stage: &mut Stage<'_>) -> Result<(), Box<dyn Error>> {
    let program = Binaries::in_folder(&stage.binaries).of(Service::Aggregator)?;
    for aggregator in &mut stage.aggregators {
        aggregator.terminate().await?;
        aggregator.program(program.clone());
        aggregator.start()?;
        aggregator.ready().await?;
    }
    Ok(())
}
