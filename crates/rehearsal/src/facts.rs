//! What is known of 19 March 2023, read from `elections/kz-2023/sources/*.csv`: the only place where figures of that day
//! enter this crate. `elections/kz-2023/sources.md` says for each where it comes from and what is assumed.

use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// Turnout slots of the day.
pub const SLOT_COUNT: usize = 7;
/// Their ids in time order: full hours of the national clock, published ten minutes later.
pub const SLOTS: [&str; SLOT_COUNT] = ["10-00", "12-00", "14-00", "16-00", "18-00", "20-00", "22-00"];
/// Their hours on the national clock.
pub const SLOT_HOURS: [u32; SLOT_COUNT] = [10, 12, 14, 16, 18, 20, 22];
/// The slot for which nothing was published: its figures are interpolated, and synthetic.
pub const UNPUBLISHED_SLOT: usize = 2;
/// Midnight of 19 March 2023 on the national clock (UTC+6), in Unix seconds.
pub const ELECTION_DAY_START_UNIX_SECONDS: i64 = 1_679_162_400;
/// The region of the stations abroad.
pub const ABROAD: &str = "abroad";
/// Where stations close at 20:00 of the national clock; regions at UTC+5 close an hour later.
pub const NATIONAL_UTC_OFFSET_HOURS: i32 = 6;

/// The row of `party_list_result.csv` that is no list.
const AGAINST_ALL: &str = "against-all";

/// All that is known.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The twenty regions in the central commission's order, then [`ABROAD`].
    pub regions: Vec<Region>,
    /// The single-mandate districts by number.
    pub districts: Vec<District>,
    /// The lists of the ballot with their official votes.
    pub lists: Vec<PartyList>,
    /// The ballot's last line.
    pub against_all: PartyList,
    /// National figures by slot; `None` where nothing was published.
    pub national: [Option<NationalTurnout>; SLOT_COUNT],
    /// Stations in all, those abroad included.
    pub stations: u32,
    /// Stations abroad.
    pub stations_abroad: u32,
    /// Candidates in all districts.
    pub candidates: u32,
    /// Regional maslikhat results of the same day, as votes for each list and, last, against all.
    pub regional_results: BTreeMap<String, Vec<Option<u32>>>,
    /// Sums of valid votes in those results.
    pub regional_result_sums: BTreeMap<String, u32>,
    /// Closing hours abroad (after midnight of 19 March, national clock) and how many stations close then.
    pub abroad_hours: Vec<AbroadHours>,
}

/// A region and what is known or assumed of it.
#[derive(Debug, Clone)]
pub struct Region {
    /// Its id: the ISO code in lower case, or [`ABROAD`].
    pub id: String,
    /// ISO 3166-2 code; empty abroad.
    pub iso: String,
    /// Its name in Kazakh.
    pub name_kk: String,
    /// Its name in Russian.
    pub name_ru: String,
    /// Its name in English.
    pub name_en: String,
    /// Its clock's distance from UTC.
    pub utc_offset_hours: i32,
    /// Register before the vote, where known.
    pub register_start: Option<u32>,
    /// Register after the vote, where known.
    pub register_end: Option<u32>,
    /// Stations, where known.
    pub stations: Option<u32>,
    /// What its register is expected to be; solving keeps as near to it as the published figures allow.
    pub register_prior: u32,
    /// Assumed share of its voters at large (urban) stations.
    pub large_station_percent: u32,
    /// Published turnout by slot in hundredths of a percent; assumed abroad.
    pub turnout: [Option<u32>; SLOT_COUNT],
}

/// A single-mandate district.
#[derive(Debug, Clone, Deserialize)]
pub struct District {
    /// Its id, `d01` to `d29`.
    pub id: String,
    /// Its region.
    pub region: String,
    /// Its register, where known.
    pub register: Option<u32>,
    /// Which register that is.
    pub register_at: Option<RegisterTime>,
    /// Registered candidates, where known.
    pub candidates: Option<u32>,
}

/// Which of a day's registers a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegisterTime {
    /// Before the vote.
    Start,
    /// After the vote.
    End,
    /// Of another day: a hint only.
    Prior,
}

/// A line of the list ballot and its official result.
#[derive(Debug, Clone, Deserialize)]
pub struct PartyList {
    /// Its id.
    pub id: String,
    /// Its name in Kazakh.
    pub name_kk: String,
    /// Its name in Russian.
    pub name_ru: String,
    /// Its name in English.
    pub name_en: String,
    /// Votes.
    pub votes: u32,
    /// Seats, as officially allocated; against all has none.
    pub seats: Option<u32>,
}

/// The nation's turnout at a slot, as published.
#[derive(Debug, Clone, Copy)]
pub struct NationalTurnout {
    /// Voters who had received a ballot, where the count was published.
    pub received: Option<u32>,
    /// Their share in hundredths of a percent.
    pub percent_hundredths: u32,
    /// The register that the share is of.
    pub register: u32,
}

/// Stations abroad that close at one hour.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct AbroadHours {
    /// Hours after midnight of 19 March on the national clock.
    pub closes_at_hour: u32,
    /// How many stations.
    pub stations: u32,
}

/// Why the facts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A table cannot be read.
    #[error("elections/kz-2023/sources/{file}: {source}; correct the row and build again")]
    Table {
        /// The file.
        file: &'static str,
        /// What the reader says.
        source: csv::Error,
    },
    /// Tables contradict each other or lack a row.
    #[error("elections/kz-2023/sources/{file}: {problem}")]
    Content {
        /// The file.
        file: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl Facts {
    /// The facts of `elections/kz-2023/sources`, as they were when this was built.
    ///
    /// # Errors
    /// When a table cannot be read or they contradict each other.
    pub fn embedded() -> Result<Self, FactsError> {
        let turnout = turnout_by_region()?;
        let priors = by_region::<PriorRow>("region_priors.csv", REGION_PRIORS, |row| &row.region)?;
        let regions = rows::<RegionRow>("regions.csv", REGIONS)?
            .into_iter()
            .map(|row| region(row, &priors, &turnout))
            .collect::<Result<Vec<_>, _>>()?;
        let (lists, against_all) = ballot()?;
        let (regional_results, regional_result_sums) = regional_results(&lists)?;
        let facts = Self {
            districts: rows("districts.csv", DISTRICTS)?,
            national: national()?,
            stations: total("stations")?,
            stations_abroad: total("stations_abroad")?,
            candidates: total("candidates")?,
            abroad_hours: rows("abroad_hours.csv", ABROAD_HOURS)?,
            regions,
            lists,
            against_all,
            regional_results,
            regional_result_sums,
        };
        facts.check()?;
        Ok(facts)
    }

    /// The districts of a region.
    pub fn districts_of<'a>(&'a self, region: &'a str) -> impl Iterator<Item = &'a District> {
        self.districts.iter().filter(move |district| district.region == region)
    }

    fn check(&self) -> Result<(), FactsError> {
        let ids: BTreeSet<&str> = self.regions.iter().map(|region| region.id.as_str()).collect();
        if let Some(stray) = self.districts.iter().find(|district| !ids.contains(district.region.as_str())) {
            return Err(wrong("districts.csv", format!("{} lies in no region of regions.csv", stray.id)));
        }
        let homeless =
            self.regions.iter().find(|region| region.id != ABROAD && self.districts_of(&region.id).count() == 0);
        if let Some(region) = homeless {
            return Err(wrong("districts.csv", format!("region {} has no district; add a row", region.id)));
        }
        if self.regions.iter().any(|region| region.register_end.is_some_and(|end| Some(end) < region.register_start)) {
            return Err(wrong("regions.csv", "a register is smaller after the vote than before: swap them".to_owned()));
        }
        if !self.national.iter().flatten().is_sorted_by_key(|national| national.register) {
            return Err(wrong("turnout_national.csv", "the register falls during the day: correct it".to_owned()));
        }
        let abroad: u32 = self.abroad_hours.iter().map(|row| row.stations).sum();
        if abroad != self.stations_abroad {
            let problem = format!("{abroad} stations, but totals.csv has {} abroad", self.stations_abroad);
            return Err(wrong("abroad_hours.csv", problem));
        }
        Ok(())
    }
}

impl Region {
    /// The hour of the national clock at which its stations at home close (20:00 local).
    #[must_use]
    pub fn closes_at_hour(&self) -> u32 {
        20u32.saturating_add_signed(NATIONAL_UTC_OFFSET_HOURS - self.utc_offset_hours)
    }

    /// Whether it votes on after 20:00 of the national clock.
    #[must_use]
    pub fn votes_after_20(&self) -> bool {
        self.id == ABROAD || self.closes_at_hour() > 20
    }
}

macro_rules! source {
    ($file:literal) => {
        include_str!(concat!("../../../elections/kz-2023/sources/", $file))
    };
}

const REGIONS: &str = source!("regions.csv");
const REGION_PRIORS: &str = source!("region_priors.csv");
const DISTRICTS: &str = source!("districts.csv");
const PARTY_LIST_RESULT: &str = source!("party_list_result.csv");
const TURNOUT_BY_REGION: &str = source!("turnout_by_region.csv");
const TURNOUT_NATIONAL: &str = source!("turnout_national.csv");
const REGIONAL_RESULTS: &str = source!("regional_results.csv");
const TOTALS: &str = source!("totals.csv");
const ABROAD_HOURS: &str = source!("abroad_hours.csv");

#[derive(Deserialize)]
struct RegionRow {
    id: String,
    iso: String,
    name_kk: String,
    name_ru: String,
    name_en: String,
    utc_offset_hours: i32,
    register_start: Option<u32>,
    register_end: Option<u32>,
    stations: Option<u32>,
}

#[derive(Deserialize)]
struct PriorRow {
    region: String,
    register_prior: u32,
    large_station_percent: u32,
}

#[derive(Deserialize)]
struct NationalRow {
    slot: String,
    received: Option<u32>,
    percent: String,
    register: u32,
}

#[derive(Deserialize)]
struct TotalRow {
    key: String,
    value: u32,
}

fn wrong(file: &'static str, problem: String) -> FactsError {
    FactsError::Content { file, problem }
}

fn rows<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<Vec<T>, FactsError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(|source| FactsError::Table { file, source })
}

fn by_region<T: DeserializeOwned>(
    file: &'static str,
    text: &str,
    id: impl Fn(&T) -> &String,
) -> Result<BTreeMap<String, T>, FactsError> {
    Ok(rows::<T>(file, text)?.into_iter().map(|row| (id(&row).clone(), row)).collect())
}

fn region(
    row: RegionRow,
    priors: &BTreeMap<String, PriorRow>,
    turnout: &BTreeMap<String, [Option<u32>; SLOT_COUNT]>,
) -> Result<Region, FactsError> {
    let prior = priors.get(&row.id).ok_or_else(|| wrong("region_priors.csv", format!("no row for {}", row.id)))?;
    let turnout =
        turnout.get(&row.id).ok_or_else(|| wrong("turnout_by_region.csv", format!("no row for {}", row.id)))?;
    Ok(Region {
        register_prior: prior.register_prior,
        large_station_percent: prior.large_station_percent,
        turnout: *turnout,
        id: row.id,
        iso: row.iso,
        name_kk: row.name_kk,
        name_ru: row.name_ru,
        name_en: row.name_en,
        utc_offset_hours: row.utc_offset_hours,
        register_start: row.register_start,
        register_end: row.register_end,
        stations: row.stations,
    })
}

fn turnout_by_region() -> Result<BTreeMap<String, [Option<u32>; SLOT_COUNT]>, FactsError> {
    const FILE: &str = "turnout_by_region.csv";
    let mut turnout = BTreeMap::new();
    for mut row in rows::<BTreeMap<String, String>>(FILE, TURNOUT_BY_REGION)? {
        let mut slots = [None; SLOT_COUNT];
        for (slot, id) in slots.iter_mut().zip(SLOTS) {
            *slot = row.get(id).map(|text| hundredths(FILE, text)).transpose()?;
        }
        turnout.insert(row.remove("region").unwrap_or_default(), slots);
    }
    Ok(turnout)
}

fn national() -> Result<[Option<NationalTurnout>; SLOT_COUNT], FactsError> {
    const FILE: &str = "turnout_national.csv";
    let mut national = [None; SLOT_COUNT];
    for row in rows::<NationalRow>(FILE, TURNOUT_NATIONAL)? {
        let index = SLOTS.iter().position(|slot| *slot == row.slot);
        let index = index.ok_or_else(|| wrong(FILE, format!("no slot {:?}; use one of {SLOTS:?}", row.slot)))?;
        let percent_hundredths = hundredths(FILE, &row.percent)?;
        national[index] = Some(NationalTurnout { received: row.received, percent_hundredths, register: row.register });
    }
    Ok(national)
}

fn ballot() -> Result<(Vec<PartyList>, PartyList), FactsError> {
    const FILE: &str = "party_list_result.csv";
    let mut lists: Vec<PartyList> = rows(FILE, PARTY_LIST_RESULT)?;
    match lists.pop() {
        Some(last) if last.id == AGAINST_ALL => Ok((lists, last)),
        _ => Err(wrong(FILE, format!("the last row must be {AGAINST_ALL}"))),
    }
}

type RegionalResults = (BTreeMap<String, Vec<Option<u32>>>, BTreeMap<String, u32>);

fn regional_results(lists: &[PartyList]) -> Result<RegionalResults, FactsError> {
    const FILE: &str = "regional_results.csv";
    let (mut votes, mut sums) = (BTreeMap::new(), BTreeMap::new());
    for row in rows::<BTreeMap<String, String>>(FILE, REGIONAL_RESULTS)? {
        let number = |column: &str| row.get(column).and_then(|text| text.parse::<u32>().ok());
        let region = row.get("region").cloned().unwrap_or_default();
        let sum = number("sum").ok_or_else(|| wrong(FILE, format!("{region} has no sum")))?;
        let lines = lists.iter().map(|list| list.id.as_str()).chain([AGAINST_ALL]);
        votes.insert(region.clone(), lines.map(number).collect());
        sums.insert(region, sum);
    }
    Ok((votes, sums))
}

fn total(key: &str) -> Result<u32, FactsError> {
    const FILE: &str = "totals.csv";
    let row = rows::<TotalRow>(FILE, TOTALS)?.into_iter().find(|row| row.key == key);
    row.map(|row| row.value).ok_or_else(|| wrong(FILE, format!("no row {key}")))
}

/// `57.02` as 5702: percentages are compared as integers, never as floats.
fn hundredths(file: &'static str, text: &str) -> Result<u32, FactsError> {
    let value = text.split_once('.').filter(|(_, fraction)| fraction.len() == 2);
    let value = value.and_then(|(whole, fraction)| format!("{whole}{fraction}").parse().ok());
    value.ok_or_else(|| wrong(file, format!("{text:?} is no percentage with two decimals, e.g. 57.02")))
}
