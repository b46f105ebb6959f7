//! What every part of the script needs to know, and the script as far as it is written.

use super::{
    Action, Event, Fate, Incident, Route, Script, Signer,
    dice::Dice,
    expected::Expected,
    rates::{PROBES_BEFORE_SECONDS, Rates, STAYS_OPEN_SECONDS},
    truth::TrueStation,
};
use hattama_election::{
    definition::{Definition, ServiceRole, Station},
    ids::{AuthorityId, ShardId, StationIndex},
    instant::Instant,
    submission::{Probe, ProbeSender, SubmissionBody},
};
use hattama_tally::Outcome;
use std::collections::BTreeMap;

pub(super) struct Scene<'a> {
    pub(super) definition: &'a Definition,
    pub(super) stations: &'a [TrueStation],
    pub(super) seed: u64,
    pub(super) rates: &'a Rates,
    /// The station that an amendment gives a new key, and from when on it signs with that.
    pub(super) new_key: Option<(StationIndex, Instant)>,
    /// The station that an amendment keeps open.
    pub(super) stays_open: Option<StationIndex>,
    pub(super) events: Vec<Event>,
    pub(super) expected: Expected,
}

impl<'a> Scene<'a> {
    pub(super) fn new(definition: &'a Definition, stations: &'a [TrueStation], seed: u64, rates: &'a Rates) -> Self {
        let expected = Expected::of_truth(definition, stations);
        Self { definition, stations, seed, rates, new_key: None, stays_open: None, events: Vec::new(), expected }
    }

    pub(super) fn station(&self, index: StationIndex) -> &'a Station {
        &self.definition.stations[index.0 as usize]
    }

    pub(super) fn dice(&self, purpose: &str, subject: &[&str]) -> Dice {
        Dice::new(self.seed, purpose, subject)
    }

    /// When a station closes, amendments included.
    pub(super) fn closes(&self, index: StationIndex) -> Instant {
        let longer = if self.stays_open == Some(index) { STAYS_OPEN_SECONDS } else { 0 };
        Instant(self.station(index).polls_close.0 + longer)
    }

    pub(super) fn signer(&self, index: StationIndex, at: Instant) -> Signer {
        match self.new_key {
            Some((station, from)) if station == index && at >= from => Signer::StationWithNewKey(index),
            _ => Signer::Station(index),
        }
    }

    /// The gateway that a sender has at hand.
    pub(super) fn gateway(&self, sender: &str) -> Route {
        Route::Gateway(self.dice("gateway", &[sender]).below(256) as u8)
    }

    pub(super) fn send_from_station(
        &mut self,
        index: StationIndex,
        at: Instant,
        body: SubmissionBody,
        why: Incident,
        becomes: Outcome,
    ) {
        let action = Action::Send { signer: self.signer(index, at), body };
        let through = self.gateway(self.station(index).id.as_str());
        self.push(at, through, action, why, Fate::Stands(becomes));
    }

    pub(super) fn send_from_authority(
        &mut self,
        author: &AuthorityId,
        at: Instant,
        body: SubmissionBody,
        why: Incident,
    ) {
        let action = Action::Send { signer: Signer::Authority(author.clone()), body };
        let through = self.gateway(author.as_str());
        self.push(at, through, action, why, Fate::Stands(Outcome::Counted));
    }

    pub(super) fn push(&mut self, at: Instant, through: Route, action: Action, why: Incident, fate: Fate) {
        self.events.push(Event { number: 0, at, through, action, why, fate });
    }

    /// Puts everything in order and gives it its numbers.
    pub(super) fn finish(mut self) -> Script {
        self.probes();
        let Self { mut events, mut expected, .. } = self;
        events.sort_by_key(|event| event.at);
        number_rulings(&mut events);
        events.iter_mut().zip(0..).for_each(|(event, number)| event.number = number);
        let ordinary = events.iter().filter(|event| event.why == Incident::Ordinary).count();
        expected.incidents.insert(Incident::Ordinary, u32::try_from(ordinary).unwrap_or(u32::MAX));
        expected.count_fates(&events);
        Script { events, expected }
    }

    /// One probe a shard, from whoever may look at all of them.
    fn probes(&mut self) {
        let Some(first) = self.events.iter().map(|event| event.at.0).min() else { return };
        let gateway = self.definition.services.iter().find(|service| service.role == ServiceRole::Gateway);
        let (from, signer) = match (gateway, self.definition.authorities.first()) {
            (Some(service), _) => (ProbeSender::Service(service.id.clone()), Signer::Service(service.id.clone())),
            (None, Some(office)) => (ProbeSender::Authority(office.id.clone()), Signer::Authority(office.id.clone())),
            (None, None) => return,
        };
        for shard in 0..self.definition.shards {
            let probe = Probe { from: from.clone(), shard: ShardId(shard), nonce: self.seed };
            let at = Instant(first - PROBES_BEFORE_SECONDS + i64::from(shard));
            let action = Action::Send { signer: signer.clone(), body: SubmissionBody::Probe(probe) };
            let through = self.gateway(&shard.to_string());
            self.push(at, through, action, Incident::Probe, Fate::Stands(Outcome::Counted));
            self.expected.count(Incident::Probe);
        }
    }
}

/// Amendments are numbered over the election, decisions by each author, in the order in which they are sent.
fn number_rulings(events: &mut [Event]) {
    let mut amendments = 0;
    let mut decisions: BTreeMap<AuthorityId, u32> = BTreeMap::new();
    for event in events {
        match &mut event.action {
            Action::Send { body: SubmissionBody::Amendment(amendment), .. } => {
                amendments += 1;
                amendment.content.number = amendments;
            }
            Action::Send { body: SubmissionBody::Decision(decision), .. } => {
                let number = decisions.entry(decision.content.author.clone()).or_default();
                *number += 1;
                decision.content.number = *number;
            }
            _ => {}
        }
    }
}
