//! What binds an election to its log: which definition and which log ([`ElectionSettings`], [`ElectionLog`]), what every
//! partition begins with ([`create_generation`], [`first_records`]), and whose key may write ([`service_key`]).
//!
//! Gateway, aggregator and national service start with these; the command makes generations with them.

mod cluster;
mod generation;
mod key;
mod next_generation;
mod pause;
mod settings;

pub use cluster::{ClusterError, ClusterSettings, ClusterSettingsError, Deviations, await_cluster, check_cluster};
pub use generation::{FirstRecord, GenesisError, create_generation, first_record, first_records};
pub use key::{KeyError, check_service_key, rehearsal_service_key, service_key};
pub use next_generation::{Published, SEQUENCE_GAP, Standing, generations, last_publication, standing};
pub use pause::{Pause, end_patiently, next_batch_patiently};
pub use settings::{ElectionLog, ElectionSettings, OpenError};
