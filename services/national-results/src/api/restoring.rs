//! What stood published before the log was lost, while it is being restored.

use super::{Api, reference_of_logged};
use crate::{embargo, nation::Snapshot, restoration::Progress};
use hattama_proto::national::v1::{ContestSummary, Restoring};
use hattama_tally::{ContestFigures, LostRecords};
use hattama_wire::slot_figures_to_proto;

impl Api {
    /// None when a publication has all of it again or what is not is given up, or nothing was lost. Before the first
    /// publication nothing is back.
    pub(super) fn restoring(&self, as_of: Option<&Snapshot>) -> Option<Restoring> {
        let restoration = self.replica.restoration()?;
        if as_of.is_some_and(|as_of| restoration.is_complete(&as_of.publication.body, &as_of.control)) {
            return None;
        }
        let before = restoration.before();
        let control = as_of.map(|as_of| &*as_of.control);
        let Progress { records, records_back, records_lost } = restoration.progress(control);
        let given_up = control.and_then(|control| restoration.given_up(control));
        Some(Restoring {
            publication: Some(reference_of_logged(before)),
            contests: before.body.contests.iter().map(|figures| self.earlier_summary(figures)).collect(),
            turnout: before.body.turnout.iter().map(|slot| slot_figures_to_proto(&self.definition, slot)).collect(),
            records,
            records_back,
            records_lost,
            lost_by_amendments: given_up.into_iter().flat_map(LostRecords::amendments).collect(),
        })
    }

    /// Ratios need sums that a publication does not hold.
    fn earlier_summary(&self, figures: &ContestFigures) -> ContestSummary {
        let contest = &self.definition.contests[usize::from(figures.contest.0)];
        let embargoed = self.is_embargoed(contest);
        ContestSummary {
            figures: Some(embargo::figures(&self.definition, figures, embargoed)),
            embargoed,
            turnouts: Vec::new(),
        }
    }
}
