//! What goes to standard output.

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether some output could not be written.
static CUT: AtomicBool = AtomicBool::new(false);

/// Prints a text and a line end. A reader who has seen enough (`| head`) ends the output, nothing else: the command goes on,
/// and its exit status says what came of it. Where it cannot be written for another reason, a full disk, that is said once, and
/// [`is_cut`] from then on.
pub fn print(text: impl Display) {
    if let Err(error) = writeln!(io::stdout(), "{text}")
        && error.kind() != io::ErrorKind::BrokenPipe
        && !CUT.swap(true, Ordering::Relaxed)
    {
        eprintln!(
            "error: cannot write to standard output: {error}: what was printed is not whole; make room, and run it again"
        );
    }
}

/// Whether what was printed is not whole, and not because its reader had seen enough.
pub fn is_cut() -> bool {
    CUT.load(Ordering::Relaxed)
}
