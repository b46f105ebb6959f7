//! Random small definitions, written as files and loaded like any other.

use super::random::Random;
use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole, RehearsalKeys},
    key::PublicKey,
    rules::{RuleCode, Severity},
};
use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, LazyLock, Mutex},
};

/// When every station closes, unless an amendment says otherwise.
pub(crate) const CLOSE: &str = "2030-06-02T20:00:00Z";

static KEYS: LazyLock<Mutex<HashMap<String, PublicKey>>> = LazyLock::new(Mutex::default);

/// The rehearsal key of a name; derived once.
pub(crate) fn key(role: KeyRole, id: &str) -> PublicKey {
    let rehearsal = RehearsalKeys { key_seed: "hattama worlds".into(), importer: false };
    let mut keys = KEYS.lock().unwrap();
    *keys.entry(format!("{} {id}", role.as_str())).or_insert_with(|| rehearsal.public_key(role, id).unwrap())
}

/// A key that no definition has and amendments bring.
pub(crate) fn added_key(number: usize) -> PublicKey {
    key(KeyRole::Station, &format!("added-{number}"))
}

/// A random definition: 1 to 6 stations in 1 or 2 regions, 1 to 3 contests, 0 to 3 slots.
pub(crate) fn definition(random: &mut Random) -> Arc<Definition> {
    let files = files(random);
    let text = |name: &&str| String::from_utf8_lossy(files.get(name).unwrap_or_default()).into_owned();
    let texts = || files.names().map(|name| format!("{name}:\n{}", text(&name))).collect::<Vec<_>>().join("\n");
    Arc::new(Definition::load(&files).unwrap_or_else(|errors| panic!("{errors}\n{}", texts())))
}

/// The same as its files.
pub(crate) fn files(random: &mut Random) -> DefinitionFiles {
    let places = Places::new(random);
    let contests = Contests::new(random, &places);
    let files = [
        ("regions.csv", places.regions_csv()),
        ("territories.csv", places.territories_csv()),
        ("districts.csv", places.districts_csv()),
        ("stations.csv", places.stations_csv(random)),
        ("lists.csv", contests.lists),
        ("candidates.csv", contests.candidates),
        ("election.toml", election_toml(random, &contests.toml)),
    ];
    let mut loaded = DefinitionFiles::default();
    files.into_iter().for_each(|(name, text)| loaded.set(name, text.into_bytes()));
    loaded
}

struct Places {
    regions: usize,
    /// The region of each.
    territories: Vec<usize>,
    districts: Vec<usize>,
    /// Territory and district of each.
    stations: Vec<(usize, Option<usize>)>,
    /// The shard of each.
    shards: Vec<u32>,
}

impl Places {
    fn new(random: &mut Random) -> Self {
        let count = random.between(1, 6) as usize;
        let mut places = Self {
            regions: 1 + random.below(2.min(count)),
            territories: vec![],
            districts: vec![],
            stations: vec![],
            shards: vec![],
        };
        for station in 0..count {
            // The first stations see to it that every region has one.
            let region = if station < places.regions { station } else { random.below(places.regions) };
            let territory = one_of_region(random, &mut places.territories, region);
            let district = random.chance(70).then(|| one_of_region(random, &mut places.districts, region));
            places.stations.push((territory, district));
        }
        // Region 0 has shard 1, region 1 shard 2, and either may have one more.
        let first = |region: usize| u32::try_from(region).unwrap() + 1;
        let regions = u32::try_from(places.regions).unwrap();
        let mut extra: HashMap<usize, u32> = HashMap::new();
        for (territory, _) in places.stations.clone().into_iter().skip(places.regions) {
            let region = places.territories[territory];
            let next = regions + 1 + u32::try_from(extra.len()).unwrap();
            let shard = if random.chance(60) { first(region) } else { *extra.entry(region).or_insert(next) };
            places.shards.push(shard);
        }
        let of_first = (0..places.regions).map(first).collect::<Vec<_>>();
        places.shards.splice(0..0, of_first);
        places
    }

    fn regions_csv(&self) -> String {
        let rows = (0..self.regions).map(|place| format!("r{place},r{place},r{place},r{place},,0,{CLOSE}\n"));
        table("id,name_kk,name_ru,name_en,iso,utc_offset_minutes,polls_close", rows)
    }

    fn territories_csv(&self) -> String {
        commissions(&self.territories, "t", KeyRole::Territorial)
    }

    fn districts_csv(&self) -> String {
        commissions(&self.districts, "d", KeyRole::District)
    }

    fn stations_csv(&self, random: &mut Random) -> String {
        let rows = self.stations.iter().zip(&self.shards).enumerate().map(|(place, ((territory, district), shard))| {
            let (id, region) = (format!("s{place}"), self.territories[*territory]);
            let district = district.map(|district| format!("d{district}")).unwrap_or_default();
            let register = random.between(50, 200);
            let key = key(KeyRole::Station, &id);
            format!("{id},r{region},t{territory},{district},{shard},,{register},,{key}\n")
        });
        table("id,region,territory,district,shard,form,register,polls_close,key", rows)
    }
}

/// One of those that a region has, or a new one.
fn one_of_region(random: &mut Random, all: &mut Vec<usize>, region: usize) -> usize {
    let there: Vec<usize> = (0..all.len()).filter(|place| all[*place] == region).collect();
    if there.is_empty() || random.chance(30) {
        all.push(region);
        return all.len() - 1;
    }
    *random.pick(&there)
}

fn commissions(regions: &[usize], letter: &str, role: KeyRole) -> String {
    let rows = regions.iter().enumerate().map(|(place, region)| {
        let id = format!("{letter}{place}");
        format!("{id},r{region},{id},{id},{id},{}\n", key(role, &id))
    });
    table("id,region,name_kk,name_ru,name_en,commission_key", rows)
}

fn table(header: &str, rows: impl Iterator<Item = String>) -> String {
    format!("{header}\n{}", rows.collect::<String>())
}

struct Contests {
    toml: String,
    lists: String,
    candidates: String,
}

impl Contests {
    fn new(random: &mut Random, places: &Places) -> Self {
        let mut contests = Self {
            toml: String::new(),
            lists: "contest,id,name_kk,name_ru,name_en,kind\n".into(),
            candidates: "contest,id,name_kk,name_ru,name_en,nominated_by\n".into(),
        };
        contests.everywhere(random, "main");
        if random.chance(30) {
            contests.everywhere(random, "other");
        }
        // A template has a contest for every district; more than two would be a large world.
        if (1..=2).contains(&places.districts.len()) && random.chance(80) {
            contests.open(random, "district", "each-district");
            contests.plurality(random);
            for district in 0..places.districts.len() {
                contests.add_candidates(random, &format!("district-d{district}"));
            }
        }
        contests
    }

    fn everywhere(&mut self, random: &mut Random, id: &str) {
        self.open(random, id, "all");
        if random.chance(20) {
            self.plurality(random);
            self.add_candidates(random, id);
            return;
        }
        self.list(random);
        for option in options(random, "l") {
            writeln!(self.lists, "{id},{option},{option},{option},{option},list").unwrap();
        }
    }

    fn add_candidates(&mut self, random: &mut Random, contest: &str) {
        for option in options(random, "c") {
            writeln!(self.candidates, "{contest},{option},{option},{option},{option},").unwrap();
        }
    }

    fn open(&mut self, random: &mut Random, id: &str, units: &str) {
        let form = if random.chance(60) { "full" } else { "brief" };
        writeln!(
            self.toml,
            "[[contests]]\nid = \"{id}\"\nname = {}\nunits = \"{units}\"\nform = \"{form}\"\nagainst_all = {}\n\
             embargo_until = \"2030-06-02T21:00:00Z\"\n[contests.method]",
            name(id),
            random.chance(70)
        )
        .unwrap();
    }

    fn plurality(&mut self, random: &mut Random) {
        let ahead = random.pick(&["seat-open", "ignored"]);
        writeln!(self.toml, "kind = \"plurality\"\nagainst_all_ahead = \"{ahead}\"").unwrap();
        self.sources(&["plurality", "against_all_ahead", "ties"]);
    }

    fn list(&mut self, random: &mut Random) {
        let seats = random.between(2, 9);
        let allocation = random.pick(&["hare-largest-remainder", "d-hondt"]);
        writeln!(self.toml, "kind = \"list\"\nseats = {seats}\nallocation = \"{allocation}\"").unwrap();
        let mut rules = vec!["allocation", "no_list_over_threshold", "ties"];
        if random.chance(70) {
            let of = random.pick(&["valid_including_against_all", "valid_without_against_all", "took_part"]);
            let numerator = random.pick(&[1, 5, 20, 40]);
            writeln!(self.toml, "threshold = {{ numerator = {numerator}, denominator = 100, of = \"{of}\" }}").unwrap();
            rules.extend(["threshold", "threshold_of"]);
        }
        if random.chance(50) {
            writeln!(self.toml, "sole_list_runner_up_minimum = {}", random.between(1, seats - 1)).unwrap();
            rules.push("sole_list_runner_up_minimum");
        }
        self.sources(&rules);
    }

    fn sources(&mut self, rules: &[&str]) {
        self.toml += "[contests.method.sources]\n";
        for rule in rules {
            writeln!(self.toml, "{rule} = {{ article = \"a\", certainty = \"assumed\" }}").unwrap();
        }
        self.toml.push('\n');
    }
}

/// 2 to 4 options in an order that is not that of their ids.
fn options(random: &mut Random, letter: &str) -> Vec<String> {
    let mut options: Vec<String> = (0..random.between(2, 4)).map(|place| format!("{letter}{place}")).collect();
    random.shuffle(&mut options);
    options
}

fn name(text: &str) -> String {
    format!("{{ kk = \"{text}\", ru = \"{text}\", en = \"{text}\" }}")
}

/// Meaning, whether form `full` requires it, whether form `brief` (without issued ballots) has it.
const LINES: [(&str, bool, bool); 12] = [
    ("voters_listed", false, true),
    ("voters_added", false, false),
    ("ballots_received", false, true),
    ("ballots_issued", false, false),
    ("issued_outside", false, false),
    ("issued_absentee", false, false),
    ("ballots_unused", false, true),
    ("ballots_spoiled", false, false),
    ("ballots_found", true, true),
    ("found_portable", false, false),
    ("ballots_invalid", false, true),
    ("ballots_valid", false, true),
];

fn election_toml(random: &mut Random, contests: &str) -> String {
    let mut toml = format!(
        "id = \"world\"\npurpose = \"rehearsal\"\nprovenance = \"generated\"\ndate = \"2030-06-02\"\n\
         national_utc_offset_minutes = 0\nfold_version = 1\nname = {}\n[rehearsal]\nkey_seed = \"hattama worlds\"\n",
        name("world")
    );
    for slot in 0..random.between(0, 3) {
        let hour = 10 + slot;
        writeln!(toml, "[[turnout_slots]]\nid = \"{hour}-00\"\nat = \"2030-06-02T{hour}:00:00Z\"").unwrap();
    }
    for form in ["full", "brief"] {
        writeln!(toml, "[[forms]]\nid = \"{form}\"").unwrap();
        for (meaning, full, _) in LINES.iter().filter(|(.., brief)| *brief || form == "full") {
            let label = name(meaning);
            writeln!(
                toml,
                "[[forms.lines]]\nmeaning = \"{meaning}\"\nrequired = {full}\nsource = \"assumed\"\nlabel = {label}"
            )
            .unwrap();
        }
    }
    toml.push_str(contests);
    toml.push_str("[rules]\n");
    for code in RuleCode::ALL {
        let severity = random.pick(&[Severity::Off, Severity::Flag, Severity::Hold]);
        if random.chance(15) && code.may_change_to(*severity) {
            writeln!(toml, "{code} = \"{}\"", severity.as_str()).unwrap();
        }
    }
    for (id, role) in [("cec", "central"), ("cec-2", "central"), ("operator", "operator")] {
        // Two commissions of one rank happen in no country, and the fold must be certain all the same.
        if id != "cec-2" || random.chance(20) {
            let key = key(KeyRole::Authority, id);
            writeln!(toml, "[[authorities]]\nid = \"{id}\"\nrole = \"{role}\"\nkey = \"{key}\"\nname = {}", name(id))
                .unwrap();
        }
    }
    for role in ["aggregator", "national", "gateway"] {
        let key = key(KeyRole::Service, role);
        writeln!(toml, "[[services]]\nid = \"{role}\"\nrole = \"{role}\"\nkey = \"{key}\"").unwrap();
    }
    toml
}
