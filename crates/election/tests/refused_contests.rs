//! Each thing that can be wrong with a contest is refused with its place and a hint.

mod common;

use common::assert_refused;

#[test]
fn a_contest_without_form_units_or_options_is_refused() {
    assert_refused(&[
        (
            "election.toml",
            "form = \"full\"",
            "form = \"fill\"",
            "election.toml:140:8 (field `form`): unknown form `fill`; did you mean `full`?",
        ),
        (
            "election.toml",
            "id = \"council\"",
            "id = \"council-list\"",
            "candidates.csv:2:1 (column `contest`): unknown contest `council-d-1`\n\
         candidates.csv:5:1 (column `contest`): unknown contest `council-d-2`\n\
         election.toml:152:6 (field `id`): contest `council-list` is there twice; first in line 137\n\
         election.toml:152:6 (field `id`): contest `council-list-d-1` has no options in candidates.csv\n\
         election.toml:152:6 (field `id`): contest `council-list-d-2` has no options in candidates.csv",
        ),
        (
            "election.toml",
            "units = \"all\"",
            "units = \"everywhere\"",
            "election.toml:139:9: must be \"all\", \"each-district\" or { regions = [\"…\"] }",
        ),
        (
            "election.toml",
            "units = \"all\"",
            "units = { regions = [] }",
            "election.toml:139:9 (field `units`): a contest without regions",
        ),
        (
            "election.toml",
            "units = \"all\"",
            "units = { regions = [\"nort\"] }",
            "election.toml:139:9 (field `units`): unknown region `nort`; did you mean `north`?",
        ),
        (
            "election.toml",
            "units = \"all\"",
            "units = { regions = [\"north\", \"north\"] }",
            "election.toml:139:9 (field `units`): region `north` is there twice",
        ),
        (
            "election.toml",
            "units = \"all\"",
            "units = { regions = [\"north\"] }",
            "stations.csv: no contest is held at station `abroad-001`",
        ),
        (
            "election.toml",
            "units = \"all\"",
            "units = { region = [\"north\"] }",
            "election.toml:139:9: must be \"all\", \"each-district\" or { regions = [\"…\"] }",
        ),
        (
            "election.toml",
            "units = \"each-district\"",
            "units = \"all\"",
            "candidates.csv:2:1 (column `contest`): unknown contest `council-d-1`\n\
         candidates.csv:5:1 (column `contest`): unknown contest `council-d-2`\n\
         election.toml:152:6 (field `id`): contest `council` has no options in candidates.csv",
        ),
    ]);
}

#[test]
fn a_method_that_could_allocate_nothing_is_refused() {
    assert_refused(&[
        (
            "election.toml",
            "seats = 10",
            "seats = 0",
            "election.toml:145:9 (field `seats`): 0 seats; a list contest has 1 to 10000\n\
         election.toml:149:31 (field `sole_list_runner_up_minimum`): 2 seats for the runner-up of 0",
        ),
        (
            "election.toml",
            "seats = 10",
            "seats = 10001",
            "election.toml:145:9 (field `seats`): 10001 seats; a list contest has 1 to 10000",
        ),
        (
            "election.toml",
            "seats = 10",
            "",
            "election.toml:143:1 (field `method`): contest `council-list`: its method needs `seats`",
        ),
        ("election.toml", "seats = 10", "seats = -1", "election.toml:145:9: invalid value: integer `-1`, expected u32"),
        (
            "election.toml",
            "numerator = 5,",
            "numerator = 100,",
            "election.toml:148:13 (field `threshold`): 100/100 is no threshold: it lies between 0 and 1; leave threshold out when there is none",
        ),
        (
            "election.toml",
            "numerator = 5,",
            "numerator = 0,",
            "election.toml:148:13 (field `threshold`): 0/100 is no threshold: it lies between 0 and 1; leave threshold out when there is none",
        ),
        (
            "election.toml",
            "runner_up_minimum = 2",
            "runner_up_minimum = 10",
            "election.toml:149:31 (field `sole_list_runner_up_minimum`): 10 seats for the runner-up of 10",
        ),
        (
            "election.toml",
            "runner_up_minimum = 2",
            "runner_up_minimum = 2\nindependents_by_quota = true",
            "election.toml:149:31 (field `sole_list_runner_up_minimum`): not beside independents_by_quota: no law says which of the two comes first",
        ),
        (
            "election.toml",
            "runner_up_minimum = 2",
            "runner_up_minimum = 2\nagainst_all_ahead = \"ignored\"",
            "election.toml:150:21 (field `against_all_ahead`): only a method of kind \"plurality\" has `against_all_ahead`",
        ),
        (
            "election.toml",
            "against_all_ahead = \"seat-open\"",
            "against_all_ahead = \"seat-open\"\nseats = 1",
            "election.toml:162:9 (field `seats`): only a method of kind \"list\" has `seats`",
        ),
        (
            "election.toml",
            "against_all_ahead = \"seat-open\"",
            "",
            "election.toml:158:1 (field `method`): contest `council`: its method needs `against_all_ahead`",
        ),
        (
            "election.toml",
            "seats = 10",
            "seats = 10\nformula = 1",
            "election.toml:146:1: unknown field `formula`, expected one of `kind`, `source`, `seats`, `allocation`, `threshold`, `sole_list_runner_up_minimum`, `independents_by_quota`, `against_all_ahead`",
        ),
        (
            "election.toml",
            "article = \"sample\", certainty = \"assumed\" }\nthreshold",
            "article = \"\", certainty = \"assumed\" }\nthreshold",
            "election.toml:143:1 (field `method.source`): the source of the law must not be empty",
        ),
    ]);
}
