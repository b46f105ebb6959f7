//! hattama-service-kit
