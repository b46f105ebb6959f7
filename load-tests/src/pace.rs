//! The pace of a night whose rounds may be late: submissions that belong to a round wait until it begins, so that there is
//! always something to be counted when a fault strikes.

use crate::{
    faults::{Plan, Round},
    night::Night,
};
use hattama_rehearsal::script::Event;
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_stream::{Stream, wrappers::ReceiverStream};

/// Events on their way to the player.
const EVENTS_QUEUE: usize = 1;

/// How far the rounds have come. When it is dropped nothing waits any more.
#[derive(Debug)]
pub struct Pace(watch::Sender<Progress>);

#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    /// Rounds that have begun.
    begun: u32,
    /// By how much the last of them was late.
    late: Duration,
}

impl Pace {
    /// The night's events, each when it is due: as much later than planned as the last round that has begun.
    pub fn events(night: &Night, plan: &Plan, rounds: u32, begins: Instant) -> (Self, impl Stream<Item = Event>) {
        let (progress, mut newest) = watch::channel(Progress::default());
        let (hand_out, events) = mpsc::channel(EVENTS_QUEUE);
        let (script, plan) = (night.events.clone(), *plan);
        tokio::spawn(async move {
            for event in script {
                let planned = Night::sent_after(&event);
                let round = plan.rounds_before(planned, rounds);
                // When the rounds are over, or given up, the last one's lateness stays.
                let waited = newest.wait_for(|progress| progress.begun >= round).await.map(|progress| *progress);
                let late = waited.unwrap_or_else(|_| *newest.borrow()).late;
                sleep_until(begins + planned + late).await;
                if hand_out.send(event).await.is_err() {
                    return;
                }
            }
        });
        (Self(progress), ReceiverStream::new(events))
    }

    /// A round begins, from 0, by so much late.
    pub fn round_begins(&self, round: u32, late: Duration) {
        self.0.send_replace(Progress { begun: round + 1, late });
    }
}

/// When each event of a night was due, by its number, after rounds that were as late as these.
#[must_use]
pub fn due(night: &Night, plan: &Plan, rounds: &[Round], begins: Instant) -> BTreeMap<u32, Instant> {
    let at = |event: &Event| {
        let planned = Night::sent_after(event);
        let round = plan.rounds_before(planned, rounds.len() as u32);
        // As late as it began a round is over.
        let late = rounds[..round as usize].last().map(|last| last.over - (begins + plan.begins_after(round)));
        begins + planned + late.unwrap_or_default()
    };
    night.events.iter().map(|event| (event.number, at(event))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Size;
    use tokio_stream::StreamExt as _;

    #[tokio::test(start_paused = true)]
    async fn what_belongs_to_a_round_waits_for_it_and_comes_as_much_later() {
        let second = Duration::from_secs(1);
        let size = Size { gateways: 1, aggregators: 1, nationals: 1 };
        let plan = Plan { size, round: 20 * second, flow: 46 * second };
        let night = Night::generate("faults-1", 1, plan.flow).unwrap();
        let begins = Instant::now();
        let (pace, mut events) = Pace::events(&night, &plan, 2, begins);
        let lates = [(0, Duration::ZERO), (1, 9 * second)];
        let rounds = tokio::spawn(async move {
            for (round, late) in lates {
                sleep_until(begins + plan.begins_after(round) + late).await;
                pace.round_begins(round, late);
            }
        });
        let played = lates.map(|(round, late)| {
            let fault = begins + plan.begins_after(round) + late;
            Round { fault, until: fault + plan.round, over: fault + plan.round }
        });
        let due = due(&night, &plan, &played, begins);
        let mut sent = 0;
        while let Some(event) = events.next().await {
            let planned = Night::sent_after(&event);
            let late = if planned >= plan.begins_after(1) { 9 * second } else { Duration::ZERO };
            assert!(begins.elapsed() >= planned + late, "event {} came before its round", event.number);
            assert_eq!(due[&event.number], begins + planned + late, "event {}", event.number);
            sent += 1;
        }
        rounds.await.unwrap();
        assert_eq!(sent, night.events.len());
    }

    #[tokio::test(start_paused = true)]
    async fn rounds_that_are_given_up_hold_nothing_up() {
        let size = Size { gateways: 1, aggregators: 1, nationals: 1 };
        let plan = Plan { size, round: Duration::from_secs(20), flow: Duration::from_secs(46) };
        let night = Night::generate("faults-1", 1, plan.flow).unwrap();
        let (pace, events) = Pace::events(&night, &plan, 2, Instant::now());
        drop(pace);
        assert_eq!(events.collect::<Vec<_>>().await.len(), night.events.len());
    }
}
