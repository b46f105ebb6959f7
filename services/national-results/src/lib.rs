//! The national results: merges the shards' tallies, publishes, checks, and answers the CEC's systems and the public board.
//!
//! It keeps nothing on disk (design, D1): it reads the log from the first record when it starts. Several replicas may run;
//! none leads. A publication is a compare-and-set in the log (D5): each replica follows the publications, gives out a number
//! only after having read it back, and the loser of a race simply follows. What a publication says follows from its vector
//! alone, so a shard that has told nothing stands in it with what a fold of no record comes to.
//!
//! It answers nothing before it is as new as the log was when it started: nobody sees an older publication after a newer one
//! because a replica was started again (promise P5).
//!
//! Each replica folds the submissions too (D15): to check every shard's newest tally byte for byte, and to show any station
//! as of any publication. A tally that differs freezes its shard; a broken invariant stops publishing (D12). Answering goes
//! on in both cases.
//!
//! * `records`, `chain`, `tallies`, `nation`, `merger`, [`embargo`], `ratios`: pure.
//! * `replica`: the own fold. `follow`, `publisher`: the shell around the merger. `archive`: what readers see. `gate`: from when
//!   on they do.
//! * `older`: figures of publications that the archive has no more; `refold`: the fold of the log to one of their vectors.
//! * `api`: the gRPC interface. [`start`]: wires all of it.

mod api;
mod archive;
mod chain;
pub mod embargo;
mod follow;
mod gate;
mod merger;
mod metrics;
mod nation;
mod older;
mod publisher;
mod ratios;
mod records;
mod refold;
mod replica;
mod restoration;
mod service;
mod settings;
mod tallies;

pub use archive::{MAX_SNAPSHOTS, MAX_VECTORS};
pub use service::{Config, Running, StartError, start};
pub use settings::main;
