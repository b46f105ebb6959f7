//! `hattama`: rehearse an election night, import a real one, export, recount, check a definition.

mod cli;
mod commands;
mod rehearse;

use clap::Parser as _;
use cli::{Cli, Command, DefinitionCommand};
use std::{error::Error, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error>> {
    match cli.command.unwrap_or_default() {
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Recount(args) => commands::recount::run(&args),
        Command::Definition { command: DefinitionCommand::Check { dir } } => commands::definition::check(&dir),
        Command::Definition { command: DefinitionCommand::Generate { out } } => commands::definition::generate(&out),
    }
}
