//! Protocols: each station's after its count, what goes wrong with them, and how that is put right.

use super::{
    Incident,
    dice::Dice,
    rates::{
        CONTEST_MINUTES, CORRECTION_MINUTES, NEXT_CONTEST_MINUTES, RECOUNT_MINUTES, RULING_MINUTES, SENDING_MINUTES,
        SIGNED_EARLY_MINUTES, counting_seconds,
    },
    scene::Scene,
    stories::{self, Stories, Story},
    truth::TrueStation,
};
use hattama_election::{
    decision::{Decision, DecisionContent, Ruling},
    definition::{AuthorityRole, Units},
    digest::ContentDigest,
    ids::{AuthorityId, ContestIndex, StationIndex},
    instant::Instant,
    protocol::{Protocol, ProtocolContent, Signatory, SignatoryRole, SignatoryStance},
    submission::SubmissionBody,
};
use hattama_tally::Outcome;
use std::ops::RangeInclusive;

pub(super) fn write(scene: &mut Scene<'_>) {
    let stories = stories::of_night(scene);
    for (place, station) in scene.stations.iter().enumerate() {
        write_station(scene, place, station, &stories);
    }
}

/// When a station has counted its first contest.
pub(super) fn first_protocol_at(scene: &Scene<'_>, index: StationIndex) -> Instant {
    let mut dice = scene.dice("counting", &[scene.station(index).id.as_str()]);
    Instant(scene.closes(index).0 + counting_seconds(dice.below(1_001)))
}

fn write_station<'a>(scene: &mut Scene<'a>, place: usize, station: &'a TrueStation, stories: &Stories) {
    let mut at = first_protocol_at(scene, station.index);
    for (nth, (contest, truth)) in station.protocols.iter().enumerate() {
        let dice = scene.dice("protocol", &[truth.station.as_str(), truth.contest.as_str()]);
        let place = (place, nth);
        let complains = stories.complaints.contains(&place);
        let dissents = stories.dissent.contains(&place);
        let mut desk = Desk { scene, index: station.index, contest: *contest, truth, dice, complains, dissents };
        desk.write(at, stories.protocols.get(&place));
        at.0 += desk.dice.seconds_within(&NEXT_CONTEST_MINUTES);
    }
}

/// Where one protocol is written, signed, sent and quarrelled over.
struct Desk<'s, 'a> {
    scene: &'s mut Scene<'a>,
    index: StationIndex,
    contest: ContestIndex,
    truth: &'a ProtocolContent,
    dice: Dice,
    complains: bool,
    dissents: bool,
}

impl Desk<'_, '_> {
    fn write(&mut self, at: Instant, story: Option<&Story>) {
        let incident = match story {
            None => return self.write_undisturbed(at),
            Some(Story::SumWrong(wrong)) => self.correct(at, wrong, Incident::SumWrong, &CORRECTION_MINUTES),
            Some(Story::DigitsTransposed(wrong)) => {
                self.correct(at, wrong, Incident::DigitsTransposed, &CORRECTION_MINUTES)
            }
            Some(Story::PileMoved(wrong)) => self.correct(at, wrong, Incident::PileMoved, &RECOUNT_MINUTES),
            Some(Story::BadCorrection(wrong)) => self.correct_wrongly(at, wrong),
            Some(Story::Contested(other)) => self.contest(at, other),
            Some(Story::SignedEarly) => self.sign_early(at),
        };
        self.scene.expected.count(incident);
        self.count_beside();
    }

    fn write_undisturbed(&mut self, at: Instant) {
        let why = match (self.complains, self.dissents) {
            (true, _) => Incident::Complaints,
            (false, true) => Incident::Dissent,
            (false, false) => Incident::Ordinary,
        };
        let signed_at = self.signed_before(at);
        self.send(at, signed_at, self.truth.clone(), None, why, Outcome::Counted);
        self.counts(self.truth.digest());
        self.count_beside();
    }

    /// A wrong first protocol; the truth as revision 2.
    fn correct(
        &mut self,
        at: Instant,
        wrong: &ProtocolContent,
        why: Incident,
        after: &RangeInclusive<u32>,
    ) -> Incident {
        let later = self.later(at, after);
        let right = ProtocolContent { revision: 2, ..self.truth.clone() };
        self.counts(right.digest());
        let signed_at = self.signed_before(at);
        self.send(at, signed_at, wrong.clone(), None, why, Outcome::Superseded);
        let signed_later = self.signed_before(later);
        self.send(later, signed_later, right, Some(wrong.digest()), why, Outcome::Counted);
        self.scene.expected.corrected += 1;
        why
    }

    /// The truth, and a wrong revision 2, which is held until it is annulled.
    fn correct_wrongly(&mut self, at: Instant, wrong: &ProtocolContent) -> Incident {
        let why = Incident::BadCorrection;
        let later = self.later(at, &RECOUNT_MINUTES);
        let wrong = ProtocolContent { revision: 2, ..wrong.clone() };
        let content = wrong.digest();
        self.counts(self.truth.digest());
        let signed_at = self.signed_before(at);
        self.send(at, signed_at, self.truth.clone(), None, why, Outcome::Counted);
        let signed_later = self.signed_before(later);
        self.send(later, signed_later, wrong, Some(self.truth.digest()), why, Outcome::Annulled);
        let ruling = Ruling::Annul { station: self.truth.station.clone(), content };
        self.rule(later, ruling, "the correction does not add up; the first protocol was compared with the paper", why);
        why
    }

    /// The truth and another content under revision 1, in either order.
    fn contest(&mut self, at: Instant, other: &ProtocolContent) -> Incident {
        let why = Incident::Contested;
        let later = self.later(at, &CONTEST_MINUTES);
        let (truth_at, other_at) = if self.dice.below(2) == 0 { (at, later) } else { (later, at) };
        self.counts(self.truth.digest());
        let signed_at = self.signed_before(truth_at);
        self.send(truth_at, signed_at, self.truth.clone(), None, why, Outcome::Counted);
        let signed_at = self.signed_before(other_at);
        self.send(other_at, signed_at, other.clone(), None, why, Outcome::Annulled);
        let ruling = Ruling::Choose {
            station: self.truth.station.clone(),
            chosen: self.truth.digest(),
            set_aside: vec![other.digest()],
        };
        self.rule(later, ruling, "the ballots were counted again before the commission", why);
        why
    }

    /// The truth, signed by a clock that is wrong.
    fn sign_early(&mut self, at: Instant) -> Incident {
        let why = Incident::SignedEarly;
        let early = self.dice.seconds_within(&SIGNED_EARLY_MINUTES);
        let signed_at = Instant(self.scene.closes(self.index).0 - early);
        self.counts(self.truth.digest());
        self.send(at, signed_at, self.truth.clone(), None, why, Outcome::Counted);
        let ruling = Ruling::Confirm { station: self.truth.station.clone(), content: self.truth.digest() };
        self.rule(at, ruling, "the station's clock was wrong; observers confirm when it was signed", why);
        self.scene.expected.confirmed += 1;
        why
    }

    fn later(&mut self, at: Instant, after: &RangeInclusive<u32>) -> Instant {
        Instant(at.0 + self.dice.seconds_within(after))
    }

    fn signed_before(&mut self, at: Instant) -> Instant {
        Instant(at.0 - self.dice.seconds_within(&SENDING_MINUTES))
    }

    fn counts(&mut self, content: ContentDigest) {
        self.scene.expected.counted.insert((self.index, self.contest), content);
    }

    fn count_beside(&mut self) {
        for (is_so, incident) in [(self.complains, Incident::Complaints), (self.dissents, Incident::Dissent)] {
            if is_so {
                self.scene.expected.count(incident);
            }
        }
    }

    fn send(
        &mut self,
        at: Instant,
        signed_at: Instant,
        content: ProtocolContent,
        supersedes: Option<ContentDigest>,
        why: Incident,
        becomes: Outcome,
    ) {
        let complaints = if self.complains { 1 + self.dice.below(3) } else { 0 };
        let protocol = Protocol {
            supersedes,
            reason: supersedes.map(|_| "the figures were compared with the paper again".to_owned()),
            correction_authority: supersedes.map(|_| "decision of the precinct commission".to_owned()),
            complaints: Some(complaints),
            ..plain_protocol(content, signed_at, self.dissents)
        };
        self.scene.send_from_station(self.index, at, SubmissionBody::Protocol(protocol), why, becomes);
    }

    /// The decision of the commission that answers for the contest.
    fn rule(&mut self, after: Instant, ruling: Ruling, reason: &str, why: Incident) {
        let Some(author) = self.commission() else { return };
        let at = self.later(after, &RULING_MINUTES);
        // numbered when everything is in order
        let content = DecisionContent { author: author.clone(), number: 0, ruling };
        let body = SubmissionBody::Decision(Decision { content, reason: reason.to_owned(), signed_at: at });
        self.scene.send_from_authority(&author, at, body, why);
    }

    /// The district's for a district's contest, else the territory's.
    fn commission(&self) -> Option<AuthorityId> {
        let definition = self.scene.definition;
        let role = match definition.contests[usize::from(self.contest.0)].units {
            Units::District(district) => AuthorityRole::District(district),
            Units::All | Units::Regions(_) => AuthorityRole::Territorial(self.scene.station(self.index).territory),
        };
        definition.authorities.iter().find(|authority| authority.role == role).map(|authority| authority.id.clone())
    }
}

/// A protocol signed by chair, secretary and two members, whose names nobody invents.
pub(super) fn plain_protocol(content: ProtocolContent, signed_at: Instant, dissents: bool) -> Protocol {
    let last = if dissents { SignatoryStance::Dissenting } else { SignatoryStance::Signed };
    let signatories = [
        (SignatoryRole::Chair, SignatoryStance::Signed),
        (SignatoryRole::Secretary, SignatoryStance::Signed),
        (SignatoryRole::Member, SignatoryStance::Signed),
        (SignatoryRole::Member, last),
    ];
    Protocol {
        content,
        signed_at,
        supersedes: None,
        reason: None,
        correction_authority: None,
        signatories: signatories.map(|(role, stance)| Signatory { role, name: String::new(), stance }).into(),
        complaints: Some(0),
        scan: None,
    }
}
