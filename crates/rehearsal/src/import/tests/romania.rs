//! The election to the European Parliament of 9 June 2024 in Romania, from its data to the official result.

use crate::{
    import::{DEFINITION_FOLDER, ImportReport, NIGHT_FOLDER, import},
    recorded::{self, RecordedNight},
    script::{Action, Event, Fate, RehearsalKeyring, Signer},
};
use hattama_election::{
    definition::{Definition, DefinitionFiles},
    digest::SubmissionDigest,
    form::LineMeaning,
    ids::{ContestIndex, ShardId},
    key::{KeyId, PublicKey},
    routing::home_shard,
    rules::RuleCode,
    submission::{Kind, Submission},
};
use hattama_tally::{
    ControlState, Generation, Nation, OpenRecords, Opened, Outcome, RecordCounts, ShardFold, StationEvaluation, TallyBody,
    check_tally, merge, seats_of,
};
use hattama_wire::{RecordOpener, SigningKey, sign_submission};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

const FILES: [&str; 2] = ["protocols.csv.xz", "turnout_hourly.csv.xz"];
/// What stands for a genesis record here: no log is read.
const GENESIS: &[u8] = b"genesis";
/// The rules that say what an identity of the protocol failed.
const IDENTITIES: [RuleCode; 3] =
    [RuleCode::SumOfVotesDiffers, RuleCode::FoundDiffersFromCounted, RuleCode::ReceivedDiffersFromCounted];

/// Folder of the data, when it is there and can be decompressed.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = std::env::var_os("HATTAMA_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let folder = folders.join("romania-ep-2024");
    let has_xz = std::process::Command::new("xz").arg("--version").output().is_ok();
    let present = FILES.iter().all(|name| folder.join(name).is_file());
    if !(present && has_xz) {
        eprintln!(
            "skipped: needs the program xz (here: {has_xz}) and the files {} (set HATTAMA_DATA to the folder above {})",
            FILES.join(" and "),
            folder.display()
        );
        return None;
    }
    Some(folder)
}

struct Imported {
    report: ImportReport,
    definition: Arc<Definition>,
    night: RecordedNight,
    events: Vec<Event>,
}

fn imported(folder: &Path) -> Imported {
    let out = tempfile::tempdir().unwrap();
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../elections/romania-ep-2024/mapping.toml");
    let data = FILES.map(|name| folder.join(name));
    let report = import(&mapping, &data, out.path(), &mut |_| {}).unwrap();
    let files = DefinitionFiles::read(&out.path().join(DEFINITION_FOLDER)).unwrap();
    let definition = Arc::new(Definition::load(&files).unwrap());
    let night = recorded::read(&out.path().join(NIGHT_FOLDER)).unwrap();
    night.check(&definition).unwrap();
    let events = night.script_events().collect();
    Imported { report, definition, night, events }
}

#[test]
fn timing() {
    let Some(folder) = data() else { return };
    let t = std::time::Instant::now();
    let imported = imported(&folder);
    eprintln!("import {:?} {:#?}", t.elapsed(), ImportReport { bad_rows: imported.report.bad_rows.iter().take(5).cloned().collect(), ..imported.report });
}
