//! Gathers differences, bounded, and brings the most telling one to the front.

use crate::report::{Difference, MAX_DIFFERENCES, RecordRange, Subject};
use hattama_election::ids::StationId;

/// Differences found so far.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    listed: Vec<(Key, Difference)>,
    left_out: u64,
}

/// Subject, partition, record.
type Key = (Subject, u32, u64);

/// A difference in the making.
pub(crate) struct Found {
    key: Key,
    difference: Difference,
}

impl Found {
    pub(crate) fn new(subject: Subject, file: impl Into<String>, what: impl Into<String>) -> Self {
        let difference = Difference {
            subject,
            file: file.into(),
            record: None,
            byte: None,
            what: what.into(),
            expected: String::new(),
            found: String::new(),
            about: None,
            station: None,
            candidates: Vec::new(),
        };
        Self { key: (subject, 0, 0), difference }
    }

    pub(crate) fn at(mut self, partition: u32, record: u64, byte: u64) -> Self {
        self.key = (self.key.0, partition, record);
        self.difference.record = Some(record);
        self.difference.byte = Some(byte);
        self
    }

    pub(crate) fn of_partition(mut self, partition: u32) -> Self {
        self.key.1 = partition;
        self
    }

    pub(crate) fn between(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.difference.expected = expected.to_string();
        self.difference.found = found.to_string();
        self
    }

    pub(crate) fn about(mut self, about: Option<RecordRange>) -> Self {
        self.difference.about = about;
        self
    }

    pub(crate) fn station(mut self, station: Option<StationId>) -> Self {
        self.difference.station = station;
        self
    }

    /// The stations that may be the cause: the only one is named as such.
    pub(crate) fn candidates(mut self, mut candidates: Vec<StationId>) -> Self {
        if candidates.len() == 1 {
            self.difference.station = candidates.pop();
        }
        self.difference.candidates = candidates;
        self
    }
}

impl Differences {
    pub(crate) fn add(&mut self, found: Found) {
        if self.listed.len() == MAX_DIFFERENCES {
            self.left_out += 1;
            // What is told later may be more telling than the least of what is listed.
            let least = self.listed.iter().enumerate().max_by_key(|(_, (key, _))| *key).map(|(place, _)| place);
            if let Some(place) = least.filter(|place| self.listed[*place].0 > found.key) {
                self.listed[place] = (found.key, found.difference);
            }
            return;
        }
        self.listed.push((found.key, found.difference));
    }

    /// Counts a consequence of a difference that is listed.
    pub(crate) fn leave_out(&mut self) {
        self.left_out += 1;
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.left_out += other.left_out;
        for (key, difference) in other.listed {
            self.add(Found { key, difference });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.left_out == 0
    }

    /// What was found, the most telling first, and how much is not listed.
    pub(crate) fn finish(mut self) -> (Vec<Difference>, u64) {
        self.listed.sort_by_key(|(key, _)| *key);
        (self.listed.into_iter().map(|(_, difference)| difference).collect(), self.left_out)
    }
}
