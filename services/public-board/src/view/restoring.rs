//! What stood published before the log was lost, while it is being restored (design, D7). These figures are of another
//! publication than the rest of the page, and say so.

use std::collections::BTreeMap;
use std::sync::Arc;

use hattama_proto::national::v1::{GetElectionResponse, GetNationalResultResponse, Restoring};

use super::counted::{self, CountedView};
use super::districts::{self, DistrictsView};
use super::listed;
use super::lists::{self, ListView};
use super::times::NationalClock;
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// The last publication before the loss.
pub struct RestoringView {
    /// Which publication, and when it was written.
    pub publication: String,
    /// How much of what it stood on is back, and what is given up.
    pub progress: String,
    /// How much was counted.
    pub counted: CountedView,
    /// Votes of list contests.
    pub lists: Vec<ListView>,
    /// Who led in the districts.
    pub districts: Option<DistrictsView>,
}

/// Builds the section; `None` when nothing is being restored.
pub fn build(election: &GetElectionResponse, restoring: Option<&Restoring>, words: &Words) -> Option<RestoringView> {
    let restoring = restoring?;
    let clock = NationalClock::new(election.national_utc_offset_minutes);
    let before = GetNationalResultResponse {
        publication: restoring.publication.clone(),
        contests: restoring.contests.clone(),
        turnout: restoring.turnout.clone(),
        ..GetNationalResultResponse::default()
    };
    // Through the same door as any publication: votes behind an embargo do not pass.
    let before = Snapshot::new(Arc::new(election.clone()), before, BTreeMap::new(), None)?;
    let number = words.count(before.publication.sequence);
    let time = clock.time(before.publication.published_at_milliseconds);
    let (back, all) = (words.count(restoring.records_back), words.count(restoring.records));
    let mut progress = words.say("restoring-progress", &[("back", &back), ("all", &all)]);
    if restoring.records_lost > 0 {
        let lost = words.count(restoring.records_lost);
        let amendments = listed(restoring.lost_by_amendments.iter().map(ToString::to_string));
        progress =
            format!("{progress} {}", words.say("restoring-lost", &[("lost", &lost), ("amendments", &amendments)]));
    }
    Some(RestoringView {
        publication: words
            .say("restoring-publication", &[("number", &number), ("time", &time), ("clock", &clock.name())]),
        progress,
        counted: counted::build(&before, words),
        lists: lists::build(&before, words),
        districts: districts::build(&before, words),
    })
}
