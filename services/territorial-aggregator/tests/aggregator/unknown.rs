//! Appends whose outcome nobody knows: the chain of outcomes has no gap, and no step of it is told twice.

use crate::chain::{busy_hour, busy_second_hour};
use crate::rig::Rig;
use hattama_election::ids::ShardId;
use hattama_record_log::{AppendFault, RecordLog, TopicName};
use hattama_tally::FIRST_POSITION;

const SHARD: ShardId = ShardId(1);
const FAULTS: [AppendFault; 4] =
    [AppendFault::Unreachable, AppendFault::LostOnTheWay, AppendFault::HalfWritten, AppendFault::AnswerLost];

fn fail(rig: &Rig, topic: &TopicName, faults: &[AppendFault]) {
    assert!(matches!(rig.log, RecordLog::Memory(_)), "only a log in memory fails as it is told");
    if let RecordLog::Memory(memory) = &rig.log {
        memory.fail_next_appends(topic, faults.iter().copied());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_outcomes_or_tallies_that_nobody_knows_the_fate_of_the_chain_goes_on_without_a_gap() {
    let rig = Rig::new().await;
    let aggregator = rig.start("one", &[1]).await;
    rig.settled(SHARD).await;
    fail(&rig, &rig.topics.outcomes, &FAULTS);
    busy_hour(&rig).await;
    rig.settled_and_right(SHARD).await;
    fail(&rig, &rig.topics.tallies, &FAULTS);
    busy_second_hour(&rig).await;
    let chain = rig.settled_and_right(SHARD).await;
    let mut at = FIRST_POSITION;
    for step in &chain.valid {
        assert_eq!(step.from, at);
        at = step.to;
    }
    assert_eq!(at, rig.ends(SHARD).await);
    // It went on by itself, and stops in order.
    aggregator.stop().await;
}
