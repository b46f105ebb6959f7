//! Worlds for tests: a definition, what was sent in it, and the logs that this makes.

pub(crate) mod figures;
pub(crate) mod folding;
pub(crate) mod opener;
pub(crate) mod places;
pub(crate) mod random;
pub(crate) mod world;
