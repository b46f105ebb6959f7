//! A small definition for tests and examples: three regions (one abroad), four territories, two districts, eight stations
//! in four shards, one list contest and one plurality contest a district, three turnout slots. Nothing in it is real.

use super::{Definition, DefinitionFiles, KeyRole, RehearsalKeys};
use std::collections::BTreeMap;

/// The seed of the sample's rehearsal keys.
pub const KEY_SEED: &str = "hattama sample";

/// The sample's stations: id, region, territory, district, shard, register.
pub const STATIONS: [(&str, &str, &str, &str, u32, u32); 8] = [
    ("abroad-001", "abroad", "abroad", "", 4, 120),
    ("north-001", "north", "north-a", "d-1", 1, 2_400),
    ("north-002", "north", "north-a", "d-1", 1, 1_850),
    ("north-003", "north", "north-b", "d-1", 2, 900),
    ("north-004", "north", "north-b", "d-1", 2, 229),
    ("south-001", "south", "south-a", "d-2", 3, 3_000),
    ("south-002", "south", "south-a", "d-2", 3, 1_501),
    ("south-003", "south", "south-a", "d-2", 3, 75),
];

/// The sample's rehearsal keys: with them a test signs for any station, commission or service.
#[must_use]
pub fn keys() -> RehearsalKeys {
    RehearsalKeys { key_seed: KEY_SEED.into(), importer: false }
}

/// The sample's seven files.
#[must_use]
pub fn definition_files() -> DefinitionFiles {
    let files = [
        ("candidates.csv", CANDIDATES.to_owned()),
        ("districts.csv", with_keys(DISTRICTS, KeyRole::District)),
        ("election.toml", election_toml()),
        ("lists.csv", LISTS.to_owned()),
        ("regions.csv", REGIONS.to_owned()),
        ("stations.csv", stations_csv()),
        ("territories.csv", with_keys(TERRITORIES, KeyRole::Territorial)),
    ];
    DefinitionFiles::new(
        files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into_iter().collect::<BTreeMap<_, _>>(),
    )
}

/// The sample, loaded. Its fields are public: a test changes what it needs changed.
#[must_use]
#[expect(clippy::panic, reason = "the sample is a constant, and a test loads it")]
pub fn definition() -> Definition {
    match Definition::load(&definition_files()) {
        Ok(definition) => definition,
        Err(errors) => panic!("the sample does not load:\n{errors}"),
    }
}

const REGIONS: &str = "\
id,name_kk,name_ru,name_en,iso,utc_offset_minutes,polls_close
north,Солтүстік,Север,North,XX-N,300,2030-06-02T20:00:00+05:00
south,Оңтүстік,Юг,South,XX-S,240,2030-06-02T20:00:00+04:00
abroad,Шетел,Зарубежье,Abroad,,0,2030-06-02T20:00:00Z
";

const TERRITORIES: &str = "\
id,region,name_kk,name_ru,name_en,commission_key
north-a,north,Солтүстік А,Северная А,North A,KEY
north-b,north,Солтүстік Б,Северная Б,North B,KEY
south-a,south,Оңтүстік А,Южная А,South A,KEY
abroad,abroad,Шетел,Зарубежье,Abroad,KEY
";

const DISTRICTS: &str = "\
id,region,name_kk,name_ru,name_en,commission_key
d-1,north,№ 1 округ,Округ № 1,District 1,KEY
d-2,south,№ 2 округ,Округ № 2,District 2,KEY
";

const LISTS: &str = "\
contest,id,name_kk,name_ru,name_en,kind
council-list,river,Өзен,Река,River,list
council-list,mountain,Тау,Гора,Mountain,list
council-list,steppe,Дала,Степь,Steppe,list
council-list,lake,Көл,Озеро,Lake,list
";

const CANDIDATES: &str = "\
contest,id,name_kk,name_ru,name_en,nominated_by
council-d-1,c-1,Бірінші үміткер,Первый кандидат,First candidate,River
council-d-1,c-2,Екінші үміткер,Второй кандидат,Second candidate,
council-d-1,c-3,Үшінші үміткер,Третий кандидат,Third candidate,Mountain
council-d-2,c-1,Төртінші үміткер,Четвёртый кандидат,Fourth candidate,Steppe
council-d-2,c-2,Бесінші үміткер,Пятый кандидат,Fifth candidate,
";

const ELECTION: &str = r#"id = "sample"
purpose = "rehearsal"
provenance = "generated"
date = "2030-06-02"
national_utc_offset_minutes = 300
fold_version = 1
name = { kk = "Үлгі сайлау", ru = "Образцовые выборы", en = "Sample election" }

[rehearsal]
key_seed = "hattama sample"

[[turnout_slots]]
id = "10-00"
at = "2030-06-02T10:00:00+05:00"

[[turnout_slots]]
id = "14-00"
at = "2030-06-02T14:00:00+05:00"

[[turnout_slots]]
id = "20-00"
at = "2030-06-02T20:00:00+05:00"

FORMS
[[contests]]
id = "council-list"
name = { kk = "Кеңес, тізімдер", ru = "Совет, списки", en = "Council, lists" }
units = "all"
form = "full"
against_all = true
embargo_until = "2030-06-02T21:00:00+05:00"
[contests.method]
kind = "list"
seats = 10
allocation = "hare-largest-remainder"
threshold = { numerator = 5, denominator = 100, of = "valid_including_against_all" }
sole_list_runner_up_minimum = 2
[contests.method.sources]
allocation = { article = "sample, art. 1", certainty = "press" }
threshold = { article = "sample, art. 2", certainty = "found" }
threshold_of = { article = "sample, art. 2, by arithmetic", certainty = "derived" }
sole_list_runner_up_minimum = { article = "sample, art. 3", certainty = "older" }
no_list_over_threshold = { article = "no law found for no list over the threshold", certainty = "assumed" }
ties = { article = "no law found for equal claims", certainty = "assumed" }

[[contests]]
id = "council"
name = { kk = "Кеңес", ru = "Совет", en = "Council" }
units = "each-district"
form = "full"
against_all = true
embargo_until = "2030-06-02T21:00:00+05:00"
[contests.method]
kind = "plurality"
against_all_ahead = "seat-open"
[contests.method.sources]
plurality = { article = "sample, art. 4", certainty = "press" }
against_all_ahead = { article = "no law found for against all ahead", certainty = "assumed" }
ties = { article = "no law found for equal votes", certainty = "assumed" }

[rules]
INVALID_SHARE_HIGH = "flag"

[[authorities]]
id = "cec"
role = "central"
key = "KEY authority cec"
name = { kk = "Орталық комиссия", ru = "Центральная комиссия", en = "Central commission" }

[[authorities]]
id = "operator"
role = "operator"
key = "KEY authority operator"
name = { kk = "Оператор", ru = "Оператор", en = "Operator" }

[[services]]
id = "aggregator"
role = "aggregator"
key = "KEY service aggregator"

[[services]]
id = "national"
role = "national"
key = "KEY service national"

[[services]]
id = "gateway"
role = "gateway"
key = "KEY service gateway"
"#;

/// Meaning, whether form `full` requires it, whether form `brief` (a paper without issued ballots; no station's) has it.
const LINES: [(&str, bool, bool); 12] = [
    ("voters_listed", true, true),
    ("voters_added", false, false),
    ("ballots_received", true, true),
    ("ballots_issued", true, false),
    ("issued_outside", false, false),
    ("issued_absentee", false, false),
    ("ballots_unused", true, true),
    ("ballots_spoiled", true, false),
    ("ballots_found", true, true),
    ("found_portable", false, false),
    ("ballots_invalid", true, true),
    ("ballots_valid", true, true),
];

fn key(role: KeyRole, id: &str) -> String {
    keys().public_key(role, id).map(|key| key.to_string()).unwrap_or_default()
}

/// Puts the commission's key in place of `KEY` at the end of each row.
fn with_keys(rows: &str, role: KeyRole) -> String {
    let keyed = |row: &str| match row.strip_suffix("KEY") {
        Some(start) => format!("{start}{}\n", key(role, row.split(',').next().unwrap_or_default())),
        None => format!("{row}\n"),
    };
    rows.lines().map(keyed).collect()
}

fn stations_csv() -> String {
    let mut text = String::from("id,region,territory,district,shard,form,register,polls_close,key\n");
    for (id, region, territory, district, shard, register) in STATIONS {
        let key = key(KeyRole::Station, id);
        text += &format!("{id},{region},{territory},{district},{shard},,{register},,{key}\n");
    }
    text
}

fn election_toml() -> String {
    let mut text = ELECTION.replacen("FORMS\n", &forms_toml(), 1);
    for (role, id) in [
        (KeyRole::Authority, "cec"),
        (KeyRole::Authority, "operator"),
        (KeyRole::Service, "aggregator"),
        (KeyRole::Service, "national"),
        (KeyRole::Service, "gateway"),
    ] {
        text = text.replacen(&format!("KEY {} {id}", role.as_str()), &key(role, id), 1);
    }
    text
}

fn forms_toml() -> String {
    let line = |meaning: &str, required: bool| {
        let label = format!("{{ kk = \"{meaning}\", ru = \"{meaning}\", en = \"{meaning}\" }}");
        format!(
            "[[forms.lines]]\nmeaning = \"{meaning}\"\nrequired = {required}\nsource = \"assumed\"\nlabel = {label}\n\n"
        )
    };
    let full: String = LINES.iter().map(|(meaning, required, _)| line(meaning, *required)).collect();
    let brief: String = LINES.iter().filter(|(.., brief)| *brief).map(|(meaning, ..)| line(meaning, true)).collect();
    format!("[[forms]]\nid = \"full\"\n{full}[[forms]]\nid = \"brief\"\n{brief}")
}
