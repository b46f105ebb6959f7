//! What goes to standard output.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

/// Prints a text and a line end. A reader who has seen enough (`| head`) ends the output, nothing else: the command goes on,
/// and its exit status says what came of it.
pub fn print(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}
