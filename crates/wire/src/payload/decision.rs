//! The payload of a commission's decision. Whether a ruling makes sense, the rules say against the definition.

use crate::fields::Fields;
use bytes::Bytes;
use hattama_election::{
    decision::{Decision, DecisionContent, MAX_SET_ASIDE, MAX_TIED_OPTIONS, Ruling},
    digest::ContentDigest,
    ids::{AuthorityId, ContestId, OptionId, StationId},
    instant::Instant,
    rules::RuleCode,
};
use hattama_proto::submission::v1::{self, decision};

pub(super) fn to_proto(decision: &Decision) -> v1::Decision {
    v1::Decision {
        author: decision.content.author.as_str().into(),
        number: decision.content.number,
        reason: decision.reason.clone(),
        signed_at_seconds: decision.signed_at.0,
        ruling: Some(ruling_to_proto(&decision.content.ruling)),
    }
}

pub(super) fn from_proto(message: v1::Decision, fields: &mut Fields) -> Option<Decision> {
    let author = fields.id("author", &message.author, AuthorityId::new);
    let reason = fields.reason(message.reason);
    let ruling = match message.ruling {
        Some(ruling) => read_ruling(ruling, fields),
        None => {
            fields.note(RuleCode::Malformed, "ruling", "it is missing");
            None
        }
    };
    Some(Decision {
        content: DecisionContent { author: author?, number: message.number, ruling: ruling? },
        reason: reason?,
        signed_at: Instant(message.signed_at_seconds),
    })
}

fn ruling_to_proto(ruling: &Ruling) -> decision::Ruling {
    let bytes = |digest: &ContentDigest| Bytes::copy_from_slice(&digest.0);
    match ruling {
        Ruling::Confirm { station, content } => {
            decision::Ruling::Confirm(v1::Confirm { station: station.as_str().into(), content: bytes(content) })
        }
        Ruling::Annul { station, content } => {
            decision::Ruling::Annul(v1::Annul { station: station.as_str().into(), content: bytes(content) })
        }
        Ruling::AnnulStation { station, contest } => decision::Ruling::AnnulStation(v1::AnnulStation {
            station: station.as_str().into(),
            contest: contest.as_str().into(),
        }),
        Ruling::Choose { station, chosen, set_aside } => decision::Ruling::Choose(v1::Choose {
            station: station.as_str().into(),
            chosen: bytes(chosen),
            set_aside: set_aside.iter().map(bytes).collect(),
        }),
        Ruling::ResolveTie { contest, between, seats, winners } => decision::Ruling::ResolveTie(v1::ResolveTie {
            contest: contest.as_str().into(),
            between: between.iter().map(|option| option.as_str().into()).collect(),
            seats: *seats,
            winners: winners.iter().map(|option| option.as_str().into()).collect(),
        }),
    }
}

fn read_ruling(ruling: decision::Ruling, fields: &mut Fields) -> Option<Ruling> {
    match ruling {
        decision::Ruling::Confirm(message) => {
            let station = fields.id("confirm.station", &message.station, StationId::new);
            let content = fields.bytes("confirm.content", &message.content);
            Some(Ruling::Confirm { station: station?, content: ContentDigest(content?) })
        }
        decision::Ruling::Annul(message) => {
            let station = fields.id("annul.station", &message.station, StationId::new);
            let content = fields.bytes("annul.content", &message.content);
            Some(Ruling::Annul { station: station?, content: ContentDigest(content?) })
        }
        decision::Ruling::AnnulStation(message) => {
            let station = fields.id("annul_station.station", &message.station, StationId::new);
            let contest = fields.id("annul_station.contest", &message.contest, ContestId::new);
            Some(Ruling::AnnulStation { station: station?, contest: contest? })
        }
        decision::Ruling::Choose(message) => read_choose(message, fields),
        decision::Ruling::ResolveTie(message) => read_resolve_tie(&message, fields),
    }
}

fn read_choose(message: v1::Choose, fields: &mut Fields) -> Option<Ruling> {
    let station = fields.id("choose.station", &message.station, StationId::new);
    let chosen = fields.bytes("choose.chosen", &message.chosen);
    let few = fields.at_most("choose.set_aside", message.set_aside.len(), MAX_SET_ASIDE);
    let set_aside = fields.list(message.set_aside, |fields, place, digest| {
        fields.bytes(format_args!("choose.set_aside[{place}]"), &digest).map(ContentDigest)
    });
    few?;
    Some(Ruling::Choose { station: station?, chosen: ContentDigest(chosen?), set_aside: set_aside? })
}

fn read_resolve_tie(message: &v1::ResolveTie, fields: &mut Fields) -> Option<Ruling> {
    let contest = fields.id("resolve_tie.contest", &message.contest, ContestId::new);
    let between = read_options("resolve_tie.between", &message.between, fields);
    let winners = read_options("resolve_tie.winners", &message.winners, fields);
    Some(Ruling::ResolveTie { contest: contest?, between: between?, seats: message.seats, winners: winners? })
}

fn read_options(field: &str, options: &[String], fields: &mut Fields) -> Option<Vec<OptionId>> {
    let few = fields.at_most(field, options.len(), MAX_TIED_OPTIONS);
    let options = fields
        .list(options, |fields, place, option| fields.id(format_args!("{field}[{place}]"), option, OptionId::new));
    few.and(options)
}
