//! The definition of the Majilis election of 19 March 2023 loads, and has what the nation had.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

use hattama_election::definition::{
    AuthorityRole, Definition, DefinitionFiles, KeyRole, MAX_TALLY_BYTES, largest_tally_bytes,
};
use std::path::Path;

fn kz_2023() -> Definition {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../elections/kz-2023");
    let files = DefinitionFiles::read(&folder).unwrap();
    Definition::load(&files).map_err(|errors| errors.to_string()).unwrap()
}

#[test]
fn kz_2023_has_the_stations_contests_and_register_of_the_nation() {
    let summary = kz_2023().summary();
    assert_eq!(summary.stations, 10_223, "{summary}");
    assert_eq!(summary.stations_without_district, 77, "stations abroad");
    assert_eq!((summary.contests, summary.districts), (30, 29));
    assert_eq!(summary.register, 12_032_550);
}

#[test]
fn every_tally_of_kz_2023_fits_one_record() {
    let largest = largest_tally_bytes(&kz_2023());
    assert!((8 * 1024..=MAX_TALLY_BYTES).contains(&largest), "{largest}");
}

#[test]
fn the_keys_of_kz_2023_derive_from_its_seed() {
    let definition = kz_2023();
    let keys = definition.rehearsal.as_ref().unwrap();
    for station in definition.stations.iter().step_by(500) {
        assert_eq!(keys.public_key(KeyRole::Station, station.id.as_str()), Ok(station.key), "{}", station.id);
    }
    for territory in &definition.territories {
        let commission = hattama_election::ids::AuthorityId::new(&format!("tec-{}", territory.id)).unwrap();
        let key = definition.authority(&commission).unwrap().key;
        assert_eq!(keys.public_key(KeyRole::Territorial, territory.id.as_str()), Ok(key), "{commission}");
    }
    for authority in
        definition.authorities.iter().filter(|a| matches!(a.role, AuthorityRole::Central | AuthorityRole::Operator))
    {
        assert_eq!(keys.public_key(KeyRole::Authority, authority.id.as_str()), Ok(authority.key), "{}", authority.id);
    }
    for service in &definition.services {
        assert_eq!(keys.public_key(KeyRole::Service, service.id.as_str()), Ok(service.key), "{}", service.id);
    }
}
