//! hattama-public-board
