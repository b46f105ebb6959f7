//! Writes the definition `elections/kz-2023` from its sources and prints how it compares with what was published.

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../elections/kz-2023");
    let folder = std::env::args_os().nth(1).map_or(folder, Into::into);
    match hattama_rehearsal::registers::generate_definition(&folder) {
        Ok(residuals) => {
            println!("{residuals}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
