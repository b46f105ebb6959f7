//! The payload of a station's protocol.

use super::lines::{line_meaning_number, read_lines, read_votes};
use crate::fields::Fields;
use bytes::Bytes;
use hattama_election::{
    digest::{ContentDigest, ScanDigest},
    form::Lines,
    ids::{ContestId, StationId},
    instant::Instant,
    protocol::{
        MAX_REASON_BYTES, MAX_SIGNATORIES, MAX_SIGNATORY_NAME_BYTES, Protocol, ProtocolContent, Signatory,
        SignatoryRole, SignatoryStance,
    },
};
use hattama_proto::submission::v1::{self, signatory};

pub(super) fn to_proto(protocol: &Protocol) -> v1::Protocol {
    let content = &protocol.content;
    let line = |(meaning, count)| v1::Line { meaning: line_meaning_number(meaning), count };
    v1::Protocol {
        station: content.station.as_str().into(),
        contest: content.contest.as_str().into(),
        revision: content.revision.into(),
        lines: content.lines.written().map(line).collect(),
        votes: content
            .votes
            .iter()
            .map(|(option, votes)| v1::OptionVotes { option: option.as_str().into(), votes: *votes })
            .collect(),
        against_all: content.against_all,
        signed_at_seconds: protocol.signed_at.0,
        supersedes: protocol.supersedes.map(|digest| Bytes::copy_from_slice(&digest.0)),
        reason: protocol.reason.clone(),
        correction_authority: protocol.correction_authority.clone(),
        signatories: protocol.signatories.iter().map(signatory_to_proto).collect(),
        complaints: protocol.complaints,
        scan: protocol.scan.map(|digest| Bytes::copy_from_slice(&digest.0)),
    }
}

pub(super) fn from_proto(message: v1::Protocol, fields: &mut Fields) -> Option<Protocol> {
    let content = content(&message, fields);
    let supersedes = fields.optional(message.supersedes, |fields, digest| fields.bytes("supersedes", &digest));
    let reason = fields.optional(message.reason, |fields, text| fields.text("reason", text, MAX_REASON_BYTES));
    let correction_authority = fields.optional(message.correction_authority, |fields, text| {
        fields.text("correction_authority", text, MAX_REASON_BYTES)
    });
    let few = fields.at_most("signatories", message.signatories.len(), MAX_SIGNATORIES);
    let signatories = fields.list(message.signatories, read_signatory);
    let complaints = fields.optional(message.complaints, |fields, count| fields.count("complaints", count));
    let scan = fields.optional(message.scan, |fields, digest| fields.bytes("scan", &digest));
    few?;
    Some(Protocol {
        content: content?,
        signed_at: Instant(message.signed_at_seconds),
        supersedes: supersedes?.map(ContentDigest),
        reason: reason?,
        correction_authority: correction_authority?,
        signatories: signatories?,
        complaints: complaints?,
        scan: scan?.map(ScanDigest),
    })
}

fn content(message: &v1::Protocol, fields: &mut Fields) -> Option<ProtocolContent> {
    let station = fields.id("station", &message.station, StationId::new);
    let contest = fields.id("contest", &message.contest, ContestId::new);
    let revision = fields.revision(message.revision);
    let written = message.lines.iter().map(|line| (line.meaning, line.count));
    let lines = read_lines(written, fields, |fields, field, count| fields.count(field, count));
    let votes = message.votes.iter().map(|votes| (votes.option.as_str(), votes.votes));
    let votes = read_votes(votes, fields, |fields, field, votes| fields.count(field, votes));
    let against_all = fields.optional(message.against_all, |fields, votes| fields.count("against_all", votes));
    let mut content = ProtocolContent {
        station: station?,
        contest: contest?,
        revision: revision?,
        lines: Lines::default(),
        votes: votes?,
        against_all: against_all?,
    };
    lines?.into_iter().for_each(|(meaning, count)| content.lines.set(meaning, count));
    Some(content)
}

fn signatory_to_proto(signatory: &Signatory) -> v1::Signatory {
    let role = match signatory.role {
        SignatoryRole::Chair => signatory::Role::Chair,
        SignatoryRole::DeputyChair => signatory::Role::DeputyChair,
        SignatoryRole::Secretary => signatory::Role::Secretary,
        SignatoryRole::Member => signatory::Role::Member,
    };
    let stance = match signatory.stance {
        SignatoryStance::Signed => signatory::Stance::Signed,
        SignatoryStance::Refused => signatory::Stance::Refused,
        SignatoryStance::Dissenting => signatory::Stance::Dissenting,
    };
    v1::Signatory { role: role.into(), name: signatory.name.clone(), stance: stance.into() }
}

fn read_signatory(fields: &mut Fields, place: usize, message: v1::Signatory) -> Option<Signatory> {
    let role = match message.role() {
        signatory::Role::Chair => Some(SignatoryRole::Chair),
        signatory::Role::DeputyChair => Some(SignatoryRole::DeputyChair),
        signatory::Role::Secretary => Some(SignatoryRole::Secretary),
        signatory::Role::Member => Some(SignatoryRole::Member),
        // Also what prost gives for a number that it does not know.
        signatory::Role::Unspecified => {
            fields.unknown_enum(format_args!("signatories[{place}].role"), message.role);
            None
        }
    };
    let stance = match message.stance() {
        signatory::Stance::Signed => Some(SignatoryStance::Signed),
        signatory::Stance::Refused => Some(SignatoryStance::Refused),
        signatory::Stance::Dissenting => Some(SignatoryStance::Dissenting),
        signatory::Stance::Unspecified => {
            fields.unknown_enum(format_args!("signatories[{place}].stance"), message.stance);
            None
        }
    };
    let name = fields.text(format_args!("signatories[{place}].name"), message.name, MAX_SIGNATORY_NAME_BYTES);
    Some(Signatory { role: role?, name: name?, stance: stance? })
}
