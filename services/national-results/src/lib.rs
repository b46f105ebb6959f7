//! hattama-national-results
