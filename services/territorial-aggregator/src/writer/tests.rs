//! Steps of many parts, interrupted and past each other, on a log in memory.

use super::*;
use hattama_election::{
    definition::{KeyRole, sample},
    digest::SubmissionDigest,
    rules::RuleCode,
};
use hattama_tally::{FIRST_POSITION, Outcome, Part, SubmissionOutcome};

const SHARD: ShardId = ShardId(1);
/// Room for two outcomes a part.
const LIST_BYTES: usize = 100;

async fn writer() -> Writer {
    let definition = Arc::new(sample::definition());
    let log = RecordLog::memory();
    let topics = TopicSet::new(definition.id.as_str(), 1).unwrap();
    topics.create_all(&log, definition.shards).await.unwrap();
    log.append(&topics.outcomes, SHARD.0, NewRecord::of_value("genesis")).await.unwrap();
    Writer {
        log,
        topics: Arc::new(topics),
        definition,
        generation: Generation(1),
        key: Arc::new(SigningKey::rehearsal(&sample::keys(), KeyRole::Service, "aggregator").unwrap()),
        instance: "one".into(),
        clock: Clock::system(),
        outcomes_list_bytes: LIST_BYTES,
    }
}

/// A step from the first position that lists all records before its end.
fn step(writer: &Writer, to: u64) -> OutcomesBody {
    let outcome = |offset| SubmissionOutcome {
        offset,
        digest: SubmissionDigest([1; 32]),
        outcome: Outcome::Held,
        rules: vec![RuleCode::KeyRevoked],
        duplicate_of: None,
    };
    OutcomesBody {
        election: writer.definition.id.clone(),
        core_digest: writer.definition.core_digest,
        generation: writer.generation,
        shard: SHARD,
        from: FIRST_POSITION,
        to: PositionPair { next_offset: to, control_next_offset: 2 },
        part: Part::WHOLE,
        outcomes: (1..to).map(outcome).collect(),
    }
}

/// The steps that a reader finds, and how many records there are behind the genesis.
async fn steps(writer: &Writer) -> (Vec<OutcomesBody>, u64) {
    let mut chain = OutcomeChain::new(writer.generation, SHARD);
    let mut reader = writer.log.reader(&writer.topics.outcomes, SHARD.0, 1);
    let mut steps = Vec::new();
    for record in reader.next_batch_now(usize::MAX).await.unwrap() {
        let body = hattama_wire::open_outcomes(&writer.definition, &record.value).unwrap();
        if let Read::Step(step) = chain.read(body) {
            steps.push(step);
        }
    }
    (steps, reader.position() - 1)
}

/// Writes the first parts of a step, as an owner that is killed behind them.
async fn killed_behind(writer: &Writer, step: OutcomesBody, parts: usize) {
    for part in hattama_wire::split_outcomes(step, LIST_BYTES).unwrap().into_iter().take(parts) {
        let encoded = hattama_wire::encode_outcomes(&part);
        let value = hattama_wire::sign_service(ServiceContext::Outcomes, &writer.key, encoded, &writer.envelope(None));
        writer.append(&writer.topics.outcomes, SHARD, value).await.unwrap();
    }
}

#[tokio::test]
async fn a_step_of_five_parts_is_one_step_and_nobody_has_to_read_it_back() {
    let writer = writer().await;
    let mut head = writer.outcomes_head(SHARD).await.unwrap();
    let step = step(&writer, 11);
    assert_eq!(writer.write_outcomes(&mut head, step.clone()).await.unwrap(), Written::Valid);
    assert_eq!((head.position(), head.next_offset), (step.to, 6));
    assert_eq!(steps(&writer).await, (vec![step], 5));
}

#[tokio::test]
async fn an_owner_that_was_killed_between_two_parts_leaves_nothing_that_stops_the_next() {
    // The next comes to the same position, or by then there is more to tell.
    for to in [11, 14] {
        for parts in 1..5 {
            let writer = writer().await;
            killed_behind(&writer, step(&writer, 11), parts).await;
            let mut head = writer.outcomes_head(SHARD).await.unwrap();
            assert_eq!(head.position(), FIRST_POSITION, "a step by halves is none");
            let step = step(&writer, to);
            assert_eq!(writer.write_outcomes(&mut head, step.clone()).await.unwrap(), Written::Valid);
            assert_eq!(steps(&writer).await.0, [step], "to {to} behind {parts} parts");
        }
    }
}

#[tokio::test]
async fn an_owner_notices_between_two_parts_that_another_was_ahead_and_stops() {
    let writer = writer().await;
    let mut late = writer.outcomes_head(SHARD).await.unwrap();
    let mut head = writer.outcomes_head(SHARD).await.unwrap();
    writer.write_outcomes(&mut head, step(&writer, 5)).await.unwrap();
    assert_eq!(writer.write_outcomes(&mut late, step(&writer, 11)).await.unwrap(), Written::Outrun);
    assert_eq!(steps(&writer).await, (vec![step(&writer, 5)], 3), "one part of five");
    assert_eq!(late.position(), step(&writer, 5).to);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_owners_that_write_at_once_one_wins_and_both_know_which() {
    for (one, other) in [(41, 41), (41, 61)] {
        let writer = writer().await;
        let write = |to| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let mut head = writer.outcomes_head(SHARD).await.unwrap();
                if head.position() != FIRST_POSITION {
                    return (to, None);
                }
                let written = writer.write_outcomes(&mut head, step(&writer, to)).await.unwrap();
                (to, Some(written))
            })
        };
        let (first, second) = tokio::join!(write(one), write(other));
        let (steps, _) = steps(&writer).await;
        assert_eq!(steps.len(), 1);
        for (to, written) in [first.unwrap(), second.unwrap()] {
            let won = steps[0] == step(&writer, to);
            assert!(written.is_none_or(|written| (written == Written::Valid) == won), "{to}");
        }
    }
}

#[tokio::test]
async fn a_step_of_too_many_parts_is_an_error_before_anything_is_written() {
    let writer = Writer { outcomes_list_bytes: 1, ..writer().await };
    let mut head = writer.outcomes_head(SHARD).await.unwrap();
    let error = writer.write_outcomes(&mut head, step(&writer, 300)).await.unwrap_err();
    assert!(error.to_string().contains("299 records, at most 256"), "{error}");
    assert_eq!(steps(&writer).await, (vec![], 0));
}
