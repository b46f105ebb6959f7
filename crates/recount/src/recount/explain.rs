//! Of two bodies that differ: the first thing that does, in words.

use hattama_election::{
    definition::{Definition, Station},
    form::LineMeaning,
    ids::ContestIndex,
};
use hattama_tally::{
    ContestFigures, OutcomesBody, PublicationBody, SubmissionOutcome, TallyBody, TurnoutTotals, Unit, UnitTotals,
};

/// What differs, what the recount comes to, what the export says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

fn explained(what: impl Into<String>, expected: impl ToString, found: impl ToString) -> Explained {
    Explained { what: what.into(), expected: expected.to_string(), found: found.to_string() }
}

/// Of a record that was read before and cannot be read again.
pub(crate) fn unread() -> Explained {
    explained("it is not what the recount comes to", "other bytes", "a body that changed while it was read")
}

/// The first offset of which two bodies of outcomes say different things, and what.
pub(crate) fn outcomes(expected: &OutcomesBody, found: &OutcomesBody) -> (Option<u64>, Explained) {
    let mut here = expected.outcomes.iter().peekable();
    let mut there = found.outcomes.iter().peekable();
    loop {
        let (offset, expected, found) = match (here.peek(), there.peek()) {
            (None, None) => return (None, explained("the record says something else than the recount", "", "")),
            (Some(a), Some(b)) if a == b => {
                here.next();
                there.next();
                continue;
            }
            (Some(a), Some(b)) if a.offset == b.offset => (a.offset, Some(*a), Some(*b)),
            (Some(a), Some(b)) if a.offset > b.offset => (b.offset, None, Some(*b)),
            (Some(a), _) => (a.offset, Some(*a), None),
            (None, Some(b)) => (b.offset, None, Some(*b)),
        };
        let what = format!("it says something else of the submission at offset {offset}");
        return (Some(offset), explained(what, outcome_text(expected), outcome_text(found)));
    }
}

fn outcome_text(outcome: Option<&SubmissionOutcome>) -> String {
    let Some(outcome) = outcome else { return "nothing new to say of it".into() };
    let rules: Vec<_> = outcome.rules.iter().map(|rule| rule.as_str()).collect();
    let duplicate = outcome.duplicate_of.map_or(String::new(), |of| format!(" of offset {of}"));
    format!("{}{duplicate} [{}], digest {}", outcome.outcome.as_str(), rules.join(", "), outcome.digest.short())
}

/// The first thing in which two tallies differ. Whether their records are the same is said apart.
pub(crate) fn tally(definition: &Definition, expected: &TallyBody, found: &TallyBody) -> Explained {
    if expected.chain != found.chain {
        let figures = first_figure(definition, expected, found)
            .map_or(String::new(), |figure| format!("; {}: {} and {}", figure.what, figure.expected, figure.found));
        let what = format!("it was folded from other records of the shard than those exported{figures}");
        return explained(
            what,
            format!("chained digest {}", expected.chain),
            format!("chained digest {}", found.chain),
        );
    }
    if expected.control_chain != found.control_chain {
        let what = "it was folded under other records of control than those exported";
        let text = |chain| format!("chained digest {chain}");
        return explained(what, text(expected.control_chain), text(found.control_chain));
    }
    if expected.fold_version != found.fold_version {
        return explained("the version of the fold differs", expected.fold_version, found.fold_version);
    }
    let unnamed = || explained("it is not what its records come to", "other bytes", "");
    first_figure(definition, expected, found).unwrap_or_else(unnamed)
}

fn first_figure(definition: &Definition, expected: &TallyBody, found: &TallyBody) -> Option<Explained> {
    let contests = expected.contests.iter().zip(&found.contests).find_map(|(a, b)| {
        let contest = definition.contests[usize::from(a.contest.0)].id.as_str();
        let (unit, a, b) = a.units.iter().zip(&b.units).find_map(|(a, b)| (a != b).then_some((a.0, &a.1, &b.1)))?;
        Some(totals(definition, contest, &unit_text(definition, unit), a, b))
    });
    let turnout = || {
        let (a, b) = expected.turnout.iter().zip(&found.turnout).find(|(a, b)| a != b)?;
        let slot = definition.slots[usize::from(a.slot.0)].id.as_str();
        let what = format!("turnout at {slot} in {} differs", unit_text(definition, a.unit));
        Some(explained(what, turnout_text(a), turnout_text(b)))
    };
    let records = || {
        let text =
            |tally: &TallyBody| format!("{} records, by outcome {:?}", tally.records.records, tally.records.by_outcome);
        (expected.records != found.records).then(|| explained("records by outcome differ", text(expected), text(found)))
    };
    let shape = || {
        (expected.contests.len() != found.contests.len() || expected.turnout.len() != found.turnout.len())
            .then(|| explained("it has other contests or slots", expected.contests.len(), found.contests.len()))
    };
    contests.or_else(turnout).or_else(records).or_else(shape)
}

fn totals(definition: &Definition, contest: &str, unit: &str, expected: &UnitTotals, found: &UnitTotals) -> Explained {
    let place = expected.votes.iter().zip(&found.votes).position(|(a, b)| a != b);
    if let Some(place) = place {
        let option = definition
            .contests
            .iter()
            .find(|of| of.id.as_str() == contest)
            .and_then(|of| of.options.get(place))
            .map_or("", |option| option.id.as_str());
        let what = format!("votes for {option} in {contest} over {unit} differ");
        return explained(what, expected.votes[place], found.votes[place]);
    }
    if expected.against_all != found.against_all {
        let what = format!("votes against all in {contest} over {unit} differ");
        return explained(what, expected.against_all, found.against_all);
    }
    if expected.stations != found.stations {
        let what = format!("stations by state in {contest} over {unit} differ");
        return explained(what, format!("{:?}", expected.stations), format!("{:?}", found.stations));
    }
    let line = LineMeaning::ALL.into_iter().find(|line| expected.line(*line) != found.line(*line));
    match line {
        Some(line) => {
            let text =
                |totals: &UnitTotals| format!("{} in {} protocols", totals.line(line).sum, totals.line(line).written);
            explained(format!("line {line} in {contest} over {unit} differs"), text(expected), text(found))
        }
        None => explained(format!("totals of {contest} over {unit} differ"), "", ""),
    }
}

fn unit_text(definition: &Definition, unit: Unit) -> String {
    match unit {
        Unit::Region(index) => format!("region {}", definition.regions[usize::from(index.0)].id),
        Unit::Territory(index) => format!("territory {}", definition.territories[usize::from(index.0)].id),
        Unit::District(index) => format!("district {}", definition.districts[usize::from(index.0)].id),
    }
}

fn turnout_text(totals: &TurnoutTotals) -> String {
    let TurnoutTotals { received_a_ballot, register, reported, stations, .. } = totals;
    format!("{received_a_ballot} of {register} voters, {reported} of {stations} stations")
}

/// True for a station that a difference of two tallies may come from: one of a territory whose figures differ, or any
/// when no figure does.
pub(crate) fn may_come_from(
    definition: &Definition,
    expected: &TallyBody,
    found: &TallyBody,
    station: &Station,
) -> bool {
    let mut any = false;
    for (a, b) in expected.contests.iter().zip(&found.contests) {
        for ((unit, a_totals), (_, b_totals)) in a.units.iter().zip(&b.units) {
            if a_totals == b_totals {
                continue;
            }
            any = true;
            if is_territory_of(*unit, station) && holds(definition, station, a.contest) {
                return true;
            }
        }
    }
    for (a, b) in expected.turnout.iter().zip(&found.turnout).filter(|(a, b)| a != b) {
        any = true;
        if a.unit == b.unit && is_territory_of(a.unit, station) {
            return true;
        }
    }
    !any
}

fn is_territory_of(unit: Unit, station: &Station) -> bool {
    unit == Unit::Territory(station.territory)
}

fn holds(definition: &Definition, station: &Station, contest: ContestIndex) -> bool {
    definition.holds(station, &definition.contests[usize::from(contest.0)])
}

/// The first thing in which two publications differ.
pub(crate) fn publication(definition: &Definition, expected: &PublicationBody, found: &PublicationBody) -> Explained {
    let contest = expected.contests.iter().zip(&found.contests).find(|(a, b)| a != b);
    if let Some((a, b)) = contest {
        let id = &definition.contests[usize::from(a.contest.0)].id;
        return explained(format!("the nation's figures of {id} differ"), figures_text(a), figures_text(b));
    }
    if let Some((a, b)) = expected.turnout.iter().zip(&found.turnout).find(|(a, b)| a != b) {
        let slot = &definition.slots[usize::from(a.slot.0)].id;
        return explained(format!("the nation's turnout at {slot} differs"), format!("{a:?}"), format!("{b:?}"));
    }
    if expected.units_digest != found.units_digest {
        let what = "totals of regions, territories or districts differ, though the nation's do not";
        return explained(what, format!("digest {}", expected.units_digest), format!("digest {}", found.units_digest));
    }
    if expected.records != found.records {
        let text = |body: &PublicationBody| format!("{:?}", body.records);
        return explained("records by outcome differ", text(expected), text(found));
    }
    explained("it is not what its vector comes to", "other bytes", "")
}

fn figures_text(figures: &ContestFigures) -> String {
    format!(
        "{} of {} stations, {} votes, {} against all, {:?}",
        figures.stations.counted, figures.stations.expected, figures.votes_sum, figures.against_all, figures.detail
    )
}
