//! Libraries in C that are preloaded into one service and stand before some of its system calls; no right is needed.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Compiles one into a folder.
///
/// # Errors
/// When there is no C compiler, or the folder cannot be written.
pub fn compiled(folder: &Path, name: &str, source: &str) -> Result<PathBuf, Box<dyn Error>> {
    let (file, library) = (folder.join(name).with_extension("c"), folder.join(name).with_extension("so"));
    fs::write(&file, source)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&file).arg("-ldl");
    let output = compiler.output().map_err(|error| format!("cc is missing (Debian: apt install gcc): {error}"))?;
    if !output.status.success() {
        return Err(format!("cc: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: &str = include_str!("clock_faults.c");
    const ASKS: &str = "#include <stdio.h>\n#include <time.h>\nint main(void) { printf(\"%ld\", (long)time(NULL)); }";

    #[test]
    fn a_clock_is_as_wrong_as_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let library = compiled(folder, "clock_faults", CLOCK).unwrap();
        let (source, program) = (folder.join("asks.c"), folder.join("asks"));
        fs::write(&source, ASKS).unwrap();
        assert!(Command::new("cc").arg("-o").arg(&program).arg(&source).status().unwrap().success());
        let told = |shift: &str| -> i64 {
            let mut command = Command::new(&program);
            let output =
                command.env("LD_PRELOAD", &library).env("HATTAMA_CLOCK_SHIFT_SECONDS", shift).output().unwrap();
            String::from_utf8(output.stdout).unwrap().parse().unwrap()
        };
        let (before, shifted, after) = (told("0"), told("-3600"), told("0"));
        assert!((before..=after).contains(&(shifted + 3_600)), "{before} {shifted} {after}");
    }
}
