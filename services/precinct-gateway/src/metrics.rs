//! The gateway's metrics. None is labelled by station.

use std::time::Duration;

use hattama_election::rules::RuleCode;
use hattama_record_log::LogError;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::book::Book;

/// Answers to submissions, by `answer`: `logged` | `received` | `refused` | `later` | `failed`.
const SUBMISSIONS_TOTAL: &str = "hattama_gateway_submissions_total";
/// From a submission's arrival to its answer.
const SUBMIT_SECONDS: &str = "hattama_gateway_submit_seconds";
/// Rules that refused a submission, by `rule`.
const REFUSALS_TOTAL: &str = "hattama_gateway_refusals_total";
/// Answers "later", by `limit`.
const LATER_TOTAL: &str = "hattama_gateway_later_total";
/// Submissions in the journal.
const JOURNAL_SUBMISSIONS: &str = "hattama_gateway_journal_submissions";
/// One commit of the journal, its fsync included.
const JOURNAL_COMMIT_SECONDS: &str = "hattama_gateway_journal_commit_seconds";
/// New submissions, by the commits that they shared: their sum over the number of commits is the size of a group.
const JOURNAL_ACCEPTED_TOTAL: &str = "hattama_gateway_journal_accepted_total";
/// Submissions that the log lacks.
const OUTBOX_SUBMISSIONS: &str = "hattama_gateway_outbox_submissions";
/// How long the oldest of them waits.
const OUTBOX_OLDEST_AGE_SECONDS: &str = "hattama_gateway_outbox_oldest_age_seconds";
/// Submissions appended to the log.
const LOG_APPENDED_TOTAL: &str = "hattama_gateway_log_appended_total";
/// Appends that failed and are tried again, by `outcome`: `unknown` | `not_written`.
const LOG_APPEND_FAILURES_TOTAL: &str = "hattama_gateway_log_append_failures_total";
/// Reads of the log that failed and are tried again.
const LOG_READ_FAILURES_TOTAL: &str = "hattama_gateway_log_read_failures_total";
/// Submissions that the log had acknowledged and has no more.
const LOG_LOSSES_TOTAL: &str = "hattama_gateway_log_losses_total";
/// Shards whose partition has lost acknowledged submissions: nothing is sent to them any more.
const LOG_LOST_SHARDS: &str = "hattama_gateway_log_lost_shards";
/// Records of services that are not believed or come second, by `topic` and `reason`: `not_believed` | `not_next`.
const IGNORED_RECORDS_TOTAL: &str = "hattama_gateway_ignored_records_total";
/// The number of the newest valid publication that was read.
const PUBLICATION_SEQUENCE: &str = "hattama_gateway_publication_sequence";

/// Says what each metric is. Once a process is enough; again does no harm.
pub(crate) fn describe() {
    describe_counter!(SUBMISSIONS_TOTAL, "submissions answered, by answer");
    describe_histogram!(SUBMIT_SECONDS, "from a submission's arrival to its answer");
    describe_counter!(REFUSALS_TOTAL, "rules that refused a submission, by rule");
    describe_counter!(LATER_TOTAL, "submissions answered with \"later\", by limit");
    describe_gauge!(JOURNAL_SUBMISSIONS, "submissions in the journal");
    describe_histogram!(JOURNAL_COMMIT_SECONDS, "one commit of the journal, its fsync included");
    describe_counter!(JOURNAL_ACCEPTED_TOTAL, "new submissions committed to the journal");
    describe_gauge!(OUTBOX_SUBMISSIONS, "submissions that the log lacks");
    describe_gauge!(OUTBOX_OLDEST_AGE_SECONDS, "how long the oldest submission in the outbox waits");
    describe_counter!(LOG_APPENDED_TOTAL, "submissions appended to the log");
    describe_counter!(LOG_APPEND_FAILURES_TOTAL, "appends that failed and are tried again, by outcome");
    describe_counter!(LOG_READ_FAILURES_TOTAL, "reads of the log that failed and are tried again");
    describe_counter!(LOG_LOSSES_TOTAL, "alarms that the log has no more what it had acknowledged");
    describe_gauge!(LOG_LOST_SHARDS, "shards of which the log has lost acknowledged records");
    describe_counter!(IGNORED_RECORDS_TOTAL, "records of services that count for nothing, by topic and reason");
    describe_gauge!(PUBLICATION_SEQUENCE, "number of the newest valid publication that was read");
}

pub(crate) fn submission(answer: &'static str, took: Duration) {
    counter!(SUBMISSIONS_TOTAL, "answer" => answer).increment(1);
    histogram!(SUBMIT_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn refusal(rule: RuleCode) {
    counter!(REFUSALS_TOTAL, "rule" => rule.as_str()).increment(1);
}

pub(crate) fn later(limit: &'static str) {
    counter!(LATER_TOTAL, "limit" => limit).increment(1);
}

pub(crate) fn journal_commit(accepted: usize, took: Duration) {
    histogram!(JOURNAL_COMMIT_SECONDS).record(took.as_secs_f64());
    counter!(JOURNAL_ACCEPTED_TOTAL).increment(accepted as u64);
}

pub(crate) fn appended(submissions: usize) {
    counter!(LOG_APPENDED_TOTAL).increment(submissions as u64);
}

pub(crate) fn append_failed(error: &LogError) {
    let outcome = if error.outcome_is_unknown() { "unknown" } else { "not_written" };
    counter!(LOG_APPEND_FAILURES_TOTAL, "outcome" => outcome).increment(1);
}

pub(crate) fn read_failed() {
    counter!(LOG_READ_FAILURES_TOTAL).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; shards are a few hundred")]
pub(crate) fn lost(shards: usize) {
    counter!(LOG_LOSSES_TOTAL).increment(1);
    gauge!(LOG_LOST_SHARDS).set(shards as f64);
}

pub(crate) fn ignored_record(topic: &'static str, reason: &'static str) {
    counter!(IGNORED_RECORDS_TOTAL, "topic" => topic, "reason" => reason).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a publication's number stays far below 2^53")]
pub(crate) fn publication(sequence: u64) {
    gauge!(PUBLICATION_SEQUENCE).set(sequence as f64);
}

/// What is counted by looking, not by happening.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; submissions stay far below 2^53")]
pub(crate) fn book(book: &Book) {
    gauge!(JOURNAL_SUBMISSIONS).set(book.len() as f64);
    gauge!(OUTBOX_SUBMISSIONS).set(book.outstanding() as f64);
    gauge!(OUTBOX_OLDEST_AGE_SECONDS).set(book.oldest_unsent_age().as_secs_f64());
}
