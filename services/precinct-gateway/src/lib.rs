//! hattama-precinct-gateway
