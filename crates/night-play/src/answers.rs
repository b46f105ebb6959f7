//! What the national service answers when the night is over: asked over gRPC, as anybody would.

use hattama_proto::national::v1::{
    ContestSummary, GetElectionRequest, GetElectionResponse, GetNationalResultRequest, GetNationalResultResponse,
    GetSeatAllocationRequest, GetSeatAllocationResponse, LegalRule, national_results_client::NationalResultsClient,
};
use tonic::{Status, transport::Channel};

/// The election, its result, and the seats of each list contest.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The election.
    pub election: GetElectionResponse,
    /// The nation at a glance.
    pub result: GetNationalResultResponse,
    /// Seats of every list contest, in the definition's order.
    pub seats: Vec<(String, GetSeatAllocationResponse)>,
    /// The rules of the first plurality contest: those of a template are the same in every district.
    pub plurality_rules: Vec<LegalRule>,
}

impl Answers {
    /// Asks for everything at the newest publication.
    pub async fn ask(mut client: NationalResultsClient<Channel>) -> Result<Self, Status> {
        let election = client.get_election(GetElectionRequest {}).await?.into_inner();
        let result = client.get_national_result(GetNationalResultRequest { sequence: None }).await?.into_inner();
        let sequence = result.publication.as_ref().map(|publication| publication.sequence);
        let mut seats = Vec::new();
        for contest in election.contests.iter().filter(|contest| contest.method == "list") {
            let request = GetSeatAllocationRequest { contest: contest.id.clone(), sequence };
            seats.push((contest.id.clone(), client.get_seat_allocation(request).await?.into_inner()));
        }
        let mut plurality_rules = Vec::new();
        if let Some(contest) = election.contests.iter().find(|contest| contest.method == "plurality") {
            let request = GetSeatAllocationRequest { contest: contest.id.clone(), sequence };
            plurality_rules = client.get_seat_allocation(request).await?.into_inner().rules;
        }
        Ok(Self { election, result, seats, plurality_rules })
    }

    /// A contest at a glance.
    pub fn contest(&self, id: &str) -> Option<&ContestSummary> {
        self.result
            .contests
            .iter()
            .find(|contest| contest.figures.as_ref().is_some_and(|figures| figures.contest == id))
    }

    /// Stations by state, summed over all contests: held, contested, annulled, missing; and what is beside counted ones.
    pub fn open(&self) -> Open {
        let mut open = Open::default();
        for stations in self.result.contests.iter().filter_map(|contest| contest.figures.as_ref()?.stations.as_ref()) {
            open.held += stations.held + stations.held_beside;
            open.contested += stations.contested + stations.contested_beside;
            open.annulled += stations.annulled;
            open.missing += stations.missing;
        }
        open
    }
}

/// What is still open.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Open {
    /// Held, or held beside a counted protocol.
    pub held: u64,
    /// Contested, or contested beside a counted protocol.
    pub contested: u64,
    /// Annulled with nothing in their place.
    pub annulled: u64,
    /// Without a protocol.
    pub missing: u64,
}

impl Open {
    /// All together.
    pub fn sum(&self) -> u64 {
        self.held + self.contested + self.annulled + self.missing
    }
}
