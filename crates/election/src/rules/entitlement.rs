//! Who may say what. A key speaks for its holder alone: a station for itself, a commission within its scope.

use crate::{
    decision::{Decision, Ruling},
    definition::{Authority, AuthorityRole, Contest, Definition, Holder, Station, Units},
    ids::StationId,
    submission::{CommissionProtocol, ProbeSender, SubmissionBody},
};

/// Whether the holder of the key may sign this. What the body names may not exist: then only a holder that may speak of
/// everything is entitled, and the checks of `impossible` name the field.
///
/// A ruling on a content does not say for which contest that is: a commission is entitled here where the station lies in
/// its scope, and the fold asks [`decides_on`] when it knows the content.
#[must_use]
pub fn entitled(definition: &Definition, holder: Holder, body: &SubmissionBody) -> bool {
    match holder {
        Holder::Station(index) => {
            definition.stations.get(index.0 as usize).is_some_and(|station| station_may_say(station, body))
        }
        Holder::Authority(index) => definition
            .authorities
            .get(usize::from(index))
            .is_some_and(|authority| authority_may_say(definition, authority, body)),
        Holder::Service(index) => definition.services.get(usize::from(index)).is_some_and(|service| match body {
            SubmissionBody::Probe(probe) => probe.from == ProbeSender::Service(service.id.clone()),
            _ => false,
        }),
    }
}

/// Whether an authority decides on a contest's contents at a station: a district's commission on that district's contest,
/// a territory's on every other, the central one on all.
#[must_use]
pub fn decides_on(role: &AuthorityRole, station: &Station, contest: &Contest) -> bool {
    in_scope(*role, station) && answers_for(*role, contest)
}

/// How high an authority stands: of two decisions on one thing, the one of the higher rank holds. Those that decide
/// nothing have rank 0; commissions of territories and districts never decide on the same thing.
#[must_use]
pub fn authority_rank(role: &AuthorityRole) -> u8 {
    match role {
        AuthorityRole::Importer | AuthorityRole::Operator => 0,
        AuthorityRole::Territorial(_) | AuthorityRole::District(_) => 1,
        AuthorityRole::Central => 2,
    }
}

fn station_may_say(station: &Station, body: &SubmissionBody) -> bool {
    match body {
        SubmissionBody::Protocol(protocol) => protocol.content.station == station.id,
        SubmissionBody::Turnout(report) => report.content.station == station.id,
        SubmissionBody::Probe(probe) => probe.from == ProbeSender::Station(station.id.clone()),
        SubmissionBody::CommissionProtocol(_) | SubmissionBody::Decision(_) | SubmissionBody::Amendment(_) => false,
    }
}

fn authority_may_say(definition: &Definition, authority: &Authority, body: &SubmissionBody) -> bool {
    match body {
        SubmissionBody::Protocol(_) | SubmissionBody::Turnout(_) => {
            authority.role == AuthorityRole::Importer
                && definition.rehearsal.as_ref().is_some_and(|rehearsal| rehearsal.importer)
        }
        SubmissionBody::CommissionProtocol(protocol) => may_total(definition, authority, protocol),
        SubmissionBody::Decision(decision) => may_decide(definition, authority, decision),
        SubmissionBody::Amendment(amendment) => {
            amendment.content.author == authority.id
                && matches!(authority.role, AuthorityRole::Central | AuthorityRole::Operator)
        }
        SubmissionBody::Probe(probe) => probe.from == ProbeSender::Authority(authority.id.clone()),
    }
}

fn may_total(definition: &Definition, authority: &Authority, protocol: &CommissionProtocol) -> bool {
    let contest = definition.contest(&protocol.content.contest).map(|(_, contest)| contest);
    let answers =
        contest.map_or(authority.role == AuthorityRole::Central, |contest| answers_for(authority.role, contest));
    protocol.content.author == authority.id && answers
}

fn may_decide(definition: &Definition, authority: &Authority, decision: &Decision) -> bool {
    if decision.content.author != authority.id || authority_rank(&authority.role) == 0 {
        return false;
    }
    if authority.role == AuthorityRole::Central {
        return true;
    }
    let station = |id: &StationId| definition.station(id).map(|(_, station)| station);
    match &decision.content.ruling {
        Ruling::Confirm { station: id, .. }
        | Ruling::Annul { station: id, .. }
        | Ruling::Choose { station: id, .. } => station(id).is_some_and(|station| in_scope(authority.role, station)),
        Ruling::AnnulStation { station: id, contest } => match (station(id), definition.contest(contest)) {
            (Some(station), Some((_, contest))) => decides_on(&authority.role, station, contest),
            _ => false,
        },
        Ruling::ResolveTie { .. } => false,
    }
}

/// Whether the station lies in the commission's area.
fn in_scope(role: AuthorityRole, station: &Station) -> bool {
    match role {
        AuthorityRole::Importer | AuthorityRole::Operator => false,
        AuthorityRole::Territorial(territory) => station.territory == territory,
        AuthorityRole::District(district) => station.district == Some(district),
        AuthorityRole::Central => true,
    }
}

/// Whether the contest is of the commission's kind.
fn answers_for(role: AuthorityRole, contest: &Contest) -> bool {
    match role {
        AuthorityRole::Importer | AuthorityRole::Operator => false,
        AuthorityRole::Territorial(_) => !matches!(contest.units, Units::District(_)),
        AuthorityRole::District(district) => contest.units == Units::District(district),
        AuthorityRole::Central => true,
    }
}

#[cfg(test)]
mod tests;
