//! What is missing while a lost log is restored, and what was given up: the figures may be without it, and say so.

use super::{Api, reference_of_logged};
use crate::restoration::{Missing, Progress};
use hattama_election::ids::ShardId;
use hattama_proto::national::v1::{ListMissingRecordsRequest, ListMissingRecordsResponse, LostRecords};
use hattama_tally::{ControlState, Generation};
use hattama_wire::record_range_to_proto;
use tonic::Status;

/// Ranges of a page when the request does not say.
const DEFAULT_PAGE_SIZE: u32 = 1_000;
/// The most ranges of a page, as the contract says: about 160 KiB.
const MAX_PAGE_SIZE: u32 = 10_000;

impl Api {
    /// What the amendments of a control state give up, by generation.
    pub(super) fn lost_records(&self, control: &ControlState) -> Vec<LostRecords> {
        let restoration = self.replica.restoration();
        let of_generation = |(generation, lost): (Generation, &hattama_tally::LostRecords)| {
            let restored = restoration.filter(|restoration| restoration.before().body.generation == generation);
            LostRecords {
                generation: generation.0,
                records: lost.count(),
                records_back: restored.map_or(0, |restoration| restoration.back_all_the_same(lost)),
                amendments: lost.amendments().collect(),
                authors: lost.authors().map(ToString::to_string).collect(),
            }
        };
        control.lost_records().map(of_generation).collect()
    }

    /// A page of what is neither back nor given up by now; an operator decides by it, so that control is as new as it can be.
    pub(super) fn missing_records(
        &self,
        request: &ListMissingRecordsRequest,
    ) -> Result<ListMissingRecordsResponse, Status> {
        let from = page_start(&request.page_token)?;
        let control = self.replica.control()?;
        let answer = ListMissingRecordsResponse {
            amendments_applied: control.amendments_applied(),
            amendments_stopped: control.amendments_stopped().unwrap_or_default().to_owned(),
            ..ListMissingRecordsResponse::default()
        };
        let newest = self.archive.snapshot(None).ok();
        let is_complete = |restoration: &crate::restoration::Restoration| {
            newest.as_ref().is_some_and(|newest| restoration.is_complete(&newest.publication.body, &newest.control))
        };
        let Some(restoration) = self.replica.restoration().filter(|restoration| !is_complete(restoration)) else {
            return Ok(answer);
        };
        let size = match request.page_size {
            0 => DEFAULT_PAGE_SIZE,
            size => size.min(MAX_PAGE_SIZE),
        };
        let Missing { ranges, next } = restoration.missing(&control, from, size as usize);
        let Progress { records, records_back, records_lost } = restoration.progress(Some(&control));
        Ok(ListMissingRecordsResponse {
            restoring: Some(reference_of_logged(restoration.before())),
            records,
            records_back,
            records_lost,
            ranges: ranges.iter().map(record_range_to_proto).collect(),
            next_page_token: next.map(|(shard, offset)| format!("{shard}.{offset}")).unwrap_or_default(),
            ..answer
        })
    }
}

/// `<shard>.<offset>`: what comes back meanwhile moves no page.
fn page_start(token: &str) -> Result<(ShardId, u64), Status> {
    if token.is_empty() {
        return Ok((ShardId::CONTROL, 0));
    }
    let read = || {
        let (shard, offset) = token.split_once('.')?;
        Some((ShardId(shard.parse().ok()?), offset.parse().ok()?))
    };
    read().ok_or_else(|| Status::invalid_argument("this is no page token: send the one of the answer before, or none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_where_the_one_before_ended() {
        assert_eq!(page_start("").unwrap(), (ShardId::CONTROL, 0));
        assert_eq!(page_start("7.812").unwrap(), (ShardId(7), 812));
        for wrong in ["7", "7.", ".8", "7.8.9", "-1.8", "x.8", "7.99999999999999999999"] {
            assert_eq!(page_start(wrong).unwrap_err().code(), tonic::Code::InvalidArgument, "{wrong}");
        }
    }
}
