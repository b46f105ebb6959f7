//! The definition of an election: what is frozen when it starts. See `docs/definition.md` for its files.

mod errors;
mod files;
pub mod ids_from_toml;
mod load;
mod model;
mod rehearsal_keys;
pub mod sample;
mod summary;
mod tally_size;

pub use errors::{LoadError, LoadErrors, Location, MAX_ERRORS};
pub use files::{DefinitionFiles, ReadError, WriteError, core_digest};
pub use load::{MAX_OPTIONS, MAX_SEATS, MAX_SHARDS};
pub use model::*;
pub use rehearsal_keys::KeyRole;
pub use summary::DefinitionSummary;
pub use tally_size::{MAX_TALLY_BYTES, TallySize, largest_tally_bytes, tally_sizes};
