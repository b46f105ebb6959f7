//! The mapping file: what the columns of somebody else's files mean (`docs/import.md`).

use super::ImportError;
use hattama_election::{
    definition::KeyRole,
    form::{Certainty, LineMeaning},
    instant::Instant,
    text::Text,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The authority that signs what is imported.
pub(super) const IMPORTER: &str = "importer";
/// The other authorities of an imported definition, as `docs/definition.md` has them.
pub(super) const AUTHORITIES: [&str; 3] = ["cec", IMPORTER, "operator"];
/// The services of an imported definition; a service's id is its role.
pub(super) const SERVICES: [&str; 3] = ["aggregator", "gateway", "national"];

/// A whole mapping.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    pub(super) election: ElectionMap,
    pub(super) contest: ContestMap,
    #[serde(default)]
    pub(super) rules: toml::Table,
    pub(super) protocols: ProtocolsMap,
    pub(super) turnout: Option<TurnoutMap>,
    pub(super) regions: Vec<RegionMap>,
    /// Look-up tables of templates, by name.
    #[serde(default)]
    pub(super) tables: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ElectionMap {
    pub(super) id: String,
    pub(super) name: Name,
    pub(super) date: String,
    pub(super) national_utc_offset_minutes: i32,
    /// Where regions do not say otherwise.
    pub(super) polls_close: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContestMap {
    pub(super) id: String,
    pub(super) name: Name,
    pub(super) embargo_until: String,
    /// Copied into the definition as it is.
    pub(super) method: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionMap {
    pub(super) id: String,
    pub(super) name: Name,
    #[serde(default)]
    pub(super) iso: String,
    pub(super) utc_offset_minutes: Option<i32>,
    pub(super) polls_close: Option<String>,
    /// How many shards its territories are dealt to.
    #[serde(default = "one")]
    pub(super) shards: u32,
}

/// How the files of one kind are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilesMap {
    /// A file's name, `*` standing for any text.
    pub(super) name: String,
    #[serde(default = "comma")]
    pub(super) separator: char,
    /// Characters that may stand between groups of three digits.
    #[serde(default)]
    pub(super) thousands: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProtocolsMap {
    pub(super) files: FilesMap,
    pub(super) station: String,
    pub(super) region: String,
    pub(super) territory: String,
    pub(super) territory_name: Option<String>,
    /// None: nothing is abroad.
    pub(super) abroad: Option<Marker>,
    /// None: every row is a first protocol.
    pub(super) revision: Option<String>,
    pub(super) arrived: ArrivalMap,
    /// The column of the register; none: the turnout's first slot says it.
    pub(super) register: Option<String>,
    /// The loader wants a register of at least one voter.
    #[serde(default = "one")]
    pub(super) register_when_unknown: u32,
    pub(super) lines: Vec<LineMap>,
    pub(super) options: Vec<OptionMap>,
    /// None: the ballot has no such line.
    pub(super) against_all: Option<String>,
}

/// Rows in which a column has one of these values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    pub(super) column: String,
    pub(super) is: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArrivalMap {
    pub(super) column: String,
    /// As `strftime`.
    #[serde(default = "iso_date_and_time")]
    pub(super) format: String,
    pub(super) utc_offset_minutes: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineMap {
    pub(super) meaning: LineMeaning,
    pub(super) column: String,
    pub(super) label: Name,
    #[serde(default = "yes")]
    pub(super) required: bool,
    #[serde(default = "found")]
    pub(super) source: Certainty,
    /// 0 abroad means that nobody knows.
    #[serde(default)]
    pub(super) zero_abroad_is_absent: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionMap {
    pub(super) column: String,
    pub(super) id: String,
    pub(super) name: Name,
    #[serde(default)]
    pub(super) kind: OptionKindMap,
    #[serde(default)]
    pub(super) nominated_by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OptionKindMap {
    #[default]
    List,
    Independent,
    /// Of a plurality contest.
    Candidate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TurnoutMap {
    pub(super) files: FilesMap,
    pub(super) station: String,
    pub(super) slot: String,
    pub(super) received: String,
    pub(super) register: String,
    /// The files say for when a report is, not when it came.
    #[serde(default)]
    pub(super) arrival_spread_seconds: u32,
    pub(super) slots: Vec<SlotMap>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotMap {
    /// What the file writes.
    pub(super) value: String,
    pub(super) id: String,
    pub(super) at: String,
}

/// A name: one for all three languages, or one each.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a name is one text for all languages, or { kk = \"…\", ru = \"…\", en = \"…\" }")]
pub(super) enum Name {
    Same(String),
    Each(Text),
}

impl Name {
    pub(super) fn text(&self) -> Text {
        match self {
            Self::Same(name) => Text { kk: name.clone(), ru: name.clone(), en: name.clone() },
            Self::Each(text) => text.clone(),
        }
    }
}

impl Mapping {
    /// Reads a mapping and checks what no row of data is needed for.
    pub(super) fn read(path: &Path) -> Result<Self, ImportError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|problem| ImportError::Mapping { path: path.to_owned(), problem })
    }

    /// Reads the text of a mapping.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mapping: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        mapping.check()?;
        Ok(mapping)
    }

    /// The seed of its rehearsal keys.
    pub(super) fn key_seed(&self) -> String {
        format!("hattama {}", self.election.id)
    }

    /// The columns of a contest's candidates stand in another file than those of lists.
    pub(super) fn is_plurality(&self) -> bool {
        self.contest.method.get("kind").and_then(toml::Value::as_str) == Some("plurality")
    }

    fn check(&self) -> Result<(), String> {
        self.check_lines_and_options()?;
        twice("regions", self.regions.iter().map(|region| &region.id))?;
        self.protocols.files.check("protocols.files")?;
        if self.protocols.register_when_unknown == 0 {
            return Err("protocols.register_when_unknown: a definition's register is at least 1".into());
        }
        if let Some(region) = self.regions.iter().find(|region| region.shards == 0) {
            return Err(format!("regions: `{}` has no shards: leave `shards` out, or write 1 or more", region.id));
        }
        let Some(turnout) = &self.turnout else { return Ok(()) };
        turnout.files.check("turnout.files")?;
        twice("turnout.slots: value", turnout.slots.iter().map(|slot| &slot.value))?;
        twice("turnout.slots: id", turnout.slots.iter().map(|slot| &slot.id))?;
        for slot in &turnout.slots {
            Instant::parse(&slot.at).map_err(|error| format!("turnout.slots: at of `{}`: {error}", slot.id))?;
        }
        Ok(())
    }

    fn check_lines_and_options(&self) -> Result<(), String> {
        let protocols = &self.protocols;
        twice("protocols.lines: meaning", protocols.lines.iter().map(|line| line.meaning))?;
        twice("protocols.options: id", protocols.options.iter().map(|option| &option.id))?;
        let columns = protocols.lines.iter().map(|line| &line.column);
        let columns = columns.chain(protocols.options.iter().map(|option| &option.column));
        twice("protocols: column", columns.chain(&protocols.against_all))?;
        for line in protocols.lines.iter().filter(|line| line.zero_abroad_is_absent) {
            if line.required {
                return Err(format!(
                    "protocols.lines: `{}` is absent abroad where it is 0, so it cannot be required: add required = false",
                    line.meaning
                ));
            }
            if protocols.abroad.is_none() {
                let meaning = line.meaning;
                return Err(format!(
                    "protocols.lines: `{meaning}` speaks of abroad: say in protocols.abroad what that is"
                ));
            }
        }
        for option in &protocols.options {
            if (option.kind == OptionKindMap::Candidate) != self.is_plurality() {
                return Err(format!(
                    "protocols.options: `{}`: kind \"candidate\" goes with contest.method.kind = \"plurality\", and only with it",
                    option.id
                ));
            }
        }
        Ok(())
    }
}

impl FilesMap {
    fn check(&self, place: &str) -> Result<(), String> {
        if ![',', ';', '\t'].contains(&self.separator) {
            return Err(format!("{place}.separator: `{}` is none of `,`, `;` and tab (\"\\t\")", self.separator));
        }
        if let Some(wrong) = self.thousands.chars().find(|c| c.is_ascii_digit() || *c == self.separator || *c == '-') {
            return Err(format!("{place}.thousands: `{wrong}` cannot separate thousands here"));
        }
        Ok(())
    }

    /// Whether a file of this name is one of these.
    pub(super) fn matches(&self, file_name: &str) -> bool {
        matches(&self.name, file_name)
    }
}

/// Whose rehearsal keys an authority's and a service's are.
pub(super) const OFFICES: [(KeyRole, [&str; 3]); 2] = [(KeyRole::Authority, AUTHORITIES), (KeyRole::Service, SERVICES)];

fn twice<T: Ord + std::fmt::Display>(place: &str, items: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for item in items {
        if let Some(item) = seen.replace(item) {
            return Err(format!("{place}: `{item}` is there twice"));
        }
    }
    Ok(())
}

/// Whether `*` in the pattern can stand for texts that make it the name.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    let mut ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.any(|at| matches(rest, &name[at..]))
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn comma() -> char {
    ','
}

fn found() -> Certainty {
    Certainty::Found
}

fn iso_date_and_time() -> String {
    "%Y-%m-%d %H:%M:%S".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, fits) in [
            ("a.csv", "a.csv", true),
            ("a.csv*", "a.csv.xz", true),
            ("a.csv*", "a.csv", true),
            ("*-pv-*.csv", "2024-pv-1.csv", true),
            ("*-pv-*.csv", "2024-presence-1.csv", false),
            ("a.csv", "aa.csv", false),
            ("ș*", "ș1", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
