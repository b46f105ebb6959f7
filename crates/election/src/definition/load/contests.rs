//! Contests: templates expanded, each with its options in ballot order.

use super::{
    cell::{Cell, Known, check_optional_name, check_text, name},
    methods,
    places::Places,
    setting::Forms,
    shape::Sources,
    toml_file::{ContestToml, EverywhereToml, UnitsToml},
};
use crate::{
    definition::{Contest, ContestOption, DistrictIndex, Method, OptionKind, RegionIndex, Units, errors::Errors},
    ids::{ContestId, OptionId},
    text::Text,
};
use std::collections::{BTreeMap, HashMap};

/// The most options of a contest: its protocol is one small message, and a ballot of more was never printed.
pub const MAX_OPTIONS: usize = 512;
/// The most contests, templates expanded: their indexes are 16 bits wide.
const MAX_CONTESTS: usize = 10_000;

/// Reads the contests in the definition's order, templates expanded in district order; none only when `errors` says why.
pub(super) fn read(
    sources: &Sources<'_>,
    places: &Places<'_>,
    forms: &Forms<'_>,
    errors: &mut Errors,
) -> Option<Vec<Contest>> {
    let text = sources.toml_text;
    Known::new("contest", sources.toml.contests.iter().map(|contest| text.cell("id", &contest.id)), errors);
    let mut options = Options::read(sources, errors);
    let mut contests = Vec::new();
    let mut seen = HashMap::new();
    let mut complete = true;
    for written in &sources.toml.contests {
        let id = text.cell("id", &written.id);
        let Some((units, rest)) =
            units(written, id, sources, places, errors).zip(rest(written, sources, forms, errors))
        else {
            complete = false;
            // Nothing is known of its options: do not report them as well.
            options.forget(id.text);
            continue;
        };
        for (contest_id, name, units) in units {
            if let Some(first) = seen.insert(contest_id.clone(), id.text) {
                // Twice from one id: that id, or a district's, is there twice, and reported there.
                if first != id.text {
                    let problem =
                        format!("contest `{contest_id}` is there twice: from `{first}` and from `{}`", id.text);
                    errors.add(id.location(), problem);
                }
                continue;
            }
            let options = options.take(&contest_id, matches!(rest.method, Method::List(_)), id, errors);
            check_independents(&contest_id, &options, &rest.method, id, errors);
            contests.push(Contest { id: contest_id, name, units, options, ..rest.clone() });
        }
    }
    options.report_rest(seen.keys().map(ContestId::as_str), errors);
    if contests.is_empty() && complete {
        errors.add(super::Location::file(super::TOML).named("contests"), "no contests");
    }
    if contests.len() > MAX_CONTESTS {
        let problem = format!("{} contests, at most {MAX_CONTESTS}", contests.len());
        errors.add(super::Location::file(super::TOML).named("contests"), problem);
    }
    complete.then_some(contests)
}

/// Where a contest is held, as the contests that it becomes: one, or one a district.
fn units(
    written: &ContestToml,
    id: Cell<'_>,
    sources: &Sources<'_>,
    places: &Places<'_>,
    errors: &mut Errors,
) -> Option<Vec<(ContestId, Text, Units)>> {
    let contest = id.id(ContestId::new, errors);
    let name = written.name.get_ref();
    let location = || sources.toml_text.location("units", &written.units);
    match written.units.get_ref() {
        UnitsToml::Everywhere(EverywhereToml::All) => Some(vec![(contest?, name.clone(), Units::All)]),
        UnitsToml::Everywhere(EverywhereToml::EachDistrict) => {
            contest?;
            each_district(id, name, places, errors)
        }
        UnitsToml::Some(some) => {
            if some.regions.is_empty() {
                errors.add(location(), "a contest without regions");
            }
            let mut regions = Vec::new();
            for region in &some.regions {
                let Some(index) = places.known_regions.find_text(region, location, errors) else { continue };
                let index = RegionIndex(u16::try_from(index).ok()?);
                if regions.contains(&index) {
                    errors.add(location(), format!("region `{region}` is there twice"));
                }
                regions.push(index);
            }
            Some(vec![(contest?, name.clone(), Units::Regions(regions))])
        }
    }
}

fn each_district(
    id: Cell<'_>,
    name: &Text,
    places: &Places<'_>,
    errors: &mut Errors,
) -> Option<Vec<(ContestId, Text, Units)>> {
    if places.districts.is_empty() {
        errors.add_with_hint(id.location(), "one contest a district, but districts.csv has no rows", "see `units`");
        return None;
    }
    let mut contests = Vec::new();
    for (index, district) in (0..).map(DistrictIndex).zip(&places.districts) {
        let district = district.as_ref()?;
        let contest = ContestId::new(&format!("{}-{}", id.text, district.id));
        let contest = contest.map_err(|error| errors.add(id.location(), error.to_string())).ok()?;
        let both = |contest: &str, district: &str| format!("{contest}: {district}");
        let name = Text {
            kk: both(&name.kk, &district.name.kk),
            ru: both(&name.ru, &district.name.ru),
            en: both(&name.en, &district.name.en),
        };
        contests.push((contest, name, Units::District(index)));
    }
    Some(contests)
}

/// What all contests of a template share. Its id, name, units and options are each contest's own and replaced.
fn rest(written: &ContestToml, sources: &Sources<'_>, forms: &Forms<'_>, errors: &mut Errors) -> Option<Contest> {
    let text = sources.toml_text;
    check_text("name", &written.name, text, errors);
    let form = forms.known.find(text.cell("form", &written.form), errors);
    let embargo_until = text.cell("embargo_until", &written.embargo_until).instant(errors);
    let method = methods::read(written, form.and_then(|form| forms.forms.get(form)), text, errors);
    Some(Contest {
        id: ContestId::new(written.id.get_ref()).ok()?,
        name: written.name.get_ref().clone(),
        units: Units::All,
        form: form?,
        against_all: written.against_all,
        embargo_until: embargo_until?,
        options: Vec::new(),
        method: method?,
    })
}

/// An independent needs a rule by which to be elected.
fn check_independents(
    contest: &ContestId,
    options: &[ContestOption],
    method: &Method,
    at: Cell<'_>,
    errors: &mut Errors,
) {
    let Method::List(list) = method else { return };
    let independent = options.iter().find(|option| option.kind == OptionKind::Independent);
    if let Some(option) = independent.filter(|_| list.independents_by_quota.is_none()) {
        let problem = format!("contest `{contest}` has the independent `{}`, but no rule elects one", option.id);
        errors.add_with_hint(at.location(), problem, "set independents_by_quota = true");
    }
}

/// The options of both files, by contest, until their contest takes them.
struct Options<'a> {
    lists: BTreeMap<&'a str, Found<'a>>,
    candidates: BTreeMap<&'a str, Found<'a>>,
}

/// The options of one contest, and the first of its rows.
struct Found<'a> {
    first: Cell<'a>,
    options: Vec<ContestOption>,
    seen: HashMap<&'a str, Cell<'a>>,
    rows: usize,
}

impl<'a> Options<'a> {
    fn read(sources: &'a Sources<'_>, errors: &mut Errors) -> Self {
        let list = |cell: Cell<'_>, errors: &mut Errors| {
            cell.one_of(&[("list", false), ("independent", true)], errors)
                .map(|independent| if independent { OptionKind::Independent } else { OptionKind::List })
        };
        let candidate = |cell: Cell<'_>, errors: &mut Errors| {
            check_optional_name(cell, errors);
            Some(OptionKind::Candidate { nominated_by: cell.text.to_owned() })
        };
        Self {
            lists: by_contest(sources.lists.rows(), list, errors),
            candidates: by_contest(sources.candidates.rows(), candidate, errors),
        }
    }

    /// The options of a contest, from the file that its method has.
    fn take(&mut self, contest: &ContestId, list: bool, at: Cell<'_>, errors: &mut Errors) -> Vec<ContestOption> {
        let (own, other, file, kind) = match list {
            true => (&mut self.lists, &mut self.candidates, "lists.csv", "list"),
            false => (&mut self.candidates, &mut self.lists, "candidates.csv", "plurality"),
        };
        if let Some(misplaced) = other.remove(contest.as_str()) {
            let problem = format!("contest `{contest}` is of kind \"{kind}\": its options stand in {file}");
            errors.add(misplaced.first.location(), problem);
        }
        let Some(found) = own.remove(contest.as_str()) else {
            errors.add(at.location(), format!("contest `{contest}` has no options in {file}"));
            return Vec::new();
        };
        if found.rows > MAX_OPTIONS {
            let problem = format!("contest `{contest}` has {} options, at most {MAX_OPTIONS}", found.rows);
            errors.add(found.first.location(), problem);
        }
        found.options
    }

    /// Drops the options of a contest that was itself refused, those of an expanded template included.
    fn forget(&mut self, contest: &str) {
        let of_it = |id: &str| id == contest || id.strip_prefix(contest).is_some_and(|rest| rest.starts_with('-'));
        self.lists.retain(|id, _| !of_it(id));
        self.candidates.retain(|id, _| !of_it(id));
    }

    /// What no contest took names none.
    fn report_rest<'k>(&self, contests: impl Iterator<Item = &'k str>, errors: &mut Errors) {
        let contests: Vec<&str> = contests.collect();
        for found in self.lists.values().chain(self.candidates.values()) {
            errors.unknown(found.first.location(), "contest", found.first.text, contests.iter().copied());
        }
    }
}

fn by_contest<'a>(
    rows: impl Iterator<Item = [Cell<'a>; 6]>,
    kind: impl Fn(Cell<'_>, &mut Errors) -> Option<OptionKind>,
    errors: &mut Errors,
) -> BTreeMap<&'a str, Found<'a>> {
    let mut by_contest = BTreeMap::new();
    for [contest, id, kk, ru, en, last] in rows {
        let found = by_contest.entry(contest.text).or_insert_with(|| Found {
            first: contest,
            options: Vec::new(),
            seen: HashMap::new(),
            rows: 0,
        });
        found.rows += 1;
        if let Some(first) = found.seen.insert(id.text, id) {
            let first = first.location().line.unwrap_or(0);
            let problem =
                format!("option `{}` of contest `{}` is there twice; first in line {first}", id.text, contest.text);
            errors.add(id.location(), problem);
        }
        let (id, name, kind) = (id.id(OptionId::new, errors), name([kk, ru, en], errors), kind(last, errors));
        if let (Some(id), Some(name), Some(kind)) = (id, name, kind) {
            found.options.push(ContestOption { id, name, kind });
        }
    }
    by_contest
}
