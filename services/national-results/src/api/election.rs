//! What the election is, from its definition: made once, it never changes.

use super::{digest, text};
use hattama_election::definition::{
    Contest, ContestOption, Definition, Method, OptionKind, Provenance, Purpose, Station, Units,
};
use hattama_proto::national::v1::{self as national, GetElectionResponse, NamedUnit, Slot};

/// The whole definition, as far as it is public.
pub(super) fn of(definition: &Definition) -> GetElectionResponse {
    let region = |place: u16| definition.regions[usize::from(place)].id.to_string();
    let regions = definition.regions.iter().zip(0..).map(|(unit, place)| {
        named(definition, unit.id.as_str(), &unit.name, String::new(), move |station| station.region.0 == place)
    });
    let territories = definition.territories.iter().zip(0..).map(|(unit, place)| {
        named(definition, unit.id.as_str(), &unit.name, region(unit.region.0), move |station| {
            station.territory.0 == place
        })
    });
    let districts = definition.districts.iter().zip(0..).map(|(unit, place)| {
        named(definition, unit.id.as_str(), &unit.name, region(unit.region.0), move |station| {
            station.district.is_some_and(|district| district.0 == place)
        })
    });
    GetElectionResponse {
        id: definition.id.to_string(),
        core_digest: digest(&definition.core_digest.0),
        name: Some(text(&definition.name)),
        purpose: purpose(definition.purpose).to_owned(),
        provenance: provenance(definition.provenance).to_owned(),
        date: definition.date.clone(),
        national_utc_offset_minutes: definition.national_utc_offset_minutes,
        contests: definition.contests.iter().map(|one| contest(definition, one)).collect(),
        regions: regions.collect(),
        territories: territories.collect(),
        districts: districts.collect(),
        slots: definition.slots.iter().map(|slot| Slot { id: slot.id.to_string(), at_seconds: slot.at.0 }).collect(),
        stations: definition.stations.len() as u64,
        register: definition.stations.iter().map(|station| u64::from(station.register)).sum(),
        restoring: None,
    }
}

/// Seats of a contest: one where the option with the most votes wins.
pub(super) fn seats(contest: &Contest) -> u32 {
    match &contest.method {
        Method::List(list) => list.seats,
        Method::Plurality(_) => 1,
    }
}

fn contest(definition: &Definition, contest: &Contest) -> national::Contest {
    let district = match &contest.units {
        Units::District(district) => definition.districts[usize::from(district.0)].id.to_string(),
        Units::All | Units::Regions(_) => String::new(),
    };
    let method = match &contest.method {
        Method::List(_) => "list",
        Method::Plurality(_) => "plurality",
    };
    national::Contest {
        id: contest.id.to_string(),
        name: Some(text(&contest.name)),
        method: method.to_owned(),
        seats: seats(contest),
        options: contest.options.iter().map(option).collect(),
        against_all: contest.against_all,
        embargo_until_seconds: contest.embargo_until.0,
        district,
    }
}

fn option(option: &ContestOption) -> national::ContestOption {
    let (kind, nominated_by) = match &option.kind {
        OptionKind::List => ("list", ""),
        OptionKind::Independent => ("independent", ""),
        OptionKind::Candidate { nominated_by } => ("candidate", nominated_by.as_str()),
    };
    national::ContestOption {
        id: option.id.to_string(),
        name: Some(text(&option.name)),
        kind: kind.to_owned(),
        nominated_by: nominated_by.to_owned(),
    }
}

fn named(
    definition: &Definition,
    id: &str,
    name: &hattama_election::text::Text,
    region: String,
    is_in: impl Fn(&Station) -> bool,
) -> NamedUnit {
    let stations = || definition.stations.iter().filter(|station| is_in(station));
    NamedUnit {
        id: id.to_owned(),
        name: Some(text(name)),
        region,
        stations: stations().count() as u64,
        register: stations().map(|station| u64::from(station.register)).sum(),
    }
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Official => "official",
        Purpose::Rehearsal => "rehearsal",
    }
}

fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Live => "live",
        Provenance::Generated => "generated",
        Provenance::Recorded => "recorded",
    }
}
