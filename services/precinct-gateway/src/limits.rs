//! Every queue, request, wait and retry of the gateway has a limit, and here they are (design, P11).

use std::time::Duration;

/// The most submissions that are not in the log yet; over it new ones are answered with "later". More than a whole night of
/// Kazakhstan (20 thousand protocols, 70 thousand turnout reports): an outage as long as the night closes no door.
pub const MAX_OUTBOX_SUBMISSIONS: usize = 100_000;

/// Submissions of one key that are being worked on at a time. A station has a handful; a system that signs with one key for
/// many fills a quarter of a group commit with these, and leaves room for others.
pub const MAX_IN_FLIGHT_PER_KEY: usize = 64;

/// The same for the importer of a recorded rehearsal, who signs for every station: four group commits.
pub const MAX_IN_FLIGHT_IMPORTER: usize = 1_024;

/// How long a caller waits for the log, unless its own deadline is nearer; then the answer is RECEIVED. Several
/// acknowledgements of a broker that is busy.
pub const LOGGED_WAIT: Duration = Duration::from_secs(5);

/// What is left of a caller's deadline for the answer to travel, as one part of so many.
pub const DEADLINE_MARGIN_DIVISOR: u32 = 5;

/// Open `SubmitStream` calls: systems that submit for whole regions, not stations.
pub const MAX_SUBMIT_STREAMS: usize = 256;

/// Submissions of one `SubmitStream` that are being worked on; over it the stream is not read. Not above
/// [`MAX_IN_FLIGHT_PER_KEY`], so that one stream of one key never meets that limit.
pub const MAX_STREAM_WINDOW: usize = 64;

/// Open `WatchReceipt` calls: a station follows its last protocols.
pub const MAX_WATCHES: usize = 16_384;

/// When to come again after a limit was met, in milliseconds: many group commits.
pub const RETRY_AFTER_MILLISECONDS: u32 = 1_000;

/// When to come again with a key that is not known, in milliseconds: an amendment that brings it is read within this.
pub const UNKNOWN_KEY_RETRY_MILLISECONDS: u32 = 5_000;

/// Commands that wait for the journal's writer: one group, gathered while the one before is committed.
pub const MAX_QUEUED_COMMANDS: usize = MAX_COMMANDS_PER_GROUP;

/// The most commands in one commit of the journal. Larger groups commit hardly faster, and make the first one wait.
pub const MAX_COMMANDS_PER_GROUP: usize = 256;

/// Submissions that are appended to a shard at once.
pub const MAX_APPEND_SUBMISSIONS: usize = 256;

/// The first pause after a failed call to the log; it doubles up to [`LONGEST_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two tries: a log that is back is used within this time.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Positions of earlier generations that a submission which is sent again names: copies by several gateways, after unknown
/// outcomes, over several generations. One that is left out only makes a restoration seem unfinished.
pub const MAX_EARLIER_POSITIONS: usize = 16;

/// How often journal and log are compared while all is well (design, D7).
pub const RECONCILE_INTERVAL: Duration = Duration::from_secs(30);

/// How often a loss must be seen before it is believed: after a change of leader a log may for an instant tell an end below
/// what it has acknowledged.
pub const LOSS_SIGHTINGS: u32 = 3;

/// The pause between two sightings.
pub const LOSS_SIGHTING_PAUSE: Duration = Duration::from_secs(1);

/// Partitions that an alarm about losses names one by one: enough to see what happened; a wiped cluster has lost all.
pub const MAX_TOLD_PLACES: usize = 5;

/// Records that a follower reads at once.
pub const MAX_READ_RECORDS: usize = 1_024;

/// How long a start waits for control to be read. After it the gateway receives with the keys that it knows, and reads on.
pub const CONTROL_WAIT: Duration = Duration::from_secs(5);

/// Publications that wait for a shard's outcomes. Over it the oldest is forgotten: receipts then name a later one.
pub const MAX_WAITING_PUBLICATIONS: usize = 4_096;

/// Publications that were read and wait for a shard to take them; over it they are not read.
pub const MAX_QUEUED_PUBLICATIONS: usize = 1_024;

const _: () = assert!(1 < MAX_STREAM_WINDOW && MAX_STREAM_WINDOW <= MAX_IN_FLIGHT_PER_KEY);
