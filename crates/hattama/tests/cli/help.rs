//! Help, and what is asked for wrongly.

use super::common::{Place, snapped};
use snapbox::str;

#[test]
fn help_names_every_command_and_what_comes_without_one() {
    let help = unwrapped(&["--help"]);
    for stable in [
        "Usage: hattama [COMMAND]",
        "Without a command it rehearses the night of 19 March 2023",
        "rehearse Play a whole election night",
        "import Turn another system's files",
        "export Write everything that anyone needs",
        "recount Recompute every total and seat",
        "definition Check or generate",
        "Next: hattama rehearse --help",
    ] {
        assert!(help.contains(stable), "{stable:?} is not in: {help}");
    }
}

#[test]
fn help_of_rehearse_names_its_flags_and_their_defaults() {
    let help = unwrapped(&["rehearse", "--help"]);
    for stable in [
        "Usage: hattama rehearse [OPTIONS]",
        "[default: elections/kz-2023]",
        "[default: 2023]",
        "[default: 3600]",
        "--log-dir <DIR>",
        "an interrupted rehearsal in it goes on",
        "--recorded <DIR>",
        "--aggregators <N>",
        "--gateways <N>",
        "--board-port <PORT>",
        "--stay",
        "--json",
    ] {
        assert!(help.contains(stable), "{stable:?} is not in: {help}");
    }
}

#[test]
fn help_of_giving_up_says_what_it_does_and_what_it_does_not() {
    let help = unwrapped(&["generation", "give-up", "--help"]);
    for stable in [
        "hattama generation give-up [OPTIONS] --national <ADDRESS> --gateway <ADDRESS> --author <ID> --reason <TEXT> <LIST>",
        "First without --yes: it shows what would be given up and signs nothing",
        "No figure changes by it",
        "--without-control",
        "--key <FILE>",
    ] {
        assert!(help.contains(stable), "{stable:?} is not in: {help}");
    }
    let help = unwrapped(&["generation", "lost", "--help"]);
    assert!(help.contains("--out <FILE>") && help.contains("[default: lost.json]"), "{help}");
}

#[test]
fn nothing_is_given_up_without_a_list_an_author_and_a_reason() {
    let all = ["lost.json", "--national", "a:1", "--gateway", "a:2", "--author", "cec", "--reason", "gone"];
    for (left_out, named) in [(0..1, "<LIST>"), (5..7, "--author <ID>"), (7..9, "--reason <TEXT>")] {
        let given = all.iter().enumerate().filter(|(place, _)| !left_out.contains(place)).map(|(_, arg)| *arg);
        let assert = snapped().args(["generation", "give-up"]).args(given).assert().code(2);
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(error.contains(named), "{error}");
    }
}

/// Standard output in one line, however wide the terminal of whoever runs the tests is.
fn unwrapped(args: &[&str]) -> String {
    let assert = snapped().args(args).assert().code(0).stderr_eq("");
    let help = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_unknown_flag_is_refused_with_exit_code_2() {
    snapped().args(["rehearse", "--sped", "1"]).assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: unexpected argument '--sped' found
...
"#]]);
}

#[test]
fn numbers_out_of_range_are_refused_with_exit_code_2() {
    let place = Place::new();
    for (flag, value) in [("--speed", "0"), ("--aggregators", "17"), ("--gateways", "0"), ("--seed", "-1")] {
        let output = place.rehearse("log").args([flag, value]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{flag} {value}");
        assert!(!place.path("log").exists(), "{flag} {value}");
    }
}
