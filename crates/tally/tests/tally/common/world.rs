//! A random world: a definition and everything sent in it.

use super::{
    figures::{random_attributes, random_content, random_report},
    opener::{Sent, Table},
    places::{self, added_key},
    random::Random,
};
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder, RecordRange},
    decision::{Decision, DecisionContent, Ruling},
    definition::{Authority, AuthorityRole, Definition, Station},
    digest::{ContentDigest, SubmissionDigest},
    form::LineMeaning,
    ids::{OptionId, ShardId},
    instant::Instant,
    key::PublicKey,
    protocol::ProtocolContent,
    routing::home_shard,
    rules::{RuleCode, Severity, impossible},
    submission::{CommissionProtocol, CommissionProtocolContent, Lines64, Probe, ProbeSender, SubmissionBody},
};
use std::{collections::BTreeMap, sync::Arc};

/// How many keys amendments may bring.
pub(crate) const ADDED_KEYS: usize = 4;

/// A definition and what was sent.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) definition: Arc<Definition>,
    pub(crate) sent: Vec<Sent>,
}

/// The values of the records of each shard behind its genesis, in order; control first.
pub(crate) type Logs = Vec<Vec<Vec<u8>>>;

impl World {
    /// The world of a seed: what the oracle can be asked about.
    pub(crate) fn random(seed: u64) -> Self {
        Maker::new(seed).make()
    }

    /// The same with forged signatures, records that are none, and submissions in a shard that is not theirs.
    pub(crate) fn with_faults(seed: u64) -> (Self, Logs) {
        let mut world = Self::random(seed);
        let mut random = Random::new(!seed);
        let forged: Vec<Sent> = random.some(&world.sent, 10).into_iter().map(|sent| forge(&world, sent)).collect();
        world.sent.extend(forged);
        let mut logs = world.logs(&mut random);
        for log in &mut logs {
            if random.chance(40) {
                log.push(b"no record".to_vec());
            }
            if random.chance(40) && !world.sent.is_empty() {
                log.push(random.pick(&world.sent).value());
            }
            random.shuffle(log);
        }
        (world, logs)
    }

    /// Logs in random order with some records twice.
    pub(crate) fn logs(&self, random: &mut Random) -> Logs {
        let mut logs = vec![Vec::new(); self.definition.shards as usize];
        for sent in &self.sent {
            let shard = self.shard_of(sent);
            let times = if random.chance(10) { 2 } else { 1 };
            logs[shard.0 as usize].extend(vec![sent.value(); times]);
        }
        logs.iter_mut().for_each(|log| random.shuffle(log));
        logs
    }

    pub(crate) fn shard_of(&self, sent: &Sent) -> ShardId {
        home_shard(&self.definition, &sent.submission.body).unwrap()
    }

    pub(crate) fn table(&self) -> Table {
        Table::new(&self.sent)
    }
}

fn forge(world: &World, sent: Sent) -> Sent {
    let known = world.definition.key(&sent.submission.key).map(|(key, _)| *key);
    let added = (0..ADDED_KEYS).map(added_key).find(|key| key.id() == sent.submission.key);
    Sent::forged(&known.or(added).unwrap(), sent.submission.body)
}

struct Maker {
    random: Random,
    definition: Arc<Definition>,
    sent: Vec<Sent>,
    /// Contents by station: what decisions and corrections may name.
    protocols: BTreeMap<usize, Vec<ProtocolContent>>,
    contents: BTreeMap<usize, Vec<ContentDigest>>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let definition = places::definition(&mut random);
        Self { random, definition, sent: Vec::new(), protocols: BTreeMap::new(), contents: BTreeMap::new() }
    }

    fn make(mut self) -> World {
        let stations = self.definition.stations.len();
        for _ in 0..self.random.below(6 * stations + 2) {
            self.protocol();
        }
        if !self.definition.slots.is_empty() {
            for _ in 0..self.random.below(4 * stations + 2) {
                self.report();
            }
        }
        for _ in 0..self.random.below(3 * stations + 2) {
            self.decision();
        }
        for _ in 0..self.random.below(3) {
            self.commission_protocol();
            self.probe();
        }
        for _ in 0..self.random.below(9) {
            self.amendment();
        }
        let mut seen = std::collections::HashSet::new();
        self.sent.retain(|sent| seen.insert(sent.submission.digest));
        World { definition: self.definition, sent: self.sent }
    }

    /// Signs, mostly with the right key. What is impossible in itself is not for the oracle.
    fn send(&mut self, own: PublicKey, body: SubmissionBody) {
        assert_eq!(impossible::submission(&self.definition, &body), [], "{body:?}");
        let key = match self.random.below(20) {
            0..17 => own,
            17 | 18 => added_key(self.random.below(ADDED_KEYS)),
            _ if self.random.chance(50) => self.random.pick(&self.definition.stations).key,
            _ => self.random.pick(&self.definition.authorities).key,
        };
        self.sent.push(Sent::new(&key, body));
    }

    fn station(&mut self) -> (usize, Station) {
        let place = self.random.below(self.definition.stations.len());
        (place, self.definition.stations[place].clone())
    }

    fn protocol(&mut self) {
        let definition = Arc::clone(&self.definition);
        let (place, station) = self.station();
        let contests: Vec<_> = definition.contests_of(&station).collect();
        let contest = &definition.contests[usize::from(self.random.pick(&contests).0)];
        let before = self.protocols.entry(place).or_default();
        let of_contest: Vec<&ProtocolContent> = before.iter().filter(|content| content.contest == contest.id).collect();
        let content = match of_contest.as_slice() {
            [] => random_content(&mut self.random, &definition, &station, contest),
            some if self.random.chance(35) => (*self.random.pick(some)).clone(),
            _ => random_content(&mut self.random, &definition, &station, contest),
        };
        let protocol = random_attributes(&mut self.random, &station, content.clone(), &of_contest);
        self.contents.entry(place).or_default().push(content.digest());
        before.push(content);
        self.send(station.key, SubmissionBody::Protocol(protocol));
    }

    fn report(&mut self) {
        let (place, station) = self.station();
        let report = random_report(&mut self.random, &self.definition, &station);
        self.contents.entry(place).or_default().push(report.content.digest());
        self.send(station.key, SubmissionBody::Turnout(report));
    }

    fn decision(&mut self) {
        let (place, station) = self.station();
        let ruling = if self.random.chance(12) { self.resolve_tie() } else { self.rule_on(place, &station) };
        let author = self.who_decides(&station, &ruling);
        let number = self.random.between(1, 5);
        let content = DecisionContent { author: author.id, number, ruling };
        let signed_at = Instant(i64::from(self.random.between(0, 1)));
        let decision = Decision { content, reason: "because".into(), signed_at };
        self.send(author.key, SubmissionBody::Decision(decision));
    }

    /// Mostly a commission whose station it is.
    fn who_decides(&mut self, station: &Station, ruling: &Ruling) -> Authority {
        let near = |authority: &&Authority| match authority.role {
            AuthorityRole::Territorial(territory) => territory == station.territory,
            AuthorityRole::District(district) => Some(district) == station.district,
            AuthorityRole::Central => true,
            AuthorityRole::Operator | AuthorityRole::Importer => false,
        };
        let central = |authority: &&Authority| authority.role == AuthorityRole::Central;
        let all = &self.definition.authorities;
        let candidates: Vec<&Authority> = match ruling {
            _ if self.random.chance(10) => all.iter().collect(),
            Ruling::ResolveTie { .. } => all.iter().filter(central).collect(),
            _ => all.iter().filter(near).collect(),
        };
        (*self.random.pick(&candidates)).clone()
    }

    fn content_of(&mut self, place: usize) -> ContentDigest {
        match self.contents.get(&place) {
            Some(contents) if !contents.is_empty() && self.random.chance(92) => *self.random.pick(contents),
            _ => ContentDigest([7; 32]),
        }
    }

    fn rule_on(&mut self, place: usize, station: &Station) -> Ruling {
        let id = station.id.clone();
        let content = self.content_of(place);
        match self.random.below(7) {
            0..3 => Ruling::Confirm { station: id, content },
            3 | 4 => Ruling::Annul { station: id, content },
            5 => {
                let contests: Vec<_> = self.definition.contests_of(station).collect();
                let contest = &self.definition.contests[usize::from(self.random.pick(&contests).0)];
                Ruling::AnnulStation { station: id, contest: contest.id.clone() }
            }
            _ => {
                let mut set_aside: Vec<_> = (0..self.random.between(1, 3)).map(|_| self.content_of(place)).collect();
                set_aside.sort_unstable();
                set_aside.dedup();
                set_aside.retain(|other| *other != content);
                if set_aside.is_empty() {
                    return Ruling::Confirm { station: id, content };
                }
                Ruling::Choose { station: id, chosen: content, set_aside }
            }
        }
    }

    fn resolve_tie(&mut self) -> Ruling {
        let contest = self.random.pick(&self.definition.contests).clone();
        let mut between: Vec<OptionId> = contest.options.iter().map(|option| option.id.clone()).collect();
        self.random.shuffle(&mut between);
        between.truncate(if self.random.chance(80) { 2 } else { 3 });
        between.sort_unstable();
        let winners = vec![self.random.pick(&between).clone()];
        Ruling::ResolveTie { contest: contest.id, between, seats: self.random.between(1, 2), winners }
    }

    fn amendment(&mut self) {
        let in_turn = u32::try_from(
            self.sent.iter().filter(|sent| matches!(sent.submission.body, SubmissionBody::Amendment(_))).count(),
        );
        let number = if self.random.chance(75) { in_turn.unwrap() + 1 } else { self.random.between(1, 6) };
        let may = |authority: &&Authority| {
            matches!(authority.role, AuthorityRole::Central | AuthorityRole::Operator)
                || authority.id.as_str() == "tec-t0"
        };
        let authors: Vec<&Authority> = self.definition.authorities.iter().filter(may).collect();
        let author = (*self.random.pick(&authors)).clone();
        let change = self.change();
        let content = AmendmentContent { number, author: author.id, change };
        let signed_at = Instant(i64::from(self.random.between(0, 1)));
        self.send(author.key, SubmissionBody::Amendment(Amendment { content, reason: "because".into(), signed_at }));
    }

    fn change(&mut self) -> Change {
        let (_, station) = self.station();
        match self.random.below(11) {
            0..3 => {
                let authority = self.random.pick(&self.definition.authorities).id.clone();
                let holder = match self.random.chance(60) {
                    true => KeyHolder::Station(station.id),
                    false => KeyHolder::Authority(authority),
                };
                Change::KeyReplaced { holder, key: added_key(self.random.below(ADDED_KEYS)) }
            }
            3 | 4 => {
                let key = match self.random.below(3) {
                    0 => station.key,
                    1 => self.random.pick(&self.definition.authorities).key,
                    _ => added_key(self.random.below(ADDED_KEYS)),
                };
                let by_it = self.sent.iter().filter(|sent| sent.submission.key == key.id());
                let digests: Vec<SubmissionDigest> = by_it.map(|sent| sent.submission.digest).collect();
                let mut still_valid = self.random.some(&digests, 40);
                still_valid.sort_unstable();
                still_valid.dedup();
                Change::KeyRevoked { key: key.id(), still_valid }
            }
            5 => {
                let contest = self.random.pick(&self.definition.contests);
                Change::OptionWithdrawn {
                    contest: contest.id.clone(),
                    option: self.random.pick(&contest.options).id.clone(),
                }
            }
            6 => Change::StationClosed { station: station.id },
            7 => {
                let at = Instant(station.polls_close.0 + i64::from(self.random.between(0, 120)) - 60);
                Change::PollsClose { station: station.id, at }
            }
            8 => self.severity(),
            9 => {
                let ranges = (0..self.definition.shards).map(|shard| {
                    let first = u64::from(self.random.between(1, 9));
                    RecordRange { shard: ShardId(shard), first, last: first + u64::from(self.random.between(0, 9)) }
                });
                Change::RecordsLost { ranges: ranges.collect(), generation: self.random.between(1, 2) }
            }
            _ => Change::FoldVersion { version: 1 },
        }
    }

    fn severity(&mut self) -> Change {
        loop {
            let rule = *self.random.pick(RuleCode::ALL);
            let severity = *self.random.pick(&[Severity::Off, Severity::Flag, Severity::Hold, Severity::Refuse]);
            if rule.may_change_to(severity) {
                return Change::SeverityChanged { rule, severity };
            }
        }
    }

    fn commission_protocol(&mut self) {
        let contest = self.random.pick(&self.definition.contests).clone();
        let author = self.random.pick(&self.definition.authorities).clone();
        let mut options: Vec<OptionId> = contest.options.iter().map(|option| option.id.clone()).collect();
        options.sort_unstable();
        let votes = options.into_iter().map(|option| (option, u64::from(self.random.between(0, 1)))).collect();
        let mut lines = Lines64::default();
        lines.set(LineMeaning::BallotsFound, 1);
        let content = CommissionProtocolContent {
            author: author.id,
            contest: contest.id,
            revision: u8::try_from(self.random.between(1, 2)).unwrap(),
            covered_count: 1,
            covered_digest: impossible::covered_digest(&[ContentDigest([1; 32])]),
            covered: vec![ContentDigest([1; 32])],
            lines,
            votes,
            against_all: contest.against_all.then_some(0),
        };
        let body = SubmissionBody::CommissionProtocol(CommissionProtocol { content, signed_at: Instant(0) });
        if home_shard(&self.definition, &body).is_some() {
            self.send(author.key, body);
        }
    }

    fn probe(&mut self) {
        let (_, station) = self.station();
        let probe = Probe { from: ProbeSender::Station(station.id), shard: station.shard, nonce: 1 };
        self.send(station.key, SubmissionBody::Probe(probe));
    }
}
