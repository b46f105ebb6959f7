//! Writing a recorded night.

use super::{ContestLayout, EVENTS_FILE, EVENTS_HEADER, FORMAT, HEAD_FILE, NightHead, RecordedNight, Said, row};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a night was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; check that the folder can be written", path.display())]
pub struct WriteNightError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Writes a night into a folder, which is made if it is not there. `night.toml` comes last: a folder without it is no night.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(folder: &Path, night: &RecordedNight) -> Result<(), WriteNightError> {
    let failed = |path: PathBuf| |source| WriteNightError { path, source };
    std::fs::create_dir_all(folder).map_err(failed(folder.to_owned()))?;
    let (head_path, events_path) = (folder.join(HEAD_FILE), folder.join(EVENTS_FILE));
    if head_path.exists() {
        std::fs::remove_file(&head_path).map_err(failed(head_path.clone()))?;
    }
    std::fs::write(&events_path, events_text(night)).map_err(failed(events_path.clone()))?;
    std::fs::write(&head_path, head_text(&night.head)).map_err(failed(head_path.clone()))
}

fn events_text(night: &RecordedNight) -> String {
    let mut text = format!("{EVENTS_HEADER}\n");
    for event in &night.events {
        let layout = match &event.said {
            Said::Protocol { content, .. } => night.head.contests.iter().find(|layout| layout.id == content.contest),
            Said::Turnout(_) => None,
        };
        row::append(&mut text, event, layout);
    }
    text
}

fn head_text(head: &NightHead) -> String {
    let mut text = format!(
        "# Recorded, signed by the importer: the stations' own signatures are not in the files that this was made from.\n\
         format = \"{FORMAT}\"\nelection = \"{}\"\ncore_digest = \"{}\"\nsigner = \"{}\"\n",
        head.election, head.core_digest, head.signer
    );
    for ContestLayout { id, lines, options, against_all } in &head.contests {
        let lines = list(lines.iter().map(|line| line.as_str()));
        let options = list(options.iter().map(|option| option.as_str()));
        text += &format!(
            "\n[[contests]]\nid = \"{id}\"\nlines = [{lines}]\noptions = [{options}]\nagainst_all = {against_all}\n"
        );
    }
    for source in &head.sources {
        let name = crate::import::toml_text::quoted(&source.name);
        text += &format!("\n[[sources]]\nname = {name}\nsha256 = \"{}\"\nrows = {}\n", source.sha256, source.rows);
    }
    text
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ")
}
