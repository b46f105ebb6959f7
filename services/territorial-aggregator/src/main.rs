//! The territorial aggregator as a process of its own.

use clap::Parser as _;
use hattama_service_kit::shutdown;
use hattama_territorial_aggregator::{Settings, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    shutdown::run(run(Settings::parse()))
}
