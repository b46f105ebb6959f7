//! What `election.toml` says about the election as a whole: its purpose, day, slots, forms and severities.

use super::{
    cell::{Known, TomlText, check_text},
    shape::Sources,
    toml_file::{FormToml, RehearsalToml},
};
use crate::{
    definition::{Provenance, Purpose, RehearsalKeys, TurnoutSlot, errors::Errors},
    form::Form,
    ids::{ElectionId, FormId, SlotId},
    rules::{RuleCode, Severity},
    text::Text,
};
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

/// The most turnout slots: one each quarter of an hour of a day.
const MAX_SLOTS: usize = 96;
/// The most forms: far above one a kind of contest and station.
const MAX_FORMS: usize = 64;
/// The longest key seed.
const MAX_KEY_SEED_BYTES: usize = 128;
/// The distances from UTC that there are, in minutes.
pub(super) const UTC_OFFSETS_MINUTES: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// The election as a whole.
pub(super) struct Setting {
    pub(super) id: ElectionId,
    pub(super) purpose: Purpose,
    pub(super) provenance: Provenance,
    pub(super) date: String,
    pub(super) national_utc_offset_minutes: i32,
    pub(super) fold_version: u32,
    pub(super) name: Text,
    pub(super) rehearsal: Option<RehearsalKeys>,
    pub(super) slots: Vec<TurnoutSlot>,
}

/// Reads it; none only when `errors` says why.
pub(super) fn read(sources: &Sources<'_>, errors: &mut Errors) -> Option<Setting> {
    let (toml, text) = (&sources.toml, sources.toml_text);
    check_text("name", &toml.name, text, errors);
    check_purpose(sources, errors);
    let date = toml.date.get_ref();
    if !date.parse::<jiff::civil::Date>().is_ok_and(|parsed| parsed.to_string() == *date) {
        errors.add(text.location("date", &toml.date), format!("`{date}` is no date: write it like 2023-03-19"));
    }
    let offset = *toml.national_utc_offset_minutes.get_ref();
    if !UTC_OFFSETS_MINUTES.contains(&offset) {
        let location = text.location("national_utc_offset_minutes", &toml.national_utc_offset_minutes);
        errors.add(location, format!("{offset} minutes: no clock is that far from UTC"));
    }
    if *toml.fold_version.get_ref() == 0 {
        errors.add(text.location("fold_version", &toml.fold_version), "fold versions are numbered from 1");
    }
    let id = text.cell("id", &toml.id).id(ElectionId::new, errors);
    let slots = slots(sources, errors);
    Some(Setting {
        id: id?,
        purpose: toml.purpose,
        provenance: *toml.provenance.get_ref(),
        date: date.clone(),
        national_utc_offset_minutes: offset,
        fold_version: *toml.fold_version.get_ref(),
        name: toml.name.get_ref().clone(),
        rehearsal: toml.rehearsal.as_ref().map(|section| rehearsal_keys(section.get_ref())),
        slots,
    })
}

/// Rehearsal and reality cannot meet (design, D16).
fn check_purpose(sources: &Sources<'_>, errors: &mut Errors) {
    let (toml, text) = (&sources.toml, sources.toml_text);
    let provenance = *toml.provenance.get_ref();
    let official = toml.purpose == Purpose::Official;
    if official && provenance != Provenance::Live {
        let location = text.location("provenance", &toml.provenance);
        errors.add(
            location,
            "the figures of an official election are `live`; generated and recorded ones are rehearsals",
        );
    }
    let section = match &toml.rehearsal {
        None if official => return,
        None => {
            let location = super::Location::file(super::TOML).named("rehearsal");
            return errors.add_with_hint(
                location,
                "a rehearsal needs the section [rehearsal]",
                "its keys derive from key_seed",
            );
        }
        Some(section) => section,
    };
    if official {
        let problem = "an official election has no section [rehearsal]: its keys could be derived by anyone";
        errors.add(text.location("rehearsal", section), problem);
    }
    let seed = &section.get_ref().key_seed;
    if seed.get_ref().trim().is_empty() || seed.get_ref().len() > MAX_KEY_SEED_BYTES {
        let problem = format!("a key seed has 1 to {MAX_KEY_SEED_BYTES} bytes");
        errors.add(text.location("rehearsal.key_seed", seed), problem);
    }
    if let Some(importer) = section.get_ref().importer.as_ref().filter(|importer| *importer.get_ref())
        && provenance != Provenance::Recorded
    {
        let problem = "only recorded figures may be signed by an importer";
        let hint = "set provenance = \"recorded\", or leave importer out";
        errors.add_with_hint(text.location("rehearsal.importer", importer), problem, hint);
    }
}

fn rehearsal_keys(section: &RehearsalToml) -> RehearsalKeys {
    RehearsalKeys {
        key_seed: section.key_seed.get_ref().clone(),
        importer: section.importer.as_ref().is_some_and(|importer| *importer.get_ref()),
    }
}

/// Slots in the order written, which must be that of time.
fn slots(sources: &Sources<'_>, errors: &mut Errors) -> Vec<TurnoutSlot> {
    let (toml, text) = (&sources.toml, sources.toml_text);
    Known::new("slot", toml.turnout_slots.iter().map(|slot| text.cell("id", &slot.id)), errors);
    let mut slots: Vec<TurnoutSlot> = Vec::new();
    for slot in &toml.turnout_slots {
        let id = text.cell("id", &slot.id).id(SlotId::new, errors);
        let at = text.cell("at", &slot.at).instant(errors);
        let (Some(id), Some(at)) = (id, at) else { continue };
        if let Some(before) = slots.last().filter(|before| before.at >= at) {
            let problem = format!("slot `{id}` is not later than slot `{}` before it", before.id);
            errors.add_with_hint(text.location("at", &slot.at), problem, "write the slots in time order");
        }
        slots.push(TurnoutSlot { id, at });
    }
    if let Some(slot) = toml.turnout_slots.get(MAX_SLOTS) {
        errors.add(text.location("id", &slot.id), format!("more than {MAX_SLOTS} slots"));
    }
    slots
}

/// Forms, and their ids.
pub(super) struct Forms<'a> {
    /// In the order written.
    pub(super) forms: Vec<Form>,
    /// Their places, by id.
    pub(super) known: Known<'a>,
}

impl<'a> Forms<'a> {
    /// Reads the forms.
    pub(super) fn read(sources: &'a Sources<'_>, errors: &mut Errors) -> Self {
        let (toml, text) = (&sources.toml, sources.toml_text);
        let known = Known::new("form", toml.forms.iter().map(|form| text.cell("id", &form.id)), errors);
        if let Some(form) = toml.forms.get(MAX_FORMS) {
            errors.add(text.location("id", &form.id), format!("more than {MAX_FORMS} forms"));
        }
        Self { forms: toml.forms.iter().filter_map(|written| form(written, text, errors)).collect(), known }
    }
}

fn form(written: &FormToml, text: TomlText<'_>, errors: &mut Errors) -> Option<Form> {
    let mut seen = BTreeSet::new();
    for line in &written.lines {
        let meaning = line.get_ref().meaning;
        if !seen.insert(meaning) {
            let problem = format!("form `{}` has two lines `{meaning}`", written.id.get_ref());
            errors.add(text.location("lines", line), problem);
        }
        let label = Spanned::new(line.span(), line.get_ref().label.clone());
        check_text("label", &label, text, errors);
    }
    if written.lines.is_empty() {
        errors.add(text.location("id", &written.id), format!("form `{}` has no lines", written.id.get_ref()));
    }
    let id = text.cell("id", &written.id).id(FormId::new, errors)?;
    Some(Form { id, lines: written.lines.iter().map(|line| line.get_ref().clone()).collect() })
}

/// The severity of every rule: the catalogue's, or what `[rules]` says.
pub(super) fn severities(sources: &Sources<'_>, errors: &mut Errors) -> BTreeMap<RuleCode, Severity> {
    let text = sources.toml_text;
    let mut severities: BTreeMap<RuleCode, Severity> =
        RuleCode::ALL.iter().map(|&code| (code, code.default_severity())).collect();
    for (name, severity) in &sources.toml.rules {
        let Some(code) = RuleCode::parse(name.get_ref()) else {
            let codes = RuleCode::ALL.iter().map(|code| code.as_str());
            errors.unknown(text.location("rules", name), "rule", name.get_ref(), codes);
            continue;
        };
        if code.may_change_to(*severity.get_ref()) {
            severities.insert(code, *severity.get_ref());
            continue;
        }
        let problem = format!("{code} cannot be {}", severity.get_ref().as_str());
        let all = [Severity::Off, Severity::Flag, Severity::Hold, Severity::Refuse].into_iter();
        let allowed: Vec<&str> = all.filter(|&other| code.may_change_to(other)).map(Severity::as_str).collect();
        let hint = format!("it may be {} (docs/rules.md)", allowed.join(", "));
        errors.add_with_hint(text.location(code.as_str(), severity), problem, hint);
    }
    severities
}
