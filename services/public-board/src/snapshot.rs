//! What one page stands on: the election and everything that the national service says of *one* publication.

use std::collections::BTreeMap;
use std::sync::Arc;

use hattama_proto::log::v1::ContestFigures;
use hattama_proto::national::v1::{
    Contest, GetElectionResponse, GetNationalResultResponse, GetSeatAllocationResponse, NamedUnit, PublicationRef,
    StationRow, Text,
};

/// One publication, complete. Vote figures of contests under embargo are not in here, whatever was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What the election is.
    pub election: Arc<GetElectionResponse>,
    /// Where the figures come from.
    pub publication: PublicationRef,
    /// The nation at a glance.
    pub result: GetNationalResultResponse,
    /// Seats of the list contests that are not under embargo, by contest id.
    pub seats: BTreeMap<String, GetSeatAllocationResponse>,
    /// Stations that are not counted; `None` when the national service had moved on before it could be asked.
    pub open: Option<OpenStations>,
}

/// Protocols that are not counted, by the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenStations {
    /// The first rows of each reason: held, contested, annulled, missing.
    pub rows: Vec<StationRow>,
    /// All there are, with those that `rows` leaves out.
    pub total: u64,
}

impl Snapshot {
    /// Puts an answer together; `None` when the answer names no publication.
    ///
    /// Votes behind an embargo are dropped here, at the door: no page, no JSON and no metric can leak what is not there.
    pub fn new(
        election: Arc<GetElectionResponse>,
        mut result: GetNationalResultResponse,
        mut seats: BTreeMap<String, GetSeatAllocationResponse>,
        open: Option<OpenStations>,
    ) -> Option<Self> {
        let publication = result.publication.clone()?;
        for contest in result.contests.iter_mut().filter(|contest| contest.embargoed) {
            contest.turnouts.retain(|ratio| ratio.name != VALID_RATIO);
            let Some(figures) = &mut contest.figures else { continue };
            seats.remove(&figures.contest);
            *figures = without_votes(figures);
        }
        if result.contests.iter().any(|contest| contest.embargoed) {
            result.turnouts.retain(|ratio| ratio.name != VALID_RATIO);
        }
        seats.retain(|_, allocation| !allocation.embargoed);
        Some(Self { election, publication, result, seats, open })
    }

    /// The contest's place in the definition.
    pub fn contest(&self, id: &str) -> Option<&Contest> {
        self.election.contests.iter().find(|contest| contest.id == id)
    }

    /// True while votes of some contest may not be shown: then nothing of this publication may be kept by a cache.
    pub fn is_embargoed(&self) -> bool {
        self.result.contests.iter().any(|contest| contest.embargoed)
    }

    /// A region's or district's name.
    pub fn unit_name<'a>(units: &'a [NamedUnit], id: &str) -> Option<&'a Text> {
        units.iter().find(|unit| unit.id == id)?.name.as_ref()
    }
}

/// Valid ballots are the sum of all votes: it tells of votes, and waits for the embargo like them.
const VALID_RATIO: &str = "valid_including_against_all";

/// What may be said under embargo: the stations.
fn without_votes(figures: &ContestFigures) -> ContestFigures {
    ContestFigures { contest: figures.contest.clone(), stations: figures.stations, ..ContestFigures::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_proto::log::v1::StationCounts;
    use hattama_proto::national::v1::{ContestSummary, Ratio};

    fn ratio(name: &str) -> Ratio {
        Ratio { name: name.into(), numerator: 1, denominator: 2, stations: 1, known: true }
    }

    #[test]
    fn votes_behind_an_embargo_are_dropped_even_when_they_were_received() {
        let stations = StationCounts { expected: 10, counted: 4, ..StationCounts::default() };
        let figures = ContestFigures {
            contest: "list".into(),
            stations: Some(stations),
            votes: vec![5, 3],
            against_all: 1,
            votes_sum: 9,
            leader_votes: 5,
            seats: vec![2, 1],
            ..ContestFigures::default()
        };
        let turnouts = vec![ratio("received_a_ballot"), ratio(VALID_RATIO)];
        let result = GetNationalResultResponse {
            publication: Some(PublicationRef::default()),
            turnouts: turnouts.clone(),
            contests: vec![ContestSummary { figures: Some(figures), embargoed: true, turnouts }],
            ..GetNationalResultResponse::default()
        };
        let seats = BTreeMap::from([("list".to_owned(), GetSeatAllocationResponse::default())]);
        let snapshot = Snapshot::new(Arc::default(), result, seats, None).unwrap();

        let expected = ContestFigures { contest: "list".into(), stations: Some(stations), ..ContestFigures::default() };
        assert_eq!(snapshot.result.contests[0].figures.as_ref(), Some(&expected));
        assert_eq!(snapshot.result.contests[0].turnouts, [ratio("received_a_ballot")]);
        assert_eq!(snapshot.result.turnouts, [ratio("received_a_ballot")]);
        assert!(snapshot.seats.is_empty());
        assert!(snapshot.is_embargoed());
    }

    #[test]
    fn an_answer_without_a_publication_is_no_snapshot() {
        let result = GetNationalResultResponse::default();
        assert_eq!(Snapshot::new(Arc::default(), result, BTreeMap::new(), None), None);
    }
}
