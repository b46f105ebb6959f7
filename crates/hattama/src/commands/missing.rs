//! `hattama generation lost`: which records of a lost log have not come again, as a list to be read before any of it is given up.

use crate::{cli::GenerationLostArgs, output::print};
use hattama_election::{amendment::RecordRange, definition::Definition, digest::CoreDigest, ids::ShardId};
use hattama_proto::national::v1::{
    GetElectionRequest, ListMissingRecordsRequest, ListMissingRecordsResponse, PublicationRef,
    national_results_client::NationalResultsClient,
};
use hattama_service_kit::grpc::{self, MAX_ANSWER_BYTES};
use hattama_wire::record_range_from_proto;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, error::Error, fs, path::Path, process::ExitCode, time::Duration};
use tonic::{Request, transport::Channel};

/// How long the national service may take for one answer.
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Ranges of a page: the most that the contract allows.
const PAGE_SIZE: u32 = 10_000;
/// Ten million ranges: more than a million stations leave when every second record is gone.
const MAX_PAGES: usize = 1_000;

type Failure = Box<dyn Error>;

/// What was missing when the list was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MissingList {
    /// Election.
    election: String,
    /// Frozen definition.
    core_digest: String,
    /// The generation that was lost.
    pub generation: u32,
    /// The number of its publication that is being restored.
    pub publication: u64,
    /// What is missing, ascending by shard and offset.
    pub ranges: Vec<ListedRange>,
}

/// Records of a shard, from the first offset to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedRange {
    shard: u32,
    first: u64,
    last: u64,
}

/// What the national service says.
pub(super) struct Missing {
    election: String,
    core_digest: Vec<u8>,
    /// The publication that is being restored; none when nothing is.
    pub restoring: Option<PublicationRef>,
    /// The last page, without its ranges.
    pub answer: ListMissingRecordsResponse,
    /// Of all pages.
    pub ranges: Vec<RecordRange>,
}

/// Prints what is missing, and writes it as a list.
pub fn list(args: &GenerationLostArgs) -> Result<ExitCode, Failure> {
    let missing = tokio::runtime::Runtime::new()?.block_on(ask(&args.national))?;
    let Some(restoring) = &missing.restoring else {
        print("nothing is missing: nothing is being restored");
        return Ok(ExitCode::SUCCESS);
    };
    let ListMissingRecordsResponse { records, records_back, records_lost, .. } = &missing.answer;
    let (sequence, generation) = (restoring.sequence, restoring.generation);
    print(format_args!(
        "publication {sequence} of generation {generation} stood on {records} records: {records_back} are back, \
         {records_lost} are given up, {} are missing",
        count(&missing.ranges)
    ));
    print_by_shard(&missing.ranges, |shard| format!("shard {shard}"));
    if missing.ranges.is_empty() {
        print("nothing is missing any more: \"restoring\" ends with the next publication that covers everything");
        return Ok(ExitCode::SUCCESS);
    }
    let list = missing.list(restoring);
    fs::write(&args.out, serde_json::to_string_pretty(&list)?)
        .map_err(|error| format!("cannot write {}: {error}", args.out.display()))?;
    print(format_args!(
        "{} lists them. Next: bring every gateway's journal that can still be found, and let precincts send again; what then \
         stays missing for good is given up with `hattama generation give-up {}`",
        args.out.display(),
        args.out.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Asks a national service for everything that is missing.
pub(super) async fn ask(national: &str) -> Result<Missing, Failure> {
    let client = &mut national_client(national)?;
    let told = |status: tonic::Status| format!("{national} does not say what is missing: {}", status.message());
    let election = client.get_election(with_deadline(GetElectionRequest {})).await.map_err(told)?.into_inner();
    let mut ranges = Vec::new();
    let mut page_token = String::new();
    for _ in 0..MAX_PAGES {
        let request = ListMissingRecordsRequest { page_size: PAGE_SIZE, page_token };
        let mut answer = client.list_missing_records(with_deadline(request)).await.map_err(told)?.into_inner();
        ranges.extend(std::mem::take(&mut answer.ranges).iter().map(record_range_from_proto));
        page_token = answer.next_page_token.clone();
        if page_token.is_empty() {
            let (election, core_digest) = (election.id, election.core_digest.to_vec());
            return Ok(Missing { election, core_digest, restoring: answer.restoring.clone(), answer, ranges });
        }
    }
    Err(format!("{national} names more than {MAX_PAGES} pages of missing records: ask again when more is back").into())
}

pub(super) fn national_client(national: &str) -> Result<NationalResultsClient<Channel>, Failure> {
    let endpoint = grpc::endpoint(&super::generation::url_of(national))?;
    Ok(NationalResultsClient::new(endpoint.connect_lazy()).max_decoding_message_size(MAX_ANSWER_BYTES))
}

pub(super) fn with_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ANSWER_DEADLINE);
    request
}

/// How many records.
pub(super) fn count(ranges: &[RecordRange]) -> u64 {
    ranges.iter().map(|range| range.last.saturating_sub(range.first).saturating_add(1)).fold(0, u64::saturating_add)
}

/// One line for each shard that has any.
pub(super) fn print_by_shard(ranges: &[RecordRange], name: impl Fn(ShardId) -> String) {
    let mut by_shard: BTreeMap<ShardId, Vec<RecordRange>> = BTreeMap::new();
    for range in ranges {
        by_shard.entry(range.shard).or_default().push(*range);
    }
    for (shard, ranges) in by_shard {
        print(format_args!("  {}: {} records in {} ranges", name(shard), count(&ranges), ranges.len()));
    }
}

impl Missing {
    fn list(&self, restoring: &PublicationRef) -> MissingList {
        let listed = |range: &RecordRange| ListedRange { shard: range.shard.0, first: range.first, last: range.last };
        MissingList {
            election: self.election.clone(),
            core_digest: hex_of(&self.core_digest),
            generation: restoring.generation,
            publication: restoring.sequence,
            ranges: self.ranges.iter().map(listed).collect(),
        }
    }

    /// Refuses a national service of another election.
    pub(super) fn is_of(&self, definition: &Definition) -> Result<(), Failure> {
        if self.election == definition.id.as_str() && self.core_digest == definition.core_digest.0 {
            return Ok(());
        }
        Err(format!(
            "the national service is of `{}`, or of another core of it: name its own definition",
            self.election
        )
        .into())
    }
}

impl MissingList {
    /// Reads a list that [`list`] wrote.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let said = |error: &dyn std::fmt::Display| {
            format!("{} is no list of `hattama generation lost`: {error}", path.display())
        };
        let text = fs::read_to_string(path).map_err(|error| said(&error))?;
        let list: Self = serde_json::from_str(&text).map_err(|error| said(&error))?;
        if list.ranges.iter().any(|range| range.first > range.last) {
            return Err(said(&"a range ends before it begins").into());
        }
        let ascends = |pair: &[ListedRange]| (pair[0].shard, pair[0].last) < (pair[1].shard, pair[1].first);
        if !list.ranges.windows(2).all(ascends) {
            return Err(said(&"its ranges do not ascend by shard and offset").into());
        }
        Ok(list)
    }

    /// Refuses a list of another election.
    pub(super) fn is_of(&self, definition: &Definition) -> Result<(), Failure> {
        if self.election == definition.id.as_str() && self.core_digest == definition.core_digest.to_string() {
            return Ok(());
        }
        Err(format!("the list is of `{}`, or of another core of it: name its own definition", self.election).into())
    }

    /// Of what is listed, what is missing.
    pub(super) fn still(&self, missing: &[RecordRange]) -> Vec<RecordRange> {
        let mut still = Vec::new();
        let (mut listed, mut missing) = (self.ranges().peekable(), missing.iter().peekable());
        while let (Some(one), Some(other)) = (listed.peek(), missing.peek()) {
            let (first, last) = (one.first.max(other.first), one.last.min(other.last));
            if one.shard == other.shard && first <= last {
                still.push(RecordRange { first, last, ..*one });
            }
            if (one.shard, one.last) < (other.shard, other.last) {
                listed.next();
            } else {
                missing.next();
            }
        }
        still
    }

    /// What is listed.
    pub(super) fn ranges(&self) -> impl Iterator<Item = RecordRange> {
        let range =
            |range: &ListedRange| RecordRange { shard: ShardId(range.shard), first: range.first, last: range.last };
        self.ranges.iter().map(range)
    }
}

fn hex_of(bytes: &[u8]) -> String {
    <[u8; 32]>::try_from(bytes).map(|bytes| CoreDigest(bytes).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ranges: &[(u32, u64, u64)]) -> MissingList {
        let range = |(shard, first, last): &(u32, u64, u64)| ListedRange { shard: *shard, first: *first, last: *last };
        let ranges = ranges.iter().map(range).collect();
        MissingList { election: "e".into(), core_digest: "d".into(), generation: 1, publication: 7, ranges }
    }

    fn still(listed: &[(u32, u64, u64)], missing: &[(u32, u64, u64)]) -> Vec<(u32, u64, u64)> {
        let missing: Vec<RecordRange> = list(missing).ranges().collect();
        let still = list(listed).still(&missing);
        still.into_iter().map(|range| (range.shard.0, range.first, range.last)).collect()
    }

    #[test]
    fn of_a_list_only_what_is_still_missing_is_given_up() {
        assert_eq!(still(&[(1, 1, 9)], &[(1, 1, 9)]), [(1, 1, 9)]);
        assert_eq!(still(&[(1, 1, 9)], &[(1, 2, 3), (1, 9, 12), (2, 1, 1)]), [(1, 2, 3), (1, 9, 9)]);
        assert_eq!(
            still(&[(1, 2, 3), (1, 5, 6), (3, 1, 4)], &[(1, 1, 5), (2, 1, 4), (3, 4, 4)]),
            [(1, 2, 3), (1, 5, 5), (3, 4, 4)]
        );
        assert_eq!(still(&[(1, 1, 3)], &[(2, 1, 3)]), []);
        assert_eq!(still(&[(2, 1, 3)], &[(1, 1, 3)]), []);
        assert_eq!(still(&[], &[(1, 1, 3)]), []);
        assert_eq!(still(&[(1, 1, 3)], &[]), []);
    }

    #[test]
    fn a_list_reads_back_and_one_that_was_spoilt_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |list: &MissingList| {
            fs::write(file.path(), serde_json::to_string_pretty(list).unwrap()).unwrap();
            MissingList::read(file.path()).map_err(|error| error.to_string())
        };
        let whole = list(&[(0, 4, 4), (1, 1, 3), (1, 5, 5)]);
        assert_eq!(read(&whole).unwrap(), whole);
        for (spoilt, why) in [
            (list(&[(1, 3, 1)]), "ends before it begins"),
            (list(&[(1, 5, 5), (1, 1, 3)]), "do not ascend"),
            (list(&[(1, 1, 5), (1, 5, 6)]), "do not ascend"),
        ] {
            let error = read(&spoilt).unwrap_err();
            assert!(error.contains(why) && error.contains("is no list of `hattama generation lost`"), "{error}");
        }
        assert!(MissingList::read(Path::new("nowhere.json")).unwrap_err().to_string().contains("nowhere.json"));
    }
}
