//! The page as text: rendered once per publication and language, with a gap for what changes every second.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use hattama_proto::national::v1::LostRecords;

use super::counted::{self, CountedView};
use super::districts::{self, DistrictsView};
use super::hemicycle::{self, HemicycleView};
use super::lists::{self, ListView};
use super::open::{self, OpenView};
use super::restoring::{self, RestoringView};
use super::times::{self, NationalClock};
use super::turnout::{self, TurnoutView};
use super::{Marks, listed};
use crate::assets::Assets;
use crate::board::{Board, Shown, Signal};
use crate::json;
use crate::language::Language;
use crate::metrics::RENDER_SECONDS;
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// Where the page has its gap.
const GAP: &str = "<!--gap-->";

/// A page in three pieces. The gap before `figures` is for [`freshness`].
#[derive(Debug)]
pub struct Rendered {
    /// From the start of the document to the figures.
    pub top: String,
    /// The figures.
    pub figures: String,
    /// The rest of the document.
    pub bottom: String,
}

/// Renders what `shown` holds; `None` (and an error in the log) when a template fails.
pub fn page(shown: &Shown, words: &Words) -> Option<Rendered> {
    let started = Instant::now();
    let figures = match &shown.snapshot {
        Some(snapshot) => FiguresTemplate::new(snapshot, words).render(),
        None => WaitingTemplate::new(shown, words).render(),
    };
    let rendered = figures.and_then(|figures| Ok((figures, PageTemplate::new(shown, words).render()?)));
    metrics::histogram!(RENDER_SECONDS).record(started.elapsed().as_secs_f64());
    match rendered {
        Ok((figures, shell)) => {
            let (top, bottom) = shell.split_once(GAP).unwrap_or((&shell, ""));
            Some(Rendered { top: top.to_owned(), figures, bottom: bottom.to_owned() })
        }
        Err(error) => {
            tracing::error!(%error, "the page cannot be rendered: report this, with the publication's number");
            None
        }
    }
}

/// What changes every second: the number, the age, and whether the source is away. Rendered for each request.
pub fn freshness(board: &Board, shown: &Shown, signal: Signal, words: &Words) -> String {
    let offset = shown.election().map_or(0, |election| election.national_utc_offset_minutes);
    let clock = NationalClock::new(offset);
    let publication = shown.snapshot.as_ref().map(|snapshot| {
        let publication = &snapshot.publication;
        let age_seconds = shown.age_seconds(board.clock());
        PublicationView {
            number: words.count(publication.sequence),
            generation: words.count(publication.generation.into()),
            time: clock.time(publication.published_at_milliseconds),
            clock: clock.name(),
            age: times::age(age_seconds, words),
            age_seconds,
        }
    });
    let away = signal
        .away_since_milliseconds
        .map(|since| words.say("away", &[("time", &clock.time(since)), ("clock", &clock.name())]));
    let template =
        FreshnessTemplate { w: words, publication, away, edition: shown.edition, sequence: shown.sequence() };
    template.render().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "page.html")]
struct PageTemplate<'a> {
    w: &'a Words,
    languages: [Language; 3],
    assets: &'static Assets,
    /// Empty until it is known.
    election_id: String,
    title: String,
    date: String,
    marks: Marks,
    /// The age's patterns for the script, with `{n}` for the number.
    age_patterns: [String; 3],
}

impl<'a> PageTemplate<'a> {
    fn new(shown: &Shown, words: &'a Words) -> Self {
        let election = shown.election();
        let name = election.map_or("", |election| words.language().of(election.name.as_ref()));
        let pattern = |key: &str| words.say(key, &[("n", "{n}")]);
        Self {
            w: words,
            languages: Language::ALL,
            assets: Assets::get(),
            election_id: election.map_or_else(String::new, |election| election.id.clone()),
            title: if name.is_empty() { words.t("results") } else { name.to_owned() },
            date: election.map_or_else(String::new, |election| times::date_of(&election.date, words)),
            marks: election.map_or_else(Marks::default, Marks::of),
            age_patterns: ["age-seconds", "age-minutes", "age-hours"].map(pattern),
        }
    }
}

struct PublicationView {
    number: String,
    generation: String,
    time: String,
    clock: String,
    age: String,
    age_seconds: u64,
}

#[derive(Template)]
#[template(path = "freshness.html")]
struct FreshnessTemplate<'a> {
    w: &'a Words,
    publication: Option<PublicationView>,
    away: Option<String>,
    edition: u64,
    sequence: u64,
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingTemplate<'a> {
    w: &'a Words,
    marks: Marks,
    restoring: Option<RestoringView>,
}

impl<'a> WaitingTemplate<'a> {
    fn new(shown: &Shown, words: &'a Words) -> Self {
        let election = shown.election();
        Self {
            w: words,
            marks: election.map_or_else(Marks::default, Marks::of),
            restoring: election.and_then(|election| restoring::build(election, election.restoring.as_ref(), words)),
        }
    }
}

#[derive(Template)]
#[template(path = "figures.html")]
struct FiguresTemplate<'a> {
    w: &'a Words,
    marks: Marks,
    /// A word about the whole: `restoring`, `complete` or `preliminary`.
    status: &'static str,
    restoring: Option<RestoringView>,
    notices: Vec<String>,
    checked: String,
    counted: CountedView,
    turnout: TurnoutView,
    lists: Vec<ListView>,
    house: Option<HemicycleView>,
    districts: Option<DistrictsView>,
    open: OpenView,
    records: Vec<(String, String)>,
    sequence: u64,
    digest: String,
    core_digest: String,
    election_id: String,
}

impl<'a> FiguresTemplate<'a> {
    fn new(snapshot: &Snapshot, words: &'a Words) -> Self {
        let counted = counted::build(snapshot, words);
        Self {
            w: words,
            marks: Marks::of(&snapshot.election),
            status: status(snapshot, &counted),
            restoring: restoring::build(&snapshot.election, snapshot.result.restoring.as_ref(), words),
            notices: notices(snapshot, words),
            checked: checked(snapshot, words),
            counted,
            turnout: turnout::build(snapshot, words),
            lists: lists::build(snapshot, words),
            house: hemicycle::build(snapshot, words),
            districts: districts::build(snapshot, words),
            open: open::build(snapshot, words),
            records: records(snapshot, words),
            sequence: snapshot.publication.sequence,
            digest: json::hex(&snapshot.publication.digest),
            core_digest: json::hex(&snapshot.election.core_digest),
            election_id: snapshot.election.id.clone(),
        }
    }
}

/// A new generation of the log fills up again (design, D7): what is shown is then less than what was counted before.
const RESTORING: &str = "restoring";

fn status(snapshot: &Snapshot, counted: &CountedView) -> &'static str {
    match snapshot.result.status.as_str() {
        RESTORING => RESTORING,
        _ if counted.complete => "complete",
        _ => "preliminary",
    }
}

fn notices(snapshot: &Snapshot, words: &Words) -> Vec<String> {
    let shards = |numbers: &[u32]| listed(numbers.iter().map(|number| words.count((*number).into())));
    let result = &snapshot.result;
    let of = |key: &'static str, numbers: &[u32]| {
        (!numbers.is_empty()).then(|| words.say(key, &[("shards", &shards(numbers))]))
    };
    let both = [of("frozen", &result.frozen_shards), of("other-control", &result.shards_at_other_control)];
    both.into_iter().flatten().chain(result.lost_records.iter().filter_map(|lost| given_up(lost, words))).collect()
}

/// What was given up and did not come all the same: the figures may be without it.
fn given_up(lost: &LostRecords, words: &Words) -> Option<String> {
    let gone = lost.records.saturating_sub(lost.records_back);
    let amendments = listed(lost.amendments.iter().map(ToString::to_string));
    let places =
        [("lost", &*words.count(gone)), ("amendments", &amendments), ("authors", &listed(lost.authors.clone()))];
    (gone > 0).then(|| words.say("records-lost", &places))
}

fn checked(snapshot: &Snapshot, words: &Words) -> String {
    let (checked, all) =
        (words.count(snapshot.result.shards_checked.into()), words.count(snapshot.result.shards.into()));
    words.say("checked", &[("checked", &checked), ("all", &all)])
}

fn records(snapshot: &Snapshot, words: &Words) -> Vec<(String, String)> {
    let counts = snapshot.result.records.unwrap_or_default();
    let outcomes = [
        ("counted", counts.counted),
        ("held", counts.held),
        ("duplicate", counts.duplicate),
        ("superseded", counts.superseded),
        ("contested", counts.contested),
        ("annulled", counts.annulled),
        ("refused", counts.refused),
        ("all", counts.records),
    ];
    outcomes.into_iter().map(|(name, number)| (words.known("outcome", name), words.count(number))).collect()
}

/// A page as it is sent: its pieces with the gap filled.
pub fn whole(rendered: &Arc<Rendered>, freshness: &str) -> String {
    [&rendered.top, freshness, &rendered.figures, &rendered.bottom].concat()
}
