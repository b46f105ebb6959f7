//! Imports of small files with every fault that people's files have, and of a whole election where its data is present.

mod romania;
mod small;
