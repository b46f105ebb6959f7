//! A case by hand: the sample definition, and what was sent in the order it was sent.

use crate::common::{
    figures::right_protocol,
    folding::{Folds, outcomes},
    opener::{Sent, Table},
    places::added_key,
    world::Logs,
};
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change},
    decision::{Decision, DecisionContent, Ruling},
    definition::{Definition, sample},
    digest::{ContentDigest, SubmissionDigest},
    ids::{AuthorityId, ContestId, ContestIndex, ShardId, SlotId, StationId},
    instant::Instant,
    key::PublicKey,
    protocol::Protocol,
    routing::home_shard,
    rules::RuleCode,
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_tally::{CellEvaluation, Outcome, StationCounts, SubmissionOutcome};
use std::sync::Arc;

/// The station that most cases are about, in shard 1, and its list contest.
pub(crate) const STATION: &str = "north-001";
pub(crate) const LIST: &str = "council-list";

pub(crate) struct Case {
    pub(crate) definition: Arc<Definition>,
    sent: Vec<Sent>,
    logs: Logs,
}

impl Case {
    pub(crate) fn new() -> Self {
        let definition = Arc::new(sample::definition());
        let logs = vec![Vec::new(); definition.shards as usize];
        Self { definition, sent: Vec::new(), logs }
    }

    /// Sends it to its own shard.
    pub(crate) fn send(&mut self, key: &PublicKey, body: SubmissionBody) -> SubmissionDigest {
        let shard = home_shard(&self.definition, &body).unwrap();
        self.send_to(shard, key, body)
    }

    pub(crate) fn send_to(&mut self, shard: ShardId, key: &PublicKey, body: SubmissionBody) -> SubmissionDigest {
        let sent = Sent::new(key, body);
        self.logs[shard.0 as usize].push(sent.value());
        let digest = sent.submission.digest;
        self.sent.push(sent);
        digest
    }

    /// A protocol without fault of the case's station.
    pub(crate) fn protocol(&self, revision: u8, votes: &[u32]) -> Protocol {
        let (_, station) = self.definition.station(&StationId::new(STATION).unwrap()).unwrap();
        let (_, contest) = self.definition.contest(&ContestId::new(LIST).unwrap()).unwrap();
        right_protocol(&self.definition, station, contest, revision, votes)
    }

    pub(crate) fn station_key(&self) -> PublicKey {
        self.definition.station(&StationId::new(STATION).unwrap()).unwrap().1.key
    }

    pub(crate) fn authority_key(&self, id: &str) -> PublicKey {
        self.definition.authority(&AuthorityId::new(id).unwrap()).unwrap().key
    }

    /// Sends a protocol with the station's own key.
    pub(crate) fn send_protocol(&mut self, protocol: &Protocol) -> ContentDigest {
        self.send(&self.station_key(), SubmissionBody::Protocol(protocol.clone()));
        protocol.content.digest()
    }

    /// Sends a right protocol of this revision with these votes.
    pub(crate) fn send_votes(&mut self, revision: u8, votes: &[u32]) -> ContentDigest {
        let protocol = self.protocol(revision, votes);
        self.send_protocol(&protocol)
    }

    /// Sends a protocol that a rule on its figures holds.
    pub(crate) fn send_wrong(&mut self, revision: u8) -> ContentDigest {
        let mut protocol = self.protocol(revision, &[10, 20, 30, 40]);
        protocol.content.votes[0].1 += 1_000;
        self.send_protocol(&protocol)
    }

    pub(crate) fn decide(&mut self, author: &str, number: u32, ruling: Ruling) -> ContentDigest {
        let content = DecisionContent { author: AuthorityId::new(author).unwrap(), number, ruling };
        let digest = content.digest();
        let decision = Decision { content, reason: "because".into(), signed_at: Instant(0) };
        self.send(&self.authority_key(author), SubmissionBody::Decision(decision));
        digest
    }

    pub(crate) fn amend(&mut self, number: u32, change: Change) {
        let content = AmendmentContent { number, author: AuthorityId::new("cec").unwrap(), change };
        let amendment = Amendment { content, reason: "because".into(), signed_at: Instant(0) };
        self.send(&self.authority_key("cec"), SubmissionBody::Amendment(amendment));
    }

    pub(crate) fn report(&mut self, slot: &str, received_a_ballot: u32) -> ContentDigest {
        let content = TurnoutContent {
            station: StationId::new(STATION).unwrap(),
            slot: SlotId::new(slot).unwrap(),
            revision: 1,
            received_a_ballot,
            register: 2_400,
        };
        let digest = content.digest();
        let report = TurnoutReport { content, signed_at: Instant(0) };
        self.send(&self.station_key(), SubmissionBody::Turnout(report));
        digest
    }

    pub(crate) fn new_key(&self) -> PublicKey {
        added_key(0)
    }

    pub(crate) fn table(&self) -> Table {
        Table::new(&self.sent)
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    pub(crate) fn fold(&self) -> Folds {
        Folds::of(&self.definition, &self.table(), &self.logs)
    }

    /// What the list protocols of the case's station come to.
    pub(crate) fn cell(&self) -> CellEvaluation {
        let (index, _) = self.definition.station(&StationId::new(STATION).unwrap()).unwrap();
        self.fold().shards[&ShardId(1)].evaluation(index).unwrap().contests[0].1.clone()
    }

    /// The standing of a content among them, and its rules.
    pub(crate) fn standing(&self, content: ContentDigest) -> (Outcome, Vec<RuleCode>) {
        let cell = self.cell();
        let content = cell.contents.iter().find(|each| each.content == content).unwrap();
        (content.standing, content.rules.clone())
    }

    /// The standing of a decision about the case's station.
    pub(crate) fn decision(&self, content: ContentDigest) -> (Outcome, Vec<RuleCode>) {
        let (index, _) = self.definition.station(&StationId::new(STATION).unwrap()).unwrap();
        let folds = self.fold();
        let decisions = &folds.shards[&ShardId(1)].evaluation(index).unwrap().decisions;
        let decision = decisions.iter().find(|each| each.content == content).unwrap();
        (decision.standing, decision.rules.clone())
    }

    /// The outcome of every record of a shard, in the order of the log.
    pub(crate) fn outcomes(&self, shard: u32) -> Vec<SubmissionOutcome> {
        let folds = self.fold();
        folds.check();
        let log = &self.logs[shard as usize];
        let outcomes = match shard {
            0 => outcomes(log, folds.control.outcomes()),
            shard => outcomes(log, folds.shards[&ShardId(shard)].outcomes()),
        };
        outcomes.into_values().collect()
    }

    /// The nation's stations in the list contest.
    pub(crate) fn counts(&self) -> StationCounts {
        self.fold().nation().contest(ContestIndex(0)).unwrap().nation.stations
    }
}

pub(crate) fn confirm(content: ContentDigest) -> Ruling {
    Ruling::Confirm { station: StationId::new(STATION).unwrap(), content }
}

pub(crate) fn annul(content: ContentDigest) -> Ruling {
    Ruling::Annul { station: StationId::new(STATION).unwrap(), content }
}

pub(crate) fn annul_station() -> Ruling {
    Ruling::AnnulStation { station: StationId::new(STATION).unwrap(), contest: ContestId::new(LIST).unwrap() }
}

pub(crate) fn choose(chosen: ContentDigest, set_aside: ContentDigest) -> Ruling {
    Ruling::Choose { station: StationId::new(STATION).unwrap(), chosen, set_aside: vec![set_aside] }
}
