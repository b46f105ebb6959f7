//! What comes twice: the same bytes through another gateway, and the same content signed again.

use super::{
    Action, Event, Fate, Incident, Route, Signer,
    dice::{dealt, share},
    rates::{REPEAT_MINUTES, SIGNED_AGAIN_SECONDS},
    scene::Scene,
};
use hattama_election::{instant::Instant, submission::SubmissionBody};
use hattama_tally::Outcome;
use std::collections::BTreeSet;

pub(super) fn write(scene: &mut Scene<'_>) {
    let sent: Vec<usize> = (0..scene.events.len()).filter(|place| is_of_station(&scene.events[*place])).collect();
    let order = dealt(scene.seed, "duplicates", sent, |place| name(&scene.events[*place]));
    let repeated: Vec<usize> = order.iter().take(share(scene.rates.repeated, order.len())).copied().collect();
    let taken: BTreeSet<usize> = repeated.iter().copied().collect();
    let ordinary = |place: &&usize| !taken.contains(place) && scene.events[**place].why == Incident::Ordinary;
    let again: Vec<usize> =
        order.iter().filter(ordinary).take(share(scene.rates.signed_again, order.len())).copied().collect();
    for place in repeated {
        let event = scene.events[place].clone();
        repeat(scene, event);
    }
    for place in again {
        let event = scene.events[place].clone();
        sign_again(scene, event);
    }
}

fn repeat(scene: &mut Scene<'_>, event: Event) {
    let name = name(&event);
    let mut dice = scene.dice("repeated", &name.iter().map(String::as_str).collect::<Vec<_>>());
    let at = Instant(event.at.0 + dice.seconds_within(&REPEAT_MINUTES));
    let through = match event.through {
        Route::Gateway(hint) => Route::Gateway(hint.wrapping_add(1)),
        past @ Route::StraightIntoLog { .. } => past,
    };
    scene.push(at, through, event.action, Incident::Repeated, Fate::Stands(Outcome::Duplicate));
    scene.expected.count(Incident::Repeated);
}

fn sign_again(scene: &mut Scene<'_>, event: Event) {
    let Action::Send { signer, mut body } = event.action else { return };
    match &mut body {
        SubmissionBody::Protocol(protocol) => protocol.signed_at.0 += SIGNED_AGAIN_SECONDS,
        SubmissionBody::Turnout(report) => report.signed_at.0 += SIGNED_AGAIN_SECONDS,
        _ => return,
    }
    let at = Instant(event.at.0 + SIGNED_AGAIN_SECONDS);
    let action = Action::Send { signer, body };
    scene.push(at, event.through, action, Incident::SignedAgain, Fate::Stands(Outcome::Duplicate));
    scene.expected.count(Incident::SignedAgain);
}

fn is_of_station(event: &Event) -> bool {
    matches!(&event.action, Action::Send { signer: Signer::Station(_) | Signer::StationWithNewKey(_), .. })
}

/// Station, contest or slot, revision.
fn name(event: &Event) -> Vec<String> {
    match &event.action {
        Action::Send { body: SubmissionBody::Protocol(protocol), .. } => {
            let content = &protocol.content;
            vec![content.station.to_string(), content.contest.to_string(), content.revision.to_string()]
        }
        Action::Send { body: SubmissionBody::Turnout(report), .. } => {
            let content = &report.content;
            vec![content.station.to_string(), content.slot.to_string(), content.revision.to_string()]
        }
        _ => Vec::new(),
    }
}
