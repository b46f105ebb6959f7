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
         election.toml:158:6 (field `id`): contest `council-list` is there twice; first in line 137\n\
         election.toml:158:6 (field `id`): contest `council-list-d-1` has no options in candidates.csv\n\
         election.toml:158:6 (field `id`): contest `council-list-d-2` has no options in candidates.csv",
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
         election.toml:158:6 (field `id`): contest `council` has no options in candidates.csv",
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
         election.toml:148:31 (field `sole_list_runner_up_minimum`): 2 seats for the runner-up of 0",
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
            "election.toml:147:13 (field `threshold`): 100/100 is no threshold: it lies between 0 and 1; leave threshold out when there is none",
        ),
        (
            "election.toml",
            "numerator = 5,",
            "numerator = 0,",
            "election.toml:147:13 (field `threshold`): 0/100 is no threshold: it lies between 0 and 1; leave threshold out when there is none",
        ),
        (
            "election.toml",
            "runner_up_minimum = 2",
            "runner_up_minimum = 10",
            "election.toml:148:31 (field `sole_list_runner_up_minimum`): 10 seats for the runner-up of 10",
        ),
        (
            "election.toml",
            "runner_up_minimum = 2",
            "runner_up_minimum = 2\nindependents_by_quota = true",
            &format!(
                "election.toml:148:31 (field `sole_list_runner_up_minimum`): not beside independents_by_quota: no law says which of the two comes first\n{}",
                no_source("149:25 (field `independents_by_quota`)", "council-list", "independents_by_quota")
            ),
        ),
        (
            "election.toml",
            "runner_up_minimum = 2",
            "runner_up_minimum = 2\nagainst_all_ahead = \"ignored\"",
            "election.toml:149:21 (field `against_all_ahead`): only a method of kind \"plurality\" has `against_all_ahead`",
        ),
        (
            "election.toml",
            "against_all_ahead = \"seat-open\"",
            "against_all_ahead = \"seat-open\"\nseats = 1",
            "election.toml:167:9 (field `seats`): only a method of kind \"list\" has `seats`",
        ),
        (
            "election.toml",
            "against_all_ahead = \"seat-open\"",
            "",
            "election.toml:164:1 (field `method`): contest `council`: its method needs `against_all_ahead`",
        ),
        (
            "election.toml",
            "seats = 10",
            "seats = 10\nformula = 1",
            "election.toml:146:1: unknown field `formula`, expected one of `kind`, `seats`, `allocation`, `threshold`, `sole_list_runner_up_minimum`, `independents_by_quota`, `against_all_ahead`, `sources`",
        ),
    ]);
}

#[test]
fn a_rule_without_a_source_is_refused_where_it_stands() {
    assert_refused(&[
        (
            "election.toml",
            "sole_list_runner_up_minimum = { article = \"sample, art. 3\", certainty = \"older\" }\n",
            "",
            &no_source("148:31 (field `sole_list_runner_up_minimum`)", "council-list", "sole_list_runner_up_minimum"),
        ),
        (
            "election.toml",
            "allocation = { article = \"sample, art. 1\", certainty = \"press\" }\n",
            "",
            &no_source("146:14 (field `allocation`)", "council-list", "allocation"),
        ),
        (
            "election.toml",
            "threshold = { article = \"sample, art. 2\", certainty = \"found\" }\n",
            "",
            &no_source("147:13 (field `threshold`)", "council-list", "threshold"),
        ),
        (
            "election.toml",
            "threshold_of = { article = \"sample, art. 2, by arithmetic\", certainty = \"derived\" }\n",
            "",
            &no_source("147:54 (field `threshold.of`)", "council-list", "threshold_of"),
        ),
        (
            "election.toml",
            "ties = { article = \"no law found for equal claims\", certainty = \"assumed\" }\n",
            "",
            &no_source("143:1 (field `method`)", "council-list", "ties"),
        ),
        (
            "election.toml",
            "no_list_over_threshold = { article = \"no law found for no list over the threshold\", certainty = \"assumed\" }\n",
            "",
            &no_source("143:1 (field `method`)", "council-list", "no_list_over_threshold"),
        ),
        (
            "election.toml",
            "plurality = { article = \"sample, art. 4\", certainty = \"press\" }\n",
            "",
            &no_source("164:1 (field `method`)", "council", "plurality"),
        ),
        (
            "election.toml",
            "against_all_ahead = { article = \"no law found for against all ahead\", certainty = \"assumed\" }\n",
            "",
            &no_source("166:21 (field `against_all_ahead`)", "council", "against_all_ahead"),
        ),
        (
            "election.toml",
            "sole_list_runner_up_minimum = 2\n",
            "independents_by_quota = true\n",
            &format!(
                "{}\n{}",
                no_source("148:25 (field `independents_by_quota`)", "council-list", "independents_by_quota"),
                without_rule("153:1", "sole_list_runner_up_minimum")
            ),
        ),
    ]);
}

#[test]
fn a_source_that_says_nothing_or_belongs_to_no_rule_is_refused() {
    assert_refused(&[
        (
            "election.toml",
            "article = \"sample, art. 1\"",
            "article = \" \"",
            "election.toml:150:14 (field `sources.allocation`): the article must not be empty; where no law was found, say so",
        ),
        (
            "election.toml",
            "threshold = { numerator = 5, denominator = 100, of = \"valid_including_against_all\" }\n",
            "",
            &format!("{}\n{}", without_rule("150:1", "threshold"), without_rule("151:1", "threshold_of")),
        ),
        (
            "election.toml",
            "plurality = {",
            "allocation = { article = \"a\", certainty = \"found\" }\nplurality = {",
            &without_rule("168:1", "allocation"),
        ),
        (
            "election.toml",
            "plurality = {",
            "plurailty = { article = \"a\", certainty = \"found\" }\nplurality = {",
            "election.toml:168:1 (field `sources`): unknown rule of a method `plurailty`; did you mean `plurality`?",
        ),
        (
            "election.toml",
            "certainty = \"derived\"",
            "certainty = \"sure\"",
            "election.toml:152:73: unknown variant `sure`, expected one of `found`, `older`, `press`, `assumed`, `derived`",
        ),
        ("election.toml", ", certainty = \"derived\"", "", "election.toml:152:16: missing field `certainty`"),
    ]);
}

fn no_source(place: &str, contest: &str, rule: &str) -> String {
    format!(
        "election.toml:{place}: contest `{contest}`: the rule `{rule}` has no source; write {rule} = {{ article = \"…\", \
         certainty = \"…\" }} into its [contests.method.sources]; where no law was found, say so, with the certainty \"assumed\""
    )
}

fn without_rule(place: &str, rule: &str) -> String {
    format!(
        "election.toml:{place} (field `sources`): a source of `{rule}`, which this method does not have; take it out, or \
         set the rule"
    )
}
