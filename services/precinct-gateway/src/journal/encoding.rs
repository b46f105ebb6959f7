//! How submissions and publications lie in the journal's file. Integers are big-endian.
//!
//! Submission, version 1: version u8, received at i64 (milliseconds), shard u32, content digest (32), then the record's
//! value. Publication, version 1: version u8, generation u32, sequence u64, digest (32), then the record's value.

use bytes::{Buf, BufMut, Bytes};
use hattama_election::digest::{ContentDigest, PublicationDigest, SubmissionDigest};
use hattama_election::ids::ShardId;

use super::{JournalledPublication, Kept};

/// The first byte of every row. Another framing gets another number.
const VERSION: u8 = 1;

pub(super) fn encode_submission(kept: &Kept) -> Vec<u8> {
    let mut row = Vec::with_capacity(1 + 8 + 4 + 32 + kept.value.len());
    row.put_u8(VERSION);
    row.put_i64(kept.received_at_milliseconds);
    row.put_u32(kept.shard.0);
    row.put_slice(&kept.content.0);
    row.put_slice(&kept.value);
    row
}

/// # Errors
/// What is wrong with the row.
pub(super) fn decode_submission(digest: SubmissionDigest, row: &[u8]) -> Result<Kept, &'static str> {
    let mut rest = versioned(row)?;
    let received_at_milliseconds = rest.try_get_i64().map_err(|_| CUT_SHORT)?;
    let shard = ShardId(rest.try_get_u32().map_err(|_| CUT_SHORT)?);
    let content = ContentDigest(take_digest(&mut rest)?);
    Ok(Kept { digest, content, shard, received_at_milliseconds, value: Bytes::copy_from_slice(rest) })
}

pub(super) fn encode_publication(publication: &JournalledPublication) -> Vec<u8> {
    let mut row = Vec::with_capacity(1 + 4 + 8 + 32 + publication.value.len());
    row.put_u8(VERSION);
    row.put_u32(publication.generation);
    row.put_u64(publication.sequence);
    row.put_slice(&publication.digest.0);
    row.put_slice(&publication.value);
    row
}

/// # Errors
/// What is wrong with the row.
pub(super) fn decode_publication(row: &[u8]) -> Result<JournalledPublication, &'static str> {
    let mut rest = versioned(row)?;
    let generation = rest.try_get_u32().map_err(|_| CUT_SHORT)?;
    let sequence = rest.try_get_u64().map_err(|_| CUT_SHORT)?;
    let digest = PublicationDigest(take_digest(&mut rest)?);
    Ok(JournalledPublication { generation, sequence, digest, value: Bytes::copy_from_slice(rest) })
}

const CUT_SHORT: &str = "it is cut short";

fn versioned(row: &[u8]) -> Result<&[u8], &'static str> {
    match row.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some(_) => Err("it has an unknown version"),
        None => Err(CUT_SHORT),
    }
}

fn take_digest(rest: &mut &[u8]) -> Result<[u8; 32], &'static str> {
    let (digest, behind) = rest.split_first_chunk::<32>().ok_or(CUT_SHORT)?;
    *rest = behind;
    Ok(*digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept {
            digest: SubmissionDigest([1; 32]),
            content: ContentDigest([2; 32]),
            shard: ShardId(7),
            received_at_milliseconds: -5,
            value: Bytes::from_static(b"as signed"),
        }
    }

    #[test]
    fn a_submission_reads_back_and_every_shortening_of_its_frame_is_refused() {
        let row = encode_submission(&kept());
        assert_eq!(decode_submission(SubmissionDigest([1; 32]), &row), Ok(kept()));
        for end in 0..row.len() - kept().value.len() {
            assert_eq!(decode_submission(SubmissionDigest([1; 32]), &row[..end]), Err(CUT_SHORT), "{end}");
        }
    }

    #[test]
    fn a_publication_reads_back_and_another_version_is_refused() {
        let publication = JournalledPublication {
            generation: 2,
            sequence: 1_041,
            digest: PublicationDigest([3; 32]),
            value: Bytes::from_static(b"record"),
        };
        let mut row = encode_publication(&publication);
        assert_eq!(decode_publication(&row), Ok(publication));
        row[0] = 2;
        assert_eq!(decode_publication(&row), Err("it has an unknown version"));
    }
}
