//! The truth of a generated night: what every station of `kz-2023` will report and sign if nobody errs.
//!
//! A seed chooses one of countless nights. All have the official list result, the ballots issued, the registers and the
//! published turnout of every region and slot; every identity of a protocol holds at every station. What a single station
//! shows is synthetic, district votes altogether.

mod ballots;
mod district_votes;
mod list_votes;
mod turnout;

use crate::{
    facts::{ELECTION_DAY_START_UNIX_SECONDS, Facts, SLOT_COUNT},
    registers::{
        layout::{Layout, StationRow},
        solve::{Solution, SolveError, solve},
    },
};
use std::collections::BTreeMap;

/// What the truth needs to know of a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationFacts {
    /// Its id.
    pub id: String,
    /// Its region.
    pub region: String,
    /// Its district; none abroad.
    pub district: Option<String>,
    /// Voters when the election starts.
    pub register: u32,
    /// When it closes, in Unix seconds.
    pub polls_close_unix_seconds: i64,
}

/// One night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NightTruth {
    /// In the order in which the stations were given.
    pub stations: Vec<StationTruth>,
}

/// One station's night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationTruth {
    /// Its id.
    pub station: String,
    /// By slot, in the order of [`SLOTS`](crate::facts::SLOTS).
    pub turnout: [TurnoutFigures; SLOT_COUNT],
    /// The protocol of the party lists.
    pub list: ProtocolFigures,
    /// The protocol of its district; none abroad.
    pub district: Option<ProtocolFigures>,
}

/// A turnout report's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TurnoutFigures {
    /// Voters who had received a ballot by then.
    pub received: u32,
    /// Voters on the register at that instant.
    pub register: u32,
}

/// A protocol's figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProtocolFigures {
    /// Voters on the list, without those added on the day.
    pub voters_listed: u32,
    /// Voters added on the day.
    pub voters_added: u32,
    /// Ballots that the commission received.
    pub ballots_received: u32,
    /// Ballots issued to voters.
    pub ballots_issued: u32,
    /// Of the issued: outside the premises.
    pub issued_outside: u32,
    /// Of the issued: on absentee certificates.
    pub issued_absentee: u32,
    /// Ballots never issued.
    pub ballots_unused: u32,
    /// Ballots spoiled and replaced.
    pub ballots_spoiled: u32,
    /// Ballots found in all boxes.
    pub ballots_found: u32,
    /// Of the found: in portable boxes.
    pub found_portable: u32,
    /// Invalid ballots.
    pub ballots_invalid: u32,
    /// Valid ballots, against all included.
    pub ballots_valid: u32,
    /// Votes for the options in ballot order.
    pub options: Vec<u32>,
    /// Votes against all.
    pub against_all: u32,
}

/// Why a night has no truth.
#[derive(Debug, thiserror::Error)]
pub enum NightError {
    /// The facts have no solution.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The stations are not those of the generated definition.
    #[error(
        "the stations of {place} have {found} voters, the facts {expected}: this is not the generated kz-2023; generate it again"
    )]
    ForeignStations {
        /// Region and district.
        place: String,
        /// Sum of the stations' registers.
        found: u32,
        /// What the facts give.
        expected: u32,
    },
    /// A district without candidates.
    #[error("no candidates for district {district}: give their number")]
    NoCandidates {
        /// The district.
        district: String,
    },
    /// No whole numbers meet all bounds.
    #[error("no figures fit {what}: try another seed")]
    NoFit {
        /// What cannot be fitted.
        what: String,
    },
}

/// The truth of the night that `seed` chooses. `candidates` is their number by district.
///
/// # Errors
/// When the stations are not those of the definition made from these facts, or a total cannot be met.
pub fn truth(
    stations: &[StationFacts],
    candidates: &BTreeMap<String, u32>,
    facts: &Facts,
    seed: u64,
) -> Result<NightTruth, NightError> {
    let solution = solve(facts)?;
    let units = stations_by_unit(stations, &solution)?;
    let added = turnout::added(stations, &units, seed);
    let received = turnout::received(stations, &units, &added, seed)?;
    let mut lists = ballots::list_ballots(stations, &added, &received, facts, seed)?;
    list_votes::cast(stations, &mut lists, facts, seed)?;
    let mut districts = district_votes::cast(stations, &lists, candidates, seed)?;
    let station = |(index, list): (usize, ProtocolFigures)| StationTruth {
        station: stations[index].id.clone(),
        turnout: std::array::from_fn(|slot| TurnoutFigures {
            received: received[index][slot],
            register: stations[index].register + added[index][slot],
        }),
        list,
        district: districts[index].take(),
    };
    Ok(NightTruth { stations: lists.into_iter().enumerate().map(station).collect() })
}

impl From<&StationRow> for StationFacts {
    fn from(row: &StationRow) -> Self {
        Self {
            id: row.id.clone(),
            region: row.region.clone(),
            district: row.district.clone(),
            register: row.register,
            polls_close_unix_seconds: ELECTION_DAY_START_UNIX_SECONDS + i64::from(row.closes_at_hour) * 3_600,
        }
    }
}

/// The stations of a generated layout.
#[must_use]
pub fn station_facts(layout: &Layout) -> Vec<StationFacts> {
    layout.stations.iter().map(StationFacts::from).collect()
}

/// The numbers of candidates of a generated layout, by district.
#[must_use]
pub fn candidates_by_district(facts: &Facts, layout: &Layout) -> BTreeMap<String, u32> {
    facts.districts.iter().map(|district| district.id.clone()).zip(layout.candidates.iter().copied()).collect()
}

/// A region's solved figures and the places of its stations, whole and by district.
struct Unit<'a> {
    region: &'a crate::registers::solve::RegionSolution,
    stations: Vec<usize>,
    by_district: Vec<Vec<usize>>,
}

impl NightError {
    fn no_fit(what: impl Into<String>) -> Self {
        Self::NoFit { what: what.into() }
    }
}

fn stations_by_unit<'a>(stations: &[StationFacts], solution: &'a Solution) -> Result<Vec<Unit<'a>>, NightError> {
    let mut places: BTreeMap<(&str, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (index, station) in stations.iter().enumerate() {
        places.entry((&station.region, station.district.as_deref())).or_default().push(index);
    }
    let mut units = Vec::new();
    for region in &solution.regions {
        let mut by_district = Vec::new();
        for unit in &region.units {
            let here = places.remove(&(region.region.as_str(), unit.district.as_deref())).unwrap_or_default();
            let found: u32 = here.iter().map(|index| stations[*index].register).sum();
            if found != unit.register_start {
                let place = format!("{} {}", region.region, unit.district.as_deref().unwrap_or_default());
                return Err(NightError::ForeignStations { place, found, expected: unit.register_start });
            }
            by_district.push(here);
        }
        units.push(Unit { region, stations: by_district.concat(), by_district });
    }
    match places.into_iter().next() {
        None => Ok(units),
        Some(((region, district), stray)) => Err(NightError::ForeignStations {
            place: format!("{region} {}", district.unwrap_or_default()),
            found: stray.iter().map(|index| stations[*index].register).sum(),
            expected: 0,
        }),
    }
}
