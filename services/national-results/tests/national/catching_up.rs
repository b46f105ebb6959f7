//! No reader sees an older publication after a newer one because a replica was started again: until it is as new as the log was
//! then, it answers nothing (promise P5).

use crate::{
    exits::{ask, methods},
    rig::{FIRST_SEQUENCE, PATIENCE, Replica, Rig, sequence},
};
use hattama_election::definition::sample;
use hattama_proto::national::v1::{GetElectionRequest, WatchPublicationsRequest};
use hattama_record_log::{NewRecord, ReadLimit, Record, RecordLog, TopicName};
use hattama_wire::EARLIER_POSITIONS_HEADER;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const SHARD: u32 = 1;

/// A reader of the newest publication, who asks and watches, and remembers the highest number through every restart.
#[derive(Default)]
struct Reader {
    seen: u64,
}

impl Reader {
    /// Asks, and watches anew without naming a number.
    async fn look(&mut self, replica: &mut Replica) -> Result<u64, Status> {
        let asked = sequence(&replica.result().await?);
        self.see(asked);
        let request = WatchPublicationsRequest { after_sequence: None };
        let mut watch = replica.client.watch_publications(request).await?.into_inner();
        let watched = watch.message().await?.unwrap();
        self.see(watched.publication.unwrap().sequence);
        Ok(self.seen)
    }

    fn see(&mut self, sequence: u64) {
        assert!(sequence >= self.seen, "publication {sequence} after {}", self.seen);
        self.seen = sequence;
    }
}

/// What a replica that is catching up says: at which publication it is, and where it will answer.
fn behind(status: &Status) -> (u64, u64) {
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "CATCHING_UP", "{status}");
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    (info.metadata["publication"].parse().unwrap(), info.metadata["until"].parse().unwrap())
}

/// One publication for each of so many tallies of one shard; returns the last number.
async fn publish(rig: &mut Rig, replica: &mut Replica, revisions: std::ops::RangeInclusive<u8>) -> u64 {
    let mut newest = 0;
    for revision in revisions {
        rig.protocol("north-001", "council-list", revision, &[u32::from(revision), 2, 3, 4]).await;
        let position = rig.tell(SHARD).await;
        newest = sequence(&replica.eventually_at(SHARD, position).await);
    }
    newest
}

async fn records(log: &RecordLog, topic: &TopicName, partition: u32) -> Vec<Record> {
    log.read(topic, partition, 1, ReadLimit::default()).await.unwrap()
}

async fn append(log: &RecordLog, topic: &TopicName, partition: u32, records: &[Record]) {
    for record in records {
        log.append(topic, partition, NewRecord::of_value(record.value.clone())).await.unwrap();
    }
}

/// The same log as it is read slowly: all submissions, so many publications, and no tally yet.
async fn slow_copy(rig: &Rig, publications: usize) -> Rig {
    let copy = Rig::new().await;
    for shard in 0..rig.definition.shards {
        let submissions = records(&rig.log, &rig.topics.submissions, shard).await;
        append(&copy.log, &rig.topics.submissions, shard, &submissions).await;
    }
    let all = records(&rig.log, &rig.topics.publications, 0).await;
    append(&copy.log, &rig.topics.publications, 0, &all[..publications]).await;
    copy
}

/// Waits until a replica that is catching up stands at a publication, and never lets it answer meanwhile.
async fn stands_at(replica: &mut Replica, reader: &mut Reader, publication: u64, until: u64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (at, end) = behind(&reader.look(replica).await.unwrap_err());
        assert!(!replica.readiness.is_ready());
        // Where the log ends is known before the first look.
        assert!(at <= publication && (end == until || (at, end) == (0, 0)), "at {at} of {end}");
        if (at, end) == (publication, until) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "at {at} of {end}, not at {publication} of {until}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_says_later_until_the_replica_is_as_new_as_the_log_was_when_it_started() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let tally = rig.fold(SHARD).await;
    // The publication stands on a tally that this replica has not read yet.
    rig.publish_first(vec![tally]).await;
    let mut replica = rig.start("one").await;
    stands_at(&mut replica, &mut Reader::default(), 0, FIRST_SEQUENCE).await;
    let methods = methods();
    assert!(methods.len() >= 8, "{methods:?}");
    for method in &methods {
        for sequence in [None, Some(FIRST_SEQUENCE)] {
            let answer = ask(replica.client.clone(), method, sequence).await;
            let Err(status) = answer else { panic!("{method} as of {sequence:?} answers a replica that is behind") };
            assert_eq!(behind(&status), (0, FIRST_SEQUENCE), "{method}");
            assert!(status.message().contains("catching up with the log"), "{method}: {status}");
        }
    }
    let reasons = replica.readiness.reasons();
    assert!(reasons["publications"].contains(&format!("once it is at {FIRST_SEQUENCE}")), "{reasons:?}");

    rig.tell(SHARD).await;
    replica.eventually("caught up", |result| sequence(result) == FIRST_SEQUENCE).await;
    for method in &methods {
        assert!(ask(replica.client.clone(), method, None).await.is_ok(), "{method}");
    }
    let readiness = replica.readiness.clone();
    replica.eventually("ready too", |_| readiness.is_ready()).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_restarted_replica_reads_a_long_log_slowly_nobody_sees_less_than_before() {
    let mut rig = Rig::new().await;
    let (mut replica, mut reader) = (rig.start("one").await, Reader::default());
    let newest = publish(&mut rig, &mut replica, 1..=20).await;
    assert_eq!((newest, reader.look(&mut replica).await.unwrap()), (FIRST_SEQUENCE + 19, newest));
    replica.stop().await;

    let slow = slow_copy(&rig, 20).await;
    let mut again = slow.start("one").await;
    stands_at(&mut again, &mut reader, 0, newest).await;
    let tallies = records(&rig.log, &rig.topics.tallies, SHARD).await;
    let (last, early) = tallies.split_last().unwrap();
    for (number, tally) in (FIRST_SEQUENCE..).zip(early) {
        append(&slow.log, &rig.topics.tallies, SHARD, std::slice::from_ref(tally)).await;
        stands_at(&mut again, &mut reader, number, newest).await;
    }
    append(&slow.log, &rig.topics.tallies, SHARD, std::slice::from_ref(last)).await;
    again.eventually("as new as before", |result| sequence(result) == newest).await;
    assert_eq!(reader.look(&mut again).await.unwrap(), newest);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_goes_on_while_a_replica_catches_up_does_not_keep_it_from_answering() {
    let mut rig = Rig::new().await;
    let mut other = rig.start("other").await;
    publish(&mut rig, &mut other, 1..=4).await;
    other.stop().await;

    let slow = slow_copy(&rig, 2).await;
    let mut late = slow.start("late").await;
    stands_at(&mut late, &mut Reader::default(), 0, FIRST_SEQUENCE + 1).await;
    let publications = records(&rig.log, &rig.topics.publications, 0).await;
    append(&slow.log, &rig.topics.publications, 0, &publications[2..]).await;
    let tallies = records(&rig.log, &rig.topics.tallies, SHARD).await;
    append(&slow.log, &rig.topics.tallies, SHARD, &tallies[..2]).await;
    late.eventually("as new as the log at its start", |result| sequence(result) == FIRST_SEQUENCE + 1).await;
    append(&slow.log, &rig.topics.tallies, SHARD, &tallies[2..]).await;
    late.eventually("as new as the log", |result| sequence(result) == FIRST_SEQUENCE + 3).await;
    late.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_started_again_on_its_own_folder_gives_out_nothing_older() {
    let folder = tempfile::tempdir().unwrap();
    let log = RecordLog::open_embedded(folder.path()).await.unwrap();
    let mut rig = Rig::on(log, sample::definition()).await;
    let mut reader = Reader::default();
    for round in 0..4_u8 {
        let mut replica = rig.start("one").await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Err(status) = reader.look(&mut replica).await {
            // Before the first round nothing is published, and nothing is waited for.
            assert!(round == 0 || behind(&status).1 == 0 || behind(&status).1 == reader.seen, "{status}");
            if round == 0 {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{status}");
        }
        let newest = publish(&mut rig, &mut replica, round * 20 + 1..=round * 20 + 20).await;
        assert_eq!(reader.look(&mut replica).await.unwrap(), newest);
        replica.stop().await;
    }
}

/// A log that was lost, filled again with all that was in it and one protocol more.
async fn filled_again() -> Rig {
    let mut lost = Rig::new().await;
    // More than are folded at once: it takes longer than reading the one tally.
    for station in ["north-001", "north-002"] {
        for revision in 1..=99 {
            lost.protocol(station, "council-list", revision, &[u32::from(revision), 2, 3, 4]).await;
        }
    }
    let tally = lost.fold(SHARD).await;
    lost.publish_first(vec![tally]).await;
    let before = records(&lost.log, &lost.topics.publications, 0).await.remove(0).value;
    let rig = Rig::after(Some(before), RecordLog::memory(), sample::definition()).await;
    for record in records(&lost.log, &lost.topics.submissions, SHARD).await {
        let earlier = (EARLIER_POSITIONS_HEADER.to_owned(), format!("1:{}", record.offset).into());
        let again = NewRecord { headers: vec![earlier], ..NewRecord::of_value(record.value) };
        rig.log.append(&rig.topics.submissions, SHARD, again).await.unwrap();
    }
    rig.protocol("north-001", "council-d-1", 1, &[5, 2, 3]).await;
    rig
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_restored_is_not_said_to_be_missing_again_by_a_replica_that_was_started_again() {
    let mut rig = filled_again().await;
    let mut replica = rig.start("one").await;
    let election = replica.client.get_election(GetElectionRequest {}).await.unwrap().into_inner();
    assert!(election.restoring.is_some(), "nothing is published yet, and nobody waits for anything");
    rig.tell(SHARD).await;
    replica.eventually("restored", |result| result.restoring.is_none()).await;
    replica.stop().await;

    // The same log as it is read slowly: the tally comes last, and with it the fold begins.
    let slow = filled_again().await;
    append(&slow.log, &rig.topics.publications, 0, &records(&rig.log, &rig.topics.publications, 0).await).await;
    let mut again = slow.start("again").await;
    stands_at(&mut again, &mut Reader::default(), 0, FIRST_SEQUENCE).await;
    append(&slow.log, &rig.topics.tallies, SHARD, &records(&rig.log, &rig.topics.tallies, SHARD).await).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let election = loop {
        match again.client.get_election(GetElectionRequest {}).await {
            Ok(election) => break election.into_inner(),
            Err(status) => assert!(behind(&status).1 == FIRST_SEQUENCE && tokio::time::Instant::now() < deadline),
        }
    };
    let result = again.result().await.unwrap();
    assert_eq!((election.restoring, result.restoring, result.status.as_str()), (None, None, "counting"));
    again.stop().await;
}
