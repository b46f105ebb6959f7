//! hattama-record-log
