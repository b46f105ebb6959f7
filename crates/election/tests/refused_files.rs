//! What the loader refuses about whole files, keys and limits; and what it accepts beside the sample.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

mod common;

use common::{assert_refused, change, changed, errors_of};
use hattama_election::definition::{
    AuthorityRole, Definition, DefinitionFiles, Holder, KeyRole, MAX_ERRORS, MAX_OPTIONS, sample,
};

fn key(role: KeyRole, id: &str) -> String {
    sample::keys().public_key(role, id).unwrap().to_string()
}

/// The sample with a file's bytes changed.
fn with_bytes(file: &str, bytes: impl FnOnce(Vec<u8>) -> Vec<u8>) -> DefinitionFiles {
    let mut files = sample::definition_files();
    let changed = bytes(files.get(file).unwrap().to_vec());
    files.set(file, changed);
    files
}

#[test]
fn a_missing_file_and_one_too_many_are_named() {
    let mut files = sample::definition_files();
    let lists = files.get("lists.csv").unwrap().to_vec();
    files.remove("lists.csv");
    files.set("list.csv", lists);
    assert_eq!(
        errors_of(&files).to_string(),
        "list.csv: not one of the seven files of a definition; did you mean `lists.csv`?\n\
         lists.csv: the file is missing"
    );
}

#[test]
fn text_that_is_not_plain_utf_8_is_refused_where_it_starts() {
    let marked = with_bytes("lists.csv", |bytes| [b"\xEF\xBB\xBF", bytes.as_slice()].concat());
    assert_eq!(
        errors_of(&marked).to_string(),
        "lists.csv:1:1: the file starts with a byte order mark; save it as UTF-8 without one"
    );
    let dos = changed("districts.csv", "key\nd-1", "key\r\nd-1");
    assert_eq!(
        errors_of(&dos).to_string(),
        "districts.csv:1:49: a carriage return: lines must end with \\n; save it with Unix line ends"
    );
    let latin = with_bytes("regions.csv", |bytes| {
        let south = bytes.windows(5).position(|window| window == b"South").unwrap();
        [&bytes[..south], b"\xE9", &bytes[south..]].concat()
    });
    assert_eq!(errors_of(&latin).to_string(), "regions.csv:3:19: byte 167 is not UTF-8; export it as CSV UTF-8");
}

#[test]
fn a_table_without_rows_leaves_nothing_to_count() {
    let header = "id,region,territory,district,shard,form,register,polls_close,key\n";
    let files = with_bytes("stations.csv", |_| header.into());
    assert_eq!(errors_of(&files).to_string(), "stations.csv: no stations");
    let files = with_bytes("districts.csv", |_| b"id,region,name_kk,name_ru,name_en,commission_key\n".to_vec());
    let errors = errors_of(&files).to_string();
    assert!(errors.starts_with(
        "election.toml:158:6 (field `id`): one contest a district, but districts.csv has no rows; see `units`\n\
         stations.csv:3:25 (column `district`): unknown district `d-1` (and in 3 more places)\n"
    ));
}

#[test]
fn weak_and_damaged_keys_are_refused() {
    let station = key(KeyRole::Station, "north-001");
    let weak = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (bad, problem) in [
        (weak, "this key is of small order: anybody could sign for it; make a new one"),
        ("short", "a key is 32 bytes in base64url without padding: 43 characters"),
        ("", "a key is 32 bytes in base64url without padding: 43 characters"),
        (
            "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "these 32 bytes are no point of the curve: the key was damaged in transit",
        ),
    ] {
        let errors = errors_of(&changed("stations.csv", &station, bad)).to_string();
        assert_eq!(errors, format!("stations.csv:3:38 (column `key`): {problem}"));
    }
    let commission = key(KeyRole::District, "d-2");
    let errors = errors_of(&changed("districts.csv", &commission, "short")).to_string();
    assert!(errors.starts_with("districts.csv:3:42 (column `commission_key`): a key is 32 bytes"), "{errors}");
}

#[test]
fn one_key_for_two_holders_is_refused() {
    let station = key(KeyRole::Station, "north-002");
    for (role, id, owner) in [
        (KeyRole::Station, "north-001", "station `north-001`"),
        (KeyRole::Territorial, "abroad", "the commission of territory `abroad`"),
        (KeyRole::District, "d-2", "the commission of district `d-2`"),
        (KeyRole::Authority, "cec", "authority `cec`"),
        (KeyRole::Service, "national", "service `national`"),
    ] {
        let errors = errors_of(&changed("stations.csv", &station, &key(role, id))).to_string();
        let problem = format!("the key of station `north-002` is also that of {owner}");
        let expected = format!("stations.csv:4:38 (column `key`): {problem}; each holder needs a key of its own");
        assert_eq!(errors, expected);
    }
}

/// The sample as recorded figures, with an importer in place of the operator.
fn recorded() -> DefinitionFiles {
    let mut files = changed("election.toml", "\"generated\"", "\"recorded\"");
    change(
        &mut files,
        "election.toml",
        "key_seed = \"hattama sample\"",
        "key_seed = \"hattama sample\"\nimporter = true",
    );
    change(&mut files, "election.toml", "role = \"operator\"", "role = \"importer\"");
    files
}

#[test]
fn stations_may_carry_the_importers_key_and_it_stays_the_importers() {
    let mut files = recorded();
    let importer = key(KeyRole::Authority, "operator");
    for station in ["north-001", "north-002"] {
        change(&mut files, "stations.csv", &key(KeyRole::Station, station), &importer);
    }
    let definition = Definition::load(&files).unwrap();
    let id = sample::keys().public_key(KeyRole::Authority, "operator").unwrap().id();
    let Some((_, Holder::Authority(index))) = definition.key(&id) else { panic!("not an authority's") };
    assert_eq!(definition.authorities[usize::from(index)].role, AuthorityRole::Importer);
}

#[test]
fn there_is_one_importer_where_the_definition_wants_one() {
    let mut none = recorded();
    change(&mut none, "election.toml", "role = \"importer\"", "role = \"operator\"");
    let expected = "election.toml:11:12 (field `importer`): no authority has the role importer";
    assert_eq!(errors_of(&none).to_string(), expected);

    let mut two = recorded();
    change(&mut two, "election.toml", "role = \"central\"", "role = \"importer\"");
    let expected = "election.toml:184:8 (field `role`): a second importer: there is one";
    assert_eq!(errors_of(&two).to_string(), expected);
}

#[test]
fn an_official_definition_has_live_figures_and_no_rehearsal_keys() {
    let mut files = changed("election.toml", "purpose = \"rehearsal\"", "purpose = \"official\"");
    change(&mut files, "election.toml", "\"generated\"", "\"live\"");
    change(&mut files, "election.toml", "[rehearsal]\nkey_seed = \"hattama sample\"\n", "");
    assert_eq!(Definition::load(&files).unwrap().rehearsal, None);
}

#[test]
fn a_station_may_have_its_own_form_and_closing_time() {
    let files = changed("stations.csv", ",4,,120,,", ",4,brief,120,2030-06-02T22:00:00Z,");
    let definition = Definition::load(&files).unwrap();
    let abroad = &definition.stations[0];
    assert_eq!(abroad.form, Some(1));
    assert_eq!(definition.form_of(abroad, &definition.contests[0]).id.as_str(), "brief");
    assert_eq!(abroad.polls_close.to_string(), "2030-06-02T22:00:00Z");
}

#[test]
fn an_independent_is_elected_by_quota() {
    let mut files = changed("lists.csv", "Steppe,list", "Steppe,independent");
    let quota = "independents_by_quota = true";
    change(&mut files, "election.toml", "sole_list_runner_up_minimum = 2", quota);
    change(&mut files, "election.toml", "sole_list_runner_up_minimum = {", "independents_by_quota = {");
    assert!(Definition::load(&files).is_ok());
}

#[test]
fn a_contest_has_a_bounded_number_of_options() {
    let rows = |count: usize| -> String { (0..count).map(|i| format!("council-d-2,more-{i},A,B,C,\n")).collect() };
    let with = |count: usize| with_bytes("candidates.csv", |bytes| [bytes.as_slice(), rows(count).as_bytes()].concat());
    assert!(Definition::load(&with(MAX_OPTIONS - 2)).is_ok());
    assert_eq!(
        errors_of(&with(MAX_OPTIONS - 1)).to_string(),
        "candidates.csv:5:1 (column `contest`): contest `council-d-2` has 513 options, at most 512"
    );
}

#[test]
fn a_contest_held_at_no_station_is_refused() {
    let mut files = changed("election.toml", "units = \"all\"", "units = { regions = [\"abroad\"] }");
    let abroad = key(KeyRole::Station, "abroad-001");
    change(&mut files, "stations.csv", &format!("abroad-001,abroad,abroad,,4,,120,,{abroad}\n"), "");
    assert_eq!(errors_of(&files).to_string(), "election.toml: contest `council-list` is held at no station");
}

#[test]
fn many_errors_are_listed_up_to_a_limit_and_the_rest_counted() {
    let rows: String = (0..200).map(|i| format!("s-{i},north,north-a,d-1,1,,none,,\n")).collect();
    let files = with_bytes("stations.csv", |bytes| [bytes.as_slice(), rows.as_bytes()].concat());
    let errors = errors_of(&files);
    assert_eq!((errors.errors.len(), errors.left_out), (MAX_ERRORS, 400 - MAX_ERRORS));
    assert!(errors.to_string().ends_with("\nand 350 more"));
}

#[test]
fn a_file_that_is_no_table_is_refused_with_its_header() {
    assert_refused(&[(
        "lists.csv",
        "contest,id",
        "contest;id",
        "lists.csv:1: wrong header `contest;id,name_kk,name_ru,name_en,kind`; it must be \
         `contest,id,name_kk,name_ru,name_en,kind`",
    )]);
}
