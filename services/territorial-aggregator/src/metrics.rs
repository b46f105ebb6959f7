//! The metrics of an aggregator. Labelled by shard, never by station.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Records folded.
pub const RECORDS_FOLDED: &str = "hattama_aggregator_records_folded_total";
/// Next offset of the shard's fold.
pub const POSITION: &str = "hattama_aggregator_position_offset";
/// Records between the fold and the end of its partition.
pub const LAG: &str = "hattama_aggregator_lag_records";
/// Tallies acknowledged.
pub const TALLIES_WRITTEN: &str = "hattama_aggregator_tallies_written_total";
/// From reading a batch to the acknowledgement of its tally.
pub const BATCH_SECONDS: &str = "hattama_aggregator_batch_seconds";
/// 1 when the shard stands still because a check failed.
pub const SHARD_FROZEN: &str = "hattama_aggregator_shard_frozen";
/// Steps of outcomes of this aggregator that another owner was ahead of.
pub const OUTRUN: &str = "hattama_aggregator_outrun_total";
/// Shards owned here now.
pub const SHARDS_OWNED: &str = "hattama_aggregator_shards_owned";
/// Times that an owner began again because the log could not be reached.
pub const OWNERS_RETRIED: &str = "hattama_aggregator_owners_retried_total";
/// Outcomes records that are not believed.
pub const FOREIGN_RECORDS: &str = "hattama_aggregator_foreign_records_total";

/// Gives every metric its help text and unit.
pub fn describe() {
    describe_counter!(RECORDS_FOLDED, Unit::Count, "records folded, by shard");
    describe_gauge!(POSITION, Unit::Count, "next offset of the shard's fold");
    describe_gauge!(LAG, Unit::Count, "records between the shard's fold and the end of its partition");
    describe_counter!(TALLIES_WRITTEN, Unit::Count, "tallies acknowledged by the log, by shard");
    describe_histogram!(
        BATCH_SECONDS,
        Unit::Seconds,
        "from reading a batch of records to the acknowledgement of its tally"
    );
    describe_gauge!(SHARD_FROZEN, Unit::Count, "1 when the shard stands still because a check failed (P8)");
    describe_counter!(OUTRUN, Unit::Count, "steps of outcomes that another owner of the shard was ahead of");
    describe_gauge!(SHARDS_OWNED, Unit::Count, "shards that the group has assigned to this aggregator");
    describe_counter!(
        OWNERS_RETRIED,
        Unit::Count,
        "times that an owner began again because the log could not be reached"
    );
    describe_counter!(FOREIGN_RECORDS, Unit::Count, "outcomes that are foreign or wrongly signed, ignored");
}
