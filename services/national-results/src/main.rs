//! The national results as a process of their own.

use clap::Parser as _;
use hattama_national_results::{Settings, run};
use hattama_service_kit::shutdown;
use std::process::ExitCode;

fn main() -> ExitCode {
    shutdown::run(run(Settings::parse()))
}
