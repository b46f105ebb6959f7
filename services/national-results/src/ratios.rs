//! Ratios by name, each with its numerator, its denominator and whether it is known (design, section 4). Pure.
//!
//! * `received_a_ballot`: Σ received / Σ register of the newest slot for which any station has reported. Never embargoed.
//! * `took_part`: ballots found / [`denominator`]; known only when every counted protocol has that line written.
//! * `valid_including_against_all`: votes for all options and against all / [`denominator`].
//!
//! The last two are votes: under embargo they are not there at all.

use hattama_election::{
    definition::{Contest, Definition, Units},
    form::LineMeaning,
};
use hattama_proto::national::v1::Ratio;
use hattama_tally::{SlotFigures, UnitTotals};

/// The ratios of a contest, as far as they may be shown.
pub(crate) fn of_contest(
    definition: &Definition,
    contest: &Contest,
    nation: &UnitTotals,
    slots: &[SlotFigures],
    embargoed: bool,
) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    if matches!(contest.units, Units::All) {
        ratios.push(received_a_ballot(definition, slots));
    }
    if embargoed {
        return ratios;
    }
    let denominator = denominator(contest, nation, slots);
    let counted = nation.stations.counted;
    let found = nation.line(LineMeaning::BallotsFound);
    ratios.push(Ratio {
        name: "took_part".to_owned(),
        numerator: found.sum,
        denominator,
        stations: found.written,
        known: counted > 0 && found.written == counted,
    });
    ratios.push(Ratio {
        name: "valid_including_against_all".to_owned(),
        numerator: nation.sum_of_votes(),
        denominator,
        stations: counted,
        known: counted > 0,
    });
    ratios
}

/// The newest slot with any report: who is silent there stands with an earlier slot, and the slot says how many are.
fn received_a_ballot(definition: &Definition, slots: &[SlotFigures]) -> Ratio {
    let newest = newest_slot(slots);
    let register = || definition.stations.iter().map(|station| u64::from(station.register)).sum();
    Ratio {
        name: "received_a_ballot".to_owned(),
        numerator: newest.map_or(0, |slot| slot.received_a_ballot),
        denominator: newest.map_or_else(register, |slot| slot.register),
        stations: newest.map_or(0, |slot| slot.stations),
        known: newest.is_some(),
    }
}

/// What the votes of a contest are a share of.
///
/// The register at the end of the day, as the protocols have it: Σ (voters listed + voters added), once all stations are
/// counted and all of them have the line written. For 2023 this is the official 12,035,578, of which 6,366,441 valid votes
/// are 52.90 %. Voters added are summed where all counted protocols have the line, and are none where no form has it.
/// Before that, the stations still open would be missing below the line: then it is the register of the newest turnout
/// slot, or, for a contest that is not held everywhere and before the first report, the definition's register of the
/// stations where it is held.
pub(crate) fn denominator(contest: &Contest, nation: &UnitTotals, slots: &[SlotFigures]) -> u64 {
    let stations = &nation.stations;
    let listed = nation.line(LineMeaning::VotersListed);
    let added = nation.line(LineMeaning::VotersAdded);
    let all_counted = stations.counted > 0 && stations.counted == stations.expected;
    let added_is_whole = added.written == 0 || added.written == stations.counted;
    if all_counted && listed.written == stations.counted && added_is_whole {
        return listed.sum + added.sum;
    }
    match newest_slot(slots) {
        Some(slot) if matches!(contest.units, Units::All) => slot.register,
        _ => stations.register_expected,
    }
}

fn newest_slot(slots: &[SlotFigures]) -> Option<&SlotFigures> {
    slots.iter().rev().find(|slot| slot.reported > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::{definition::sample, ids::SlotIndex};
    use hattama_tally::{LineTotal, StationCounts};

    fn slot(place: u16, reported: u64, received_a_ballot: u64, register: u64) -> SlotFigures {
        SlotFigures { slot: SlotIndex(place), stations: 8, reported, received_a_ballot, register }
    }

    fn totals(expected: u64, counted: u64, lines: &[(LineMeaning, u64, u64)]) -> UnitTotals {
        let stations = StationCounts { expected, counted, register_expected: 10_075, ..StationCounts::default() };
        let mut totals = UnitTotals { stations, votes: vec![500, 300], against_all: 40, ..UnitTotals::default() };
        for (meaning, sum, written) in lines {
            totals.lines[*meaning as usize] = LineTotal { sum: *sum, written: *written };
        }
        totals
    }

    #[test]
    fn votes_are_a_share_of_the_protocols_registers_once_all_stations_are_counted() {
        let definition = sample::definition();
        let (list, district) = (&definition.contests[0], &definition.contests[1]);
        let slots = [slot(0, 8, 10, 9_900), slot(1, 3, 20, 9_950), slot(2, 0, 20, 9_950)];
        let lines = [(LineMeaning::VotersListed, 1_000, 2), (LineMeaning::VotersAdded, 7, 2)];
        assert_eq!(denominator(list, &totals(2, 2, &lines), &slots), 1_007);
        assert_eq!(denominator(list, &totals(3, 2, &lines), &slots), 9_950, "a station is open");
        assert_eq!(denominator(district, &totals(3, 2, &lines), &slots), 10_075, "not held everywhere");
        assert_eq!(denominator(list, &totals(3, 2, &lines), &[]), 10_075, "nobody has reported");
        let one_wrote_it = [(LineMeaning::VotersListed, 1_000, 2), (LineMeaning::VotersAdded, 7, 1)];
        assert_eq!(denominator(list, &totals(2, 2, &one_wrote_it), &slots), 9_950);
        assert_eq!(denominator(list, &totals(2, 2, &one_wrote_it[..1]), &slots), 1_000);
    }

    #[test]
    fn who_took_part_is_known_only_when_every_counted_protocol_says_it() {
        let definition = sample::definition();
        let list = &definition.contests[0];
        let known = |lines: &[(LineMeaning, u64, u64)]| {
            of_contest(&definition, list, &totals(3, 2, lines), &[], false)[1].clone()
        };
        let whole = known(&[(LineMeaning::BallotsFound, 845, 2)]);
        assert_eq!((whole.name.as_str(), whole.numerator, whole.known), ("took_part", 845, true));
        assert!(!known(&[(LineMeaning::BallotsFound, 845, 1)]).known);
        assert!(!known(&[]).known);
    }

    #[test]
    fn under_embargo_only_the_turnout_is_there() {
        let definition = sample::definition();
        let slots = [slot(0, 8, 10, 9_900), slot(1, 3, 20, 9_950), slot(2, 0, 20, 9_950)];
        let list = &definition.contests[0];
        let lines = [(LineMeaning::BallotsFound, 845, 2)];
        let ratios = of_contest(&definition, list, &totals(3, 2, &lines), &slots, true);
        let [received] = ratios.as_slice() else { panic!("{ratios:?}") };
        assert_eq!((received.numerator, received.denominator, received.known), (20, 9_950, true));
        let open = of_contest(&definition, list, &totals(3, 2, &lines), &slots, false);
        assert_eq!((open[2].name.as_str(), open[2].numerator), ("valid_including_against_all", 840));
        assert!(of_contest(&definition, &definition.contests[1], &totals(3, 2, &lines), &slots, true).is_empty());
    }

    #[test]
    fn before_the_first_report_nobody_knows_the_turnout() {
        let definition = sample::definition();
        let ratios = of_contest(&definition, &definition.contests[0], &totals(8, 0, &[]), &[], true);
        assert_eq!((ratios[0].known, ratios[0].numerator, ratios[0].denominator), (false, 0, 10_075));
    }
}
