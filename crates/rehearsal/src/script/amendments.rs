//! What changes on the day: one station gets a new key, another stays open longer.

use super::{
    Incident, RehearsalKeyring, ScriptError, Signer,
    dice::dealt,
    rates::{
        KEY_REPLACED_BEFORE_CLOSE_SECONDS, NEW_KEY_USED_AFTER_SECONDS, STAYS_OPEN_AMENDED_BEFORE_SECONDS,
        STAYS_OPEN_SECONDS,
    },
    scene::Scene,
};
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder},
    definition::AuthorityRole,
    ids::{AuthorityId, StationIndex},
    instant::Instant,
    submission::SubmissionBody,
};

pub(super) fn write(scene: &mut Scene<'_>, keyring: &RehearsalKeyring) -> Result<(), ScriptError> {
    let may_amend = |role| matches!(role, AuthorityRole::Central | AuthorityRole::Operator);
    let office = scene.definition.authorities.iter().find(|authority| may_amend(authority.role));
    let Some(author) = office.map(|authority| authority.id.clone()) else { return Ok(()) };
    let indices: Vec<StationIndex> = scene.stations.iter().map(|station| station.index).collect();
    let mut chosen =
        dealt(scene.seed, "amendments", indices, |index| vec![scene.station(*index).id.to_string()]).into_iter();
    if let Some(index) = chosen.next() {
        replace_key(scene, keyring, &author, index)?;
    }
    if let Some(index) = chosen.next() {
        keep_open(scene, &author, index);
    }
    Ok(())
}

fn replace_key(
    scene: &mut Scene<'_>,
    keyring: &RehearsalKeyring,
    author: &AuthorityId,
    index: StationIndex,
) -> Result<(), ScriptError> {
    let Some(key) = keyring.key(scene.definition, &Signer::StationWithNewKey(index))? else { return Ok(()) };
    let station = scene.station(index);
    let at = Instant(station.polls_close.0 - KEY_REPLACED_BEFORE_CLOSE_SECONDS);
    scene.new_key = Some((index, Instant(at.0 + NEW_KEY_USED_AFTER_SECONDS)));
    let change = Change::KeyReplaced { holder: KeyHolder::Station(station.id.clone()), key: key.public_key() };
    amend(scene, author, at, change, "the station's token was damaged", Incident::KeyReplaced);
    Ok(())
}

fn keep_open(scene: &mut Scene<'_>, author: &AuthorityId, index: StationIndex) {
    let station = scene.station(index);
    let closes = station.polls_close.0;
    scene.stays_open = Some(index);
    let change = Change::PollsClose { station: station.id.clone(), at: Instant(closes + STAYS_OPEN_SECONDS) };
    let at = Instant(closes - STAYS_OPEN_AMENDED_BEFORE_SECONDS);
    amend(scene, author, at, change, "the station had no power for an hour", Incident::StaysOpen);
}

fn amend(scene: &mut Scene<'_>, author: &AuthorityId, at: Instant, change: Change, reason: &str, why: Incident) {
    // numbered when everything is in order
    let content = AmendmentContent { number: 0, author: author.clone(), change };
    let body = SubmissionBody::Amendment(Amendment { content, reason: reason.to_owned(), signed_at: at });
    scene.send_from_authority(author, at, body, why);
    scene.expected.count(why);
}
