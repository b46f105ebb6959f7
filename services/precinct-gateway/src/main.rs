//! The precinct gateway as a process of its own.

use std::process::ExitCode;

use clap::Parser as _;
use hattama_precinct_gateway::{Settings, run};
use hattama_service_kit::shutdown;

fn main() -> ExitCode {
    shutdown::run(run(Settings::parse()))
}
