//! Faults of a gateway's disk. The first gateway's; the other one receives.

use super::Injected;
use crate::{
    disk::{Disk, Order},
    night::Night,
    receipts::Receipts,
    services::Service,
    stage::Stage,
};
use hattama_night_play::clients;
use hattama_proto::gateway::v1::{ReceiptState, SubmitRequest};
use hattama_rehearsal::script::RehearsalKeyring;
use std::{collections::BTreeSet, error::Error, fs, time::Duration};
use tokio::time::sleep;

/// How long the disk stays as it is.
const SICK: Duration = Duration::from_secs(3);
/// A gateway whose journal fails has ended within this.
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// A gateway meets its n-th write within this: each submission and each outcome is one.
const DIES_WITHIN: Duration = Duration::from_secs(30);
/// Tries for a submission that is sent again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Puts an obeying disk under the first gateway's journal.
pub fn prepare(stage: &mut Stage<'_>) -> Result<(), Box<dyn Error>> {
    let folder = stage.folder.clone();
    Disk::under(first(stage), &folder).map(drop)
}

/// No space for a while.
pub async fn full(stage: &mut Stage<'_>, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    sick(stage, injected, Order::Full).await
}

/// A sync fails: what the file holds is in doubt until it is opened again.
pub async fn failed_sync(stage: &mut Stage<'_>, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    sick(stage, injected, Order::Sync).await
}

/// A gateway that ends for its disk is started again when that is well.
async fn sick(stage: &mut Stage<'_>, injected: &mut Injected, order: Order) -> Result<(), Box<dyn Error>> {
    injected.strict = false;
    let disk = disk(stage);
    disk.order(order)?;
    sleep(SICK).await;
    let gateway = first(stage);
    let status = gateway.ends(ENDS_WITHIN).await?;
    disk.heal()?;
    if status.is_none() {
        injected.findings.push(format!("{} goes on with a journal that fails", gateway.name));
        gateway.kill().await?;
    }
    let gateway = first(stage);
    gateway.start()?;
    Ok(gateway.ready().await?)
}

/// The gateway dies at a write, counted from its start with the journal that it has; the next round at the next one. (The
/// writes that make a journal are broken off in the gateway's own tests.)
pub async fn write_point(stage: &mut Stage<'_>, round: u32, injected: &mut Injected) -> Result<(), Box<dyn Error>> {
    injected.strict = false;
    let disk = disk(stage);
    let gateway = first(stage);
    gateway.kill().await?;
    disk.order(Order::KillAt(round + 1))?;
    gateway.start()?;
    let status = gateway.ends(DIES_WITHIN).await?;
    disk.heal()?;
    match status {
        Some(status) if status.code().is_none() => {}
        Some(status) => injected.findings.push(format!("at write {} it ended with {status}", round + 1)),
        None => injected.findings.push(format!("write {} never came", round + 1)),
    }
    gateway.start()?;
    Ok(gateway.ready().await?)
}

/// The gateway dies and its disk is empty.
pub async fn lost(stage: &mut Stage<'_>) -> Result<(), Box<dyn Error>> {
    let gateway = first(stage);
    gateway.kill().await?;
    fs::remove_dir_all(gateway.journal())?;
    sleep(SICK).await;
    gateway.start()?;
    Ok(gateway.ready().await?)
}

/// Precincts to which the lost gateway gave receipts send the same bytes through another one.
pub async fn send_again(night: &Night, stage: &Stage<'_>, receipts: &Receipts) -> Result<Vec<String>, Box<dyn Error>> {
    let lost: BTreeSet<u32> =
        receipts.all().iter().filter(|answered| answered.gateway == 0).map(|answered| answered.event).collect();
    let keyring = RehearsalKeyring::new(&night.definition)?;
    let mut client = clients::gateway(stage.gateways[1].address())?;
    let mut findings = Vec::new();
    for event in night.events.iter().filter(|event| lost.contains(&event.number)) {
        let Some(submission) = event.sign(&keyring, &night.definition)?.submission else { continue };
        let mut logged = false;
        for _ in 0..TRIES {
            let answer = client.submit(SubmitRequest { submission: Some(submission.to_proto()) }).await;
            let receipt = answer.ok().and_then(|answer| answer.into_inner().receipt);
            logged = receipt.is_some_and(|receipt| receipt.state >= ReceiptState::Logged as i32);
            if logged {
                break;
            }
            sleep(PAUSE).await;
        }
        if !logged {
            findings.push(format!("event {} was not taken again", event.number));
        }
    }
    Ok(findings)
}

fn first<'s>(stage: &'s mut Stage<'_>) -> &'s mut Service {
    &mut stage.gateways[0]
}

fn disk(stage: &Stage<'_>) -> Disk {
    Disk::of(&stage.gateways[0], &stage.folder)
}
