//! The definition of an election: what is frozen when it starts. See `docs/definition.md` for its files.

pub mod ids_from_toml;
mod model;

pub use model::*;
