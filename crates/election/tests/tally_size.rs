//! A definition whose tally would not fit one record is refused, and what the loader proposes instead loads.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

use hattama_election::definition::{
    Definition, DefinitionFiles, KeyRole, MAX_TALLY_BYTES, largest_tally_bytes, sample, tally_sizes,
};

const TERRITORIES: usize = 30;

/// The sample with 30 more territories in the north, a station each, in `shards` more shards, and lists up to `lists`.
fn large(lists: usize, shards: usize) -> DefinitionFiles {
    let mut files = sample::definition_files();
    let mut more = |file: &str, rows: String| {
        let bytes = [files.get(file).unwrap(), rows.as_bytes()].concat();
        files.set(file, bytes);
    };
    let key = |role, id: &str| sample::keys().public_key(role, id).unwrap();
    let territory = |i: usize| {
        let id = format!("more-{i}");
        format!("{id},north,A,B,C,{}\n", key(KeyRole::Territorial, &id))
    };
    let station = |i: usize| {
        let id = format!("more-{i}");
        format!("{id},north,{id},d-1,{},,100,,{}\n", 5 + i % shards, key(KeyRole::Station, &id))
    };
    more("territories.csv", (0..TERRITORIES).map(territory).collect());
    more("stations.csv", (0..TERRITORIES).map(station).collect());
    more("lists.csv", (4..lists).map(|i| format!("council-list,more-{i},A,B,C,list\n")).collect());
    files
}

#[test]
fn a_tally_over_the_limit_is_refused_and_the_proposed_split_loads() {
    let errors = Definition::load(&large(500, 1)).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "stations.csv (column `shard`): the tally of shard 5 (region `north`) may come to 91270 bytes, at most 65536; \
         split it into 2 shards, each with at most 20 territories"
    );
    let definition = Definition::load(&large(500, 2)).unwrap();
    assert!(largest_tally_bytes(&definition) <= MAX_TALLY_BYTES);
}

#[test]
fn more_options_and_more_territories_make_a_larger_tally() {
    let bytes = |lists, shards| largest_tally_bytes(&Definition::load(&large(lists, shards)).unwrap());
    assert!(bytes(100, 1) > bytes(50, 1));
    assert!(bytes(100, 1) > bytes(100, 2));
}

#[test]
fn a_tally_has_its_region_its_districts_and_its_territories() {
    let definition = sample::definition();
    let sizes = tally_sizes(&definition);
    assert_eq!(sizes.iter().map(|size| size.shard.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    // Abroad: 4 lists and against all in one region and one territory, 3 slots in each.
    let unit = 12 * 6 + 5 * 5 + 40;
    assert_eq!(sizes[3].bytes, 512 + 2 * unit + 2 * 3 * 30);
    assert_eq!((sizes[3].territories, sizes[3].split()), (1, Some(1)));
}
