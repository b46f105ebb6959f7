//! The names of this service's metrics. Never labelled by station.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// The number of the publication that is shown.
pub const SHOWN_SEQUENCE: &str = "hattama_board_shown_sequence";
/// 1 while the national service answers, else 0.
pub const SOURCE_UP: &str = "hattama_board_source_up";
/// Publications shown so far.
pub const SHOWN_TOTAL: &str = "hattama_board_publications_shown_total";
/// Answers of the national service that were not shown. Label `reason`: `older` | `contradiction` | `torn` | `error`.
pub const NOT_SHOWN_TOTAL: &str = "hattama_board_answers_not_shown_total";
/// How long it took to render a page; once per publication and language that somebody reads.
pub const RENDER_SECONDS: &str = "hattama_board_render_seconds";
/// Requests answered. Label `page`: `page` | `fragment` | `json` | `latest` | `asset`.
pub const REQUESTS_TOTAL: &str = "hattama_board_requests_total";
/// Readers who follow live.
pub const LIVE_READERS: &str = "hattama_board_live_readers";
/// Requests answered with "later". Label `limit`: `live_readers` | `older_publications`.
pub const REFUSED_TOTAL: &str = "hattama_board_refused_total";

/// Describes all of them to the recorder that is installed.
pub fn describe() {
    describe_gauge!(SHOWN_SEQUENCE, "number of the publication that is shown");
    describe_gauge!(SOURCE_UP, "1 while the national service answers, else 0");
    describe_counter!(SHOWN_TOTAL, "publications shown");
    describe_counter!(NOT_SHOWN_TOTAL, "answers of the national service that were not shown, by reason");
    describe_histogram!(RENDER_SECONDS, "time to render a page of a publication in a language");
    describe_counter!(REQUESTS_TOTAL, "requests answered, by page");
    describe_gauge!(LIVE_READERS, "readers who follow live");
    describe_counter!(REFUSED_TOTAL, "requests answered with \"later\", by limit");
}
