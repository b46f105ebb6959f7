//! Faults of what comes in, and of the clock that it comes by.

use crate::{
    night::{Night, is_protocol},
    preload,
    random::Random,
    stage::Stage,
};
use bytes::Bytes;
use hattama_election::{
    ids::{ElectionId, ShardId},
    rules::RuleCode,
    submission::SubmissionBody,
};
use hattama_rehearsal::script::{Action, Event, Fate, Incident, RehearsalKeyring, Route};
use hattama_wire::{SignedSubmission, sign_submission};
use std::error::Error;

/// One event in so many is followed by poison of each kind: more than one percent each.
const EVENTS_TO_POISON: usize = 80;
/// Short garbage.
const GARBAGE_BYTES: usize = 300;
/// More than any submission may have, less than the log takes.
const OVERSIZE_BYTES: usize = 900 << 10;
/// How much of the poison is oversize: one in so many, or the log would hold little else.
const POISON_TO_OVERSIZE: usize = 10;
/// The library that makes a clock wrong.
const CLOCK: &str = include_str!("../clock_faults.c");

/// Garbage, forgeries and foreign submissions, through gateways and past them. Contested contents and genuine bytes under
/// another kind or in another shard are in every night.
pub fn poison(night: &mut Night, seed: u64) -> Result<(), Box<dyn Error>> {
    let keyring = RehearsalKeyring::new(&night.definition)?;
    let mut random = Random::new(seed);
    let foreign = ElectionId::new("another-election")?;
    let mut events = Vec::with_capacity(night.events.len() * 2);
    for event in std::mem::take(&mut night.events) {
        let is_followed = is_protocol(&event) && random.below(EVENTS_TO_POISON) == 0;
        events.push(event.clone());
        let Action::Send { signer, body: body @ SubmissionBody::Protocol(_) } = &event.action else { continue };
        if !is_followed {
            continue;
        }
        let Some(key) = keyring.key(&night.definition, signer)? else { continue };
        let genuine = sign_submission(&key, &night.definition.id, &night.definition.core_digest, body);
        let replayed = sign_submission(&key, &foreign, &night.definition.core_digest, body);
        let shard = ShardId(random.below(night.definition.shards as usize) as u32);
        let forgery = forged(&genuine, &mut random);
        for (submission, rule, why) in [
            (forgery, RuleCode::BadSignature, Incident::Forged),
            (replayed, RuleCode::ForeignElection, Incident::OtherElection),
        ] {
            let action = Action::SendSigned(submission);
            events.push(poisoned(&event, event.through, action.clone(), why, Fate::RefusedByGateway(rule)));
            let straight = Route::StraightIntoLog { shard };
            events.push(poisoned(&event, straight, action, why, Fate::RefusedInLog(rule)));
        }
        let bytes = if random.below(POISON_TO_OVERSIZE) == 0 { OVERSIZE_BYTES } else { GARBAGE_BYTES };
        let garbage: Bytes = (0..bytes).map(|_| random.below(256) as u8).collect();
        let fate = Fate::RefusedInLog(RuleCode::Malformed);
        let straight = Route::StraightIntoLog { shard };
        events.push(poisoned(&event, straight, Action::Raw(garbage), Incident::Garbage, fate));
    }
    night.events = events;
    Ok(())
}

fn poisoned(like: &Event, through: Route, action: Action, why: Incident, fate: Fate) -> Event {
    Event { number: 0, at: like.at, through, action, why, fate }
}

/// The same with one bit of its signature changed.
fn forged(genuine: &SignedSubmission, random: &mut Random) -> SignedSubmission {
    let mut forged = genuine.clone();
    let byte = random.below(forged.signature.len());
    forged.signature[byte] ^= 1;
    forged
}

/// Everything that goes through a gateway goes through three, and all of it but amendments and probes in random order.
pub fn three_ways(night: &mut Night, seed: u64) {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for event in std::mem::take(&mut night.events) {
        let is_first =
            matches!(&event.action, Action::Send { body: SubmissionBody::Amendment(_) | SubmissionBody::Probe(_), .. });
        let copies = match event.through {
            Route::Gateway(hint) => {
                (0..3).map(|way| Event { through: Route::Gateway(hint.wrapping_add(way)), ..event.clone() }).collect()
            }
            Route::StraightIntoLog { .. } => vec![event],
        };
        if is_first { first.extend(copies) } else { rest.extend(copies) }
    }
    Random::new(seed).shuffle(&mut rest);
    first.extend(rest);
    night.events = first;
}

/// One gateway, one aggregator and one replica see an hour earlier; the monotonic clock is everybody's.
pub fn wrong_clock(stage: &mut Stage<'_>) -> Result<(), Box<dyn Error>> {
    let library = preload::compiled(&stage.folder.canonicalize()?, "clock_faults", CLOCK)?;
    for services in [&mut stage.gateways, &mut stage.aggregators, &mut stage.nationals] {
        services[0].variable("LD_PRELOAD", &library);
        services[0].variable("HATTAMA_CLOCK_SHIFT_SECONDS", "-3600");
    }
    Ok(())
}
