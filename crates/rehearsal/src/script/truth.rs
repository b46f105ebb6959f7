//! The truth of any definition: what each station would say if nobody erred, by its slots, contests and forms.

use super::ScriptError;
use crate::night::{NightTruth, ProtocolFigures, StationTruth, TurnoutFigures};
use hattama_election::{
    definition::{Contest, Definition, Station, Units},
    form::{LineMeaning, Lines},
    ids::{ContestIndex, StationId, StationIndex},
    protocol::ProtocolContent,
};

/// One station's truth.
pub(super) struct TrueStation {
    pub(super) index: StationIndex,
    /// By slot, in time order.
    pub(super) turnout: Vec<TurnoutFigures>,
    /// By contest, in the definition's order; revision 1.
    pub(super) protocols: Vec<(ContestIndex, ProtocolContent)>,
}

/// A generated night's truth in the terms of its definition, in the definition's order of stations.
pub(super) fn of_night(definition: &Definition, truth: &NightTruth) -> Result<Vec<TrueStation>, ScriptError> {
    let mut stations = Vec::with_capacity(truth.stations.len());
    for true_station in &truth.stations {
        stations.push(of_station(definition, true_station)?);
    }
    stations.sort_by_key(|station| station.index);
    let each_once = stations.windows(2).all(|pair| pair[0].index < pair[1].index);
    if !each_once || stations.len() != definition.stations.len() {
        return Err(ScriptError::foreign(format!(
            "a truth of {} stations for {}, each once,",
            stations.len(),
            definition.stations.len()
        )));
    }
    Ok(stations)
}

/// The content that says these figures: the lines that the form has, options in ascending order of their ids.
pub(super) fn content(
    definition: &Definition,
    station: &Station,
    contest: &Contest,
    figures: &ProtocolFigures,
) -> ProtocolContent {
    let form = definition.form_of(station, contest);
    let mut lines = Lines::default();
    form.lines.iter().for_each(|line| lines.set(line.meaning, line_of(figures, line.meaning)));
    let options = contest.options.iter().map(|option| option.id.clone());
    let mut votes: Vec<_> = options.zip(figures.options.iter().copied()).collect();
    votes.sort();
    ProtocolContent {
        station: station.id.clone(),
        contest: contest.id.clone(),
        revision: 1,
        lines,
        votes,
        against_all: contest.against_all.then_some(figures.against_all),
    }
}

fn of_station(definition: &Definition, truth: &StationTruth) -> Result<TrueStation, ScriptError> {
    let foreign = || ScriptError::foreign(format!("station {} or its contests and slots", truth.station));
    let id = StationId::new(&truth.station).map_err(|_| foreign())?;
    let (index, station) = definition.station(&id).ok_or_else(foreign)?;
    if truth.turnout.len() != definition.slots.len() {
        return Err(foreign());
    }
    let mut protocols = Vec::new();
    for place in definition.contests_of(station) {
        let contest = &definition.contests[usize::from(place.0)];
        let figures = match contest.units {
            Units::District(_) => truth.district.as_ref().ok_or_else(foreign)?,
            Units::All | Units::Regions(_) => &truth.list,
        };
        if figures.options.len() != contest.options.len() {
            return Err(foreign());
        }
        protocols.push((place, content(definition, station, contest, figures)));
    }
    Ok(TrueStation { index, turnout: truth.turnout.to_vec(), protocols })
}

fn line_of(figures: &ProtocolFigures, meaning: LineMeaning) -> u32 {
    match meaning {
        LineMeaning::VotersListed => figures.voters_listed,
        LineMeaning::VotersAdded => figures.voters_added,
        LineMeaning::BallotsReceived => figures.ballots_received,
        LineMeaning::BallotsIssued => figures.ballots_issued,
        LineMeaning::IssuedOutside => figures.issued_outside,
        LineMeaning::IssuedAbsentee => figures.issued_absentee,
        LineMeaning::BallotsUnused => figures.ballots_unused,
        LineMeaning::BallotsSpoiled => figures.ballots_spoiled,
        LineMeaning::BallotsFound => figures.ballots_found,
        LineMeaning::FoundPortable => figures.found_portable,
        LineMeaning::BallotsInvalid => figures.ballots_invalid,
        LineMeaning::BallotsValid => figures.ballots_valid,
    }
}
