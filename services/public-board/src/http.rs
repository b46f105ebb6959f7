//! What a reader may ask for, and the headers of every answer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hattama_service_kit::shutdown::Shutdown;
use hattama_service_kit::streams::StreamLimit;
use tokio::sync::Semaphore;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tonic::Code;

use crate::assets::Assets;
use crate::board::{Board, Signal};
use crate::json;
use crate::language::Language;
use crate::metrics::{LIVE_READERS, NOT_SHOWN_TOTAL, REFUSED_TOTAL, REQUESTS_TOTAL};
use crate::snapshot::Snapshot;
use crate::source::{self, Client};
use crate::texts::Words;
use crate::view::render;

/// Older publications asked of the national service at a time: a curious reader must not load it.
const OLDER_PUBLICATIONS_AT_A_TIME: usize = 4;

/// A comment on an idle stream, so that nobody between here and the reader takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A reader who is told of a publication is told of no other before this has passed, and then of the newest: figures
/// that change faster cannot be read, and each reader asks for the page anew.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// How long whoever was answered "later" should wait.
const RETRY_AFTER_SECONDS: &str = "5";

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// Asked again each time: the age changes every second.
const ALWAYS_ASK: &str = "no-cache";
/// May be kept for ever: another content has another name or number.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Nothing of a publication under embargo is kept anywhere (design, section 4).
const NEVER_KEEP: &str = "no-store";

/// Only our own style sheet, script, icon and events; nobody may frame the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct App {
    board: Arc<Board>,
    client: Client,
    readers: StreamLimit,
    older: Arc<Semaphore>,
    shutdown: Shutdown,
}

impl App {
    /// Over `board`, with at most `live_readers` at a time; `client` is asked for older publications.
    pub fn new(board: Arc<Board>, client: Client, live_readers: usize, shutdown: Shutdown) -> Self {
        let older = Arc::new(Semaphore::new(OLDER_PUBLICATIONS_AT_A_TIME));
        Self { board, client, readers: StreamLimit::new(live_readers), older, shutdown }
    }

    /// All routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(page))
            .route("/events", get(events))
            .route("/latest", get(latest))
            .route("/p/{file}", get(publication))
            .route("/assets/{file}", get(asset))
            .with_state(self)
            .layer(from_fn(security_headers))
    }
}

/// `/?lang=kk|ru|en`, and with `fragment=1` only what a script puts in the place of the old figures.
async fn page(State(app): State<App>, Query(query): Query<BTreeMap<String, String>>, headers: HeaderMap) -> Response {
    let language = language_of(&query, &headers);
    let words = app.board.words(language);
    let signal = *app.board.signal().borrow();
    let shown = app.board.shown();
    let Some(rendered) = shown.page(words) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be shown\n").into_response();
    };
    let freshness = render::freshness(&app.board, &shown, signal, words);
    let is_fragment = query.contains_key("fragment");
    let body = if is_fragment { freshness + &rendered.figures } else { render::whole(&rendered, &freshness) };
    seen(if is_fragment { "fragment" } else { "page" });
    let headers = [
        (header::CONTENT_TYPE, HTML),
        (header::CACHE_CONTROL, ALWAYS_ASK),
        (header::VARY, "accept-language"),
        (header::CONTENT_LANGUAGE, language.code()),
    ];
    (headers, body).into_response()
}

/// Server-sent events: the state at once, then whenever the figures change or the national service goes or comes.
async fn events(State(app): State<App>) -> Response {
    let reader = LiveReader::new();
    let events = WatchStream::new(app.board.signal()).throttle(SHORTEST_PAUSE).map(move |signal| {
        let _counted_until_dropped = &reader;
        Ok::<_, Infallible>(event_of(signal))
    });
    match app.readers.open(events, &app.shutdown) {
        Ok(stream) => {
            let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
            ([(header::CACHE_CONTROL, NEVER_KEEP)], sse).into_response()
        }
        Err(error) => later("live_readers", &error.to_string()),
    }
}

/// `/latest`: number and digest.
async fn latest(State(app): State<App>) -> Response {
    seen("latest");
    match &app.board.shown().snapshot {
        Some(snapshot) => json_answer(json::latest(&snapshot.publication), ALWAYS_ASK),
        None => (StatusCode::NOT_FOUND, "nothing is published yet\n").into_response(),
    }
}

/// `/p/<number>.json`: a publication's figures.
async fn publication(
    State(app): State<App>,
    Path(file): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    seen("json");
    let words = app.board.words(language_of(&query, &headers));
    let Some(sequence) = file.strip_suffix(".json").and_then(|number| number.parse::<u64>().ok()) else {
        return (StatusCode::NOT_FOUND, "write /p/<number>.json\n").into_response();
    };
    let shown = app.board.shown();
    match &shown.snapshot {
        Some(snapshot) if snapshot.publication.sequence == sequence => {
            json_answer(shown.json().unwrap_or_default(), keep(snapshot))
        }
        Some(snapshot) if snapshot.publication.sequence > sequence => older(&app, sequence, words).await,
        _ => (StatusCode::NOT_FOUND, "there is no such publication yet\n").into_response(),
    }
}

async fn older(app: &App, sequence: u64, words: &Words) -> Response {
    let (Some(election), Ok(_place)) = (app.board.election(), app.older.try_acquire()) else {
        return in_words(later("older_publications", &words.t("older-later")), words);
    };
    let result = match source::result_of(app.client.clone(), sequence).await {
        Ok(result) => result,
        Err(status) if status.code() == Code::NotFound => {
            return (StatusCode::NOT_FOUND, "there is no such publication\n").into_response();
        }
        Err(status) if source::is_later(&status) => {
            return in_words(later("older_publications", &words.t("older-later")), words);
        }
        Err(status) => {
            let (code, reason) = (status.code(), status.message());
            tracing::error!(sequence, ?code, reason, "the national service has an error with an older publication");
            metrics::counter!(NOT_SHOWN_TOTAL, "reason" => "error").increment(1);
            let headers = [(header::CACHE_CONTROL, NEVER_KEEP)];
            let text = words.t("older-error") + "\n";
            return in_words((StatusCode::BAD_GATEWAY, headers, text).into_response(), words);
        }
    };
    match Snapshot::new(election, result, BTreeMap::new(), None) {
        Some(snapshot) if snapshot.publication.sequence == sequence => {
            json_answer(json::publication(&snapshot.election, &snapshot.result), keep(&snapshot))
        }
        _ => (StatusCode::NOT_FOUND, "there is no such publication\n").into_response(),
    }
}

async fn asset(request: Request) -> Response {
    seen("asset");
    match Assets::get().at(request.uri().path()) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, FOR_EVER)], asset.content)
            .into_response(),
        None => (StatusCode::NOT_FOUND, "no such file: load the page again\n").into_response(),
    }
}

/// What the address says, else what the browser prefers.
fn language_of(query: &BTreeMap<String, String>, headers: &HeaderMap) -> Language {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::negotiate(query.get("lang").map(String::as_str), accept)
}

/// Says in which language an answer's text is.
fn in_words(mut response: Response, words: &Words) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(words.language().code()));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

fn keep(snapshot: &Snapshot) -> &'static str {
    if snapshot.is_embargoed() { NEVER_KEEP } else { FOR_EVER }
}

fn json_answer(body: bytes::Bytes, cache: &'static str) -> Response {
    // Anyone's page or program may read the figures.
    let headers =
        [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, cache), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, body).into_response()
}

fn later(limit: &'static str, text: &str) -> Response {
    metrics::counter!(REFUSED_TOTAL, "limit" => limit).increment(1);
    let headers = [(header::RETRY_AFTER, RETRY_AFTER_SECONDS), (header::CACHE_CONTROL, NEVER_KEEP)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, format!("{text}\n")).into_response()
}

fn seen(page: &'static str) {
    metrics::counter!(REQUESTS_TOTAL, "page" => page).increment(1);
}

/// `up` says whether the national service answers.
fn event_of(signal: Signal) -> Event {
    let (edition, sequence, up) = (signal.edition, signal.sequence, signal.away_since_milliseconds.is_none());
    Event::default().event("publication").data(format!(r#"{{"edition":{edition},"sequence":{sequence},"up":{up}}}"#))
}

/// Counts a live reader while it lives.
struct LiveReader;

impl LiveReader {
    fn new() -> Self {
        metrics::gauge!(LIVE_READERS).increment(1.0);
        Self
    }
}

impl Drop for LiveReader {
    fn drop(&mut self) {
        metrics::gauge!(LIVE_READERS).decrement(1.0);
    }
}

async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
