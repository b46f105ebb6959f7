//! The metrics of the Kafka clients, from the client library's own figures.

use metrics::{Unit, describe_gauge, gauge};
use rdkafka::Statistics;

/// Mean time of the newest requests to a broker, by client and broker.
pub const ROUND_TRIP: &str = "hattama_log_kafka_round_trip_seconds";
/// Requests to a broker that wait for their answer, by client and broker.
pub const OPEN_REQUESTS: &str = "hattama_log_kafka_open_requests";
/// Records that wait for their acknowledgement.
pub const QUEUE: &str = "hattama_log_kafka_queue_records";
/// Bytes of records that wait for their acknowledgement.
pub const QUEUE_BYTES: &str = "hattama_log_kafka_queue_bytes";
/// Records between what was handed to readers and the end of the log, summed over a topic's partitions.
pub const LAG: &str = "hattama_log_kafka_lag_records";
/// Brokers that a client is connected to.
pub const CONNECTED: &str = "hattama_log_kafka_connected_brokers";

/// Gives every metric its help text and unit.
pub fn describe() {
    describe_gauge!(ROUND_TRIP, Unit::Seconds, "mean time of the newest requests, by client and broker");
    describe_gauge!(OPEN_REQUESTS, Unit::Count, "requests that wait for their answer, by client and broker");
    describe_gauge!(QUEUE, Unit::Count, "records that wait for the brokers' acknowledgement");
    describe_gauge!(QUEUE_BYTES, Unit::Bytes, "bytes of records that wait for the brokers' acknowledgement");
    describe_gauge!(LAG, Unit::Count, "records between what readers were handed and the end of the log, by topic");
    describe_gauge!(CONNECTED, Unit::Count, "brokers that a client is connected to");
}

/// Sets the gauges from one report of a client.
#[expect(clippy::cast_precision_loss, reason = "gauges are f64; nobody counts votes here")]
pub(super) fn record(client: &'static str, statistics: &Statistics) {
    if statistics.client_type == "producer" {
        gauge!(QUEUE, "client" => client).set(statistics.msg_cnt as f64);
        gauge!(QUEUE_BYTES, "client" => client).set(statistics.msg_size as f64);
    }
    // Below 0 are the names in the settings and the coordinators: the same brokers once more.
    let brokers = || statistics.brokers.values().filter(|broker| broker.nodeid >= 0);
    gauge!(CONNECTED, "client" => client).set(brokers().filter(|broker| broker.state == "UP").count() as f64);
    for broker in brokers() {
        let id = broker.nodeid.to_string();
        gauge!(OPEN_REQUESTS, "client" => client, "broker" => id.clone()).set(broker.waitresp_cnt as f64);
        if let Some(round_trip) = broker.rtt.as_ref().filter(|round_trip| round_trip.cnt > 0) {
            gauge!(ROUND_TRIP, "client" => client, "broker" => id).set(round_trip.avg as f64 / 1e6);
        }
    }
    for (name, topic) in &statistics.topics {
        // The library's own lag is that of commits, and nothing is committed here.
        let known = topic.partitions.values().filter(|partition| partition.hi_offset >= 0 && partition.app_offset >= 0);
        let (count, lag) = known
            .map(|partition| partition.hi_offset.saturating_sub(partition.app_offset).max(0))
            .fold((0, 0_i64), |(count, sum), lag| (count + 1, sum.saturating_add(lag)));
        if count > 0 {
            gauge!(LAG, "client" => client, "topic" => name.clone()).set(lag as f64);
        }
    }
}
