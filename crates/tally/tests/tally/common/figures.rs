//! Protocols and turnout reports: right ones, and such with the slips that people make.

use super::random::Random;
use hattama_election::{
    definition::{Contest, Definition, Station},
    form::{LineMeaning, Lines},
    ids::OptionId,
    instant::Instant,
    protocol::{Protocol, ProtocolContent, Signatory, SignatoryRole, SignatoryStance},
    turnout::{TurnoutContent, TurnoutReport},
};

/// A protocol without fault.
pub(crate) fn right_protocol(
    definition: &Definition,
    station: &Station,
    contest: &Contest,
    revision: u8,
    votes: &[u32],
) -> Protocol {
    let mut options: Vec<OptionId> = contest.options.iter().map(|option| option.id.clone()).collect();
    options.sort_unstable();
    let votes: Vec<(OptionId, u32)> = options.into_iter().zip(votes.iter().copied()).collect();
    let against_all = contest.against_all.then_some(1);
    let valid = votes.iter().map(|(_, votes)| votes).sum::<u32>() + against_all.unwrap_or(0);
    let mut lines = Lines::default();
    for line in &definition.form_of(station, contest).lines {
        let count = match line.meaning {
            LineMeaning::VotersListed => station.register.max(valid + 1),
            LineMeaning::BallotsReceived => valid + 20,
            LineMeaning::BallotsIssued | LineMeaning::BallotsFound | LineMeaning::BallotsValid => valid,
            LineMeaning::BallotsUnused => 20,
            _ => 0,
        };
        lines.set(line.meaning, count);
    }
    let content = ProtocolContent {
        station: station.id.clone(),
        contest: contest.id.clone(),
        revision,
        lines,
        votes,
        against_all,
    };
    protocol(content, station.polls_close)
}

/// A protocol with this content and nothing special beside it.
pub(crate) fn protocol(content: ProtocolContent, signed_at: Instant) -> Protocol {
    Protocol {
        content,
        signed_at,
        supersedes: None,
        reason: None,
        correction_authority: None,
        signatories: Vec::new(),
        complaints: None,
        scan: None,
    }
}

/// Right or with a few slips.
pub(crate) fn random_content(
    random: &mut Random,
    definition: &Definition,
    station: &Station,
    contest: &Contest,
) -> ProtocolContent {
    let step = *random.pick(&[1, 5, 10]);
    let votes: Vec<u32> = contest.options.iter().map(|_| random.between(0, 6) * step).collect();
    let revision = u8::try_from(*random.pick(&[1, 1, 1, 2, 2, 3])).unwrap();
    let mut content = right_protocol(definition, station, contest, revision, &votes).content;
    if contest.against_all && random.chance(20) {
        against_all_draws_level(&mut content);
    }
    if random.chance(15) {
        everybody_voted(&mut content);
    }
    if random.chance(40) {
        for _ in 0..random.between(1, 3) {
            slip(random, definition, station, contest, &mut content);
        }
    }
    content
}

/// As many against all as for the strongest: no law was found for it, and chance alone hardly ever shows it.
fn against_all_draws_level(content: &mut ProtocolContent) {
    use LineMeaning::{BallotsFound, BallotsIssued, BallotsReceived, BallotsValid, VotersListed};
    let strongest = content.votes.iter().map(|(_, votes)| *votes).max().unwrap_or(0);
    let more = strongest.saturating_sub(content.against_all.unwrap_or(0));
    for meaning in [VotersListed, BallotsReceived, BallotsIssued, BallotsFound, BallotsValid] {
        if let Some(written) = content.lines.get(meaning) {
            content.lines.set(meaning, written + more);
        }
    }
    content.against_all = content.against_all.map(|before| before + more);
}

fn everybody_voted(content: &mut ProtocolContent) {
    let voted = content.lines.get(LineMeaning::BallotsFound).unwrap();
    content.lines.set(LineMeaning::VotersListed, voted);
}

fn slip(
    random: &mut Random,
    definition: &Definition,
    station: &Station,
    contest: &Contest,
    content: &mut ProtocolContent,
) {
    let form = definition.form_of(station, contest);
    let line = random.pick(&form.lines);
    let written = content.lines.get(line.meaning);
    match random.below(6) {
        0 if !line.required => content.lines.clear(line.meaning),
        1 => content.lines.set(line.meaning, random.between(0, 150)),
        2 => content.lines.set(line.meaning, swapped(written.unwrap_or(0))),
        3 => {
            let place = random.below(content.votes.len());
            content.votes[place].1 = swapped(content.votes[place].1);
        }
        4 => content.against_all = content.against_all.map(|_| random.between(0, 60)),
        _ => content.lines.set(line.meaning, written.unwrap_or(0) + random.between(0, 2)),
    }
}

/// The last two digits the other way round.
fn swapped(number: u32) -> u32 {
    number - number % 100 + number % 10 * 10 + number / 10 % 10
}

/// What stands beside the content: mostly nothing.
pub(crate) fn random_attributes(
    random: &mut Random,
    station: &Station,
    content: ProtocolContent,
    others: &[&ProtocolContent],
) -> Protocol {
    let shift = *random.pick(&[0, 0, 1, 60, -1, -60]);
    let mut protocol = protocol(content, Instant(station.polls_close.0 + shift));
    if random.chance(60) && !others.is_empty() {
        protocol.supersedes = Some(random.pick(others).digest());
    }
    let stances =
        [SignatoryStance::Signed, SignatoryStance::Signed, SignatoryStance::Refused, SignatoryStance::Dissenting];
    if random.chance(20) {
        let stance = *random.pick(&stances);
        protocol.signatories = vec![Signatory { role: SignatoryRole::Chair, name: String::new(), stance }];
    }
    protocol.complaints = random.chance(20).then(|| random.between(0, 2));
    protocol
}

pub(crate) fn random_report(random: &mut Random, definition: &Definition, station: &Station) -> TurnoutReport {
    let slot = random.pick(&definition.slots);
    let content = TurnoutContent {
        station: station.id.clone(),
        slot: slot.id.clone(),
        revision: u8::try_from(*random.pick(&[1, 1, 1, 2])).unwrap(),
        received_a_ballot: random.between(0, 12) * 10,
        register: random.between(9, 20) * 10,
    };
    TurnoutReport { content, signed_at: slot.at }
}
