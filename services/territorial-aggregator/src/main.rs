//! The territorial aggregator as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    hattama_territorial_aggregator::main()
}
