//! Small files with every fault that people's files have.

use crate::{
    import::{BadRow, DEFINITION_FOLDER, ImportError, ImportReport, NIGHT_FOLDER, Progress, import, mapping::Mapping},
    recorded::{self, ReadNightError, RecordedNight, Said},
    script::{Action, Fate, Incident, RehearsalKeyring},
};
use hattama_election::{
    definition::{Definition, DefinitionFiles, Provenance, Purpose},
    form::LineMeaning,
    ids::StationId,
    protocol::ProtocolContent,
};
use hattama_tally::Outcome;
use std::path::PathBuf;

const MAPPING: &str = include_str!("small.toml");
const PROTOCOLS: &str = "\
area,nr,version,sent,voters,cast,valid,void,Red,\"Blue, united\",Ms Green
A,1,1,09.06.2024 23:10,100,52,50,2,30,15,5
B,1,1,09.06.2024 23:20,200,100,100,0,40,50,10
X,1,1,09.06.2024 22:00,0,10,10,0,1,2,7
A,1,2,09.06.2024 23:40,100,52,50,2,31,14,5
A,1,2,09.06.2024 23:40,100,52,50,2,31,14,5
A,2,3,10.06.2024 01:00,90,9,9,0,9,0,0
";
const TURNOUT: &str = "\
area,nr,hour,came,listed
A,1,12:00,20,99
A,1,end,52,100
B,1,12:00,40,200
";

struct Imported {
    report: ImportReport,
    definition: Definition,
    night: RecordedNight,
}

impl Imported {
    fn protocols(&self) -> Vec<&ProtocolContent> {
        self.night
            .events
            .iter()
            .filter_map(|event| match &event.said {
                Said::Protocol { content, .. } => Some(content.as_ref()),
                Said::Turnout(_) => None,
            })
            .collect()
    }

    fn register(&self, station: &str) -> u32 {
        self.definition.station(&StationId::new(station).unwrap()).unwrap().1.register
    }
}

fn run(mapping: &str, files: &[(&str, &[u8])]) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let mapping_path = folder.path().join("mapping.toml");
    std::fs::write(&mapping_path, mapping).unwrap();
    let data: Vec<PathBuf> = files
        .iter()
        .map(|(name, bytes)| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let out = folder.path().join("out");
    let report = import(&mapping_path, &data, &out, &mut |_: Progress| {})?;
    let definition = DefinitionFiles::read(&out.join(DEFINITION_FOLDER)).unwrap();
    let night = recorded::read(&out.join(NIGHT_FOLDER)).unwrap();
    Ok(Imported { report, definition: Definition::load(&definition).unwrap(), night })
}

fn run_both(mapping: &str, protocols: &str) -> Imported {
    run(mapping, &[("p.csv", protocols.as_bytes()), ("t.csv", TURNOUT.as_bytes())]).unwrap()
}

fn refused(mapping: &str, protocols: &[u8]) -> String {
    run(mapping, &[("p.csv", protocols)]).err().unwrap().to_string()
}

fn wrong_mapping(from: &str, to: &str) -> String {
    assert!(MAPPING.contains(from), "{from}");
    Mapping::parse(&MAPPING.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_small_election_becomes_a_definition_and_a_night() {
    let imported = run_both(MAPPING, PROTOCOLS);
    let Imported { report, definition, night } = &imported;
    assert_eq!((definition.purpose, definition.provenance), (Purpose::Rehearsal, Provenance::Recorded));
    assert!(definition.rehearsal.as_ref().unwrap().importer);
    assert_eq!((report.stations, report.stations_abroad, report.registers_unknown), (4, 1, 1));
    assert_eq!((report.protocols, report.turnout_reports, report.bad_rows_count), (6, 3, 0));
    assert_eq!((report.exact_repeats, report.corrections, report.histories_incomplete), (1, 2, 1));
    assert_eq!(imported.register("a-001"), 99, "the first report is nearer to the start than the protocol");
    assert_eq!(imported.register("a-002"), 90);
    assert_eq!(imported.register("abroad-001"), 1, "unknown");
    night.check(definition).unwrap();
    assert!(night.events.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let abroad = imported.protocols()[0];
    assert_eq!((abroad.station.as_str(), abroad.lines.get(LineMeaning::VotersListed)), ("abroad-001", None));
    assert_eq!(
        abroad.votes.iter().map(|(id, votes)| (id.as_str(), *votes)).collect::<Vec<_>>(),
        [("blue", 2), ("green", 7), ("red", 1)]
    );
}

#[test]
fn everything_is_signed_by_the_importer_and_equal_rows_are_equal_bytes() {
    let Imported { definition, night, .. } = run_both(MAPPING, PROTOCOLS);
    let keyring = RehearsalKeyring::new(&definition).unwrap();
    let events: Vec<_> = night.script_events().collect();
    let signed: Vec<_> = events.iter().map(|event| event.sign(&keyring, &definition).unwrap().value).collect();
    let repeats: Vec<usize> = (0..events.len()).filter(|&i| events[i].why == Incident::Repeated).collect();
    assert_eq!(repeats.len(), 1);
    assert_eq!(events[repeats[0]].fate, Fate::Stands(Outcome::Duplicate));
    let first = signed.iter().position(|value| *value == signed[repeats[0]]).unwrap();
    assert_ne!(events[repeats[0]].through, events[first].through, "one gateway would not log it again");
    assert_eq!(signed.iter().filter(|value| **value == signed[repeats[0]]).count(), 2);
    let superseded = events.iter().filter(|event| event.fate == Fate::Stands(Outcome::Superseded));
    assert_eq!(superseded.count(), 1);
    let signer = definition.stations[0].key;
    assert!(definition.stations.iter().all(|station| station.key == signer));
    for event in &events {
        let Action::Send { signer: by, .. } = &event.action else { panic!() };
        let key = keyring.key(&definition, by).unwrap().unwrap();
        assert_eq!(key.public_key(), signer);
    }
}

#[test]
fn a_correction_names_the_content_before_it_where_the_data_has_it() {
    let Imported { night, .. } = run_both(MAPPING, PROTOCOLS);
    let mut contents = std::collections::BTreeMap::new();
    for event in &night.events {
        let Said::Protocol { content, supersedes } = &event.said else { continue };
        let key = (content.station.as_str(), content.revision);
        match key {
            ("a-001", 2) => assert_eq!(*supersedes, contents.get(&("a-001", 1)).copied()),
            _ => assert_eq!(*supersedes, None, "{key:?}"),
        }
        contents.insert(key, content.digest());
    }
}

#[test]
fn byte_order_mark_semicolons_windows_line_ends_and_another_column_order_change_nothing() {
    let plain = run_both(MAPPING, PROTOCOLS);
    let quoted = PROTOCOLS.replace("\"Blue, united\"", "Blue# united");
    let reordered: String = quoted
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let cells: Vec<&str> = cells.iter().rev().copied().collect();
            cells.join(";").replace('#', ",") + "\r\n"
        })
        .collect();
    let dirty = format!("\u{feff}{reordered}");
    let mapping = MAPPING.replacen("separator = \",\"", "separator = \";\"", 1);
    let dirty = run_both(&mapping, &dirty);
    assert_eq!(dirty.night.events, plain.night.events);
    assert_eq!(dirty.report.core_digest, plain.report.core_digest);
    assert_eq!(dirty.report.bad_rows, []);
}

#[test]
fn thousands_separators_that_the_mapping_names_are_dropped() {
    let dirty = PROTOCOLS.replacen("B,1,1,09.06.2024 23:20,200,", "B,1,1,09.06.2024 23:20,1 200,", 1);
    let imported = run_both(MAPPING, &dirty);
    let [bad] = imported.report.bad_rows.as_slice() else { panic!("{:?}", imported.report.bad_rows) };
    assert_eq!((bad.line, bad.field.as_deref()), (3, Some("voters")));
    assert!(bad.problem.contains("add it to `thousands`"), "{bad}");
    let mapping = MAPPING.replacen("thousands = \"\"", "thousands = \" .\"", 1);
    let imported = run_both(&mapping, &dirty);
    assert_eq!(imported.report.bad_rows, []);
    let of_b = imported.protocols().into_iter().find(|content| content.station.as_str() == "b-001").unwrap();
    assert_eq!(of_b.lines.get(LineMeaning::VotersListed), Some(1_200));
}

#[test]
fn a_bad_row_is_reported_with_its_place_and_drops_nothing_else() {
    let plain = run_both(MAPPING, PROTOCOLS);
    for (from, to, place, says) in [
        (
            "B,1,1,09.06.2024 23:20,200,100",
            "B,1,1,09.06.2024 23:20,200,x",
            "p.csv:3:28 (column `cast`)",
            "`x` is no count",
        ),
        ("B,1,1,09.06", "B,1,0,09.06", "p.csv:3:5 (column `version`)", "no revision from 1 to 99"),
        ("B,1,1,09.06.2024", "B,1,1,9 June", "p.csv:3:7 (column `sent`)", "no time written like"),
        ("B,1,1,", "B,1,1,,", "p.csv:3:1", "12 cells, but the header has 11"),
        ("100,0,40,50,10", "100,0,40,50,\"10", "p.csv:3:1", "a quote is not closed"),
        ("100,0,40,50,10", "100,0,40,,10", "p.csv:3:41 (column `Blue, united`)", "a count is missing"),
        ("100,0,40,50,10", "100,0,40,10000000,10", "p.csv:3:41 (column `Blue, united`)", "is above 9999999"),
    ] {
        assert!(PROTOCOLS.contains(from), "{from}");
        let imported = run_both(MAPPING, &PROTOCOLS.replacen(from, to, 1));
        let of_line_3: Vec<&BadRow> = imported.report.bad_rows.iter().filter(|bad| bad.file == "p.csv").collect();
        let [bad] = of_line_3.as_slice() else { panic!("{from}: {:?}", imported.report.bad_rows) };
        assert!(bad.to_string().starts_with(&format!("{place}: ")), "{bad} is not at {place}");
        assert!(bad.problem.contains(says), "{bad}");
        let others = plain.protocols().into_iter().filter(|content| content.station.as_str() != "b-001");
        assert_eq!(imported.protocols(), others.collect::<Vec<_>>(), "{from}");
    }
}

#[test]
fn turnout_of_a_station_whose_only_protocol_is_bad_is_kept() {
    let imported = run_both(MAPPING, &PROTOCOLS.replacen("23:20,200", "23:20,-200", 1));
    assert_eq!((imported.report.bad_rows_count, imported.report.turnout_reports), (1, 3));
    assert_eq!(imported.register("b-001"), 200, "its turnout says so");
}

#[test]
fn a_station_that_lies_in_two_places_is_reported_and_stays_in_the_first() {
    let twice = MAPPING.replacen("station = \"{area|areas}-{nr:3}\"", "station = \"s-{nr}\"", 1);
    let Imported { report, definition, .. } = run(&twice, &[("p.csv", PROTOCOLS.as_bytes())]).unwrap();
    assert_eq!(definition.stations.len(), 2);
    let bad: Vec<String> = report.bad_rows.iter().map(ToString::to_string).collect();
    assert_eq!(bad.len(), 2);
    assert!(bad[0].contains("p.csv:3:3 (column `nr`): station `s-1` lies elsewhere by p.csv:2"), "{}", bad[0]);
}

#[test]
fn two_contents_under_one_revision_are_both_imported_and_contested() {
    let other = PROTOCOLS.to_owned() + "B,1,1,10.06.2024 02:00,200,100,100,0,41,49,10\n";
    let Imported { night, .. } = run_both(MAPPING, &other);
    let contested = night.script_events().filter(|event| event.fate == Fate::Stands(Outcome::Contested));
    assert_eq!(contested.count(), 2);
}

#[test]
fn turnout_rows_with_unknown_stations_or_slots_are_reported() {
    let turnout = TURNOUT.to_owned() + "A,9,12:00,1,2\nA,1,13:00,1,2\n";
    let imported = run(MAPPING, &[("p.csv", PROTOCOLS.as_bytes()), ("t.csv", turnout.as_bytes())]).unwrap();
    let bad: Vec<String> = imported.report.bad_rows.iter().map(ToString::to_string).collect();
    assert!(bad[0].contains("t.csv:5:1 (column `area`): no protocol is of station `a-009`"), "{}", bad[0]);
    assert!(
        bad[1].contains("t.csv:6:5 (column `hour`): turnout.slots of the mapping has no value `13:00`"),
        "{}",
        bad[1]
    );
    assert_eq!(imported.report.turnout_reports, 3);
}

#[test]
fn the_order_of_the_files_given_does_not_matter() {
    let (one, two) = PROTOCOLS.split_once("B,1").unwrap();
    let header = PROTOCOLS.lines().next().unwrap();
    let two = format!("{header}\nB,1{two}");
    let files: [(&str, &[u8]); 3] =
        [("p.csv", one.as_bytes()), ("p2.csv", two.as_bytes()), ("t.csv", TURNOUT.as_bytes())];
    let mapping = MAPPING.replacen("\"p.csv\"", "\"p*.csv\"", 1);
    let forth = run(&mapping, &files).unwrap();
    let back = run(&mapping, &[files[2], files[1], files[0]]).unwrap();
    assert_eq!(forth.night, back.night);
    assert_eq!(forth.night.events, run_both(MAPPING, PROTOCOLS).night.events);
}

#[test]
fn files_that_cannot_be_used_are_refused_with_what_to_do() {
    let file = |name: &str| run(MAPPING, &[(name, PROTOCOLS.as_bytes())]).err().unwrap().to_string();
    assert!(
        file("other.csv")
            .contains("no section of the mapping is for a file of this name; they are for `p.csv` and `t.csv`")
    );
    assert!(file("t.csv").contains("no file is named like `p.csv`"));
    assert!(refused(MAPPING, PROTOCOLS.replace("voters", "electors").as_bytes()).contains("p.csv: no column `voters`"));
    assert!(refused(MAPPING, PROTOCOLS.replace(',', ";").as_bytes()).contains("correct `separator`"));
    let header = PROTOCOLS.lines().next().unwrap();
    assert!(refused(MAPPING, header.as_bytes()).contains("not one protocol could be read"));
    let none = refused(MAPPING, format!("{header}\nQ,1\n").as_bytes());
    assert!(none.contains("p.csv:2:1: 2 cells"), "{none}");
}

#[test]
fn a_compressed_file_is_read_and_a_damaged_one_is_refused() {
    if std::process::Command::new("xz").arg("--version").output().is_err() {
        eprintln!("skipped: needs the program xz");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.csv");
    std::fs::write(&path, PROTOCOLS).unwrap();
    assert!(std::process::Command::new("xz").arg(&path).status().unwrap().success());
    let compressed = std::fs::read(folder.path().join("p.csv.xz")).unwrap();
    let mapping = MAPPING.replacen("\"p.csv\"", "\"p.csv*\"", 1);
    let imported = run(&mapping, &[("p.csv.xz", &compressed)]).unwrap();
    assert_eq!(imported.report.protocols, 6);
    let error = run(&mapping, &[("p.csv.xz", &compressed[..compressed.len() / 2])]).err().unwrap().to_string();
    assert!(error.contains("cannot decompress") && error.contains("xz: "), "{error}");
}

#[test]
fn a_wrong_mapping_is_refused_with_its_place() {
    assert!(wrong_mapping("revision =", "revison =").contains("unknown field `revison`"));
    assert!(wrong_mapping("separator = \",\"", "separator = \"|\"").contains("none of `,`, `;` and tab"));
    assert!(wrong_mapping("thousands = \"\"", "thousands = \"0\"").contains("cannot separate thousands"));
    assert!(wrong_mapping("column = \"valid\"", "column = \"void\"").contains("`void` is there twice"));
    assert!(wrong_mapping("id = \"blue\"", "id = \"red\"").contains("`red` is there twice"));
    assert!(wrong_mapping("required = false\n", "").contains("cannot be required"));
    assert!(wrong_mapping("abroad = {", "abroad_ = {").contains("unknown field"));
    assert!(wrong_mapping("kind = \"independent\"", "kind = \"candidate\"").contains("goes with contest.method.kind"));
    assert!(wrong_mapping("value = \"end\"", "value = \"12:00\"").contains("`12:00` is there twice"));
    assert!(wrong_mapping("at = \"2024-06-09T12:00:00+03:00\"", "at = \"noon\"").contains("`noon` is no instant"));
}

#[test]
fn what_the_loader_refuses_is_told_in_its_words() {
    let error =
        refused(&MAPPING.replacen("allocation = \"d-hondt\"", "allocation = \"d-hont\"", 1), PROTOCOLS.as_bytes());
    assert!(error.contains("the definition made from the mapping is refused") && error.contains("d-hont"), "{error}");
    let error = refused(&MAPPING.replacen("SUM_OF_VOTES", "SUM_OF_VOTS", 1), PROTOCOLS.as_bytes());
    assert!(error.contains("SUM_OF_VOTS"), "{error}");
}

#[test]
fn territories_are_dealt_to_the_shards_of_their_region() {
    let mapping = MAPPING.replacen("territory = \"{area|areas}\"", "territory = \"{area|areas}-{nr}\"", 1).replacen(
        "iso = \"XX-A\"",
        "iso = \"XX-A\"\nshards = 2",
        1,
    );
    let Imported { definition, .. } = run(&mapping, &[("p.csv", PROTOCOLS.as_bytes())]).unwrap();
    let shards: Vec<(&str, u32)> =
        definition.stations.iter().map(|station| (station.id.as_str(), station.shard.0)).collect();
    assert_eq!(shards, [("a-001", 1), ("a-002", 2), ("abroad-001", 4), ("b-001", 3)]);
}

#[test]
fn a_plurality_contest_has_candidates() {
    let start = MAPPING.find("kind = \"list\"").unwrap();
    let end = MAPPING.find("[rules]").unwrap();
    let method = "kind = \"plurality\"\nagainst_all_ahead = \"ignored\"\n\n[contest.method.sources]\n";
    let source = |rule: &str| format!("{rule} = {{ article = \"a\", certainty = \"assumed\" }}\n");
    let sources: String = ["plurality", "against_all_ahead", "ties"].map(source).concat();
    let options = |text: &str| {
        text.replace("kind = \"independent\"\n", "")
            .replace("[[protocols.options]]", "[[protocols.options]]\nkind = \"candidate\"")
    };
    let mapping = format!("{}{method}{sources}\n{}", &MAPPING[..start], options(&MAPPING[end..]));
    let Imported { definition, .. } = run(&mapping, &[("p.csv", PROTOCOLS.as_bytes())]).unwrap();
    assert_eq!(definition.contests[0].options.len(), 3);
}

#[test]
fn a_night_that_was_changed_or_is_of_another_definition_is_refused() {
    let Imported { definition, night, .. } = run_both(MAPPING, PROTOCOLS);
    let mut other = definition;
    other.core_digest.0[0] ^= 1;
    assert!(matches!(night.check(&other), Err(ReadNightError::Foreign { .. })));
    let folder = tempfile::tempdir().unwrap();
    recorded::write(folder.path(), &night).unwrap();
    assert_eq!(recorded::read(folder.path()).unwrap(), night);
    let path = folder.path().join(recorded::EVENTS_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let first = text.lines().nth(1).unwrap();
    for (from, to, says) in [
        ("at,kind", "kind,at", ":1: the header must be"),
        (first, "x", ":2: 1 cells instead of 7"),
        (",protocol,", ",minutes,", "kind `minutes` is neither protocol nor turnout"),
        (" 52 ", " 52 1 ", "8 figures, and night.toml names 7"),
        ("2024-06-09T09", "2025-06-09T09", "earlier than the row before"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = recorded::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_example_of_the_documentation_imports() {
    let text = include_str!("../../../../../docs/import.md");
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    let data = blocks.iter().find(|block| block.contains("Kreis;Wahllokal")).unwrap().trim_start();
    let mapping = blocks.iter().find_map(|block| block.strip_prefix("toml")).unwrap();
    let windows = data.replace('\n', "\r\n");
    let Imported { report, night, .. } = run(mapping, &[("results.csv", windows.as_bytes())]).unwrap();
    assert_eq!((report.bad_rows, report.protocols), (vec![], 1));
    let Said::Protocol { content, .. } = &night.events[0].said else { panic!() };
    assert_eq!((content.station.as_str(), content.lines.get(LineMeaning::VotersListed)), ("north-0017", Some(1_204)));
}
