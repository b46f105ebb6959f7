//! The seven files of the definition, from the mapping and what the rows say (`docs/definition.md`).

use super::{
    ImportError,
    gathered::{Gathered, StationFacts, TerritoryFacts},
    mapping::{IMPORTER, Mapping, Name, OFFICES, OptionKindMap, OptionMap, RegionMap},
    toml_text::{inline, inline_table, quoted},
};
use crate::recorded::ContestLayout;
use hattama_election::{
    definition::{DefinitionFiles, KeyRole, RehearsalKeys},
    form::Certainty,
    ids::{ContestId, InvalidId, OptionId, StationId, TerritoryId},
    text::Text,
};
use std::collections::{BTreeMap, BTreeSet};

/// The form of every imported protocol.
const FORM: &str = "recorded";

/// All seven files.
pub(super) fn files(mapping: &Mapping, gathered: &Gathered) -> Result<DefinitionFiles, ImportError> {
    let keys = RehearsalKeys { key_seed: mapping.key_seed(), importer: true };
    let (candidates, lists) =
        if mapping.is_plurality() { (options(mapping), Vec::new()) } else { (Vec::new(), options(mapping)) };
    let files = [
        ("candidates.csv", table("contest,id,name_kk,name_ru,name_en,nominated_by", candidates)),
        ("districts.csv", table("id,region,name_kk,name_ru,name_en,commission_key", Vec::new())),
        ("election.toml", election(mapping, &keys)?),
        ("lists.csv", table("contest,id,name_kk,name_ru,name_en,kind", lists)),
        ("regions.csv", regions(mapping, gathered)),
        ("stations.csv", stations(mapping, gathered, &keys)?),
        ("territories.csv", territories(mapping, gathered, &keys)?),
    ];
    Ok(DefinitionFiles::new(files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()))
}

/// How a recorded night lays out the contest's figures.
pub(super) fn layout(mapping: &Mapping) -> Result<ContestLayout, InvalidId> {
    let protocols = &mapping.protocols;
    Ok(ContestLayout {
        id: ContestId::new(&mapping.contest.id)?,
        lines: protocols.lines.iter().map(|line| line.meaning).collect(),
        options: protocols.options.iter().map(|option| OptionId::new(&option.id)).collect::<Result<_, _>>()?,
        against_all: protocols.against_all.is_some(),
    })
}

fn election(mapping: &Mapping, keys: &RehearsalKeys) -> Result<String, ImportError> {
    let election = &mapping.election;
    let mut text = format!(
        "# Written by `hattama import`. The figures are recorded: real ones of the past, each signed by the importer.\n\n\
         id = {}\npurpose = \"rehearsal\"\nprovenance = \"recorded\"\ndate = {}\nnational_utc_offset_minutes = {}\n\
         fold_version = 1\nname = {}\n\n[rehearsal]\nkey_seed = {}\nimporter = true\n",
        quoted(&election.id),
        quoted(&election.date),
        election.national_utc_offset_minutes,
        name(&election.name),
        quoted(&keys.key_seed),
    );
    for slot in mapping.turnout.iter().flat_map(|turnout| &turnout.slots) {
        text += &format!("\n[[turnout_slots]]\nid = {}\nat = {}\n", quoted(&slot.id), quoted(&slot.at));
    }
    text += &form(mapping);
    text += &contest(mapping);
    text += "\n[rules]\n";
    for (rule, severity) in &mapping.rules {
        text += &format!("{} = {}\n", quoted(rule), inline(severity));
    }
    text += &offices(keys)?;
    Ok(text)
}

fn form(mapping: &Mapping) -> String {
    let mut text = format!("\n[[forms]]\nid = \"{FORM}\"\n");
    for line in &mapping.protocols.lines {
        text += &format!(
            "[[forms.lines]]\nmeaning = \"{}\"\nrequired = {}\nsource = \"{}\"\nlabel = {}\n",
            line.meaning,
            line.required,
            certainty(line.source),
            name(&line.label)
        );
    }
    text
}

fn contest(mapping: &Mapping) -> String {
    let contest = &mapping.contest;
    format!(
        "\n[[contests]]\nid = {}\nname = {}\nunits = \"all\"\nform = \"{FORM}\"\nagainst_all = {}\nembargo_until = {}\n\
         method = {}\n",
        quoted(&contest.id),
        name(&contest.name),
        mapping.protocols.against_all.is_some(),
        quoted(&contest.embargo_until),
        inline_table(&contest.method)
    )
}

/// Authorities and services with their rehearsal keys.
fn offices(keys: &RehearsalKeys) -> Result<String, ImportError> {
    let mut text = String::new();
    for (role, ids) in OFFICES {
        for id in ids {
            let key = keys.public_key(role, id)?;
            text += &match role {
                KeyRole::Service => format!("\n[[services]]\nid = \"{id}\"\nrole = \"{id}\"\nkey = \"{key}\"\n"),
                _ => {
                    let (role, [kk, ru, en]) = office(id);
                    let name = name(&Name::Each(Text { kk: kk.into(), ru: ru.into(), en: en.into() }));
                    format!("\n[[authorities]]\nid = \"{id}\"\nrole = \"{role}\"\nkey = \"{key}\"\nname = {name}\n")
                }
            };
        }
    }
    Ok(text)
}

/// An authority's role and names.
fn office(id: &str) -> (&'static str, [&'static str; 3]) {
    match id {
        IMPORTER => (
            "importer",
            [
                "Импорттаушы: бұрынғы сайлаудың деректері, учаскелердің қолтаңбасынсыз",
                "Импортёр: данные прошлых выборов, без подписей участков",
                "Importer: figures of a past election, without the stations' signatures",
            ],
        ),
        "operator" => ("operator", ["Жүйе операторы", "Оператор системы", "System operator"]),
        _ => (
            "central",
            ["Орталық комиссия (жаттығу)", "Центральная комиссия (репетиция)", "Central commission (rehearsal)"],
        ),
    }
}

/// Only regions that have stations: shards have no gaps.
fn used_regions<'a>(mapping: &'a Mapping, gathered: &'a Gathered) -> impl Iterator<Item = &'a RegionMap> {
    let used: BTreeSet<&str> = gathered.stations.values().map(|station| station.region.as_str()).collect();
    mapping.regions.iter().filter(move |region| used.contains(region.id.as_str()))
}

fn regions(mapping: &Mapping, gathered: &Gathered) -> String {
    let rows = used_regions(mapping, gathered).map(|region| {
        let offset = region.utc_offset_minutes.unwrap_or(mapping.election.national_utc_offset_minutes);
        let polls_close = region.polls_close.as_ref().unwrap_or(&mapping.election.polls_close);
        let Text { kk, ru, en } = region.name.text();
        vec![region.id.clone(), kk, ru, en, region.iso.clone(), offset.to_string(), polls_close.clone()]
    });
    table("id,name_kk,name_ru,name_en,iso,utc_offset_minutes,polls_close", rows.collect())
}

fn territories(mapping: &Mapping, gathered: &Gathered, keys: &RehearsalKeys) -> Result<String, ImportError> {
    let mut rows = Vec::new();
    for (id, facts) in used_territories(gathered) {
        let of_region = || mapping.regions.iter().find(|region| region.id == facts.region.as_str());
        let name = match &facts.name {
            Some(name) => Name::Same(name.clone()).text(),
            None => of_region().map_or_else(|| Name::Same(id.to_string()).text(), |region| region.name.text()),
        };
        let key = keys.public_key(KeyRole::Territorial, id.as_str())?.to_string();
        rows.push(vec![id.to_string(), facts.region.to_string(), name.kk, name.ru, name.en, key]);
    }
    Ok(table("id,region,name_kk,name_ru,name_en,commission_key", rows))
}

/// A territory whose only rows were bad has no stations.
fn used_territories(gathered: &Gathered) -> impl Iterator<Item = (&TerritoryId, &TerritoryFacts)> {
    let used: BTreeSet<&TerritoryId> = gathered.stations.values().map(|station| &station.territory).collect();
    gathered.territories.iter().filter(move |(id, _)| used.contains(id))
}

fn stations(mapping: &Mapping, gathered: &Gathered, keys: &RehearsalKeys) -> Result<String, ImportError> {
    let shards = shards(mapping, gathered);
    let key = keys.public_key(KeyRole::Authority, IMPORTER)?.to_string();
    let row = |(id, station): (&StationId, &StationFacts)| {
        let register = station.register().unwrap_or(mapping.protocols.register_when_unknown);
        vec![
            id.to_string(),
            station.region.to_string(),
            station.territory.to_string(),
            String::new(),
            shards.get(&station.territory).copied().unwrap_or_default().to_string(),
            String::new(),
            register.to_string(),
            String::new(),
            key.clone(),
        ]
    };
    let rows = gathered.stations.iter().map(row).collect();
    Ok(table("id,region,territory,district,shard,form,register,polls_close,key", rows))
}

/// The shard of each territory: regions in the mapping's order, territories dealt to a region's shards in order of ids.
fn shards<'a>(mapping: &Mapping, gathered: &'a Gathered) -> BTreeMap<&'a TerritoryId, u32> {
    let mut shards = BTreeMap::new();
    let mut next = 1;
    for region in used_regions(mapping, gathered) {
        let own: Vec<&TerritoryId> = used_territories(gathered)
            .filter(|(_, facts)| facts.region.as_str() == region.id)
            .map(|(id, _)| id)
            .collect();
        let territories = u32::try_from(own.len()).unwrap_or(u32::MAX);
        let count = region.shards.min(territories);
        for (place, territory) in (0..).zip(own) {
            shards.insert(territory, next + place * count / territories.max(1));
        }
        next += count;
    }
    shards
}

fn options(mapping: &Mapping) -> Vec<Vec<String>> {
    let row = |option: &OptionMap| {
        let Text { kk, ru, en } = option.name.text();
        let last = match option.kind {
            OptionKindMap::List => "list".to_owned(),
            OptionKindMap::Independent => "independent".to_owned(),
            OptionKindMap::Candidate => option.nominated_by.clone(),
        };
        vec![mapping.contest.id.clone(), option.id.clone(), kk, ru, en, last]
    };
    mapping.protocols.options.iter().map(row).collect()
}

fn certainty(certainty: Certainty) -> &'static str {
    use Certainty::{Assumed, Derived, Found, Older, Press};
    match certainty {
        Found => "found",
        Older => "older",
        Press => "press",
        Assumed => "assumed",
        Derived => "derived",
    }
}

fn name(name: &Name) -> String {
    let Text { kk, ru, en } = name.text();
    format!("{{ kk = {}, ru = {}, en = {} }}", quoted(&kk), quoted(&ru), quoted(&en))
}

fn table(header: &str, rows: Vec<Vec<String>>) -> String {
    let lines = rows.into_iter().map(|row| row.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",") + "\n");
    [format!("{header}\n")].into_iter().chain(lines).collect()
}

/// A cell, in quotes where it must be.
fn csv_cell(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
