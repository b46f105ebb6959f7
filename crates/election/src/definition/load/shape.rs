//! The shape of the files: the right seven, each UTF-8 text with `\n` line ends, tables with their headers.

use super::{
    TOML,
    cell::TomlText,
    table::{MAX_OPTION_ROWS, MAX_PLACES, MAX_STATIONS, Table},
    toml_file::{self, ElectionToml},
};
use crate::definition::{
    errors::{Errors, Location, did_you_mean},
    files::DefinitionFiles,
};

/// All files, read as what they are.
pub(super) struct Sources<'a> {
    pub(super) toml: ElectionToml,
    pub(super) toml_text: TomlText<'a>,
    pub(super) regions: Table<'a, 7>,
    pub(super) territories: Table<'a, 6>,
    pub(super) districts: Table<'a, 6>,
    pub(super) lists: Table<'a, 6>,
    pub(super) candidates: Table<'a, 6>,
    pub(super) stations: Table<'a, 9>,
}

const REGIONS: [&str; 7] = ["id", "name_kk", "name_ru", "name_en", "iso", "utc_offset_minutes", "polls_close"];
const TERRITORIES: [&str; 6] = ["id", "region", "name_kk", "name_ru", "name_en", "commission_key"];
const LISTS: [&str; 6] = ["contest", "id", "name_kk", "name_ru", "name_en", "kind"];
const CANDIDATES: [&str; 6] = ["contest", "id", "name_kk", "name_ru", "name_en", "nominated_by"];
const STATIONS: [&str; 9] =
    ["id", "region", "territory", "district", "shard", "form", "register", "polls_close", "key"];

impl<'a> Sources<'a> {
    /// Reads the files; none when the shape of one is wrong.
    pub(super) fn read(files: &'a DefinitionFiles, errors: &mut Errors) -> Option<Self> {
        check_names(files, errors);
        let texts = DefinitionFiles::NAMES.map(|name| text(name, files, errors));
        let [candidates, districts, toml, lists, regions, stations, territories] = texts;
        // Missing files are reported; what can be read of the others is read, for their errors.
        let toml = toml.and_then(|text| toml_file::read(text, errors));
        let regions = regions.map(|text| Table::read("regions.csv", REGIONS, text, MAX_PLACES, errors));
        let territories = territories.map(|text| Table::read("territories.csv", TERRITORIES, text, MAX_PLACES, errors));
        let districts = districts.map(|text| Table::read("districts.csv", TERRITORIES, text, MAX_PLACES, errors));
        let lists = lists.map(|text| Table::read("lists.csv", LISTS, text, MAX_OPTION_ROWS, errors));
        let candidates =
            candidates.map(|text| Table::read("candidates.csv", CANDIDATES, text, MAX_OPTION_ROWS, errors));
        let stations = stations.map(|text| Table::read("stations.csv", STATIONS, text, MAX_STATIONS, errors));
        if !errors.is_empty() {
            return None;
        }
        let (toml, toml_text) = toml?;
        Some(Self {
            toml,
            toml_text,
            regions: regions?,
            territories: territories?,
            districts: districts?,
            lists: lists?,
            candidates: candidates?,
            stations: stations?,
        })
    }
}

fn check_names(files: &DefinitionFiles, errors: &mut Errors) {
    for name in files.names().filter(|name| !DefinitionFiles::NAMES.contains(name)) {
        let hint = did_you_mean(name, DefinitionFiles::NAMES.into_iter())
            .unwrap_or_else(|| format!("they are {}", DefinitionFiles::NAMES.join(", ")));
        errors.add_with_hint(Location::file(name), "not one of the seven files of a definition", hint);
    }
    for name in DefinitionFiles::NAMES.into_iter().filter(|name| files.get(name).is_none()) {
        errors.add(Location::file(name), "the file is missing");
    }
}

/// The text of a file that is there, when it is one.
fn text<'a>(name: &'static str, files: &'a DefinitionFiles, errors: &mut Errors) -> Option<&'a str> {
    let bytes = files.get(name)?;
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        let location = Location::of_byte(name, bytes, 0);
        errors.add_with_hint(location, "the file starts with a byte order mark", "save it as UTF-8 without one");
        return None;
    }
    if let Some(byte) = bytes.iter().position(|&b| b == b'\r') {
        let location = Location::of_byte(name, bytes, byte);
        errors.add_with_hint(location, "a carriage return: lines must end with \\n", "save it with Unix line ends");
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let byte = error.valid_up_to();
            let hint = if name == TOML { "save it as UTF-8" } else { "export it as CSV UTF-8" };
            errors.add_with_hint(Location::of_byte(name, bytes, byte), format!("byte {byte} is not UTF-8"), hint);
            None
        }
    }
}
