//! The payload of a commission's own protocol. Whether its sums can be, the rules say against the definition.

use super::lines::{line_meaning_number, read_lines, read_votes};
use crate::fields::Fields;
use bytes::Bytes;
use hattama_election::{
    digest::ContentDigest,
    ids::{AuthorityId, ContestId},
    instant::Instant,
    submission::{CommissionProtocol, CommissionProtocolContent, Lines64, MAX_COVERED},
};
use hattama_proto::submission::v1;

pub(super) fn to_proto(protocol: &CommissionProtocol) -> v1::CommissionProtocol {
    let content = &protocol.content;
    let line = |(meaning, sum)| v1::LineSum { meaning: line_meaning_number(meaning), sum };
    v1::CommissionProtocol {
        author: content.author.as_str().into(),
        contest: content.contest.as_str().into(),
        revision: content.revision.into(),
        covered_count: content.covered_count,
        covered_digest: Bytes::copy_from_slice(&content.covered_digest.0),
        covered: content.covered.iter().map(|digest| Bytes::copy_from_slice(&digest.0)).collect(),
        lines: content.lines.written().map(line).collect(),
        votes: content
            .votes
            .iter()
            .map(|(option, votes)| v1::OptionSum { option: option.as_str().into(), votes: *votes })
            .collect(),
        against_all: content.against_all,
        signed_at_seconds: protocol.signed_at.0,
    }
}

pub(super) fn from_proto(message: v1::CommissionProtocol, fields: &mut Fields) -> Option<CommissionProtocol> {
    let author = fields.id("author", &message.author, AuthorityId::new);
    let contest = fields.id("contest", &message.contest, ContestId::new);
    let revision = fields.revision(message.revision);
    let covered_digest = fields.bytes("covered_digest", &message.covered_digest);
    let few = fields.at_most("covered", message.covered.len(), MAX_COVERED);
    let covered = fields.list(message.covered, |fields, place, digest| {
        fields.bytes(format_args!("covered[{place}]"), &digest).map(ContentDigest)
    });
    let written = message.lines.iter().map(|line| (line.meaning, line.sum));
    let lines = read_lines(written, fields, |_, _, sum| Some(sum));
    let votes = message.votes.iter().map(|sum| (sum.option.as_str(), sum.votes));
    let votes = read_votes(votes, fields, |_, _, votes| Some(votes));
    few?;
    let mut content = CommissionProtocolContent {
        author: author?,
        contest: contest?,
        revision: revision?,
        covered_count: message.covered_count,
        covered_digest: ContentDigest(covered_digest?),
        covered: covered?,
        lines: Lines64::default(),
        votes: votes?,
        against_all: message.against_all,
    };
    lines?.into_iter().for_each(|(meaning, sum)| content.lines.set(meaning, sum));
    Some(CommissionProtocol { content, signed_at: Instant(message.signed_at_seconds) })
}
