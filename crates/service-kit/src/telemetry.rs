//! Log lines to standard error and metrics to `/metrics`, set up once a process however many services it runs.
//!
//! Log levels have a meaning: ERROR: a person must act; WARN: something went wrong and nothing was lost; INFO: what an
//! operator wants to read the next day; DEBUG: for whoever changes the code.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, ProcessSettings};

/// From a write that stays in memory to a promise in seconds (design, P10); each step doubles or so.
const SECONDS_BUCKETS: [f64; 15] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Samples of histograms pile up in memory until they are folded into buckets; nobody has to scrape for that.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

const DEFAULT_FILTER: &str = "info";

/// The process's metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// All metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        self.metrics.render()
    }
}

/// Starts logging and metrics. The first call of a process decides how; later calls (other services in the same
/// process) return the same metrics and change nothing. Call it first: what is recorded before is lost.
///
/// # Errors
/// The log filter does not parse, or another recorder or subscriber is installed already.
pub fn start(settings: &ProcessSettings) -> Result<Telemetry, TelemetryError> {
    static STARTED: Mutex<Option<Telemetry>> = Mutex::new(None);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(telemetry) = &*started {
        return Ok(telemetry.clone());
    }
    let filter = settings.log.as_deref().unwrap_or(DEFAULT_FILTER);
    start_logging(filter, settings.log_format.unwrap_or_default())?;
    let telemetry = Telemetry { metrics: start_metrics()? };
    *started = Some(telemetry.clone());
    Ok(telemetry)
}

/// Logging or metrics could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is not one.
    #[error("the log filter `{filter}` does not parse: {source}; write for example `info,hattama_record_log=debug`")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Something else in the process logs already.
    #[error("logging is set up already, by something else in this process: {0}; start telemetry first")]
    Logging(#[from] tracing_subscriber::util::TryInitError),
    /// Something else in the process records metrics already, or the buckets are wrong.
    #[error("metrics cannot be recorded: {0}; start telemetry first, and once")]
    Metrics(#[from] BuildError),
    /// The upkeep's thread did not start.
    #[error("the thread for the metrics' upkeep did not start: {0}; check the limit on threads")]
    Upkeep(#[source] io::Error),
}

fn start_logging(filter: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let parsed =
        EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter { filter: filter.to_owned(), source })?;
    let registry = tracing_subscriber::registry().with(parsed);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(io::stderr().is_terminal())).try_init()?,
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}

fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let metrics = builder()?.install_recorder()?;
    let upkeep = metrics.clone();
    // A thread, not a task: it must outlive any one runtime, and needs none.
    std::thread::Builder::new()
        .name("metrics-upkeep".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_INTERVAL);
                upkeep.run_upkeep();
            }
        })
        .map_err(TelemetryError::Upkeep)?;
    Ok(metrics)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rendered_as_a_histogram_with_our_buckets() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("hattama_test_submissions_total").increment(3);
            metrics::histogram!("hattama_test_append_seconds").record(0.003);
        });
        let text = handle.render();
        assert!(text.contains("hattama_test_submissions_total 3"), "{text}");
        assert!(text.contains("hattama_test_append_seconds_bucket{le=\"0.0025\"} 0"), "{text}");
        assert!(text.contains("hattama_test_append_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("hattama_test_append_seconds_bucket{le=\"+Inf\"} 1"), "{text}");
    }

    #[test]
    fn a_second_service_in_the_process_shares_the_first_ones_metrics() {
        let first = start(&ProcessSettings::default()).unwrap();
        let second = start(&ProcessSettings::default()).unwrap();
        metrics::counter!("hattama_test_shared_total").increment(1);
        assert!(first.render().contains("hattama_test_shared_total 1"));
        assert!(second.render().contains("hattama_test_shared_total 1"));
    }

    #[test]
    fn a_log_filter_that_does_not_parse_is_named() {
        let error = start_logging("info,hattama=loud", LogFormat::Text).unwrap_err();
        assert!(error.to_string().contains("`info,hattama=loud`"), "{error}");
    }
}
