//! The aggregator's own API, for the commissions it serves. Vote figures obey the embargo.

use crate::status::StatusBoard;
use hattama_election::{
    definition::Definition,
    ids::{ContestId, ShardId},
    instant::Instant,
};
use hattama_proto::{
    aggregator::v1::{
        GetTallyRequest, GetTallyResponse, ListShardsRequest, ListShardsResponse, ShardStatus,
        territorial_aggregator_server::TerritorialAggregator,
    },
    log::v1::{PositionPair, TallyBody},
};
use hattama_service_kit::clock::Clock;
use prost::Message as _;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Answers from the status board.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) definition: Arc<Definition>,
    pub(crate) status: StatusBoard,
    pub(crate) clock: Clock,
}

#[tonic::async_trait]
impl TerritorialAggregator for Api {
    async fn list_shards(&self, _: Request<ListShardsRequest>) -> Result<Response<ListShardsResponse>, Status> {
        let shards = self
            .status
            .all()
            .into_iter()
            .map(|(shard, status)| ShardStatus {
                shard: shard.0,
                position: Some(PositionPair {
                    next_offset: status.position.next_offset,
                    control_next_offset: status.position.control_next_offset,
                }),
                end_offset: status.end_offset,
                frozen: status.frozen.is_some(),
                frozen_reason: status.frozen.unwrap_or_default(),
            })
            .collect();
        Ok(Response::new(ListShardsResponse { shards }))
    }

    async fn get_tally(&self, request: Request<GetTallyRequest>) -> Result<Response<GetTallyResponse>, Status> {
        let shard = ShardId(request.into_inner().shard);
        let status = self.status.get(shard).ok_or_else(|| {
            Status::not_found(format!("shard {shard} is not owned here: ListShards names those that are"))
        })?;
        let tally = status.tally.ok_or_else(|| match &status.frozen {
            Some(why) => Status::unavailable(format!("shard {shard} is frozen and has no tally here: {why}")),
            None => Status::unavailable("no tally yet: ask again later"),
        })?;
        let encoded = hattama_wire::encode_tally(&self.definition, &tally);
        let body = TallyBody::decode(encoded)
            .map_err(|error| Status::internal(format!("a tally of our own cannot be decoded: {error}")))?;
        let (tally, embargoed_contests) = behind_embargo(&self.definition, body, now(&self.clock));
        Ok(Response::new(GetTallyResponse { tally: Some(tally), embargoed_contests }))
    }
}

fn now(clock: &Clock) -> Instant {
    Instant(clock.now().as_second())
}

/// Leaves out votes and lines of contests that are under embargo at `now`; counts of stations stay.
fn behind_embargo(definition: &Definition, mut tally: TallyBody, now: Instant) -> (TallyBody, Vec<String>) {
    let mut embargoed = Vec::new();
    for totals in &mut tally.contests {
        let contest = ContestId::new(&totals.contest).ok().and_then(|id| definition.contest(&id));
        if contest.is_some_and(|(_, contest)| !contest.is_embargoed(now)) {
            continue;
        }
        embargoed.push(totals.contest.clone());
        for unit in &mut totals.units {
            unit.lines.clear();
            unit.votes.clear();
            unit.against_all = 0;
        }
    }
    (tally, embargoed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;
    use hattama_proto::log::v1::{ContestTotals, UnitTotals};

    #[test]
    fn votes_are_left_out_until_the_second_of_the_embargo() {
        let definition = sample::definition();
        let contest = &definition.contests[0];
        let body = TallyBody {
            contests: vec![ContestTotals {
                contest: contest.id.to_string(),
                units: vec![UnitTotals { votes: vec![1, 2], against_all: 3, ..UnitTotals::default() }],
            }],
            ..TallyBody::default()
        };
        let before = behind_embargo(&definition, body.clone(), Instant(contest.embargo_until.0 - 1));
        assert!(before.0.contests[0].units[0].votes.is_empty());
        assert_eq!(before.0.contests[0].units[0].against_all, 0);
        assert_eq!(before.1, [contest.id.to_string()]);
        let after = behind_embargo(&definition, body.clone(), contest.embargo_until);
        assert_eq!(after, (body, vec![]));
    }
}
