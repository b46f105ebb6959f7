//! What a person sees while the night is played: bars in a terminal, plain lines where the output is piped.

use super::figures::grouped;
use hattama_election::definition::Definition;
use hattama_night_play::{player::Counters, watch::Newest};
use hattama_service_kit::clock::Clock;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::{Offset, TimeZone};
use std::{
    io::IsTerminal as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How often bars move.
const TICK: Duration = Duration::from_millis(125);
/// How often a piped run says a line.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows progress until dropped or aborted.
pub struct Progress {
    task: tokio::task::JoinHandle<()>,
    bars: MultiProgress,
}

impl Progress {
    /// Starts to show.
    pub fn start(definition: &Definition, events: u64, clock: Clock, counters: Arc<Counters>, newest: Newest) -> Self {
        let bars = MultiProgress::new();
        let terminal = std::io::stderr().is_terminal();
        if !terminal {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let bar = |length: u64, name: &'static str| {
            let bar = bars.add(ProgressBar::new(length));
            let style = ProgressStyle::with_template("{prefix:>22} {bar:40.cyan/dim} {pos:>7} / {len:<7} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
            bar.set_prefix(name);
            bar
        };
        let protocols: u64 =
            definition.stations.iter().map(|station| definition.contests_of(station).count() as u64).sum();
        let sent = bar(events, "sent by the precincts");
        let counted = bar(protocols, "protocols counted");
        let zone = Offset::from_seconds(definition.national_utc_offset_minutes * 60).unwrap_or(Offset::UTC);
        let task = tokio::spawn(async move {
            let mut said = tokio::time::Instant::now();
            loop {
                let played = counters.played.load(Ordering::Relaxed);
                sent.set_position(played);
                sent.set_message(time_of(clock, zone));
                let (sequence, in_total) = newest.borrow().as_ref().map_or((0, 0), |result| {
                    let sequence = result.publication.as_ref().map_or(0, |publication| publication.sequence);
                    let stations =
                        result.contests.iter().filter_map(|contest| contest.figures.as_ref()?.stations.as_ref());
                    (sequence, stations.map(|stations| stations.counted).sum())
                });
                counted.set_position(in_total);
                counted.set_message(format!("publication {}", grouped(sequence)));
                if !terminal && said.elapsed() >= LINE_EVERY {
                    said = tokio::time::Instant::now();
                    eprintln!(
                        "{}: {} sent, {} protocols counted, publication {}",
                        time_of(clock, zone),
                        grouped(played),
                        grouped(in_total),
                        grouped(sequence)
                    );
                }
                tokio::time::sleep(TICK).await;
            }
        });
        Self { task, bars }
    }

    /// Takes the bars away.
    pub fn end(self) {
        self.task.abort();
        let _ = self.bars.clear();
    }
}

/// The national clock of the night, e.g. `19 March 21:34`.
fn time_of(clock: Clock, zone: Offset) -> String {
    clock.now().to_zoned(TimeZone::fixed(zone)).strftime("%-d %B %H:%M").to_string()
}
