//! What is kept of a row that broke off, while everything still runs: afterwards the cluster is gone.

use crate::{night::SHARDS, services::Service, stage::Stage};
use hattama_record_log::kafka;
use std::{fs, io};

/// Beside the services' own logs in the row's folder: each one's readiness and metrics, the brokers' logs, and what is wrong
/// with the topics.
///
/// # Errors
/// When the folder cannot be written.
pub async fn keep(stage: &mut Stage<'_>) -> io::Result<()> {
    let folder = stage.folder.clone();
    for service in stage.services() {
        fs::write(folder.join(format!("{}-at-the-end.txt", service.name)), state_of(service).await)?;
    }
    for broker in 1..=stage.cluster.size {
        fs::copy(stage.cluster.log(broker), folder.join(format!("broker-{broker}.log")))?;
    }
    let topics = match kafka::check(&stage.cluster.settings(), &stage.topics, SHARDS).await {
        Ok(report) => report.deviations.iter().map(|deviation| format!("{deviation}\n")).collect(),
        Err(error) => format!("{error}\n"),
    };
    fs::write(folder.join("topics-at-the-end.txt"), topics)
}

async fn state_of(service: &Service) -> String {
    format!("{}\n{}\n", service.asked("/readyz").await, service.asked("/metrics").await)
}
