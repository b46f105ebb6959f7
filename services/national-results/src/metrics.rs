//! Every metric of the national results, by name. None holds a vote: an embargo covers metrics too.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Tallies read. Label `verdict`: newer | same | older | not_believed | alarm.
pub(crate) const TALLIES_READ_TOTAL: &str = "hattama_national_tallies_read_total";
/// Publications read. Label `verdict`: valid | same | sequence | previous | vector | not_believed.
pub(crate) const PUBLICATIONS_READ_TOTAL: &str = "hattama_national_publications_read_total";
/// Publications that this replica appended; one that lost against another replica is among them.
pub(crate) const PUBLICATIONS_APPENDED_TOTAL: &str = "hattama_national_publications_appended_total";
/// Appends of which it is unknown whether they are in the log.
pub(crate) const APPENDS_UNKNOWN_TOTAL: &str = "hattama_national_appends_unknown_total";
/// From drafting a publication to having read it back, in seconds.
pub(crate) const PUBLISH_SECONDS: &str = "hattama_national_publish_seconds";
/// One merge of all tallies, in seconds.
pub(crate) const MERGE_SECONDS: &str = "hattama_national_merge_seconds";
/// The number of the newest publication that readers see.
pub(crate) const NEWEST_SEQUENCE: &str = "hattama_national_newest_sequence";
/// 1 when a broken invariant has stopped publishing.
pub(crate) const PUBLISHING_STOPPED: &str = "hattama_national_publishing_stopped";
/// Shards that stand still.
pub(crate) const SHARDS_FROZEN: &str = "hattama_national_shards_frozen";
/// Tallies checked against the replica's own fold. Label `verdict`: confirmed | differs.
pub(crate) const CHECKS_TOTAL: &str = "hattama_national_checks_total";
/// Submissions that the replica's own fold has read.
pub(crate) const SUBMISSIONS_FOLDED_TOTAL: &str = "hattama_national_submissions_folded_total";
/// Open streams of publications.
pub(crate) const WATCHERS: &str = "hattama_national_watchers";
/// Older publications folded again on request. Label `verdict`: same | differs | given_up | failed.
pub(crate) const REFOLDS_TOTAL: &str = "hattama_national_refolds_total";
/// One older publication folded again, in seconds.
pub(crate) const REFOLD_SECONDS: &str = "hattama_national_refold_seconds";
/// Answers "later", because a publication is not at hand or the fold has not reached it.
pub(crate) const LATER_TOTAL: &str = "hattama_national_later_total";

/// 1 while not all that stood published before the log was lost is counted again.
pub(crate) const RESTORING: &str = "hattama_national_restoring";
/// Records that the last publication before the loss stood on, that gateways have not sent again and nobody has given up.
pub(crate) const RESTORING_RECORDS_MISSING: &str = "hattama_national_restoring_records_missing";
/// Of those that gateways have not sent again, those that amendments give up as lost.
pub(crate) const RESTORING_RECORDS_LOST: &str = "hattama_national_restoring_records_lost";

/// Says what each means; call once telemetry runs.
pub(crate) fn describe() {
    describe_counter!(TALLIES_READ_TOTAL, "tallies read, by verdict");
    describe_counter!(PUBLICATIONS_READ_TOTAL, "publications read, by verdict");
    describe_counter!(PUBLICATIONS_APPENDED_TOTAL, "publications that this replica appended");
    describe_counter!(APPENDS_UNKNOWN_TOTAL, "appends whose outcome is unknown");
    describe_histogram!(PUBLISH_SECONDS, "from drafting a publication to having read it back, in seconds");
    describe_histogram!(MERGE_SECONDS, "one merge of all tallies, in seconds");
    describe_gauge!(NEWEST_SEQUENCE, "number of the newest publication that readers see");
    describe_gauge!(PUBLISHING_STOPPED, "1 when a broken invariant has stopped publishing");
    describe_gauge!(SHARDS_FROZEN, "shards that stand still");
    describe_counter!(CHECKS_TOTAL, "tallies checked against the replica's own fold, by verdict");
    describe_counter!(SUBMISSIONS_FOLDED_TOTAL, "submissions that the replica's own fold has read");
    describe_gauge!(WATCHERS, "open streams of publications");
    describe_counter!(REFOLDS_TOTAL, "older publications folded again on request, by verdict");
    describe_histogram!(REFOLD_SECONDS, "one older publication folded again, in seconds");
    describe_counter!(LATER_TOTAL, "answers \"later\": a publication or a position is not at hand");
    describe_gauge!(RESTORING, "1 while not all that stood published before the log was lost is counted again");
    describe_gauge!(
        RESTORING_RECORDS_MISSING,
        "records of the last publication before the loss that are neither back nor given up as lost"
    );
    describe_gauge!(RESTORING_RECORDS_LOST, "records of it that are not back and that amendments give up as lost");
}
