//! How a record gets into the fold: opened, then filed under its station, refused, or kept until its key is known.

use super::{MAX_DEFERRED, ShardFold};
use crate::{
    admission::{Admission, admission},
    ledger::{Attributes, Cell, StationLedger, SubmissionNote},
    outcome::SubmissionOutcome,
    record::{OpenRecords, Opened},
};
use hattama_election::{
    definition::Station,
    digest::{ContentDigest, SubmissionDigest},
    ids::StationIndex,
    instant::Instant,
    key::KeyId,
    rules::RuleCode,
    submission::{CommissionProtocol, Submission, SubmissionBody},
};
use std::sync::Arc;

/// A record whose key is not of the frozen definition: what becomes of it depends on the amendments in force.
#[derive(Debug)]
pub(super) struct AddedKeyRecord {
    offset: u64,
    digest: SubmissionDigest,
    read: Read,
}

/// What was read of such a record.
#[derive(Debug)]
enum Read {
    /// Nothing: its key was in force at no position yet.
    Unopened(Box<[u8]>),
    /// It is in the ledger, where its note says at which positions its key is in force.
    Filed,
    /// It is impossible, while its key is in force.
    Refused(Vec<RuleCode>),
}

/// What became of a record that was opened.
pub(super) enum Admitted {
    Filed,
    Refused { digest: SubmissionDigest, rules: Vec<RuleCode> },
    Deferred { digest: SubmissionDigest, key: KeyId },
}

impl ShardFold {
    pub(super) fn admit(&mut self, offset: u64, opened: Opened) -> Admitted {
        match admission(&self.definition, &self.control, self.shard, opened) {
            Admission::Filed(submission) => {
                self.file(*submission, offset);
                Admitted::Filed
            }
            Admission::Refused { digest, rules } => Admitted::Refused { digest, rules },
            Admission::Deferred { digest, key } => Admitted::Deferred { digest, key },
        }
    }

    /// Keeps the next record, whose key is not of the frozen definition.
    pub(super) fn keep(&mut self, digest: SubmissionDigest, key: KeyId, value: &[u8], opener: &dyn OpenRecords) {
        let offset = self.next_offset;
        if self.by_added_key_count >= MAX_DEFERRED {
            return self.refuse(offset, digest, vec![RuleCode::UnknownKey]);
        }
        self.by_added_key_count += 1;
        let mut record = AddedKeyRecord { offset, digest, read: Read::Unopened(value.into()) };
        self.judge(&key, &mut record, opener);
        self.by_added_key.entry(key).or_default().push(record);
    }

    /// Opens a kept record when its key is or was in force, and tells why it is refused, if it is.
    pub(super) fn judge(&mut self, key: &KeyId, record: &mut AddedKeyRecord, opener: &dyn OpenRecords) {
        let control = Arc::clone(&self.control);
        if let Read::Unopened(value) = &record.read
            && control.key_to_open(key).is_some()
            && let Some(opened) = opener.open(&[value], &|key| control.key_to_open(key)).pop()
        {
            match self.admit(record.offset, opened) {
                Admitted::Filed => record.read = Read::Filed,
                Admitted::Refused { rules, .. } => record.read = Read::Refused(rules),
                Admitted::Deferred { .. } => {}
            }
        }
        match &record.read {
            Read::Filed => {}
            Read::Refused(rules) if control.key(key).is_some() => {
                self.refuse(record.offset, record.digest, rules.clone());
            }
            Read::Refused(_) | Read::Unopened(_) => {
                self.refuse(record.offset, record.digest, vec![RuleCode::UnknownKey]);
            }
        }
    }

    /// Notes of every submission until when its key was in force.
    pub(super) fn note_lapsed_keys(&mut self) {
        if self.by_added_key.is_empty() {
            return;
        }
        let stations = self.ledgers.iter_mut().flatten().flat_map(|ledger| ledger.notes_mut());
        let commissions = self.commission_protocols.values_mut().flat_map(Cell::notes_mut);
        for note in stations.chain(commissions).chain(self.probes.notes_mut()) {
            note.known_until_control = self.control.in_force(&note.key).end;
        }
    }

    pub(super) fn refuse(&mut self, offset: u64, digest: SubmissionDigest, rules: Vec<RuleCode>) {
        self.book.set(SubmissionOutcome::refused(offset, digest, rules));
    }

    fn file(&mut self, submission: Submission, offset: u64) {
        let content = submission.body.content_digest();
        let known = self.control.in_force(&submission.key);
        let note = |attributes| SubmissionNote {
            digest: submission.digest,
            offset,
            known_from_control: known.start,
            known_until_control: known.end,
            key: submission.key,
            attributes,
        };
        let definition = Arc::clone(&self.definition);
        match submission.body {
            SubmissionBody::Protocol(protocol) => {
                let note = note(Attributes::of_protocol(&protocol));
                let Some((contest, _)) = definition.contest(&protocol.content.contest) else { return };
                let Some(ledger) = self.ledger_of(offset, definition.station(&protocol.content.station)) else {
                    return;
                };
                let revision = u32::from(protocol.content.revision);
                ledger.protocols.entry(contest).or_default().file(revision, content, protocol.content, note);
            }
            SubmissionBody::Turnout(report) => {
                let note = note(Attributes::plain(report.signed_at));
                let Some((slot, _)) = definition.slot(&report.content.slot) else { return };
                let Some(ledger) = self.ledger_of(offset, definition.station(&report.content.station)) else { return };
                let revision = u32::from(report.content.revision);
                ledger.turnout.entry(slot).or_default().file(revision, content, report.content, note);
            }
            SubmissionBody::Decision(decision) => {
                let note = note(Attributes::plain(decision.signed_at));
                let station = decision.content.ruling.station().and_then(|id| definition.station(id));
                let Some(ledger) = self.ledger_of(offset, station) else { return };
                let cell = ledger.decisions.entry(decision.content.author.clone()).or_default();
                cell.file(decision.content.number, content, decision.content, note);
            }
            SubmissionBody::CommissionProtocol(protocol) => {
                let note = note(Attributes::plain(protocol.signed_at));
                self.file_commission_protocol(protocol, content, note);
            }
            SubmissionBody::Probe(_) => {
                let note = note(Attributes::plain(Instant(0)));
                self.probes.file(0, content, (), note);
                self.tell_probes(Some(content));
            }
            SubmissionBody::Amendment(_) => {}
        }
    }

    /// The ledger of a station of this shard, made when it is the first thing heard of it; it will be evaluated again.
    fn ledger_of(&mut self, offset: u64, station: Option<(StationIndex, &Station)>) -> Option<&mut StationLedger> {
        let station = station?.0;
        let place = *self.places.get(&station)?;
        self.dirty.insert(place);
        if self.touched.last().is_none_or(|(last, _)| *last < offset) {
            self.touched.push((offset, station));
        }
        Some(self.ledgers.get_mut(place)?.get_or_insert_default())
    }

    fn file_commission_protocol(&mut self, protocol: CommissionProtocol, content: ContentDigest, note: SubmissionNote) {
        let Some((contest, _)) = self.definition.contest(&protocol.content.contest) else { return };
        let of = (protocol.content.author, contest);
        let cell = self.commission_protocols.entry(of.clone()).or_default();
        cell.file(u32::from(protocol.content.revision), content, (), note);
        self.tell_commission_protocols(Some(&of));
    }
}
