//! hattama-election
