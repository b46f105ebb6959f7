//! Private keys and passwords from files.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A key or password file could not be used. Never shows what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("cannot read the secret in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It does not hold a key.
    #[error("{} does not hold a key: 32 bytes in base64url without padding (43 characters) on one line", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// It holds no password.
    #[error("{} holds no password: it must be its first line", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a password: the file's first line.
///
/// # Errors
/// When the file cannot be read or the line is empty.
pub fn read_password(path: &Path) -> Result<String, SecretError> {
    let text = fs::read_to_string(path).map_err(|source| SecretError::Read { path: path.to_owned(), source })?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => Err(SecretError::NoPassword { path: path.to_owned() }),
    }
}

/// Reads an Ed25519 seed (RFC 8032: the private key): 43 characters of base64url, and perhaps a line end.
///
/// # Errors
/// When the file cannot be read or holds no key.
pub fn read_seed(path: &Path) -> Result<[u8; 32], SecretError> {
    let text = fs::read_to_string(path).map_err(|source| SecretError::Read { path: path.to_owned(), source })?;
    let form = || SecretError::Form { path: path.to_owned() };
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end()).map_err(|_| form())?;
    bytes.try_into().map_err(|_| form())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_read_from_its_text_and_nothing_else_is_a_seed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, format!("{}\n", URL_SAFE_NO_PAD.encode([7; 32]))).unwrap();
        assert_eq!(read_seed(&path).unwrap(), [7; 32]);
        fs::write(&path, "secret").unwrap();
        let error = read_seed(&path).unwrap_err().to_string();
        assert!(error.contains("does not hold a key") && !error.contains("secret"), "{error}");
        fs::write(&path, "open sesame\n").unwrap();
        assert_eq!(read_password(&path).unwrap(), "open sesame");
        fs::write(&path, "\n").unwrap();
        assert!(read_password(&path).unwrap_err().to_string().contains("no password"));
        assert!(read_seed(&directory.path().join("none")).unwrap_err().to_string().contains("cannot read"));
    }
}
