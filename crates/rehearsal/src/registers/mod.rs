//! Makes the definition `elections/kz-2023` from the facts: registers, stations, territories, candidates and rehearsal keys.
//! What is not a fact is synthetic and comes from one fixed seed, so the same files are written always and everywhere.

pub(crate) mod chance;
mod files;
pub mod layout;
mod linear;
mod optimum;
mod published;
pub mod residuals;
pub(crate) mod rounding;
pub mod solve;

use crate::facts::{Facts, FactsError};
use hattama_election::definition::{DefinitionFiles, WriteError};
use layout::Layout;
use residuals::Residuals;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Every rehearsal key of the definition derives from this seed, which the definition prints.
pub const KEY_SEED: &str = "hattama kz-2023";

/// Why a definition could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The facts cannot be used.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The facts have no solution.
    #[error(transparent)]
    Solve(#[from] solve::SolveError),
    /// Something has no whole numbers within its limits.
    #[error("{what} cannot be fitted within the limits of registers/layout.rs: correct the facts or widen a limit")]
    NoFit {
        /// What does not fit.
        what: String,
    },
    /// The stations do not meet what was published.
    #[error("the generated definition misses a published figure:\n{residuals}")]
    Misses {
        /// The whole table.
        residuals: Box<Residuals>,
    },
    /// A derived key is weak.
    #[error(transparent)]
    Key(#[from] hattama_election::key::InvalidKey),
    /// A table could not be written in memory.
    #[error("cannot write {file}: {source}")]
    Table {
        /// The file.
        file: &'static str,
        /// What the writer says.
        source: csv::Error,
    },
    /// A file could not be stored.
    #[error("cannot write {}: {source}; check that the folder can be written", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A generated definition: the seven files by name, and how they compare with what was published.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Name and content of each file.
    pub files: Vec<(&'static str, String)>,
    /// What the files were written from.
    pub layout: Layout,
    /// Published beside generated.
    pub residuals: Residuals,
}

/// Generates the definition in memory.
///
/// # Errors
/// When the facts cannot be read or solved, or a published figure is missed.
pub fn definition(facts: &Facts) -> Result<Generated, GenerateError> {
    let solution = solve::solve(facts)?;
    let layout = layout::lay_out(facts, &solution)?;
    let residuals = Residuals::new(facts, &solution, &layout);
    if !residuals.is_exact() {
        return Err(GenerateError::Misses { residuals: Box::new(residuals) });
    }
    Ok(Generated { files: files::all(facts, &layout)?, layout, residuals })
}

/// Writes the seven files of the definition `kz-2023` into `out_dir` (made if absent) and returns the table to print.
///
/// # Errors
/// As [`definition`], and when a file cannot be stored.
pub fn generate_definition(out_dir: &Path) -> Result<Residuals, GenerateError> {
    let generated = definition(&Facts::embedded()?)?;
    let files = generated.files.into_iter().map(|(name, content)| (name.to_owned(), content.into_bytes()));
    let stored = DefinitionFiles::new(files.collect()).write(out_dir);
    stored.map_err(|WriteError { path, source }| GenerateError::Store { path, source })?;
    Ok(generated.residuals)
}
