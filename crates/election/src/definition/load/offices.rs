//! Commissions, offices and services: everyone but stations whose signature is believed.

use super::{
    cell::{Cell, Known, check_text},
    places::Places,
    shape::Sources,
    table::Table,
    toml_file::AuthorityRoleToml,
};
use crate::{
    definition::{
        Authority, AuthorityRole, DistrictIndex, Service, ServiceRole, TerritoryIndex,
        errors::{Errors, Location},
    },
    ids::{AuthorityId, ServiceId},
    text::Text,
};

/// The most authorities of `election.toml`, and the most services: people write them by hand.
const MAX_WRITTEN: usize = 1_000;

/// Authorities, ascending by id, and services, as written.
pub(super) struct Offices {
    pub(super) authorities: Vec<Authority>,
    pub(super) services: Vec<Service>,
}

/// Reads them; none only when `errors` says why.
pub(super) fn read(sources: &Sources<'_>, places: &Places<'_>, errors: &mut Errors) -> Option<Offices> {
    let territories = places.territories.iter().map(|place| place.as_ref().map(|place| &place.name));
    let districts = places.districts.iter().map(|place| place.as_ref().map(|place| &place.name));
    let territorial = |i| AuthorityRole::Territorial(TerritoryIndex(i));
    let district = |i| AuthorityRole::District(DistrictIndex(i));
    let mut authorities = written_authorities(sources, errors);
    authorities.extend(commissions(&sources.territories, "tec", territories, territorial, errors));
    authorities.extend(commissions(&sources.districts, "dec", districts, district, errors));
    authorities.sort_by(|a, b| a.id.cmp(&b.id));
    let services = services(sources, errors);
    Some(Offices { authorities, services: services? })
}

/// The commissions of a table's places; `names` are those of its rows, in their order.
fn commissions<'n>(
    table: &Table<'_, 6>,
    prefix: &str,
    names: impl Iterator<Item = Option<&'n Text>>,
    role: impl Fn(u16) -> AuthorityRole,
    errors: &mut Errors,
) -> Vec<Authority> {
    let mut commissions = Vec::new();
    for ((place, [id, .., key]), name) in (0..).zip(table.rows()).zip(names) {
        let id = AuthorityId::new(&format!("{prefix}-{}", id.text));
        let (Ok(id), Some(key), Some(name)) = (id, key.key(errors), name) else { continue };
        commissions.push(Authority { id, role: role(place), key, name: name.clone() });
    }
    commissions
}

fn written_authorities(sources: &Sources<'_>, errors: &mut Errors) -> Vec<Authority> {
    let (toml, text) = (&sources.toml, sources.toml_text);
    Known::new("authority", toml.authorities.iter().map(|authority| text.cell("id", &authority.id)), errors);
    check_importers(sources, errors);
    let mut authorities = Vec::new();
    for written in toml.authorities.iter().take(MAX_WRITTEN) {
        check_text("name", &written.name, text, errors);
        let id = text.cell("id", &written.id);
        check_not_a_commission(id, errors);
        let (id, key) = (id.id(AuthorityId::new, errors), text.cell("key", &written.key).key(errors));
        let role = match written.role.get_ref() {
            AuthorityRoleToml::Central => AuthorityRole::Central,
            AuthorityRoleToml::Operator => AuthorityRole::Operator,
            AuthorityRoleToml::Importer => AuthorityRole::Importer,
        };
        let (Some(id), Some(key)) = (id, key) else { continue };
        authorities.push(Authority { id, role, key, name: written.name.get_ref().clone() });
    }
    if let Some(authority) = toml.authorities.get(MAX_WRITTEN) {
        errors.add(text.location("id", &authority.id), format!("more than {MAX_WRITTEN} authorities"));
    }
    authorities
}

/// `tec-…` and `dec-…` are the commissions of territories and districts.
fn check_not_a_commission(id: Cell<'_>, errors: &mut Errors) {
    for (prefix, file) in [("tec-", "territories.csv"), ("dec-", "districts.csv")] {
        if id.text.starts_with(prefix) {
            let problem = format!("`{}`: ids that start with `{prefix}` belong to the commissions of {file}", id.text);
            errors.add(id.location(), problem);
        }
    }
}

/// One importer where the definition has one, none elsewhere (design, D16).
fn check_importers(sources: &Sources<'_>, errors: &mut Errors) {
    let (toml, text) = (&sources.toml, sources.toml_text);
    let flag = toml.rehearsal.as_ref().and_then(|section| section.get_ref().importer.as_ref());
    let wanted = flag.is_some_and(|importer| *importer.get_ref());
    let importers =
        toml.authorities.iter().filter(|authority| *authority.role.get_ref() == AuthorityRoleToml::Importer);
    let roles: Vec<_> = importers.map(|authority| &authority.role).collect();
    match (wanted, roles.as_slice()) {
        (true, []) => {
            let location = flag.map_or_else(|| Location::file(super::TOML), |flag| text.location("importer", flag));
            errors.add(location, "no authority has the role importer");
        }
        (true, [_, second, ..]) => errors.add(text.location("role", second), "a second importer: there is one"),
        (false, [first, ..]) => {
            let problem = "the role importer needs `importer = true` in [rehearsal]";
            errors.add(text.location("role", first), problem);
        }
        (true, [_]) | (false, []) => {}
    }
}

fn services(sources: &Sources<'_>, errors: &mut Errors) -> Option<Vec<Service>> {
    let (toml, text) = (&sources.toml, sources.toml_text);
    Known::new("service", toml.services.iter().map(|service| text.cell("id", &service.id)), errors);
    for (role, what) in [(ServiceRole::Aggregator, "tally"), (ServiceRole::National, "publication")] {
        if !toml.services.iter().any(|service| service.role == role) {
            let location = Location::file(super::TOML).named("services");
            errors.add(location, format!("no service has the role {role}: no {what} would be believed"));
        }
    }
    if let Some(service) = toml.services.get(MAX_WRITTEN) {
        errors.add(text.location("id", &service.id), format!("more than {MAX_WRITTEN} services"));
    }
    let mut services = Vec::new();
    for written in &toml.services {
        let id = text.cell("id", &written.id).id(ServiceId::new, errors);
        let key = text.cell("key", &written.key).key(errors);
        services.push((id, written.role, key));
    }
    services.into_iter().map(|(id, role, key)| Some(Service { id: id?, role, key: key? })).collect()
}
