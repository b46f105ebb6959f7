//! What is shown: one publication at a time, swapped whole, rendered once per language however many read it.

use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use hattama_proto::national::v1::{GetElectionResponse, PublicationRef};
use hattama_service_kit::clock::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::json;
use crate::language::Language;
use crate::metrics::{NOT_SHOWN_TOTAL, SHOWN_SEQUENCE, SHOWN_TOTAL, SOURCE_UP};
use crate::snapshot::Snapshot;
use crate::texts::Words;
use crate::view::render::{self, Rendered};

/// The state behind every page.
#[derive(Debug)]
pub struct Board {
    clock: Clock,
    words: Vec<Words>,
    election: ArcSwapOption<GetElectionResponse>,
    shown: ArcSwap<Shown>,
    signal: watch::Sender<Signal>,
}

/// What a live reader is told: enough to know whether the page in front of them is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Changes with every change of the page's figures; within one run of this service it only grows.
    pub edition: u64,
    /// The number of the publication shown; 0 while there is none.
    pub sequence: u64,
    /// Since when the national service has been away, by the clock, milliseconds since 1970 UTC; `None` while it answers.
    pub away_since_milliseconds: Option<i64>,
}

/// One publication on the board, or none yet.
#[derive(Debug)]
pub struct Shown {
    /// The publication; `None` before the first.
    pub snapshot: Option<Snapshot>,
    /// See [`Signal::edition`].
    pub edition: u64,
    /// How old it was when it came, and when it came.
    received: Received,
    election: Option<Arc<GetElectionResponse>>,
    pages: [OnceLock<Option<Arc<Rendered>>>; 3],
    json: OnceLock<Bytes>,
}

#[derive(Debug, Clone, Copy)]
struct Received {
    at: Instant,
    age_milliseconds: u64,
}

impl Board {
    /// An empty board.
    pub fn new(clock: Clock, words: Vec<Words>) -> Self {
        // Away until it has answered for the first time.
        let signal = Signal { edition: 0, sequence: 0, away_since_milliseconds: Some(clock.now_utc_milliseconds()) };
        let received = Received { at: clock.monotonic(), age_milliseconds: 0 };
        Self {
            clock,
            words,
            election: ArcSwapOption::empty(),
            shown: ArcSwap::from_pointee(Shown::new(None, None, 0, received)),
            signal: watch::Sender::new(signal),
        }
    }

    /// What is shown now.
    pub fn shown(&self) -> Arc<Shown> {
        self.shown.load_full()
    }

    /// What live readers are told, and its changes.
    pub fn signal(&self) -> watch::Receiver<Signal> {
        self.signal.subscribe()
    }

    /// The words of a language.
    pub fn words(&self, language: Language) -> &Words {
        &self.words[language.index()]
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The election, once the national service has told it.
    pub fn election(&self) -> Option<Arc<GetElectionResponse>> {
        self.election.load_full()
    }

    /// True while the national service answers.
    pub fn is_source_up(&self) -> bool {
        self.signal.borrow().away_since_milliseconds.is_none()
    }

    /// The national service has told what the election is.
    pub(crate) fn election_is(&self, election: &Arc<GetElectionResponse>) {
        self.election.store(Some(Arc::clone(election)));
        if self.shown.load().snapshot.is_none() {
            self.show(None);
        }
    }

    /// The national service does not answer. What is shown stays.
    pub(crate) fn source_is_away(&self) {
        let now = self.clock.now_utc_milliseconds();
        self.signal.send_if_modified(|signal| {
            let was_up = signal.away_since_milliseconds.is_none();
            signal.away_since_milliseconds.get_or_insert(now);
            was_up
        });
        metrics::gauge!(SOURCE_UP).set(0.0);
    }

    /// The national service answers, with this as its newest publication.
    pub(crate) fn source_says(&self, snapshot: Option<Snapshot>) {
        self.signal.send_if_modified(|signal| signal.away_since_milliseconds.take().is_some());
        metrics::gauge!(SOURCE_UP).set(1.0);
        let Some(snapshot) = snapshot else { return };
        let shown = self.shown();
        match shown.snapshot.as_ref().map_or(Verdict::Show, |current| compare(current, &snapshot)) {
            Verdict::Show => self.show(Some(snapshot)),
            Verdict::Same => {}
            Verdict::Older => metrics::counter!(NOT_SHOWN_TOTAL, "reason" => "older").increment(1),
            Verdict::Contradiction => {
                metrics::counter!(NOT_SHOWN_TOTAL, "reason" => "contradiction").increment(1);
                tracing::error!(
                    sequence = snapshot.publication.sequence,
                    "two publications under one number: the first stays on the board; find out which national service wrote the other"
                );
            }
        }
    }

    fn show(&self, snapshot: Option<Snapshot>) {
        let edition = self.shown.load().edition + 1;
        let sequence = snapshot.as_ref().map_or(0, |snapshot| snapshot.publication.sequence);
        let received = match &snapshot {
            Some(snapshot) => self.received(&snapshot.publication),
            None => Received { at: self.clock.monotonic(), age_milliseconds: 0 },
        };
        if snapshot.is_some() {
            metrics::gauge!(SHOWN_SEQUENCE).set(sequence as f64);
            metrics::counter!(SHOWN_TOTAL).increment(1);
        }
        self.shown.store(Arc::new(Shown::new(snapshot, self.election(), edition, received)));
        self.signal.send_modify(|signal| {
            signal.edition = edition;
            signal.sequence = sequence;
        });
    }

    /// The age at arrival is by the wall clock, in real seconds even when a rehearsal's night runs faster; from then on
    /// it grows by the monotonic clock (design, D14). A publication that is only looked at again keeps its age.
    fn received(&self, publication: &PublicationRef) -> Received {
        let shown = self.shown.load();
        if shown.snapshot.as_ref().is_some_and(|before| before.publication.digest == publication.digest) {
            return shown.received;
        }
        let passed = self.clock.now_utc_milliseconds().saturating_sub(publication.published_at_milliseconds);
        let speed = self.clock.rehearsal_time().map_or(1, |time| time.speed.get());
        let age_milliseconds = u64::try_from(passed).unwrap_or(0) / u64::from(speed);
        Received { at: self.clock.monotonic(), age_milliseconds }
    }
}

impl Shown {
    fn new(
        snapshot: Option<Snapshot>,
        election: Option<Arc<GetElectionResponse>>,
        edition: u64,
        received: Received,
    ) -> Self {
        Self { snapshot, edition, received, election, pages: Default::default(), json: OnceLock::new() }
    }

    /// The publication's number; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.publication.sequence)
    }

    /// Whole seconds since it was published.
    pub fn age_seconds(&self, clock: &Clock) -> u64 {
        let since = clock.monotonic().saturating_duration_since(self.received.at).as_millis();
        (u64::try_from(since).unwrap_or(u64::MAX).saturating_add(self.received.age_milliseconds)) / 1_000
    }

    /// The page in a language, rendered by whoever asks first; `None` when it could not be rendered.
    pub fn page(&self, words: &Words) -> Option<Arc<Rendered>> {
        let page = &self.pages[words.language().index()];
        page.get_or_init(|| render::page(self, words).map(Arc::new)).clone()
    }

    /// The publication's figures as JSON; `None` before the first.
    pub fn json(&self) -> Option<Bytes> {
        let snapshot = self.snapshot.as_ref()?;
        Some(self.json.get_or_init(|| json::publication(&snapshot.election, &snapshot.result)).clone())
    }

    /// The election, when it is known.
    pub fn election(&self) -> Option<&GetElectionResponse> {
        self.election.as_deref()
    }
}

enum Verdict {
    Show,
    Same,
    Older,
    Contradiction,
}

/// Numbers only grow (design, P5); under one number there is one digest.
fn compare(current: &Snapshot, new: &Snapshot) -> Verdict {
    let (shown, came) = (&current.publication, &new.publication);
    if came.sequence < shown.sequence {
        return Verdict::Older;
    }
    if came.sequence == shown.sequence && came.digest != shown.digest {
        return Verdict::Contradiction;
    }
    // A list of stations that was not to be had this time does not take the one that is there.
    let only_lost_the_list = came.sequence == shown.sequence && new.open.is_none() && current.open.is_some();
    if current == new || only_lost_the_list { Verdict::Same } else { Verdict::Show }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::OpenStations;
    use hattama_proto::national::v1::GetNationalResultResponse;
    use std::collections::BTreeMap;

    fn snapshot(sequence: u64, digest: u8, open: Option<OpenStations>) -> Option<Snapshot> {
        let publication = PublicationRef { sequence, digest: vec![digest; 32].into(), ..PublicationRef::default() };
        let result =
            GetNationalResultResponse { publication: Some(publication), ..GetNationalResultResponse::default() };
        Snapshot::new(Arc::default(), result, BTreeMap::new(), open)
    }

    fn board() -> Board {
        Board::new(Clock::system(), Words::load().unwrap())
    }

    fn shown(board: &Board) -> (u64, u64) {
        (board.shown().sequence(), board.shown().edition)
    }

    #[test]
    fn an_older_publication_never_takes_the_place_of_a_newer_one() {
        let board = board();
        board.source_says(snapshot(11, 1, None));
        board.source_says(snapshot(10, 2, None));
        assert_eq!(shown(&board), (11, 1));
        board.source_says(snapshot(12, 3, None));
        assert_eq!(shown(&board), (12, 2));
    }

    #[test]
    fn of_two_publications_under_one_number_the_first_stays() {
        let board = board();
        board.source_says(snapshot(11, 1, None));
        board.source_says(snapshot(11, 2, None));
        assert_eq!(shown(&board), (11, 1));
        assert_eq!(board.shown().snapshot.as_ref().unwrap().publication.digest[0], 1);
    }

    #[test]
    fn the_same_answer_again_changes_nothing_and_more_of_it_does() {
        let board = board();
        board.source_says(snapshot(11, 1, None));
        board.source_says(snapshot(11, 1, None));
        assert_eq!(shown(&board), (11, 1));
        board.source_says(snapshot(11, 1, Some(OpenStations::default())));
        assert_eq!(shown(&board), (11, 2));
        board.source_says(snapshot(11, 1, None));
        assert_eq!(shown(&board), (11, 2), "a list that is there is not taken away");
    }

    #[test]
    fn a_source_that_goes_away_leaves_what_is_shown_and_the_first_instant_of_its_absence() {
        let board = board();
        board.source_says(snapshot(11, 1, None));
        assert!(board.is_source_up());
        board.source_is_away();
        let since = board.signal().borrow().away_since_milliseconds;
        board.source_is_away();
        assert_eq!(board.signal().borrow().away_since_milliseconds, since);
        assert!(since.is_some() && shown(&board) == (11, 1));
    }
}
