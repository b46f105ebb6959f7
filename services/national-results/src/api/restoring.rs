//! What stood published before the log was lost, while it is being restored.

use super::{Api, reference_of_logged};
use crate::{embargo, restoration::Progress};
use hattama_proto::national::v1::{ContestSummary, Restoring};
use hattama_tally::{ContestFigures, PublicationBody};
use hattama_wire::slot_figures_to_proto;

impl Api {
    /// None when a publication has all of it again, or nothing was lost. Before the first publication nothing is back.
    pub(super) fn restoring(&self, newest: Option<&PublicationBody>) -> Option<Restoring> {
        let restoration = self.replica.restoration()?;
        if newest.is_some_and(|newest| restoration.is_complete(newest)) {
            return None;
        }
        let before = restoration.before();
        let Progress { records, records_back } = restoration.progress();
        Some(Restoring {
            publication: Some(reference_of_logged(before)),
            contests: before.body.contests.iter().map(|figures| self.earlier_summary(figures)).collect(),
            turnout: before.body.turnout.iter().map(|slot| slot_figures_to_proto(&self.definition, slot)).collect(),
            records,
            records_back,
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
