//! Rules and short hands for the tests.

use hattama_apportionment::*;

pub fn assumed() -> Source {
    Source::new("for the test", Certainty::Assumed)
}

/// No threshold, no special rules.
pub fn plain(method: Method, seats: u32) -> ListRules {
    ListRules {
        seats,
        method: Sourced::new(method, assumed()),
        threshold: threshold(0, 1, Denominator::ValidWithoutAgainstAll),
        sole_list_rule: None,
        independents: None,
        tie: assumed(),
        no_list_over_threshold: assumed(),
    }
}

pub fn threshold(numerator: u32, denominator: u32, of: Denominator) -> Threshold {
    Threshold { numerator, denominator, source: assumed(), of: Sourced::new(of, assumed()) }
}

/// The rules of Kazakhstan 2023, with how sure each one is.
pub fn kazakhstan() -> ListRules {
    let press = |article: &str| Source::new(article, Certainty::Press);
    let older = |article: &str| Source::new(article, Certainty::Older);
    ListRules {
        seats: 69,
        method: Sourced::new(Method::HareLargestRemainder, older("constitutional law on elections, art. 97-1")),
        threshold: Threshold {
            numerator: 5,
            denominator: 100,
            source: press("5% since 2021"),
            of: Sourced::new(
                Denominator::ValidIncludingAgainstAll,
                Source::new("four regional contests of the same day", Certainty::Derived),
            ),
        },
        sole_list_rule: Some(SoleListRule {
            minimum_for_runner_up: 2,
            source: press("the next party gets at least two seats"),
        }),
        independents: None,
        tie: Source::new("no law found", Certainty::Assumed),
        no_list_over_threshold: Source::new("no law found", Certainty::Assumed),
    }
}

/// Lists named A, B, C … with these votes.
pub fn lists(votes: &[u64]) -> ListInput {
    let options = (b'A'..).zip(votes).map(|(letter, &votes)| ListOption::list(char::from(letter), votes)).collect();
    ListInput { options, against_all: Some(0), ..ListInput::default() }
}

pub fn ids(letters: &str) -> Vec<OptionId> {
    letters.chars().map(OptionId::new).collect()
}

pub fn resolution(between: &str, seats: u32, winners: &str) -> TieResolution {
    TieResolution { between: ids(between), seats, winners: ids(winners) }
}

pub fn seats(allocation: &ListAllocation) -> Vec<u32> {
    allocation.options.iter().map(|option| option.seats).collect()
}

pub fn allocate(rules: &ListRules, input: &ListInput) -> ListAllocation {
    allocate_lists(rules, input).expect("the figures can be worked with")
}

/// Seats of a complete allocation.
pub fn complete(rules: &ListRules, input: &ListInput) -> Vec<u32> {
    let allocation = allocate(rules, input);
    assert!(matches!(allocation.outcome, Outcome::Complete { .. }), "not complete: {:?}", allocation.outcome);
    seats(&allocation)
}

pub fn tie_of(allocation: &ListAllocation) -> &Tie {
    match &allocation.outcome {
        Outcome::DecisionNeeded { tie } => tie,
        other => panic!("no tie: {other:?}"),
    }
}

/// Who is tied, as letters, for how many seats, at which stage.
pub fn tied(allocation: &ListAllocation) -> (String, u32, TieStage) {
    let tie = tie_of(allocation);
    (tie.between.iter().map(OptionId::as_str).collect(), tie.seats, tie.stage)
}

pub fn standings(allocation: &ListAllocation) -> Vec<Standing> {
    allocation.resolutions.iter().map(|report| report.standing.clone()).collect()
}

pub fn void(reason: VoidReason) -> Standing {
    Standing::Void { reason }
}
