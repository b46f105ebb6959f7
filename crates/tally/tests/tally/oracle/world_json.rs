//! A world as the oracle reads it (`tests/oracle/README.md`).

use crate::common::{opener::Sent, world::World};
use hattama_election::{
    amendment::{Change, KeyHolder},
    decision::Ruling,
    definition::{AgainstAllAhead, AuthorityRole, Contest, Definition, ListAllocationRule, Method, Units, VoteBase},
    protocol::{Protocol, SignatoryStance},
    submission::SubmissionBody,
};
use serde_json::{Map, Value, json};

pub(crate) fn world(world: &World) -> Value {
    let submissions: Vec<Value> = world.sent.iter().filter_map(submission).collect();
    json!({ "definition": definition(&world.definition), "submissions": submissions })
}

fn definition(of: &Definition) -> Value {
    let region = |place: hattama_election::definition::RegionIndex| of.regions[usize::from(place.0)].id.as_str();
    let territories = of.territories.iter().map(|place| json!({ "id": place.id, "region": region(place.region) }));
    let districts = of.districts.iter().map(|place| json!({ "id": place.id, "region": region(place.region) }));
    let stations = of.stations.iter().map(|station| {
        json!({
            "id": station.id,
            "region": region(station.region),
            "territory": of.territories[usize::from(station.territory.0)].id,
            "district": station.district.map(|district| of.districts[usize::from(district.0)].id.as_str()),
            "register": station.register,
            "polls_close": station.polls_close.0,
            "key": station.key.id().to_string(),
        })
    });
    let authorities = of.authorities.iter().map(|authority| {
        let (role, unit) = match authority.role {
            AuthorityRole::Importer => unreachable!("no world has an importer"),
            AuthorityRole::Operator => ("operator", None),
            AuthorityRole::Central => ("central", None),
            AuthorityRole::Territorial(place) => {
                ("territorial", Some(of.territories[usize::from(place.0)].id.as_str()))
            }
            AuthorityRole::District(place) => ("district", Some(of.districts[usize::from(place.0)].id.as_str())),
        };
        json!({ "id": authority.id, "role": role, "unit": unit, "key": authority.key.id().to_string() })
    });
    let severities: Map<String, Value> =
        of.severities.iter().map(|(code, severity)| (code.to_string(), json!(severity))).collect();
    json!({
        "regions": of.regions.iter().map(|region| region.id.as_str()).collect::<Vec<_>>(),
        "territories": territories.collect::<Vec<_>>(),
        "districts": districts.collect::<Vec<_>>(),
        "contests": of.contests.iter().map(|each| contest(of, each)).collect::<Vec<_>>(),
        "slots": of.slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>(),
        "stations": stations.collect::<Vec<_>>(),
        "authorities": authorities.collect::<Vec<_>>(),
        "severities": severities,
    })
}

fn contest(definition: &Definition, contest: &Contest) -> Value {
    let units = match &contest.units {
        Units::All => json!("all"),
        Units::District(place) => json!({ "district": definition.districts[usize::from(place.0)].id }),
        Units::Regions(_) => unreachable!("no world has a contest of regions"),
    };
    let form = definition.forms[contest.form].lines.iter();
    json!({
        "id": contest.id,
        "units": units,
        "form": form.map(|line| json!({ "meaning": line.meaning, "required": line.required })).collect::<Vec<_>>(),
        "against_all": contest.against_all,
        "options": contest.options.iter().map(|option| option.id.as_str()).collect::<Vec<_>>(),
        "method": method(&contest.method),
    })
}

fn method(method: &Method) -> Value {
    match method {
        Method::Plurality(plurality) => {
            let ahead = match plurality.against_all_ahead.value {
                AgainstAllAhead::SeatOpen => "seat-open",
                AgainstAllAhead::Ignored => "ignored",
            };
            json!({ "kind": "plurality", "against_all_ahead": ahead })
        }
        Method::List(list) => {
            let allocation = match list.allocation.value {
                ListAllocationRule::HareLargestRemainder => "hare-largest-remainder",
                ListAllocationRule::DHondt => "d-hondt",
            };
            let threshold = list.threshold.as_ref().map(|threshold| {
                let of = match threshold.of.value {
                    VoteBase::ValidIncludingAgainstAll => "valid_including_against_all",
                    VoteBase::ValidWithoutAgainstAll => "valid_without_against_all",
                    VoteBase::TookPart => "took_part",
                };
                json!({ "numerator": threshold.numerator, "denominator": threshold.denominator, "of": of })
            });
            json!({
                "kind": "list",
                "seats": list.seats,
                "allocation": allocation,
                "threshold": threshold,
                "sole_list_runner_up_minimum": list.sole_list_runner_up_minimum.as_ref().map(|minimum| minimum.value),
            })
        }
    }
}

/// What the oracle knows of: a commission's own protocol and a probe count for nothing.
fn submission(sent: &Sent) -> Option<Value> {
    let submission = &sent.submission;
    let (kind, says) = match &submission.body {
        SubmissionBody::Protocol(body) => ("protocol", protocol(body)),
        SubmissionBody::Turnout(report) => {
            let content = &report.content;
            let says = json!({
                "station": content.station,
                "slot": content.slot,
                "revision": content.revision,
                "received_a_ballot": content.received_a_ballot,
                "register": content.register,
                "signed_at": report.signed_at.0,
            });
            ("turnout", says)
        }
        SubmissionBody::Decision(decision) => {
            let content = &decision.content;
            let says = json!({ "author": content.author, "number": content.number, "ruling": ruling(&content.ruling) });
            ("decision", says)
        }
        SubmissionBody::Amendment(amendment) => {
            let content = &amendment.content;
            let says = json!({ "author": content.author, "number": content.number, "change": change(&content.change) });
            ("amendment", says)
        }
        SubmissionBody::CommissionProtocol(_) | SubmissionBody::Probe(_) => return None,
    };
    let Value::Object(mut says) = says else { return None };
    says.insert("kind".into(), json!(kind));
    says.insert("digest".into(), json!(submission.digest));
    says.insert("content".into(), json!(submission.body.content_digest()));
    says.insert("key".into(), json!(submission.key));
    Some(Value::Object(says))
}

fn protocol(protocol: &Protocol) -> Value {
    let content = &protocol.content;
    let lines: Map<String, Value> =
        content.lines.written().map(|(meaning, count)| (meaning.to_string(), json!(count))).collect();
    let votes: Map<String, Value> =
        content.votes.iter().map(|(option, votes)| (option.to_string(), json!(votes))).collect();
    json!({
        "station": content.station,
        "contest": content.contest,
        "revision": content.revision,
        "lines": lines,
        "votes": votes,
        "against_all": content.against_all,
        "signed_at": protocol.signed_at.0,
        "supersedes": protocol.supersedes,
        "dissent": protocol.signatories.iter().any(|signatory| signatory.stance != SignatoryStance::Signed),
        "complaints": protocol.complaints,
    })
}

fn ruling(ruling: &Ruling) -> Value {
    match ruling {
        Ruling::Confirm { station, content } => json!({ "kind": "confirm", "station": station, "content": content }),
        Ruling::Annul { station, content } => json!({ "kind": "annul", "station": station, "content": content }),
        Ruling::AnnulStation { station, contest } => {
            json!({ "kind": "annul_station", "station": station, "contest": contest })
        }
        Ruling::Choose { station, chosen, set_aside } => {
            json!({ "kind": "choose", "station": station, "chosen": chosen, "set_aside": set_aside })
        }
        Ruling::ResolveTie { contest, between, seats, winners } => json!({
            "kind": "resolve_tie", "contest": contest, "between": between, "seats": seats, "winners": winners,
        }),
    }
}

fn change(change: &Change) -> Value {
    match change {
        Change::KeyReplaced { holder, key } => {
            let holder = match holder {
                KeyHolder::Station(station) => json!({ "station": station }),
                KeyHolder::Authority(authority) => json!({ "authority": authority }),
            };
            json!({ "kind": "key_replaced", "holder": holder, "key": key.id() })
        }
        Change::KeyRevoked { key, still_valid } => {
            json!({ "kind": "key_revoked", "key": key, "still_valid": still_valid })
        }
        Change::OptionWithdrawn { contest, option } => {
            json!({ "kind": "option_withdrawn", "contest": contest, "option": option })
        }
        Change::StationClosed { station } => json!({ "kind": "station_closed", "station": station }),
        Change::PollsClose { station, at } => json!({ "kind": "polls_close", "station": station, "at": at.0 }),
        Change::SeverityChanged { rule, severity } => {
            json!({ "kind": "severity_changed", "rule": rule, "severity": severity })
        }
        Change::FoldVersion { version } => json!({ "kind": "fold_version", "version": version }),
        Change::RecordsLost { generation, ranges } => {
            let ranges: Vec<_> = ranges.iter().map(|range| json!([range.shard, range.first, range.last])).collect();
            json!({ "kind": "records_lost", "generation": generation, "ranges": ranges })
        }
    }
}
