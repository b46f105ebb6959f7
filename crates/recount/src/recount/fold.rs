//! One fold, of control or of another shard, and an opener that counts good signatures.

use hattama_election::key::{KeyId, PublicKey};
use hattama_tally::{ControlFold, ControlState, OpenRecords, Opened, OutcomesBody, PositionPair, ShardFold, TallyBody};
use hattama_wire::RecordOpener;
use std::{cell::Cell, sync::Arc};

/// The fold of a shard.
#[derive(Debug)]
pub(crate) enum Fold {
    Control(Box<ControlFold>),
    Shard(Box<ShardFold>),
}

impl Fold {
    pub(crate) fn apply(&mut self, values: &[&[u8]], opener: &CountingOpener) {
        match self {
            Self::Control(fold) => fold.apply(values, opener),
            Self::Shard(fold) => fold.apply(values, opener),
        }
    }

    pub(crate) fn advance_control(&mut self, control: Arc<ControlState>, opener: &CountingOpener) {
        if let Self::Shard(fold) = self
            && fold.control().next_offset() != control.next_offset()
        {
            fold.advance_control(control, opener);
        }
    }

    pub(crate) fn position(&self) -> PositionPair {
        match self {
            Self::Control(fold) => fold.position(),
            Self::Shard(fold) => fold.position(),
        }
    }

    pub(crate) fn take_outcomes(&mut self, from: PositionPair) -> OutcomesBody {
        match self {
            Self::Control(fold) => fold.take_outcomes(from),
            Self::Shard(fold) => fold.take_outcomes(from),
        }
    }

    pub(crate) fn tally(&self) -> TallyBody {
        match self {
            Self::Control(fold) => fold.tally(),
            Self::Shard(fold) => fold.tally(),
        }
    }
}

/// Opens records and counts those with a good signature.
#[derive(Debug)]
pub(crate) struct CountingOpener {
    opener: RecordOpener,
    verified: Cell<u64>,
}

impl CountingOpener {
    pub(crate) fn new(opener: RecordOpener) -> Self {
        Self { opener, verified: Cell::new(0) }
    }

    pub(crate) fn verified(&self) -> u64 {
        self.verified.get()
    }
}

impl OpenRecords for CountingOpener {
    fn open(&self, values: &[&[u8]], key: &dyn Fn(&KeyId) -> Option<PublicKey>) -> Vec<Opened> {
        let opened = self.opener.open(values, key);
        let good = opened.iter().filter(|opened| matches!(opened, Opened::Submission(_))).count();
        self.verified.set(self.verified.get() + good as u64);
        opened
    }
}
