//! Votes to seats: real elections, small worlds against an oracle, properties, ties.
#![cfg(test)]

mod common;
mod denominators;
mod kz_2023;
mod plurality;
mod properties;
mod romania_2024;
mod runner_up;
mod small_worlds;
mod ties;
