//! hattama-territorial-aggregator
