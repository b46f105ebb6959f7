//! Which night is played: generated from a seed, or recorded.

use crate::official::Official;
use hattama_election::{
    definition::{Definition, DefinitionFiles, Purpose, Units},
    digest::{RecordDigest, sha256},
};
use hattama_rehearsal::{
    facts::Facts,
    night::{StationFacts, truth},
    recorded,
    script::{self, Event, Expected},
};
use std::{collections::BTreeMap, error::Error, fs, path::Path, sync::Arc};

/// The election whose facts this program carries.
const KZ_2023: &str = "kz-2023";

/// A night to play.
#[derive(Debug)]
pub struct Night {
    /// The definition's files as stored.
    pub files: DefinitionFiles,
    /// The definition.
    pub definition: Arc<Definition>,
    /// What is sent, in time order.
    pub events: Vec<Event>,
    /// What it must come to; of a recorded night nobody knows.
    pub expected: Option<Expected>,
    /// What was published of the day that it is made from.
    pub official: Option<Official>,
    /// Which night: `seed 2023`, or `recorded <digest>`.
    pub label: String,
}

impl Night {
    /// The night of a seed: with the published facts for `kz-2023`, small for any other definition.
    ///
    /// # Errors
    /// When the definition is wrong or official, or a night cannot be made from it.
    pub fn generated(dir: &Path, seed: u64) -> Result<Self, Box<dyn Error>> {
        let (files, definition) = load_definition(dir)?;
        let (script, official) = if definition.id.as_str() == KZ_2023 {
            let facts = Facts::embedded()?;
            let truth = truth(&station_facts(&definition), &candidates(&definition), &facts, seed)?;
            (script::night(&definition, &truth, seed)?, Some(Official::of_2023(&facts)?))
        } else {
            (script::small(&definition, seed)?, None)
        };
        Ok(Self {
            files,
            definition: Arc::new(definition),
            events: script.events,
            expected: Some(script.expected),
            official,
            label: format!("seed {seed}"),
        })
    }

    /// The night that an import has recorded in a folder.
    ///
    /// # Errors
    /// When it cannot be read, or its definition is official.
    pub fn recorded(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let (files, definition) = load_definition(&dir.join("definition"))?;
        let folder = dir.join("night");
        let night = recorded::read(&folder)?;
        night.check(&definition)?;
        let bytes = fs::read(folder.join(recorded::EVENTS_FILE))?;
        Ok(Self {
            files,
            definition: Arc::new(definition),
            events: night.script_events().collect(),
            expected: None,
            official: None,
            label: format!("recorded {}", RecordDigest(sha256(&bytes)).short()),
        })
    }
}

fn load_definition(dir: &Path) -> Result<(DefinitionFiles, Definition), Box<dyn Error>> {
    let files = DefinitionFiles::read(dir)?;
    let definition = Definition::load(&files)?;
    if definition.purpose != Purpose::Rehearsal {
        return Err(format!(
            "{} is an official election: it is never rehearsed. Make a definition with purpose = \"rehearsal\"",
            definition.id
        )
        .into());
    }
    Ok((files, definition))
}

fn station_facts(definition: &Definition) -> Vec<StationFacts> {
    definition
        .stations
        .iter()
        .map(|station| StationFacts {
            id: station.id.to_string(),
            region: definition.regions[usize::from(station.region.0)].id.to_string(),
            district: station.district.map(|place| definition.districts[usize::from(place.0)].id.to_string()),
            register: station.register,
            polls_close_unix_seconds: station.polls_close.0,
        })
        .collect()
}

/// How many candidates stand in each district.
fn candidates(definition: &Definition) -> BTreeMap<String, u32> {
    definition
        .contests
        .iter()
        .filter_map(|contest| match contest.units {
            Units::District(place) => {
                let district = definition.districts[usize::from(place.0)].id.to_string();
                Some((district, u32::try_from(contest.options.len()).ok()?))
            }
            _ => None,
        })
        .collect()
}
