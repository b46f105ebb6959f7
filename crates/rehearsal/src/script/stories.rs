//! What goes wrong with which protocol.

use super::{
    dice::{Dice, dealt, share},
    scene::Scene,
    slips,
    truth::TrueStation,
};
use hattama_election::{
    definition::Station, instant::Instant, protocol::ProtocolContent, rules::submission_attributes::signed_before_close,
};
use std::collections::{BTreeMap, BTreeSet};

/// What goes wrong with one protocol, and the content that is sent beside the truth.
pub(super) enum Story {
    SumWrong(ProtocolContent),
    DigitsTransposed(ProtocolContent),
    PileMoved(ProtocolContent),
    BadCorrection(ProtocolContent),
    Contested(ProtocolContent),
    SignedEarly,
}

/// A protocol: its station's place in the truth, and its own among the station's.
pub(super) type Place = (usize, usize);

/// The stories of a night.
pub(super) struct Stories {
    pub(super) protocols: BTreeMap<Place, Story>,
    pub(super) complaints: BTreeSet<Place>,
    pub(super) dissent: BTreeSet<Place>,
}

/// Gives a story to the first `wanted` subjects that have none yet and can have this one.
pub(super) fn deal<T: Ord + Copy, S>(
    order: &[T],
    stories: &mut BTreeMap<T, S>,
    wanted: usize,
    story: impl Fn(&T) -> Option<S>,
) {
    let mut left = wanted;
    for subject in order {
        if left == 0 {
            return;
        }
        if stories.contains_key(subject) {
            continue;
        }
        if let Some(story) = story(subject) {
            stories.insert(*subject, story);
            left -= 1;
        }
    }
}

/// Deals the stories of a night to its protocols.
pub(super) fn of_night(scene: &Scene<'_>) -> Stories {
    let order = all_protocols(scene, "protocol stories");
    let rates = scene.rates;
    let mut protocols = BTreeMap::new();
    let mut some = |rate, story: &dyn Fn(&Subject<'_>, &mut Dice) -> Option<Story>| {
        let story = |place: &Place| {
            let subject = Subject::new(scene, *place);
            let mut dice = scene.dice("slip", &[subject.station.id.as_str(), subject.truth.contest.as_str()]);
            story(&subject, &mut dice)
        };
        deal(&order, &mut protocols, share(rate, order.len()), story);
    };
    let definition = scene.definition;
    some(rates.digits_transposed, &|subject, dice| {
        slips::digits_transposed(definition, subject.station, subject.truth, dice).map(Story::DigitsTransposed)
    });
    some(rates.sum_wrong, &|subject, dice| subject.sum_wrong(scene, dice).map(Story::SumWrong));
    some(rates.bad_correction, &|subject, dice| subject.sum_wrong(scene, dice).map(Story::BadCorrection));
    some(rates.pile_moved, &|subject, dice| slips::pile_moved(subject.truth, dice).map(Story::PileMoved));
    some(rates.contested, &|subject, dice| slips::pile_moved(subject.truth, dice).map(Story::Contested));
    some(rates.signed_early, &|subject, _| subject.may_be_early(scene).then_some(Story::SignedEarly));
    let mut beside = all_protocols(scene, "beside the figures").into_iter();
    let complaints = beside.by_ref().take(share(rates.complaints, order.len())).collect();
    let dissent = beside.take(share(rates.dissent, order.len())).collect();
    Stories { protocols, complaints, dissent }
}

/// Every protocol, in the order in which the seed deals them.
fn all_protocols(scene: &Scene<'_>, purpose: &str) -> Vec<Place> {
    let protocols = |(place, station): (usize, &TrueStation)| (0..station.protocols.len()).map(move |nth| (place, nth));
    let all: Vec<Place> = scene.stations.iter().enumerate().flat_map(protocols).collect();
    dealt(scene.seed, purpose, all, |place| {
        let subject = Subject::new(scene, *place);
        vec![subject.station.id.to_string(), subject.truth.contest.to_string()]
    })
}

struct Subject<'a> {
    station: &'a Station,
    truth: &'a ProtocolContent,
    closes: Instant,
}

impl<'a> Subject<'a> {
    fn new(scene: &Scene<'a>, (place, nth): Place) -> Self {
        let station = &scene.stations[place];
        let (_, truth) = &station.protocols[nth];
        Self { station: scene.station(station.index), truth, closes: scene.closes(station.index) }
    }

    fn sum_wrong(&self, scene: &Scene<'_>, dice: &mut Dice) -> Option<ProtocolContent> {
        slips::sum_wrong(scene.definition, self.station, self.truth, dice)
    }

    /// A station whose whole register has voted may sign early: there it is no story.
    fn may_be_early(&self, scene: &Scene<'_>) -> bool {
        let holds = scene.definition.severities.get(&hattama_election::rules::RuleCode::SignedBeforeClose)
            == Some(&hattama_election::rules::Severity::Hold);
        holds && signed_before_close(Instant(self.closes.0 - 1), self.closes, self.truth)
    }
}
