//! Each thing that can be wrong in `election.toml` outside its contests is refused with its place and a hint.

mod common;

use common::assert_refused;

#[test]
fn toml_of_another_shape_is_refused_with_the_nearest_word() {
    assert_refused(&[
        (
            "election.toml",
            "fold_version = 1",
            "fold_versoin = 1",
            "election.toml:6:1: unknown field `fold_versoin`, expected one of `id`, `purpose`, `provenance`, `date`, `national_utc_offset_minutes`, `fold_version`, `name`, `rehearsal`, `turnout_slots`, `forms`, `contests`, `rules`, `authorities`, `services`; did you mean `fold_version`?",
        ),
        (
            "election.toml",
            "fold_version = 1",
            "fold_version =",
            "election.toml:6:15: string values must be quoted, expected literal string",
        ),
        (
            "election.toml",
            "provenance = \"generated\"",
            "provenance = \"invented\"",
            "election.toml:3:14: unknown variant `invented`, expected one of `live`, `generated`, `recorded`",
        ),
        ("election.toml", "key_seed = \"hattama sample\"", "", "election.toml:9:1: missing field `key_seed`"),
        (
            "election.toml",
            "meaning = \"voters_added\"",
            "meaning = \"voters_extra\"",
            "election.toml:33:11: unknown variant `voters_extra`, expected one of `voters_listed`, `voters_added`, `ballots_received`, `ballots_issued`, `issued_outside`, `issued_absentee`, `ballots_unused`, `ballots_spoiled`, `ballots_found`, `found_portable`, `ballots_invalid`, `ballots_valid`",
        ),
        (
            "election.toml",
            "hare-largest-remainder",
            "hare",
            "election.toml:146:14: unknown variant `hare`, expected `hare-largest-remainder` or `d-hondt`",
        ),
        (
            "election.toml",
            "role = \"operator\"",
            "role = \"observer\"",
            "election.toml:183:8: unknown variant `observer`, expected one of `central`, `operator`, `importer`",
        ),
        (
            "election.toml",
            "[rules]",
            "[ruels]",
            "election.toml:172:2: unknown field `ruels`, expected one of `id`, `purpose`, `provenance`, `date`, `national_utc_offset_minutes`, `fold_version`, `name`, `rehearsal`, `turnout_slots`, `forms`, `contests`, `rules`, `authorities`, `services`; did you mean `rules`?",
        ),
        (
            "election.toml",
            "of = \"valid_including_against_all\"",
            "of = \"took_part_in\"",
            "election.toml:147:54: unknown variant `took_part_in`, expected one of `valid_including_against_all`, `valid_without_against_all`, `took_part`; did you mean `took_part`?",
        ),
    ]);
}

#[test]
fn wrong_words_about_the_election_are_refused() {
    assert_refused(&[
        (
            "election.toml",
            "id = \"sample\"",
            "id = \"Sample\"",
            "election.toml:1:6 (field `id`): `Sample` is no id: an id is 1 to 32 of a-z, 0-9, `-` and `.`",
        ),
        (
            "election.toml",
            "fold_version = 1",
            "fold_version = 0",
            "election.toml:6:16 (field `fold_version`): fold versions are numbered from 1",
        ),
        (
            "election.toml",
            "2030-06-02\"",
            "2030-06-31\"",
            "election.toml:4:8 (field `date`): `2030-06-31` is no date: write it like 2023-03-19",
        ),
        (
            "election.toml",
            "national_utc_offset_minutes = 300",
            "national_utc_offset_minutes = 3000",
            "election.toml:5:31 (field `national_utc_offset_minutes`): 3000 minutes: no clock is that far from UTC",
        ),
        (
            "election.toml",
            "\"Sample election\"",
            "\"\"",
            "election.toml:7:8 (field `name.en`): a name must not be empty: it is shown in all three languages",
        ),
    ]);
}

#[test]
fn rehearsal_and_reality_cannot_meet() {
    assert_refused(&[
        (
            "election.toml",
            "purpose = \"rehearsal\"",
            "purpose = \"official\"",
            "election.toml:3:14 (field `provenance`): the figures of an official election are `live`; generated and recorded ones are rehearsals\n\
         election.toml:9:1 (field `rehearsal`): an official election has no section [rehearsal]: its keys could be derived by anyone",
        ),
        (
            "election.toml",
            "[rehearsal]\nkey_seed = \"hattama sample\"",
            "",
            "election.toml (field `rehearsal`): a rehearsal needs the section [rehearsal]; its keys derive from key_seed",
        ),
        (
            "election.toml",
            "key_seed = \"hattama sample\"",
            "key_seed = \"\"",
            "election.toml:10:12 (field `rehearsal.key_seed`): a key seed has 1 to 128 bytes",
        ),
        (
            "election.toml",
            "key_seed = \"hattama sample\"",
            "key_seed = \"hattama sample\"\nimporter = true",
            "election.toml:11:12 (field `importer`): no authority has the role importer\n\
         election.toml:11:12 (field `rehearsal.importer`): only recorded figures may be signed by an importer; set provenance = \"recorded\", or leave importer out",
        ),
        (
            "election.toml",
            "role = \"operator\"",
            "role = \"importer\"",
            "election.toml:183:8 (field `role`): the role importer needs `importer = true` in [rehearsal]",
        ),
    ]);
}

#[test]
fn slots_and_forms_that_contradict_themselves_are_refused() {
    assert_refused(&[
        (
            "election.toml",
            "id = \"14-00\"",
            "id = \"10-00\"",
            "election.toml:17:6 (field `id`): slot `10-00` is there twice; first in line 13",
        ),
        (
            "election.toml",
            "2030-06-02T14:00",
            "2030-06-02T09:00",
            "election.toml:18:6 (field `at`): slot `14-00` is not later than slot `10-00` before it; write the slots in time order",
        ),
        (
            "election.toml",
            "id = \"brief\"",
            "id = \"full\"",
            "election.toml:99:6 (field `id`): form `full` is there twice; first in line 25",
        ),
        (
            "election.toml",
            "meaning = \"voters_added\"",
            "meaning = \"voters_listed\"",
            "election.toml:32:1 (field `lines`): form `full` has two lines `voters_listed`",
        ),
    ]);
}

#[test]
fn severities_that_the_catalogue_does_not_allow_are_refused() {
    assert_refused(&[
        (
            "election.toml",
            "INVALID_SHARE_HIGH",
            "INVALID_SHARE_HIHG",
            "election.toml:173:1 (field `rules`): unknown rule `INVALID_SHARE_HIHG`; did you mean `INVALID_SHARE_HIGH`?",
        ),
        (
            "election.toml",
            "INVALID_SHARE_HIGH = \"flag\"",
            "MALFORMED = \"flag\"",
            "election.toml:173:13 (field `MALFORMED`): MALFORMED cannot be flag; it may be refuse (docs/rules.md)",
        ),
        (
            "election.toml",
            "INVALID_SHARE_HIGH = \"flag\"",
            "SAME_CONTENT = \"off\"",
            "election.toml:173:16 (field `SAME_CONTENT`): SAME_CONTENT cannot be off; it may be flag (docs/rules.md)",
        ),
        (
            "election.toml",
            "INVALID_SHARE_HIGH = \"flag\"",
            "INVALID_SHARE_HIGH = \"refuse\"",
            "election.toml:173:22 (field `INVALID_SHARE_HIGH`): INVALID_SHARE_HIGH cannot be refuse; it may be off, flag, hold (docs/rules.md)",
        ),
        (
            "election.toml",
            "INVALID_SHARE_HIGH = \"flag\"",
            "TURNOUT_FALLS = \"hold\"",
            "election.toml:173:17 (field `TURNOUT_FALLS`): TURNOUT_FALLS cannot be hold; it may be off, flag (docs/rules.md)",
        ),
    ]);
}

#[test]
fn wrong_authorities_and_services_are_refused() {
    assert_refused(&[
        (
            "election.toml",
            "id = \"operator\"",
            "id = \"cec\"",
            "election.toml:182:6 (field `id`): authority `cec` is there twice; first in line 176",
        ),
        (
            "election.toml",
            "id = \"operator\"",
            "id = \"tec-operator\"",
            "election.toml:182:6 (field `id`): `tec-operator`: ids that start with `tec-` belong to the commissions of territories.csv",
        ),
        (
            "election.toml",
            "id = \"national\"",
            "id = \"aggregator\"",
            "election.toml:193:6 (field `id`): service `aggregator` is there twice; first in line 188",
        ),
        (
            "election.toml",
            "role = \"aggregator\"",
            "role = \"national\"",
            "election.toml (field `services`): no service has the role aggregator: no tally would be believed",
        ),
        (
            "election.toml",
            "role = \"national\"",
            "role = \"aggregator\"",
            "election.toml (field `services`): no service has the role national: no publication would be believed",
        ),
    ]);
}
