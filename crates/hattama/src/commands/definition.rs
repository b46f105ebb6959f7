//! `hattama definition check` and `generate`.

use crate::output::print;
use hattama_election::definition::{Definition, DefinitionFiles};
use hattama_rehearsal::registers::generate_definition;
use std::{error::Error, path::Path, process::ExitCode};

/// Loads a definition and shows what it holds, or every error.
pub fn check(dir: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let files = DefinitionFiles::read(dir)?;
    match Definition::load(&files) {
        Ok(definition) => {
            print(definition.summary());
            Ok(ExitCode::SUCCESS)
        }
        Err(errors) => {
            eprintln!("{errors}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Generates kz-2023 from its sources, and shows how well the published figures are met.
pub fn generate(out: &Path) -> Result<ExitCode, Box<dyn Error>> {
    print(generate_definition(out)?);
    Ok(ExitCode::SUCCESS)
}
