//! What is impossible in an amendment.

use super::{Faults, ascends};
use crate::{
    amendment::{Amendment, Change, KeyHolder, MAX_LOST_RANGES, MAX_STILL_VALID, RecordRange},
    definition::{Definition, Holder},
    ids::{ContestId, OptionId, StationId},
    key::PublicKey,
    rules::{Field, RuleCode, Violation},
};

/// What is impossible in an amendment. Whether it is its turn, the fold says (`AMENDMENT_GAP`).
#[must_use]
pub fn amendment(definition: &Definition, amendment: &Amendment) -> Vec<Violation> {
    let mut faults = Faults::default();
    faults.reason(&amendment.reason);
    faults.require(amendment.content.number >= 1, RuleCode::RulingImpossible, "number");
    faults.require(definition.authority(&amendment.content.author).is_some(), RuleCode::RulingImpossible, "author");
    match &amendment.content.change {
        Change::KeyReplaced { holder, key } => key_replaced(definition, holder, key, &mut faults),
        // The key itself may be one that an earlier amendment brought: only the fold knows those.
        Change::KeyRevoked { still_valid, .. } => {
            faults.length("still_valid", still_valid.len(), MAX_STILL_VALID);
            faults.require(ascends(still_valid), RuleCode::RulingImpossible, "still_valid");
        }
        Change::OptionWithdrawn { contest, option } => option_withdrawn(definition, contest, option, &mut faults),
        Change::StationClosed { station } | Change::PollsClose { station, .. } => {
            known_station(definition, station, &mut faults);
        }
        Change::SeverityChanged { rule, severity } => {
            faults.require(rule.may_change_to(*severity), RuleCode::RulingImpossible, "severity");
        }
        Change::FoldVersion { version } => faults.require(*version >= 1, RuleCode::RulingImpossible, "version"),
        Change::RecordsLost { generation, ranges } => {
            faults.require(*generation >= 1, RuleCode::RulingImpossible, "generation");
            faults.length("ranges", ranges.len(), MAX_LOST_RANGES);
            faults.require(are_records(definition, ranges), RuleCode::RulingImpossible, "ranges");
        }
    }
    faults.0
}

/// The holder exists, and the key is nobody else's: a key must say who signed.
fn key_replaced(definition: &Definition, holder: &KeyHolder, key: &PublicKey, faults: &mut Faults) {
    let owner = definition.key(&key.id()).map(|(_, owner)| owner);
    let others = |is_own: &dyn Fn(Holder) -> bool| owner.is_some_and(|owner| !is_own(owner));
    let of_another = match holder {
        KeyHolder::Station(id) => {
            known_station(definition, id, faults);
            let own = definition.station(id).map(|(index, _)| Holder::Station(index));
            others(&|owner| own == Some(owner))
        }
        KeyHolder::Authority(id) => {
            faults.require(definition.authority(id).is_some(), RuleCode::RulingImpossible, "holder");
            others(&|owner| match owner {
                Holder::Authority(index) => {
                    definition.authorities.get(usize::from(index)).is_some_and(|authority| authority.id == *id)
                }
                _ => false,
            })
        }
    };
    faults.require(!of_another, RuleCode::RulingImpossible, "key");
}

/// Of shards that exist, behind the genesis, ascending and none twice; at least one.
fn are_records(definition: &Definition, ranges: &[RecordRange]) -> bool {
    let is_one =
        |range: &RecordRange| range.shard.0 < definition.shards && 1 <= range.first && range.first <= range.last;
    let ascends = |pair: &[RecordRange]| (pair[0].shard, pair[0].last) < (pair[1].shard, pair[1].first);
    !ranges.is_empty() && ranges.iter().all(is_one) && ranges.windows(2).all(ascends)
}

fn option_withdrawn(definition: &Definition, contest: &ContestId, option: &OptionId, faults: &mut Faults) {
    let Some((_, contest)) = definition.contest(contest) else {
        faults.named(RuleCode::UnknownContest, "contest");
        return;
    };
    if !contest.options.iter().any(|known| known.id == *option) {
        faults.push(Violation::new(RuleCode::RulingImpossible, Field::Option(option.clone())));
    }
}

fn known_station(definition: &Definition, station: &StationId, faults: &mut Faults) {
    faults.require(definition.station(station).is_some(), RuleCode::UnknownStation, "station");
}
