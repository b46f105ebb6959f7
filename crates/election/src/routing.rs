//! Which shard a submission belongs to.

use crate::{
    amendment::Amendment,
    decision::Decision,
    definition::{AuthorityRole, Definition, RegionIndex},
    ids::{AuthorityId, ShardId, StationId},
    submission::{CommissionProtocol, SubmissionBody},
};

/// The shard of a submission: its station's, its commission's region's first, or control for what concerns no single
/// region. None when it names a station or authority that is not there.
#[must_use]
pub fn home_shard(definition: &Definition, body: &SubmissionBody) -> Option<ShardId> {
    let of_station = |id: &StationId| definition.station(id).map(|(_, station)| station.shard);
    match body {
        SubmissionBody::Protocol(protocol) => of_station(&protocol.content.station),
        SubmissionBody::Turnout(report) => of_station(&report.content.station),
        SubmissionBody::CommissionProtocol(CommissionProtocol { content, .. }) => {
            of_commission(definition, &content.author)
        }
        SubmissionBody::Decision(Decision { content, .. }) => match content.ruling.station() {
            Some(station) => of_station(station),
            None => Some(ShardId::CONTROL),
        },
        SubmissionBody::Amendment(Amendment { .. }) => Some(ShardId::CONTROL),
        SubmissionBody::Probe(probe) => (probe.shard.0 < definition.shards).then_some(probe.shard),
    }
}

fn of_commission(definition: &Definition, author: &AuthorityId) -> Option<ShardId> {
    match definition.authority(author)?.role {
        AuthorityRole::Territorial(territory) => {
            first_of_region(definition, definition.territories.get(usize::from(territory.0))?.region)
        }
        AuthorityRole::District(district) => {
            first_of_region(definition, definition.districts.get(usize::from(district.0))?.region)
        }
        AuthorityRole::Central | AuthorityRole::Operator | AuthorityRole::Importer => Some(ShardId::CONTROL),
    }
}

fn first_of_region(definition: &Definition, region: RegionIndex) -> Option<ShardId> {
    definition.stations.iter().filter(|station| station.region == region).map(|station| station.shard).min()
}
