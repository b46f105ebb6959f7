//! The style sheet, the script and the icon: compiled in, named by their content, kept by browsers for a year.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::json::hex;

/// Enough of a digest that a changed file never keeps its name.
const NAME_DIGEST_BYTES: usize = 8;

/// A file that never changes under its path.
#[derive(Debug)]
pub struct Asset {
    /// `/assets/board.<digest>.css`.
    pub path: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: &'static str,
}

/// All files beside the page.
#[derive(Debug)]
pub struct Assets {
    /// The style sheet.
    pub style: Asset,
    /// The script. The page is complete without it.
    pub script: Asset,
    /// The icon.
    pub icon: Asset,
}

impl Assets {
    /// The files of this build.
    pub fn get() -> &'static Self {
        static ASSETS: OnceLock<Assets> = OnceLock::new();
        ASSETS.get_or_init(|| Self {
            style: asset("board", "css", "text/css; charset=utf-8", include_str!("../assets/board.css")),
            script: asset("board", "js", "text/javascript; charset=utf-8", include_str!("../assets/board.js")),
            icon: asset("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")),
        })
    }

    /// The file at a path.
    pub fn at(&self, path: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.icon].into_iter().find(|asset| asset.path == path)
    }
}

fn asset(name: &str, extension: &str, media_type: &'static str, content: &'static str) -> Asset {
    let digest = Sha256::digest(content.as_bytes());
    let path = format!("/assets/{name}.{}.{extension}", hex(&digest[..NAME_DIGEST_BYTES]));
    Asset { path, media_type, content }
}
