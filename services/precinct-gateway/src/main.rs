//! The precinct gateway as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    hattama_precinct_gateway::main()
}
