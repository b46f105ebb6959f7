//! hattama-apportionment
