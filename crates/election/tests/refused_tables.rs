//! Each thing that can be wrong in a table is refused with its place and a hint.

mod common;

use common::assert_refused;

#[test]
fn a_table_of_another_shape_is_refused() {
    assert_refused(&[
        (
            "regions.csv",
            "polls_close\n",
            "closes\n",
            "regions.csv:1: wrong header `id,name_kk,name_ru,name_en,iso,utc_offset_minutes,closes`; it must be `id,name_kk,name_ru,name_en,iso,utc_offset_minutes,polls_close`",
        ),
        (
            "regions.csv",
            "Оңтүстік,Юг",
            "Оңтүстік,Юг,Юг",
            "regions.csv:3: 8 cells, but the header has 7; put a cell with a comma in quotes",
        ),
        ("regions.csv", "abroad,", "\nabroad,", "regions.csv:4: empty line"),
        (
            "regions.csv",
            "Север",
            "\"Север",
            "regions.csv:2: a quote is not closed; write a quote within quotes twice: \"\"",
        ),
    ]);
}

#[test]
fn wrong_regions_are_refused() {
    assert_refused(&[
        (
            "regions.csv",
            "north,Солтүстік",
            "North,Солтүстік",
            "regions.csv:2:1 (column `id`): `North` is no id: an id is 1 to 32 of a-z, 0-9, `-` and `.`\n\
         territories.csv:2:9 (column `region`): unknown region `north` (and in 6 more places); did you mean `North`?",
        ),
        (
            "regions.csv",
            "Север",
            "",
            "regions.csv:2:17 (column `name_ru`): a name must not be empty: it is shown in all three languages",
        ),
        (
            "regions.csv",
            "Солтүстік,",
            " Солтүстік,",
            "regions.csv:2:7 (column `name_kk`): ` Солтүстік` starts or ends with a space",
        ),
        (
            "regions.csv",
            "XX-N",
            "xx-n",
            "regions.csv:2:29 (column `iso`): `xx-n` is no ISO 3166-2 code: write it like KZ-10, or leave it empty",
        ),
        (
            "regions.csv",
            "XX-N,300",
            "XX-N,900",
            "regions.csv:2:34 (column `utc_offset_minutes`): `900` is no number from -720 to 840",
        ),
        (
            "regions.csv",
            "2030-06-02T20:00:00Z",
            "",
            "regions.csv:4:34 (column `polls_close`): a region must say when its stations close, like 2023-03-19T20:00:00+06:00",
        ),
        (
            "regions.csv",
            "2030-06-02T20:00:00Z",
            "2030-06-02 20:00",
            "regions.csv:4:34 (column `polls_close`): `2030-06-02 20:00` is no instant: write it like 2023-03-19T20:00:00+06:00",
        ),
        (
            "regions.csv",
            "south,О",
            "north,О",
            "regions.csv:3:1 (column `id`): region `north` is there twice; first in line 2\n\
         territories.csv:4:9 (column `region`): unknown region `south` (and in 4 more places); did you mean `north`?",
        ),
    ]);
}

#[test]
fn wrong_territories_and_districts_are_refused() {
    assert_refused(&[
        (
            "territories.csv",
            "north-b,north",
            "north-b,nort",
            "territories.csv:3:9 (column `region`): unknown region `nort`; did you mean `north`?",
        ),
        (
            "territories.csv",
            "north-b,north",
            "north-a,north",
            "stations.csv:5:17 (column `territory`): unknown territory `north-b` (and in 1 more place); did you mean `north-a`?\n\
         territories.csv:3:1 (column `id`): territory `north-a` is there twice; first in line 2",
        ),
        (
            "territories.csv",
            "north-b,north",
            "abcdefghijklmnopqrstuvwxyz-12,north",
            "stations.csv:5:17 (column `territory`): unknown territory `north-b` (and in 1 more place); did you mean `north-a`?\n\
         territories.csv:3:1 (column `id`): `abcdefghijklmnopqrstuvwxyz-12` is too long: the commission's id is `tec-abcdefghijklmnopqrstuvwxyz-12`; at most 28 characters",
        ),
        (
            "districts.csv",
            "d-2,south",
            "d-1,south",
            "candidates.csv:5:1 (column `contest`): unknown contest `council-d-2`; did you mean `council-d-1`?\n\
         districts.csv:3:1 (column `id`): district `d-1` is there twice; first in line 2\n\
         stations.csv:7:25 (column `district`): unknown district `d-2` (and in 2 more places); did you mean `d-1`?",
        ),
        (
            "districts.csv",
            "d-2,south",
            "d-2,north",
            "stations.csv:7:25 (column `district`): district `d-2` is not in region `south` of this station\n\
         stations.csv:8:25 (column `district`): district `d-2` is not in region `south` of this station\n\
         stations.csv:9:25 (column `district`): district `d-2` is not in region `south` of this station",
        ),
    ]);
}

#[test]
fn a_station_that_names_what_is_not_there_or_elsewhere_is_refused() {
    assert_refused(&[
        (
            "stations.csv",
            "north-002,north,",
            "north-002,nortb,",
            "stations.csv:4:11 (column `region`): unknown region `nortb`; did you mean `north`?",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-c,d-1,1,,1850",
            "stations.csv:4:17 (column `territory`): unknown territory `north-c`; did you mean `north-a`?",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",south-a,d-1,1,,1850",
            "stations.csv:4:17 (column `territory`): territory `south-a` is not in region `north` of this station",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-3,1,,1850",
            "stations.csv:4:25 (column `district`): unknown district `d-3`; did you mean `d-1`?",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-2,1,,1850",
            "stations.csv:4:25 (column `district`): district `d-2` is not in region `north` of this station",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-1,1,ful,1850",
            "stations.csv:4:31 (column `form`): unknown form `ful`; did you mean `full`?",
        ),
    ]);
}

#[test]
fn wrong_figures_and_ids_of_stations_are_refused() {
    assert_refused(&[
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-1,1,,0",
            "stations.csv:4:32 (column `register`): `0` is no number from 1 to 9999999",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-1,1,,10000000",
            "stations.csv:4:32 (column `register`): `10000000` is no number from 1 to 9999999",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-1,1,,1 850",
            "stations.csv:4:32 (column `register`): `1 850` is no number from 1 to 9999999",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850,",
            ",north-a,d-1,1,,1850,20:00",
            "stations.csv:4:37 (column `polls_close`): `20:00` is no instant: write it like 2023-03-19T20:00:00+06:00",
        ),
        (
            "stations.csv",
            "north-002",
            "north-001",
            "stations.csv:4:1 (column `id`): station `north-001` is there twice; first in line 3",
        ),
        (
            "stations.csv",
            "north-002",
            "north_002",
            "stations.csv:4:1 (column `id`): `north_002` is no id: an id is 1 to 32 of a-z, 0-9, `-` and `.`",
        ),
    ]);
}

#[test]
fn shards_with_gaps_or_of_two_regions_are_refused() {
    assert_refused(&[
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-1,0,,1850",
            "stations.csv:4:29 (column `shard`): `0` is no number from 1 to 4096",
        ),
        (
            "stations.csv",
            ",north-a,d-1,1,,1850",
            ",north-a,d-1,3,,1850",
            "stations.csv:7:29 (column `shard`): shard 3 has stations of region `north` already, and this one is of `south`; a shard is of one region",
        ),
        (
            "stations.csv",
            "abroad,abroad,,4",
            "abroad,abroad,,5",
            "stations.csv (column `shard`): shards must be numbered without gaps: 4 is missing, 5 is there",
        ),
    ]);
}

#[test]
fn wrong_lists_and_candidates_are_refused() {
    assert_refused(&[
        (
            "lists.csv",
            "council-list,steppe",
            "council-lists,steppe",
            "lists.csv:4:1 (column `contest`): unknown contest `council-lists`; did you mean `council-list`?",
        ),
        (
            "lists.csv",
            "council-list,steppe",
            "council-list,river",
            "lists.csv:4:14 (column `id`): option `river` of contest `council-list` is there twice; first in line 2",
        ),
        (
            "lists.csv",
            "Steppe,list",
            "Steppe,party",
            "lists.csv:4:39 (column `kind`): `party` is none of list, independent",
        ),
        (
            "lists.csv",
            "Steppe,list",
            "Steppe,independent",
            "election.toml:137:6 (field `id`): contest `council-list` has the independent `steppe`, but no rule elects one; set independents_by_quota = true",
        ),
        (
            "candidates.csv",
            "council-d-2,c-1",
            "council-d-3,c-1",
            "candidates.csv:5:1 (column `contest`): unknown contest `council-d-3`; did you mean `council-d-1`?",
        ),
        (
            "candidates.csv",
            "council-d-2,c-2",
            "council-list,c-2",
            "candidates.csv:6:1 (column `contest`): contest `council-list` is of kind \"list\": its options stand in lists.csv",
        ),
        (
            "candidates.csv",
            "council-d-2",
            "council-d-1",
            "candidates.csv:5:13 (column `id`): option `c-1` of contest `council-d-1` is there twice; first in line 2",
        ),
        (
            "candidates.csv",
            "First candidate,River",
            "First candidate,River ",
            "candidates.csv:2:65 (column `nominated_by`): `River ` starts or ends with a space",
        ),
    ]);
}
