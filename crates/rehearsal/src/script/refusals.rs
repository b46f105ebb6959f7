//! What a gateway must refuse: faulty software at a station, and forgers.

use super::{
    Action, Fate, Incident, RehearsalKeyring, ScriptError, Signer,
    protocols::{first_protocol_at, plain_protocol},
    rates::INTRUSION_MINUTES,
    scene::Scene,
};
use hattama_election::{
    definition::Definition,
    ids::{ElectionId, StationId, StationIndex},
    instant::Instant,
    protocol::{MAX_COUNT, Protocol},
    rules::RuleCode,
    submission::SubmissionBody,
};
use hattama_wire::{SignedSubmission, SigningKey, sign_submission};

/// A station that no definition has, and an election that none is.
const NO_STATION: &str = "no-such-station";
const OTHER_ELECTION: &str = "another-election";

pub(super) fn write(scene: &mut Scene<'_>, keyring: &RehearsalKeyring) -> Result<(), ScriptError> {
    let kinds = [
        (Incident::UnknownStation, RuleCode::UnknownStation),
        (Incident::WrongOptions, RuleCode::OptionsMismatch),
        (Incident::CountOutOfRange, RuleCode::CountOutOfRange),
        (Incident::Forged, RuleCode::BadSignature),
        (Incident::OtherElection, RuleCode::ForeignElection),
    ];
    for (why, rule) in kinds {
        for nth in 0..scene.rates.refused_of_each_kind {
            let Some((index, at, protocol)) = some_protocol(scene, &format!("refused {why:?} {nth}")) else { continue };
            let through = scene.gateway(&format!("{why:?} {nth}"));
            let action = action(scene.definition, keyring, why, index, protocol)?;
            scene.push(at, through, action, why, Fate::RefusedByGateway(rule));
            scene.expected.count(why);
        }
    }
    Ok(())
}

/// Some station's protocol as it would sign it a while after the true one.
pub(super) fn some_protocol(scene: &Scene<'_>, purpose: &str) -> Option<(StationIndex, Instant, Protocol)> {
    let mut dice = scene.dice(purpose, &[]);
    let station = dice.one_of(scene.stations)?;
    let (_, content) = station.protocols.first()?;
    let at = Instant(first_protocol_at(scene, station.index).0 + dice.seconds_within(&INTRUSION_MINUTES));
    Some((station.index, at, plain_protocol(content.clone(), at, false)))
}

/// A submission in a station's name, signed by somebody else.
pub(super) fn forged(
    definition: &Definition,
    keyring: &RehearsalKeyring,
    index: StationIndex,
    body: &SubmissionBody,
) -> Result<SignedSubmission, ScriptError> {
    let genuine = sign_submission(
        &key(definition, keyring, &Signer::Station(index))?,
        &definition.id,
        &definition.core_digest,
        body,
    );
    // a key that nobody holds
    let forger = key(definition, keyring, &Signer::StationWithNewKey(index))?;
    Ok(SignedSubmission { signature: forger.sign(&genuine.signed), ..genuine })
}

/// A submission that a station signed for another election.
pub(super) fn of_another_election(
    definition: &Definition,
    keyring: &RehearsalKeyring,
    index: StationIndex,
    body: &SubmissionBody,
) -> Result<SignedSubmission, ScriptError> {
    let election = ElectionId::new(OTHER_ELECTION).map_err(|_| ScriptError::foreign(OTHER_ELECTION))?;
    let key = key(definition, keyring, &Signer::Station(index))?;
    Ok(sign_submission(&key, &election, &definition.core_digest, body))
}

/// A signer's key.
pub(super) fn key(
    definition: &Definition,
    keyring: &RehearsalKeyring,
    signer: &Signer,
) -> Result<SigningKey, ScriptError> {
    keyring.key(definition, signer)?.ok_or_else(|| ScriptError::foreign(format!("{signer:?}")))
}

fn action(
    definition: &Definition,
    keyring: &RehearsalKeyring,
    why: Incident,
    index: StationIndex,
    mut protocol: Protocol,
) -> Result<Action, ScriptError> {
    let content = &mut protocol.content;
    match why {
        Incident::UnknownStation => {
            content.station = StationId::new(NO_STATION).map_err(|_| ScriptError::foreign(NO_STATION))?;
        }
        Incident::WrongOptions => {
            content.votes.pop();
        }
        Incident::CountOutOfRange => content.votes.iter_mut().take(1).for_each(|(_, votes)| *votes += MAX_COUNT + 1),
        _ => {}
    }
    let body = SubmissionBody::Protocol(protocol);
    Ok(match why {
        Incident::Forged => Action::SendSigned(forged(definition, keyring, index, &body)?),
        Incident::OtherElection => Action::SendSigned(of_another_election(definition, keyring, index, &body)?),
        _ => Action::Send { signer: Signer::Station(index), body },
    })
}
