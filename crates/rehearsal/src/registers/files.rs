//! The seven files of the definition, as text (`docs/definition.md`).

use super::{GenerateError, KEY_SEED, layout::Layout};
use crate::facts::{ABROAD, Facts, NATIONAL_UTC_OFFSET_HOURS};
use hattama_election::definition::{KeyRole, RehearsalKeys};

/// `election.toml` with a place for each key.
const ELECTION_TOML: &str = include_str!("election.template.toml");
/// The authorities and services of that file.
const AUTHORITIES: [&str; 2] = ["cec", "operator"];
const SERVICES: [&str; 3] = ["aggregator", "national", "gateway"];
/// The contest of the party lists, and the beginning of each district's.
const LIST_CONTEST: &str = "majilis-list";
const DISTRICT_CONTEST: &str = "majilis-district";

/// All seven, by name.
pub(super) fn all(facts: &Facts, layout: &Layout) -> Result<Vec<(&'static str, String)>, GenerateError> {
    Ok(vec![
        ("election.toml", election()?),
        ("regions.csv", regions(facts)?),
        ("territories.csv", territories(layout)?),
        ("districts.csv", districts(facts)?),
        ("lists.csv", lists(facts)?),
        ("candidates.csv", candidates(facts, layout)?),
        ("stations.csv", stations(layout)?),
    ])
}

fn election() -> Result<String, GenerateError> {
    let mut text = ELECTION_TOML.replace("{key_seed}", KEY_SEED);
    for (role, ids) in [(KeyRole::Authority, &AUTHORITIES[..]), (KeyRole::Service, &SERVICES[..])] {
        for id in ids {
            text = text.replace(&format!("{{{}/{id}}}", role.as_str()), &public_key(role, id)?);
        }
    }
    Ok(text)
}

fn regions(facts: &Facts) -> Result<String, GenerateError> {
    let last_abroad = facts.abroad_hours.iter().map(|row| row.closes_at_hour).max().unwrap_or_default();
    let rows = facts.regions.iter().map(|region| {
        let polls_close = match region.id.as_str() {
            ABROAD => national_instant(last_abroad),
            _ => format!("2023-03-19T20:00:00+{:02}:00", region.utc_offset_hours),
        };
        let offset = (region.utc_offset_hours * 60).to_string();
        let [id, iso, kk, ru, en] = [&region.id, &region.iso, &region.name_kk, &region.name_ru, &region.name_en];
        Ok([id, kk, ru, en, iso].map(Clone::clone).into_iter().chain([offset, polls_close]).collect())
    });
    table("regions.csv", "id,name_kk,name_ru,name_en,iso,utc_offset_minutes,polls_close", rows)
}

fn territories(layout: &Layout) -> Result<String, GenerateError> {
    let rows = layout.territories.iter().map(|territory| {
        let [kk, ru, en] = match territory.id.as_str() {
            ABROAD => ["Шетелдегі сайлау учаскелері", "Избирательные участки за рубежом", "Polling Stations Abroad"]
                .map(str::to_owned),
            id => [format!("{id} аумағы"), format!("Территория {id}"), format!("Territory {id}")],
        };
        let key = public_key(KeyRole::Territorial, &territory.id)?;
        Ok(vec![territory.id.clone(), territory.region.clone(), kk, ru, en, key])
    });
    table("territories.csv", "id,region,name_kk,name_ru,name_en,commission_key", rows)
}

fn districts(facts: &Facts) -> Result<String, GenerateError> {
    let rows = facts.districts.iter().map(|district| {
        let number = number_of(&district.id);
        let names = [
            format!("№ {number} бір мандатты аумақтық сайлау округі"),
            format!("Одномандатный территориальный избирательный округ № {number}"),
            format!("Single-Mandate District No. {number}"),
        ];
        let key = public_key(KeyRole::District, &district.id)?;
        Ok([district.id.clone(), district.region.clone()].into_iter().chain(names).chain([key]).collect())
    });
    table("districts.csv", "id,region,name_kk,name_ru,name_en,commission_key", rows)
}

fn lists(facts: &Facts) -> Result<String, GenerateError> {
    let rows = facts.lists.iter().map(|list| {
        let [id, kk, ru, en] = [&list.id, &list.name_kk, &list.name_ru, &list.name_en].map(Clone::clone);
        Ok(vec![LIST_CONTEST.to_owned(), id, kk, ru, en, "list".to_owned()])
    });
    table("lists.csv", "contest,id,name_kk,name_ru,name_en,kind", rows)
}

/// Numbered, never named: generated votes do not stand beside a real person (design, D16).
fn candidates(facts: &Facts, layout: &Layout) -> Result<String, GenerateError> {
    let mut rows = Vec::new();
    for (district, count) in facts.districts.iter().zip(&layout.candidates) {
        let number = number_of(&district.id);
        for candidate in 1..=*count {
            rows.push(vec![
                format!("{DISTRICT_CONTEST}-{}", district.id),
                format!("c{number:02}-{candidate:02}"),
                format!("{number}-{candidate:02} кандидат"),
                format!("Кандидат {number}-{candidate:02}"),
                format!("Candidate {number}-{candidate:02}"),
                String::new(),
            ]);
        }
    }
    table("candidates.csv", "contest,id,name_kk,name_ru,name_en,nominated_by", rows.into_iter().map(Ok))
}

fn stations(layout: &Layout) -> Result<String, GenerateError> {
    let rows = layout.stations.iter().map(|station| {
        // at home the region says when the polls close
        let polls_close =
            if station.region == ABROAD { national_instant(station.closes_at_hour) } else { String::new() };
        Ok(vec![
            station.id.clone(),
            station.region.clone(),
            station.territory.clone(),
            station.district.clone().unwrap_or_default(),
            station.shard.to_string(),
            String::new(),
            station.register.to_string(),
            polls_close,
            public_key(KeyRole::Station, &station.id)?,
        ])
    });
    table("stations.csv", "id,region,territory,district,shard,form,register,polls_close,key", rows)
}

/// An hour after midnight of election day on the national clock, as an instant; hours from 24 are the next day's.
fn national_instant(hour: u32) -> String {
    format!("2023-03-{:02}T{:02}:00:00+{NATIONAL_UTC_OFFSET_HOURS:02}:00", 19 + hour / 24, hour % 24)
}

/// `d07` as 7.
fn number_of(district: &str) -> u32 {
    district.trim_start_matches('d').parse().unwrap_or_default()
}

/// A rehearsal key as the definition writes it.
fn public_key(role: KeyRole, id: &str) -> Result<String, GenerateError> {
    let keys = RehearsalKeys { key_seed: KEY_SEED.to_owned(), importer: false };
    Ok(keys.public_key(role, id)?.to_string())
}

fn table(
    file: &'static str,
    header: &str,
    rows: impl IntoIterator<Item = Result<Vec<String>, GenerateError>>,
) -> Result<String, GenerateError> {
    let mut text = format!("{header}\n");
    let failed = |source| GenerateError::Table { file, source };
    for row in rows {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&row?).map_err(failed)?;
        let line = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
        text.push_str(&String::from_utf8_lossy(&line));
    }
    Ok(text)
}
