//! What an intruder writes past the gateways: the aggregators must refuse it by themselves.

use super::{
    Action, Event, Fate, Incident, RehearsalKeyring, Route, ScriptError,
    rates::INTRUSION_MINUTES,
    refusals::{forged, of_another_election, some_protocol},
    scene::Scene,
};
use bytes::Bytes;
use hattama_election::{
    definition::Definition,
    ids::{ShardId, StationIndex},
    instant::Instant,
    routing::home_shard,
    rules::RuleCode,
    submission::{Kind, SubmissionBody},
};
use hattama_wire::{SignedMessage, SignedSubmission};

/// A record of garbage has so many bytes.
const GARBAGE_BYTES: usize = 64;

pub(super) fn write(scene: &mut Scene<'_>, keyring: &RehearsalKeyring) -> Result<(), ScriptError> {
    for nth in 0..scene.rates.intrusions_of_each_kind {
        garbage(scene, nth);
        signed_wrongly(scene, keyring, nth)?;
        presented_as_protocol(scene, keyring, nth)?;
        wrong_shard(scene, nth);
    }
    Ok(())
}

fn garbage(scene: &mut Scene<'_>, nth: u32) {
    let Some((index, at, _)) = some_protocol(scene, &format!("garbage {nth}")) else { return };
    let mut dice = scene.dice("garbage", &[&nth.to_string()]);
    let bytes: Bytes = (0..GARBAGE_BYTES).map(|_| dice.below(256) as u8).collect();
    intrude(scene, at, scene.station(index).shard, Action::Raw(bytes), Incident::Garbage, RuleCode::Malformed);
}

fn signed_wrongly(scene: &mut Scene<'_>, keyring: &RehearsalKeyring, nth: u32) -> Result<(), ScriptError> {
    type Sign =
        fn(&Definition, &RehearsalKeyring, StationIndex, &SubmissionBody) -> Result<SignedSubmission, ScriptError>;
    let kinds: [(Incident, RuleCode, Sign); 2] = [
        (Incident::Forged, RuleCode::BadSignature, forged),
        (Incident::OtherElection, RuleCode::ForeignElection, of_another_election),
    ];
    for (why, rule, sign) in kinds {
        let Some((index, at, protocol)) = some_protocol(scene, &format!("intruding {why:?} {nth}")) else { continue };
        let submission = sign(scene.definition, keyring, index, &SubmissionBody::Protocol(protocol))?;
        intrude(scene, at, scene.station(index).shard, Action::SendSigned(submission), why, rule);
    }
    Ok(())
}

/// A genuine turnout report whose kind is overwritten: what was signed as one kind cannot be read as another (design, D6).
fn presented_as_protocol(scene: &mut Scene<'_>, keyring: &RehearsalKeyring, nth: u32) -> Result<(), ScriptError> {
    let Some(report) = some_sent(scene, Kind::Turnout, nth) else { return Ok(()) };
    let Some(shard) = home(scene, &report) else { return Ok(()) };
    let Some(genuine) = report.sign(keyring, scene.definition)?.submission else { return Ok(()) };
    let message = SignedMessage::parse(&genuine.signed).map_err(|error| ScriptError::foreign(error.to_string()))?;
    let signed = SignedMessage { kind: Kind::Protocol.as_str(), ..message }.encode();
    let action = Action::SendSigned(SignedSubmission { signed, ..genuine });
    let at = later(scene, &report, nth);
    intrude(scene, at, shard, action, Incident::PresentedAsProtocol, RuleCode::BadSignature);
    Ok(())
}

/// A genuine protocol, byte by byte, in another shard.
fn wrong_shard(scene: &mut Scene<'_>, nth: u32) {
    let Some(protocol) = some_sent(scene, Kind::Protocol, nth) else { return };
    let Some(shard) = home(scene, &protocol) else { return };
    // the next station shard; where there is but one, control
    let stations = scene.definition.shards.saturating_sub(1);
    let other = if stations > 1 { ShardId(shard.0 % stations + 1) } else { ShardId::CONTROL };
    let at = later(scene, &protocol, nth);
    intrude(scene, at, other, protocol.action, Incident::WrongShard, RuleCode::WrongShard);
}

fn intrude(scene: &mut Scene<'_>, at: Instant, shard: ShardId, action: Action, why: Incident, rule: RuleCode) {
    scene.push(at, Route::StraightIntoLog { shard }, action, why, Fate::RefusedInLog(rule));
    scene.expected.count(why);
}

/// One of the undisturbed submissions of a kind.
fn some_sent(scene: &Scene<'_>, kind: Kind, nth: u32) -> Option<Event> {
    let is_one = |event: &&Event| {
        let is_kind = matches!(&event.action, Action::Send { body, .. } if body.kind() == kind);
        is_kind && event.why == Incident::Ordinary
    };
    let sent: Vec<&Event> = scene.events.iter().filter(is_one).collect();
    let mut dice = scene.dice("copied", &[kind.as_str(), &nth.to_string()]);
    dice.one_of(&sent).map(|event| Event::clone(event))
}

fn home(scene: &Scene<'_>, event: &Event) -> Option<ShardId> {
    match &event.action {
        Action::Send { body, .. } => home_shard(scene.definition, body),
        Action::SendSigned(_) | Action::Raw(_) => None,
    }
}

fn later(scene: &Scene<'_>, event: &Event, nth: u32) -> Instant {
    let mut dice = scene.dice("copied later", &[&nth.to_string(), &event.at.0.to_string()]);
    Instant(event.at.0 + dice.seconds_within(&INTRUSION_MINUTES))
}
