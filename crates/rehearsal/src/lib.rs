//! Rehearsing an election night: the facts of 19 March 2023, the definition made from them, and the truth of a generated night.

pub mod facts;
pub mod import;
pub mod night;
pub mod recorded;
pub mod registers;
pub mod script;
