//! hattama-wire
