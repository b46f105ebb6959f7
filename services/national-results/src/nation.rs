//! From the tallies at a vector to a checked nation. Pure.

use crate::records::LoggedPublication;
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_tally::{ControlState, InvariantBroken, Nation, TallyBody, check_tally, merge};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// A valid publication and all that it stands on.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// As it lies in the log.
    pub publication: Arc<LoggedPublication>,
    /// The merge of the tallies at its vector.
    pub nation: Arc<Nation>,
    /// What was in force.
    pub control: Arc<ControlState>,
}

/// Adds up tallies, each checked by itself.
///
/// # Errors
/// When a tally, or their sum, breaks an invariant.
pub(crate) fn merged(
    definition: &Definition,
    tallies: &BTreeMap<ShardId, TallyBody>,
) -> Result<Nation, InvariantBroken> {
    for (shard, tally) in tallies {
        check_tally(tally)
            .map_err(|broken| InvariantBroken { what: format!("shard {shard}: {}", broken.what), ..broken })?;
    }
    merge(definition, tallies)
}

/// No input may panic a fold (design, D12): a panic is a broken invariant.
///
/// # Errors
/// Those of the arithmetic, or that it panicked.
pub(crate) fn guarded<T>(arithmetic: impl FnOnce() -> Result<T, InvariantBroken>) -> Result<T, InvariantBroken> {
    catch_unwind(AssertUnwindSafe(arithmetic)).unwrap_or_else(|_| {
        Err(InvariantBroken { id: "panic", what: "the arithmetic panicked; the log line before says where".to_owned() })
    })
}

/// A broken invariant in words that may go into a log line: votes may be under embargo.
pub(crate) fn without_figures(broken: &InvariantBroken) -> String {
    match broken.id {
        "conservation" => {
            let shard =
                broken.what.split(": ").next().filter(|what| what.starts_with("shard ")).unwrap_or("the nation");
            format!("invariant conservation is broken in {shard}: its regions and territories have different sums")
        }
        _ => broken.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_sum_names_its_shard_and_no_figure() {
        let broken = |what: &str| InvariantBroken { id: "conservation", what: what.to_owned() };
        let of_shard = without_figures(&broken("shard 3: contest 0: 4242 votes in its regions"));
        assert!(of_shard.contains("shard 3") && !of_shard.contains("4242"), "{of_shard}");
        let of_nation = without_figures(&broken("contest 0: 4242 votes in the nation"));
        assert!(of_nation.contains("the nation") && !of_nation.contains("4242"), "{of_nation}");
    }

    #[test]
    fn a_panic_of_the_arithmetic_is_a_broken_invariant() {
        let broken = guarded(|| -> Result<(), InvariantBroken> { panic!("overflow") }).unwrap_err();
        assert_eq!(broken.id, "panic");
    }
}
