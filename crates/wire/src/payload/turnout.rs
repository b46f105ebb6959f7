//! The payload of a station's turnout report.

use crate::fields::Fields;
use hattama_election::{
    ids::{SlotId, StationId},
    instant::Instant,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_proto::submission::v1;

pub(super) fn to_proto(report: &TurnoutReport) -> v1::TurnoutReport {
    v1::TurnoutReport {
        station: report.content.station.as_str().into(),
        slot: report.content.slot.as_str().into(),
        revision: report.content.revision.into(),
        received_a_ballot: report.content.received_a_ballot,
        register: report.content.register,
        signed_at_seconds: report.signed_at.0,
    }
}

pub(super) fn from_proto(message: v1::TurnoutReport, fields: &mut Fields) -> Option<TurnoutReport> {
    let station = fields.id("station", &message.station, StationId::new);
    let slot = fields.id("slot", &message.slot, SlotId::new);
    let revision = fields.revision(message.revision);
    let received_a_ballot = fields.count("received_a_ballot", message.received_a_ballot);
    let register = fields.count("register", message.register);
    let content = TurnoutContent {
        station: station?,
        slot: slot?,
        revision: revision?,
        received_a_ballot: received_a_ballot?,
        register: register?,
    };
    Some(TurnoutReport { content, signed_at: Instant(message.signed_at_seconds) })
}
