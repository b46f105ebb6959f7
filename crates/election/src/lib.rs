//! What an election is: its definition and the loader that refuses a wrong one, the forms and protocols, everything that
//! can be signed, and the catalogue of rules. Pure: no clock, no sockets, no protobuf types.
//!
//! The words are those of `docs/glossary.md`.

pub mod amendment;
pub mod decision;
pub mod definition;
pub mod digest;
pub mod form;
pub mod ids;
pub mod instant;
pub mod key;
pub mod protocol;
pub mod routing;
pub mod rules;
pub mod submission;
pub mod text;
pub mod turnout;
