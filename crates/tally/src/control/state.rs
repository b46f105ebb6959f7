//! What is in force at a control position.

use super::lost::{LostByGeneration, LostRecords};
use crate::position::Generation;
use hattama_election::{
    amendment::{AmendmentContent, Change, KeyHolder},
    decision::DecisionContent,
    definition::{Definition, Holder},
    digest::{ChainDigest, ContentDigest, SubmissionDigest},
    ids::{ContestIndex, OptionId, StationIndex},
    instant::Instant,
    key::{KeyId, PublicKey},
    rules::{RuleCode, Severity},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, LazyLock},
};

/// What is in force by the amendments and national decisions before a control position.
#[derive(Debug, Clone)]
pub struct ControlState {
    definition: Arc<Definition>,
    pub(super) next_offset: u64,
    pub(super) chain: ChainDigest,
    pub(super) applied: u32,
    pub(super) in_prefix: BTreeSet<ContentDigest>,
    fold_version: u32,
    /// Keys that amendments in force brought.
    keys: BTreeMap<KeyId, AddedKey>,
    /// Keys that were in force at an earlier position: a number of the prefix was contested since, and nothing brings them back.
    lapsed: BTreeMap<KeyId, AddedKey>,
    revoked: BTreeMap<KeyId, BTreeSet<SubmissionDigest>>,
    withdrawn: BTreeMap<ContestIndex, BTreeSet<OptionId>>,
    closed: BTreeSet<StationIndex>,
    polls_close: BTreeMap<StationIndex, Instant>,
    severities: BTreeMap<RuleCode, Severity>,
    /// Shared by the states of many positions: a list may be long.
    lost: Arc<LostByGeneration>,
    pub(super) ties: Vec<DecisionContent>,
    pub(super) stopped: Option<String>,
}

/// A key that an amendment brought.
#[derive(Debug, Clone)]
pub(crate) struct AddedKey {
    pub(crate) key: PublicKey,
    pub(crate) holder: Holder,
    /// The control positions at which it is in force.
    pub(crate) in_force: Range<u64>,
}

static NOTHING_WITHDRAWN: LazyLock<BTreeSet<OptionId>> = LazyLock::new(BTreeSet::new);

impl ControlState {
    /// The frozen definition with nothing amended: behind the genesis record whose value is `genesis`.
    #[must_use]
    pub fn initial(definition: Arc<Definition>, genesis: &[u8]) -> Self {
        Self {
            next_offset: 1,
            chain: ChainDigest::genesis(genesis),
            applied: 0,
            in_prefix: BTreeSet::new(),
            fold_version: definition.fold_version,
            keys: BTreeMap::new(),
            lapsed: BTreeMap::new(),
            revoked: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            closed: BTreeSet::new(),
            polls_close: BTreeMap::new(),
            severities: definition.severities.clone(),
            lost: Arc::default(),
            ties: Vec::new(),
            stopped: None,
            definition,
        }
    }

    /// The control position that this state stands at.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// Chained digest of control's records before it.
    #[must_use]
    pub fn chain(&self) -> ChainDigest {
        self.chain
    }

    /// How many amendments apply: the gap-free prefix 1 … n.
    #[must_use]
    pub fn amendments_applied(&self) -> u32 {
        self.applied
    }

    /// True when the same amendments apply, and the same keys lapsed on the way: a shard comes to the same under both, and
    /// knows the same of positions before.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.in_prefix == other.in_prefix && self.lapsed.keys().eq(other.lapsed.keys())
    }

    /// Why the prefix of amendments stopped although a later one is there: a gap, or two contents under one number.
    #[must_use]
    pub fn amendments_stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// The fold version in force.
    #[must_use]
    pub fn fold_version(&self) -> u32 {
        self.fold_version
    }

    /// The key of this id, of the definition or of an amendment in force.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<PublicKey> {
        match self.definition.key(id) {
            Some((key, _)) => Some(*key),
            None => self.keys.get(id).map(|added| added.key),
        }
    }

    /// Who holds the key.
    #[must_use]
    pub fn holder(&self, id: &KeyId) -> Option<Holder> {
        match self.definition.key(id) {
            Some((_, holder)) => Some(holder),
            None => self.keys.get(id).map(|added| added.holder),
        }
    }

    /// The added key of this id, in force now or at an earlier position.
    pub(crate) fn added_key(&self, id: &KeyId) -> Option<&AddedKey> {
        self.keys.get(id).or_else(|| self.lapsed.get(id))
    }

    /// What records are opened with: keys in force now or at an earlier position, so that one of an earlier position can
    /// still be asked what it came to there.
    pub(crate) fn key_to_open(&self, id: &KeyId) -> Option<PublicKey> {
        self.key(id).or_else(|| self.lapsed.get(id).map(|added| added.key))
    }

    /// The control positions at which a key is in force: all of them for one of the frozen definition.
    pub(crate) fn in_force(&self, id: &KeyId) -> Range<u64> {
        match self.added_key(id) {
            Some(added) => added.in_force.clone(),
            None => 1..u64::MAX,
        }
    }

    /// True when the key was revoked and the submission is not named as still valid.
    #[must_use]
    pub fn is_revoked(&self, key: &KeyId, submission: &SubmissionDigest) -> bool {
        self.revoked.get(key).is_some_and(|still_valid| !still_valid.contains(submission))
    }

    /// Options of a contest that withdrew.
    #[must_use]
    pub fn withdrawn(&self, contest: ContestIndex) -> &BTreeSet<OptionId> {
        self.withdrawn.get(&contest).unwrap_or(&NOTHING_WITHDRAWN)
    }

    /// True when an amendment closed the station.
    #[must_use]
    pub fn is_closed(&self, station: StationIndex) -> bool {
        self.closed.contains(&station)
    }

    /// When an amendment says that the station closes.
    #[must_use]
    pub fn polls_close(&self, station: StationIndex) -> Option<Instant> {
        self.polls_close.get(&station).copied()
    }

    /// The severity of a rule now.
    #[must_use]
    pub fn severity(&self, code: RuleCode) -> Severity {
        self.severities.get(&code).copied().unwrap_or_else(|| code.default_severity())
    }

    /// Records of earlier generations of the log that amendments give up as lost, ascending by generation.
    pub fn lost_records(&self) -> impl Iterator<Item = (Generation, &LostRecords)> {
        self.lost.iter().map(|(generation, lost)| (*generation, lost))
    }

    /// Those of one generation; none when no amendment in force gives up any.
    #[must_use]
    pub fn lost_records_of(&self, generation: Generation) -> Option<&LostRecords> {
        self.lost.get(&generation)
    }

    /// Resolutions of ties in force, ascending by contest.
    #[must_use]
    pub fn tie_resolutions(&self) -> &[DecisionContent] {
        &self.ties
    }

    /// The state before any amendment at another position; what lapsed since `before` stays known as such.
    pub(super) fn unamended(&self, next_offset: u64, chain: ChainDigest, before: &Self) -> Self {
        Self { next_offset, chain, lapsed: before.lapsed.clone(), ..self.clone() }
    }

    /// Notes which keys were in force in the state before and are no longer.
    pub(super) fn note_lapsed(&mut self, before: &Self) {
        for (id, added) in before.keys.iter().filter(|(id, _)| !self.keys.contains_key(*id)) {
            let in_force = added.in_force.start..self.next_offset;
            self.lapsed.insert(*id, AddedKey { in_force, ..added.clone() });
        }
    }

    /// Keeps the list of the state before, when it is the same.
    pub(super) fn share_lost(&mut self, before: &Self) {
        if self.lost == before.lost {
            self.lost = Arc::clone(&before.lost);
        }
    }

    /// Applies the next amendment of the prefix; `before` is the state of the position before.
    pub(super) fn apply(&mut self, content: &AmendmentContent, before: &Self) {
        let definition = Arc::clone(&self.definition);
        let station = |id| definition.station(id).map(|(index, _)| index);
        match &content.change {
            Change::KeyReplaced { holder, key } => {
                let holder = match holder {
                    KeyHolder::Station(id) => station(id).map(Holder::Station),
                    KeyHolder::Authority(id) => definition
                        .authorities
                        .iter()
                        .position(|authority| authority.id == *id)
                        .and_then(|place| u16::try_from(place).ok())
                        .map(Holder::Authority),
                };
                if let Some(holder) = holder.filter(|_| definition.key(&key.id()).is_none()) {
                    let from = before.keys.get(&key.id()).map_or(self.next_offset, |added| added.in_force.start);
                    self.keys.entry(key.id()).or_insert(AddedKey { key: *key, holder, in_force: from..u64::MAX });
                }
            }
            Change::KeyRevoked { key, still_valid } => {
                // Of two revocations of one key the later one says what stays valid.
                self.revoked.insert(*key, still_valid.iter().copied().collect());
            }
            Change::OptionWithdrawn { contest, option } => {
                if let Some((contest, _)) = definition.contest(contest) {
                    self.withdrawn.entry(contest).or_default().insert(option.clone());
                }
            }
            Change::StationClosed { station: id } => self.closed.extend(station(id)),
            Change::PollsClose { station: id, at } => self.polls_close.extend(station(id).map(|index| (index, *at))),
            Change::SeverityChanged { rule, severity } => {
                self.severities.insert(*rule, *severity);
            }
            Change::FoldVersion { version } => self.fold_version = *version,
            Change::RecordsLost { generation, ranges } => {
                let lost = Arc::make_mut(&mut self.lost).entry(Generation(*generation)).or_default();
                lost.add(content.number, &content.author, ranges);
            }
        }
        self.applied = content.number;
        self.in_prefix.insert(content.digest());
    }
}
