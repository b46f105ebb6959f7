//! The command on the screen that changes one byte of the export: one that is there, to one that was not there.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// The first shard with stations; shard 0 is the commissions'.
const FILE: &str = "records/submissions-1.records";
/// Written in the place of the byte that is there, the second where that is the first.
const LETTERS: [u8; 2] = [b'x', b'y'];

/// A byte of an export, and what to write over it. Its text is the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteToBreak {
    file: PathBuf,
    offset: u64,
    letter: char,
}

impl ByteToBreak {
    /// The middle byte of a shard's submissions; none where there are none, or they cannot be read: it is only a proposal.
    pub fn in_export(export: &Path) -> Option<Self> {
        let file = export.join(FILE);
        let offset = fs::metadata(&file).ok()?.len() / 2;
        let there = byte_at(&file, offset).ok()?;
        let letter = LETTERS.into_iter().find(|letter| *letter != there)?;
        Some(Self { file, offset, letter: char::from(letter) })
    }
}

impl fmt::Display for ByteToBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = shell_word(&self.file.display().to_string());
        write!(f, "printf {} | dd of={file} bs=1 seek={} conv=notrunc", self.letter, self.offset)
    }
}

fn byte_at(file: &Path, offset: u64) -> io::Result<u8> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// A text as one word of a shell.
pub fn shell_word(text: &str) -> String {
    let is_plain = |sign: char| sign.is_alphanumeric() || "/._-".contains(sign);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<String> {
        let export = tempfile::tempdir().unwrap();
        fs::create_dir(export.path().join("records")).unwrap();
        fs::write(export.path().join(FILE), bytes).unwrap();
        let byte = ByteToBreak::in_export(export.path())?;
        Some(format!("{} at {}", byte.letter, byte.offset))
    }

    #[test]
    fn the_byte_is_in_the_file_however_short_and_what_is_written_is_another() {
        assert_eq!(of(b"abc").unwrap(), "x at 1");
        assert_eq!(of(b"axc").unwrap(), "y at 1");
        assert_eq!(of(b"x").unwrap(), "y at 0");
        assert_eq!(of(b""), None);
        assert_eq!(ByteToBreak::in_export(Path::new("nowhere")), None);
    }

    #[test]
    fn a_path_that_is_more_than_a_word_is_quoted() {
        assert_eq!(shell_word("rehearsal-log/export"), "rehearsal-log/export");
        assert_eq!(shell_word("my night/export"), "'my night/export'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }
}
