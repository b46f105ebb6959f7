//! The command as people run it: every test starts the real binary on the small election of `definition::sample`.
#![cfg(test)]

mod apart;
mod board;
mod common;
mod definition;
mod failing;
mod folders;
mod generation;
mod given_up;
mod help;
mod importing;
mod killed;
mod night;
mod recounting;
mod result;
