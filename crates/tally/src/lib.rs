//! hattama-tally
