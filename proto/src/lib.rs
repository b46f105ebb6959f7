//! hattama-proto
