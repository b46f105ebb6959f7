//! The election to the European Parliament of 9 June 2024 in Romania, from its data to the official result.

use crate::{
    import::{DEFINITION_FOLDER, ImportReport, NIGHT_FOLDER, import},
    recorded::{self, RecordedNight, Said},
    script::{Action, Event, Fate},
};
use bytes::Bytes;
use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole},
    form::LineMeaning,
    ids::{ContestIndex, ShardId},
    instant::Instant,
    routing::home_shard,
    rules::RuleCode,
    submission::SubmissionBody,
};
use hattama_tally::{
    CellEvaluation, ContentEvaluation, ControlFold, ControlState, Generation, LineTotal, Outcome, RecordCounts,
    ShardFold, TallyBody, check_tally, merge, seats_of,
};
use hattama_wire::{RecordOpener, SigningKey, sign_submission};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

const FILES: [&str; 2] = ["protocols.csv.xz", "turnout_hourly.csv.xz"];
/// What stands for a genesis record here: no log is read.
const GENESIS: &[u8] = b"genesis";
const CONTEST: ContestIndex = ContestIndex(0);

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
        // Straight to standard error: what a passing test prints is not shown otherwise.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!(
                "SKIPPED: needs the program xz (here: {has_xz}) and the files {} (set HATTAMA_DATA to the folder above {})",
                FILES.join(" and "),
                folder.display()
            ),
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
fn the_recorded_night_comes_to_the_official_result() {
    let Some(folder) = data() else { return };
    let imported = imported(&folder);
    check_report(&imported);
    let folds = fold(&imported);
    check_nation(&imported, &folds);
    check_outcomes(&imported, &folds);
    check_identities(&folds);
}

fn check_report(Imported { report, definition, night, .. }: &Imported) {
    assert_eq!(report.bad_rows, []);
    assert_eq!((report.stations, report.stations_abroad, report.registers_unknown), (19_870, 915, 915));
    assert_eq!((report.protocols, report.turnout_reports), (39_740, 322_235));
    assert_eq!((report.exact_repeats, report.corrections, report.histories_incomplete), (10_428, 9_442, 1_782));
    assert_eq!(report.last, Some(Instant::parse("2024-06-17T21:22:27+03:00").unwrap()));
    assert_eq!((definition.stations.len(), definition.regions.len(), definition.shards), (19_870, 43, 44));
    assert_eq!(night.events.len(), 361_975);
    let first = night.events.iter().find(|event| matches!(event.said, Said::Protocol { .. })).unwrap();
    assert_eq!(first.at, Instant::parse("2024-06-09T14:33:20+03:00").unwrap());
}

/// Every shard folded from signed records, as an aggregator does it; on every processor, since there are 361,975.
fn fold(imported: &Imported) -> Vec<ShardFold> {
    let mut shards: BTreeMap<ShardId, Vec<&SubmissionBody>> = BTreeMap::new();
    for event in &imported.events {
        let Action::Send { body, .. } = &event.action else { panic!("the importer signs everything") };
        shards.entry(home_shard(&imported.definition, body).unwrap()).or_default().push(body);
    }
    let shards = Mutex::new(shards.into_iter());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work =
        || std::iter::from_fn(|| shards.lock().unwrap().next()).map(|shard| fold_shard(imported, shard)).collect();
    let mut folds: Vec<ShardFold> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| -> Vec<ShardFold> { worker.join().unwrap() }).collect()
    });
    folds.sort_by_key(ShardFold::shard);
    folds
}

fn fold_shard(
    Imported { definition, night, .. }: &Imported,
    (shard, bodies): (ShardId, Vec<&SubmissionBody>),
) -> ShardFold {
    let keys = definition.rehearsal.clone().unwrap();
    let key = SigningKey::rehearsal(&keys, KeyRole::Authority, night.head.signer.as_str()).unwrap();
    let sign = |body| sign_submission(&key, &definition.id, &definition.core_digest, body).record_value();
    let records: Vec<Bytes> = bodies.into_iter().map(sign).collect();
    let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
    let control = Arc::new(ControlState::initial(Arc::clone(definition), GENESIS));
    let mut fold = ShardFold::new(Arc::clone(definition), Generation(1), shard, GENESIS, control);
    fold.apply(&records.iter().map(|value| &value[..]).collect::<Vec<_>>(), &opener);
    check_tally(&fold.tally()).unwrap();
    fold
}

fn check_nation(Imported { definition, .. }: &Imported, folds: &[ShardFold]) {
    let mut tallies: BTreeMap<ShardId, TallyBody> = folds.iter().map(|fold| (fold.shard(), fold.tally())).collect();
    let control = ControlFold::new(Arc::clone(definition), Generation(1), GENESIS);
    tallies.insert(ShardId::CONTROL, control.tally());
    let nation = merge(definition, &tallies).unwrap();
    let totals = &nation.contest(CONTEST).unwrap().nation;
    let line = |meaning| totals.line(meaning);
    assert_eq!(line(LineMeaning::BallotsValid), LineTotal { sum: 8_942_629, written: 19_870 });
    assert_eq!(line(LineMeaning::BallotsInvalid), LineTotal { sum: 488_551, written: 19_870 });
    assert_eq!(line(LineMeaning::BallotsFound), LineTotal { sum: 9_444_894, written: 19_870 });
    assert_eq!(line(LineMeaning::VotersListed).written, 19_870 - 915, "a = 0 abroad is absent");
    let seats = seats_of(definition, CONTEST, totals, control.state()).awarded();
    let options = definition.contests[0].options.iter().map(|option| option.id.as_str());
    let mut result: Vec<_> = options.zip(&totals.votes).zip(seats).filter(|(_, seats)| *seats > 0).collect();
    result.sort_by_key(|((_, votes), _)| std::cmp::Reverse(*votes));
    assert_eq!(
        result,
        [
            (("psd-pnl", &4_341_686), 19),
            (("aur", &1_334_905), 6),
            (("usr-pmp-fd", &778_901), 3),
            (("udmr", &579_180), 2),
            (("sos", &450_040), 2),
            (("stefanuta", &275_796), 1),
        ]
    );
    let [first, .., now] = nation.slots.as_slice() else { panic!("17 slots") };
    assert_eq!((nation.slots.len(), first.received_a_ballot, first.register), (17, 0, 18_016_674 + 915));
    assert_eq!((now.stations, now.reported, now.received_a_ballot), (19_870, 18_955, 9_229_769));
}

/// What became of every record is what the night said would.
fn check_outcomes(Imported { events, .. }: &Imported, folds: &[ShardFold]) {
    let mut fates = [0; Outcome::ALL.len()];
    for event in events {
        let Fate::Stands(outcome) = event.fate else { panic!("nothing recorded is refused") };
        fates[outcome as usize] += 1;
    }
    let mut records = RecordCounts::default();
    folds.iter().for_each(|fold| records.add(&fold.tally().records));
    assert_eq!(records.by_outcome, fates);
    assert_eq!(records.by_outcome[Outcome::Counted as usize], 19_870 + 322_235);
    assert_eq!(records.by_outcome[Outcome::Duplicate as usize], 10_428);
    assert_eq!(records.by_outcome[Outcome::Superseded as usize], 9_442);
}

fn check_identities(folds: &[ShardFold]) {
    let (mut first, mut last, mut incomplete) = (Failed::default(), Failed::default(), 0);
    for cell in folds.iter().flat_map(contest_cells) {
        let [contents @ .., counted] = cell.contents.as_slice() else { panic!("every station has a protocol") };
        assert_eq!((counted.standing, cell.counted), (Outcome::Counted, Some((counted.revision, counted.content))));
        first.add(contents.first().unwrap_or(counted));
        last.add(counted);
        incomplete += u32::from(counted.rules.contains(&RuleCode::HistoryIncomplete));
    }
    // Not counted by the identities: 870 of the first 1,516 and 915 of the last 1,117 with b above a have a = 0 abroad.
    assert_eq!(first, Failed { any: 3_910, by_rule: [7, 3_007, 1_951], found_exceeds_voters: 646 });
    assert_eq!(last, Failed { any: 1_250, by_rule: [0, 1_008, 644], found_exceeds_voters: 202 });
    assert_eq!(incomplete, 1_782);
}

fn contest_cells(fold: &ShardFold) -> impl Iterator<Item = &CellEvaluation> {
    let evaluations = fold.stations().iter().filter_map(|station| fold.evaluation(*station));
    evaluations.flat_map(|station| &station.contests).map(|(_, cell)| cell)
}

/// Protocols that fail an identity, and those with more voters than the register has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Failed {
    any: u32,
    by_rule: [u32; 3],
    found_exceeds_voters: u32,
}

impl Failed {
    fn add(&mut self, content: &ContentEvaluation) {
        let fails = IDENTITIES.map(|rule| content.rules.contains(&rule));
        self.any += u32::from(fails.contains(&true));
        self.by_rule.iter_mut().zip(fails).for_each(|(count, fails)| *count += u32::from(fails));
        self.found_exceeds_voters += u32::from(content.rules.contains(&RuleCode::FoundExceedsVoters));
    }
}
