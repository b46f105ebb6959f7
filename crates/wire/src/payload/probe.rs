//! The payload of a probe.

use crate::fields::Fields;
use hattama_election::{
    ids::{AuthorityId, ServiceId, ShardId, StationId},
    rules::RuleCode,
    submission::{Probe, ProbeSender},
};
use hattama_proto::submission::v1::{self, probe};

pub(super) fn to_proto(probe: &Probe) -> v1::Probe {
    let from = match &probe.from {
        ProbeSender::Station(id) => probe::From::Station(id.as_str().into()),
        ProbeSender::Service(id) => probe::From::Service(id.as_str().into()),
        ProbeSender::Authority(id) => probe::From::Authority(id.as_str().into()),
    };
    v1::Probe { shard: probe.shard.0, nonce: probe.nonce, from: Some(from) }
}

pub(super) fn from_proto(message: v1::Probe, fields: &mut Fields) -> Option<Probe> {
    let from = match message.from {
        Some(probe::From::Station(id)) => fields.id("station", &id, StationId::new).map(ProbeSender::Station),
        Some(probe::From::Service(id)) => fields.id("service", &id, ServiceId::new).map(ProbeSender::Service),
        Some(probe::From::Authority(id)) => fields.id("authority", &id, AuthorityId::new).map(ProbeSender::Authority),
        None => {
            fields.note(RuleCode::Malformed, "from", "it is missing");
            None
        }
    };
    Some(Probe { from: from?, shard: ShardId(message.shard), nonce: message.nonce })
}
