//! hattama-recount
