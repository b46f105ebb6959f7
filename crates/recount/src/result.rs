//! The result of a night as one document: figures, seats with their explanation, and every station's contents.
//!
//! It is a function of the set of distinct valid submissions alone: no offsets, positions, counts of duplicates or refusals,
//! times or builds. Two nights that heard the same in another order have the same bytes. `docs/result-schema.md` has the
//! schema.

mod figures;
mod stations;

pub use figures::{ContestResult, Figures, LineResult, OptionVotes, StationsByState, TurnoutResult};
pub use stations::{
    ContestContent, DecisionResult, ProtocolResult, ReportResult, StationContest, StationResult, StationTurnout,
};

use hattama_election::{
    definition::{Definition, Provenance, Purpose},
    digest::{CoreDigest, RecordDigest, sha256},
    ids::ElectionId,
};
use hattama_tally::{ControlState, InvariantBroken, ShardFold, TallyBody, merge};

/// The schema that this build writes.
pub const RESULT_SCHEMA: &str = "hattama/result/1";

/// The whole result. Its canonical bytes are its compact JSON, fields in the order of these declarations.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ResultDocument {
    /// Always [`RESULT_SCHEMA`].
    pub schema: &'static str,
    /// Election.
    pub election: ElectionId,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// Official or rehearsal.
    pub purpose: Purpose,
    /// Where the figures come from: `generated` ones are synthetic.
    pub provenance: Provenance,
    /// Amendments in force: the gap-free prefix 1 … n.
    pub amendments_in_force: u32,
    /// The nation's figures.
    pub figures: Figures,
    /// Every station, ascending by id.
    pub stations: Vec<StationResult>,
}

impl ResultDocument {
    /// The result of folds over all shards but control, which all stand at this control state.
    ///
    /// # Errors
    /// `conservation`, when regions and territories do not come to the same nation: a defect of this software.
    pub fn build(
        definition: &Definition,
        folds: &[&ShardFold],
        control: &ControlState,
    ) -> Result<Self, InvariantBroken> {
        let tallies = folds.iter().map(|fold| (fold.shard(), without_position(fold.tally()))).collect();
        let nation = merge(definition, &tallies)?;
        let mut stations: Vec<_> =
            folds.iter().flat_map(|fold| fold.stations().iter().map(move |station| (*station, *fold))).collect();
        stations.sort_unstable_by_key(|(station, _)| *station);
        Ok(Self {
            schema: RESULT_SCHEMA,
            election: definition.id.clone(),
            core_digest: definition.core_digest,
            purpose: definition.purpose,
            provenance: definition.provenance,
            amendments_in_force: control.amendments_applied(),
            figures: Figures::of(definition, &nation, control),
            stations: stations
                .into_iter()
                .filter_map(|(station, fold)| StationResult::of(definition, fold, station))
                .collect(),
        })
    }

    /// The canonical bytes: compact JSON without a line end.
    ///
    /// # Errors
    /// Never: every key is text, every figure an integer.
    pub fn canonical_bytes(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// SHA-256 over the canonical bytes.
    ///
    /// # Errors
    /// As [`Self::canonical_bytes`].
    pub fn digest(&self) -> serde_json::Result<RecordDigest> {
        Ok(RecordDigest(sha256(&self.canonical_bytes()?)))
    }
}

/// What a merge of the result looks at: no counts of records, which depend on how often something was sent.
fn without_position(tally: TallyBody) -> TallyBody {
    TallyBody { records: Default::default(), ..tally }
}
