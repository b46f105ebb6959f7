//! What is remembered of a station: the contents it has sent, and which submissions say each. Nothing else is state; what
//! a content stands as is evaluated from here (design, D3).

use crate::position::PositionPair;
use hattama_election::{
    decision::DecisionContent,
    digest::{ContentDigest, SubmissionDigest},
    ids::{ContestIndex, SlotIndex},
    instant::Instant,
    key::KeyId,
    protocol::{Protocol, ProtocolContent, SignatoryStance},
    turnout::TurnoutContent,
};
use std::collections::BTreeMap;

/// One valid submission of a content, without the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionNote {
    /// Its digest. The same bytes sent twice are two notes with one digest.
    pub digest: SubmissionDigest,
    /// Where it lies in the shard.
    pub offset: u64,
    /// The control position from which its key is known: 1 for a key of the frozen definition.
    pub known_from_control: u64,
    /// The control position from which its key is no longer known: `u64::MAX` unless the number of the amendment that
    /// brought it, or a lower one, was contested since.
    pub known_until_control: u64,
    /// The key that signed it.
    pub key: KeyId,
    /// What it says beside its content.
    pub attributes: Attributes,
}

/// What a submission says beside its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// When it was signed, by its author's clock.
    pub signed_at: Instant,
    /// The content that it says it corrects.
    pub supersedes: Option<ContentDigest>,
    /// Why, in its author's words.
    pub reason: Option<Box<str>>,
    /// A member refused to sign or dissented.
    pub dissent: bool,
    /// Complaints were lodged.
    pub complaints: bool,
}

impl Attributes {
    /// Of a submission that says nothing but when it was signed.
    pub(crate) fn plain(signed_at: Instant) -> Self {
        Self { signed_at, supersedes: None, reason: None, dissent: false, complaints: false }
    }

    pub(crate) fn of_protocol(protocol: &Protocol) -> Self {
        Self {
            signed_at: protocol.signed_at,
            supersedes: protocol.supersedes,
            reason: protocol.reason.as_deref().map(Into::into),
            dissent: protocol.signatories.iter().any(|signatory| signatory.stance != SignatoryStance::Signed),
            complaints: protocol.complaints.is_some_and(|complaints| complaints > 0),
        }
    }
}

impl SubmissionNote {
    /// True when a fold at `at` has read this submission and knows its key.
    #[must_use]
    pub fn is_visible(&self, at: &PositionPair) -> bool {
        self.offset < at.next_offset
            && (self.known_from_control..self.known_until_control).contains(&at.control_next_offset)
    }
}

/// A content and every submission that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentEntry<C> {
    /// Its digest.
    pub digest: ContentDigest,
    /// What it says.
    pub content: C,
    /// Ascending by submission digest, then offset; at least one.
    pub submissions: Vec<SubmissionNote>,
}

impl<C> ContentEntry<C> {
    /// The submissions that a fold at `at` knows, ascending by digest.
    pub fn visible<'a>(&'a self, at: &'a PositionPair) -> impl Iterator<Item = &'a SubmissionNote> {
        self.submissions.iter().filter(|note| note.is_visible(at))
    }

    /// The submission to show: the one with the lowest digest (design, D3). None when none is visible.
    pub fn shown<'a>(&'a self, at: &'a PositionPair) -> Option<&'a SubmissionNote> {
        self.visible(at).next()
    }
}

/// The contents of one contest or slot by revision, of one commission by number: ascending by digest within each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<C> {
    by_number: BTreeMap<u32, Vec<ContentEntry<C>>>,
}

impl<C> Default for Cell<C> {
    fn default() -> Self {
        Self { by_number: BTreeMap::new() }
    }
}

impl<C> Cell<C> {
    /// Files a submission under its content.
    pub fn file(&mut self, number: u32, digest: ContentDigest, content: C, note: SubmissionNote) {
        let entries = self.by_number.entry(number).or_default();
        match entries.binary_search_by_key(&digest, |entry| entry.digest) {
            Ok(place) => entries[place].file(note),
            Err(place) => entries.insert(place, ContentEntry { digest, content, submissions: vec![note] }),
        }
    }

    /// Revisions or numbers, ascending, each with its contents ascending by digest.
    pub fn by_number(&self) -> impl DoubleEndedIterator<Item = (u32, &[ContentEntry<C>])> {
        self.by_number.iter().map(|(number, entries)| (*number, entries.as_slice()))
    }

    /// All contents, ascending by number and digest.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &ContentEntry<C>)> {
        self.by_number().flat_map(|(number, entries)| entries.iter().map(move |entry| (number, entry)))
    }

    /// The contents under one number.
    pub fn at(&self, number: u32) -> &[ContentEntry<C>] {
        self.by_number.get(&number).map_or(&[], Vec::as_slice)
    }

    /// Every submission, to note until when its key was known.
    pub(crate) fn notes_mut(&mut self) -> impl Iterator<Item = &mut SubmissionNote> {
        self.by_number.values_mut().flatten().flat_map(|entry| &mut entry.submissions)
    }

    /// The content of this digest.
    pub fn find(&self, digest: &ContentDigest) -> Option<(u32, &ContentEntry<C>)> {
        self.entries().find(|(_, entry)| entry.digest == *digest)
    }
}

impl<C> ContentEntry<C> {
    fn file(&mut self, note: SubmissionNote) {
        let place = self.submissions.partition_point(|other| (other.digest, other.offset) < (note.digest, note.offset));
        self.submissions.insert(place, note);
    }
}

/// All that a station, and commissions about it, have sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StationLedger {
    /// Protocols by contest and revision.
    pub protocols: BTreeMap<ContestIndex, Cell<ProtocolContent>>,
    /// Turnout reports by slot and revision.
    pub turnout: BTreeMap<SlotIndex, Cell<TurnoutContent>>,
    /// Decisions about this station, by author and number.
    pub decisions: BTreeMap<hattama_election::ids::AuthorityId, Cell<DecisionContent>>,
}

impl StationLedger {
    /// Every submission, to note until when its key was known.
    pub(crate) fn notes_mut(&mut self) -> impl Iterator<Item = &mut SubmissionNote> {
        let protocols = self.protocols.values_mut().flat_map(Cell::notes_mut);
        let turnout = self.turnout.values_mut().flat_map(Cell::notes_mut);
        protocols.chain(turnout).chain(self.decisions.values_mut().flat_map(Cell::notes_mut))
    }

    /// The contest whose protocol has this content.
    #[must_use]
    pub fn contest_of(&self, content: &ContentDigest, at: &PositionPair) -> Option<ContestIndex> {
        self.protocols
            .iter()
            .find(|(_, cell)| cell.find(content).is_some_and(|(_, entry)| entry.shown(at).is_some()))
            .map(|(contest, _)| *contest)
    }

    /// True when a turnout report has this content.
    #[must_use]
    pub fn has_turnout(&self, content: &ContentDigest, at: &PositionPair) -> bool {
        self.turnout.values().any(|cell| cell.find(content).is_some_and(|(_, entry)| entry.shown(at).is_some()))
    }
}
