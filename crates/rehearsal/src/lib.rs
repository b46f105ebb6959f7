//! hattama-rehearsal
