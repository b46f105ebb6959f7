//! The script of an election night: everything that stations, commissions and intruders send, when, and what must become
//! of it. Made from the truth of the night by seeded choice: equal definitions, truths and seeds have equal scripts.
//!
//! When the night is over, every station counts for exactly its truth: what was wrong has been corrected or decided.
//! Nothing depends on the order in which events arrive (design, D3), but for a decision that comes long after its object.

mod amendments;
mod dice;
mod duplicates;
mod expected;
mod incident;
mod intrusions;
mod keyring;
mod protocols;
mod rates;
mod refusals;
mod scene;
mod slips;
mod small;
mod stories;
mod truth;
mod turnout;

#[cfg(test)]
mod tests;

pub use expected::{Expected, ExpectedContest};
pub use incident::Incident;
pub use keyring::{RehearsalKeyring, SignedEvent, Signer};
pub use rates::Rates;

use crate::night::NightTruth;
use bytes::Bytes;
use hattama_election::{
    definition::Definition,
    ids::{ElectionId, ShardId},
    instant::Instant,
    key::InvalidKey,
    rules::RuleCode,
    submission::SubmissionBody,
};
use hattama_tally::Outcome;
use hattama_wire::SignedSubmission;
use scene::Scene;
use truth::TrueStation;

/// A whole night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Ascending by time, then number.
    pub events: Vec<Event>,
    /// What it must come to.
    pub expected: Expected,
}

/// Something that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the script, from 0.
    pub number: u32,
    /// When, in the election's time.
    pub at: Instant,
    /// Which way.
    pub through: Route,
    /// What.
    pub action: Action,
    /// Why it is in the script.
    pub why: Incident,
    /// What becomes of it.
    pub fate: Fate,
}

/// The way into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Through a gateway: this one, modulo their number.
    Gateway(u8),
    /// Past the gateways, as an intruder would.
    StraightIntoLog {
        /// The partition.
        shard: ShardId,
    },
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "all events but a few dozen are of the large one")]
pub enum Action {
    /// A submission, signed when it is needed.
    Send {
        /// Who signs.
        signer: Signer,
        /// What it says.
        body: SubmissionBody,
    },
    /// A submission with a signature that [`Action::Send`] would not make: forged, or of another election.
    SendSigned(SignedSubmission),
    /// Bytes that are no submission.
    Raw(Bytes),
}

/// What becomes of an event when the night is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A gateway refuses it for this rule; it never enters the log.
    RefusedByGateway(RuleCode),
    /// It lies in the log, refused for this rule.
    RefusedInLog(RuleCode),
    /// It lies in the log with this outcome. Of two with one content, the one of the lower offset has the content's
    /// outcome and the other is the duplicate, whichever that is.
    Stands(Outcome),
}

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Nothing is generated for an official election (design, D16).
    #[error("{election} is no rehearsal with a key seed: a night is only ever generated for one")]
    NotARehearsal {
        /// The election.
        election: ElectionId,
    },
    /// The truth is of another definition.
    #[error("{what} is not in the definition: make the truth from the same definition")]
    ForeignTruth {
        /// What does not fit.
        what: String,
    },
    /// A derived key is weak.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

impl ScriptError {
    fn foreign(what: impl Into<String>) -> Self {
        Self::ForeignTruth { what: what.into() }
    }
}

/// The script of the night that has this truth. The first contest that is no district's takes the list figures.
///
/// # Errors
/// When the definition is no rehearsal, or the truth is not of its stations, slots and options.
pub fn night(definition: &Definition, truth: &NightTruth, seed: u64) -> Result<Script, ScriptError> {
    write(definition, &truth::of_night(definition, truth)?, seed, &Rates::NIGHT)
}

/// The script of a night with a random, plausible truth, for any definition of a few hundred stations at most: every
/// incident happens, so that a test sees a whole night in a second.
///
/// # Errors
/// When the definition is no rehearsal.
pub fn small(definition: &Definition, seed: u64) -> Result<Script, ScriptError> {
    write(definition, &small::truth(definition, seed), seed, &Rates::SMALL)
}

fn write(definition: &Definition, stations: &[TrueStation], seed: u64, rates: &Rates) -> Result<Script, ScriptError> {
    let keyring = RehearsalKeyring::new(definition)?;
    let mut scene = Scene::new(definition, stations, seed, rates);
    amendments::write(&mut scene, &keyring)?;
    turnout::write(&mut scene);
    protocols::write(&mut scene);
    duplicates::write(&mut scene);
    refusals::write(&mut scene, &keyring)?;
    intrusions::write(&mut scene, &keyring)?;
    Ok(scene.finish())
}
