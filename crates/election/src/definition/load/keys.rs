//! Keys: each has one holder, or nobody could tell who signed. The importer's alone may stand for stations.

use super::{cell::Cell, shape::Sources, toml_file::AuthorityRoleToml};
use crate::{
    definition::{Definition, Holder, errors::Errors},
    ids::StationIndex,
    key::{KeyId, PublicKey},
};
use std::collections::HashMap;

/// Refuses one key for two holders.
pub(super) fn check(sources: &Sources<'_>, errors: &mut Errors) {
    let (toml, text) = (&sources.toml, sources.toml_text);
    let mut holders: HashMap<&str, (&'static str, &str)> = HashMap::new();
    let mut importer = None;
    for authority in &toml.authorities {
        let key = text.cell("key", &authority.key);
        if *authority.role.get_ref() == AuthorityRoleToml::Importer {
            importer = Some(key.text);
        }
        note(&mut holders, "authority", authority.id.get_ref(), key, errors);
    }
    for service in &toml.services {
        note(&mut holders, "service", service.id.get_ref(), text.cell("key", &service.key), errors);
    }
    for [id, .., key] in sources.territories.rows() {
        note(&mut holders, "the commission of territory", id.text, key, errors);
    }
    for [id, .., key] in sources.districts.rows() {
        note(&mut holders, "the commission of district", id.text, key, errors);
    }
    for [id, .., key] in sources.stations.rows().filter(|[.., key]| Some(key.text) != importer) {
        note(&mut holders, "station", id.text, key, errors);
    }
}

fn note<'a>(
    holders: &mut HashMap<&'a str, (&'static str, &'a str)>,
    what: &'static str,
    id: &'a str,
    key: Cell<'a>,
    errors: &mut Errors,
) {
    // Base64 is read strictly, so that equal keys are equal texts; one that is no key is reported where it is read.
    match holders.get(key.text) {
        Some((other, other_id)) if PublicKey::parse(key.text).is_ok() => {
            let problem = format!("the key of {what} `{id}` is also that of {other} `{other_id}`");
            errors.add_with_hint(key.location(), problem, "each holder needs a key of its own");
        }
        Some(_) => {}
        None => drop(holders.insert(key.text, (what, id))),
    }
}

/// Holders by key. A station that carries the importer's key has none of its own.
pub(super) fn index(definition: &Definition) -> HashMap<KeyId, (PublicKey, Holder)> {
    let stations = (0..).map(|i| Holder::Station(StationIndex(i))).zip(definition.stations.iter().map(|s| s.key));
    let authorities = (0..).map(Holder::Authority).zip(definition.authorities.iter().map(|a| a.key));
    let services = (0..).map(Holder::Service).zip(definition.services.iter().map(|s| s.key));
    // Authorities come last: the importer stands in place of the stations that carry its key.
    stations.chain(services).chain(authorities).map(|(holder, key)| (key.id(), (key, holder))).collect()
}
