//! The bytes of a data file, decompressed when its name ends with `.xz`.

use super::ImportError;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The most bytes of one file, decompressed: a hundred times the largest that we know of.
pub(super) const MAX_FILE_BYTES: u64 = 2 << 30;

/// Bytes and their SHA-256 as given, before decompression.
pub(super) struct SourceBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: String,
}

/// Reads a file. `.xz` is decompressed by the program `xz`: no library for it is among the project's dependencies.
pub(super) fn read(path: &Path) -> Result<SourceBytes, ImportError> {
    let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
    let mut stored = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut stored)).map_err(unreadable)?;
    let sha256 = hattama_election::digest::RecordDigest(hattama_election::digest::sha256(&stored)).to_string();
    let compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xz"));
    let bytes = if compressed { decompress(path)? } else { stored };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(io::Error::other(format!("more than {MAX_FILE_BYTES} bytes"))));
    }
    Ok(SourceBytes { bytes, sha256 })
}

fn decompress(path: &Path) -> Result<Vec<u8>, ImportError> {
    let failed = |problem: String| ImportError::Compressed { path: path.to_owned(), problem };
    let command =
        Command::new("xz").args(["-d", "-c", "--"]).arg(path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = command.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            failed("the program xz is not installed: install it, or decompress the file elsewhere (xz -dk)".into())
        }
        _ => failed(error.to_string()),
    })?;
    collect(child).map_err(failed)
}

/// Everything that the program writes, when it ends well. It is ended when it writes too much.
fn collect(mut child: Child) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes),
        None => Ok(0),
    };
    // What xz writes beyond the limit meets a closed pipe, so that it ends.
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    read.map_err(|error| error.to_string())?;
    if !output.status.success() && bytes.len() as u64 <= MAX_FILE_BYTES {
        return Err(format!("xz: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(bytes)
}
