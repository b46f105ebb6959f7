//! `hattama`: rehearse an election night, import a real one, export, recount, check a definition.

mod cli;
mod commands;
mod output;
mod rehearse;

use clap::Parser as _;
use cli::{Cli, Command, DefinitionCommand, GenerationCommand, TopicsCommand};
use std::{error::Error, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        // Who reads the output must not take a part of it for the whole.
        Ok(_) if output::is_cut() => ExitCode::from(2),
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", with_causes(error.as_ref()));
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error>> {
    match cli.command.unwrap_or_default() {
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Topics { command: TopicsCommand::Apply(args) } => commands::topics::apply(&args),
        Command::Topics { command: TopicsCommand::Check(args) } => commands::topics::check(&args),
        Command::Recount(args) => commands::recount::run(&args),
        Command::Definition { command: DefinitionCommand::Check { dir } } => commands::definition::check(&dir),
        Command::Definition { command: DefinitionCommand::Generate { out } } => commands::definition::generate(&out),
        Command::Generation { command } => match *command {
            GenerationCommand::New(args) => commands::generation::make(&args),
            GenerationCommand::Show(args) => commands::generation::show(&args),
            GenerationCommand::Lost(args) => commands::missing::list(&args),
            GenerationCommand::GiveUp(args) => commands::give_up::run(&args),
        },
    }
}

/// An error with what caused it, on one line; most errors repeat their cause in their own text.
fn with_causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("the log cannot be opened")]
    struct Silent(#[source] Telling);

    #[derive(Debug, thiserror::Error)]
    #[error("the file is locked: {0}")]
    struct Telling(#[source] io::Error);

    #[test]
    fn an_error_is_told_with_its_causes_each_once() {
        let error = Silent(Telling(io::Error::other("another process has it")));
        assert_eq!(with_causes(&error), "the log cannot be opened: the file is locked: another process has it");
    }
}
