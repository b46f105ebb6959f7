//! The generated definition and its nights against what was published.

#![expect(clippy::unwrap_used, reason = "the tests share one generated night, made outside of them")]

use hattama_rehearsal::{
    facts::{ABROAD, Facts, SLOT_COUNT, UNPUBLISHED_SLOT},
    night::{NightError, NightTruth, ProtocolFigures, StationFacts, candidates_by_district, station_facts, truth},
    registers::{self, GenerateError, Generated, solve::SolveError},
};
use std::{collections::BTreeMap, path::Path, sync::LazyLock};

struct World {
    facts: Facts,
    generated: Generated,
    stations: Vec<StationFacts>,
    candidates: BTreeMap<String, u32>,
    night: NightTruth,
}

impl World {
    fn night(&self, seed: u64) -> Result<NightTruth, NightError> {
        truth(&self.stations, &self.candidates, &self.facts, seed)
    }

    /// The sum of a figure over the stations of a region.
    fn region_sum(&self, region: &str, figure: impl Fn(usize) -> u32) -> u32 {
        (0..self.stations.len()).filter(|index| self.stations[*index].region == region).map(figure).sum()
    }
}

/// Made once: the tests look at one night from different sides.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let facts = Facts::embedded().unwrap();
    let generated = registers::definition(&facts).unwrap();
    let stations = station_facts(&generated.layout);
    let candidates = candidates_by_district(&facts, &generated.layout);
    let night = truth(&stations, &candidates, &facts, 1).unwrap();
    World { facts, generated, stations, candidates, night }
});

/// As it was published: hundredths of a percent, half up.
fn percent_hundredths(part: u32, whole: u32) -> u32 {
    ((20_000 * u64::from(part) + u64::from(whole)) / (2 * u64::from(whole))) as u32
}

fn protocols(night: &NightTruth) -> impl Iterator<Item = (&str, &ProtocolFigures)> {
    night.stations.iter().flat_map(|station| {
        [Some(&station.list), station.district.as_ref()]
            .into_iter()
            .flatten()
            .map(|figures| (station.station.as_str(), figures))
    })
}

#[test]
fn the_committed_definition_is_what_the_generator_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../elections/kz-2023");
    assert_eq!(WORLD.generated.files.len(), 7);
    for (name, content) in &WORLD.generated.files {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap();
        // not assert_eq: a difference would print a megabyte
        assert!(committed == *content, "{name} differs: cargo run -p hattama-rehearsal --example generate_kz_2023");
    }
}

#[test]
fn generating_into_a_folder_writes_the_same_seven_files() {
    let folder = tempfile::tempdir().unwrap();
    let residuals = registers::generate_definition(folder.path()).unwrap();
    assert!(residuals.is_exact());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 7);
    for (name, content) in &WORLD.generated.files {
        assert!(std::fs::read_to_string(folder.path().join(name)).unwrap() == *content, "{name} differs");
    }
}

#[test]
fn election_toml_has_every_key_filled_in() {
    let (_, text) = WORLD.generated.files.iter().find(|(name, _)| *name == "election.toml").unwrap();
    let election: toml::Table = toml::from_str(text).unwrap();
    let keys = ["authorities", "services"].iter().flat_map(|table| election[*table].as_array().unwrap());
    let keys: Vec<&str> = keys.map(|entry| entry["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 5);
    assert!(keys.iter().all(|key| key.len() == 43));
    assert_eq!(election["rehearsal"]["key_seed"].as_str(), Some(registers::KEY_SEED));
    let [list, district] = [0, 1].map(|form| election["forms"][form]["lines"].as_array().unwrap().len());
    assert_eq!((list, district), (12, 12));
}

#[test]
fn stations_districts_and_candidates_have_the_known_numbers() {
    let layout = &WORLD.generated.layout;
    assert_eq!(layout.stations.len(), 10_223);
    assert!(layout.stations.is_sorted_by(|a, b| a.id < b.id), "ids ascend and none occurs twice");
    assert_eq!(layout.stations.iter().filter(|station| station.district.is_none()).count(), 77);
    assert_eq!(layout.stations.iter().map(|station| station.register).sum::<u32>(), 12_032_550);
    assert_eq!(WORLD.region_sum(ABROAD, |index| WORLD.stations[index].register), 12_016);
    for (region, known) in [("kz-11", 728), ("kz-23", 269), ("kz-35", 642), ("kz-43", 373)] {
        assert_eq!(WORLD.region_sum(region, |_| 1), known, "{region}");
    }
    let candidates: Vec<u32> = layout.candidates.clone();
    assert_eq!(candidates.iter().sum::<u32>(), 435);
    assert_eq!([0, 1, 2, 12, 24, 27].map(|district| candidates[district]), [41, 42, 37, 11, 5, 6]);
    assert_eq!(candidates[3] + candidates[4], 67);
    assert_eq!(candidates.iter().min(), Some(&5), "district 25 has the fewest");
}

#[test]
fn given_registers_are_met_before_and_after_the_vote() {
    let start = |region| WORLD.region_sum(region, |index| WORLD.stations[index].register);
    let end = |region| WORLD.region_sum(region, |index| WORLD.night.stations[index].turnout[SLOT_COUNT - 1].register);
    assert_eq!(["kz-19", "kz-23", "kz-43"].map(start), [966_304, 412_165, 486_002]);
    assert_eq!(["kz-35", "kz-39", "kz-43", "kz-59", "kz-71"].map(end), [761_673, 554_655, 486_034, 382_307, 788_931]);
    assert!(WORLD.generated.residuals.is_exact());
    assert_eq!(WORLD.generated.residuals.districts.len(), 9);
}

#[test]
fn the_nation_has_its_published_counts_and_registers_at_every_slot() {
    let expected = [
        (0, 1_710_381, 12_032_550),
        (4, 6_390_046, 12_032_550),
        (5, 6_509_695, 12_035_004),
        (6, 6_521_860, 12_035_578),
    ];
    let sums = |slot: usize| {
        let figures = WORLD.night.stations.iter().map(|station| station.turnout[slot]);
        figures.fold((0, 0), |(received, register), figures| (received + figures.received, register + figures.register))
    };
    for (slot, received, register) in expected {
        assert_eq!(sums(slot), (received, register), "slot {slot}");
    }
    assert_eq!(percent_hundredths(sums(1).0, sums(1).1), 3_065);
    assert_eq!(percent_hundredths(sums(3).0, sums(3).1), 5_198);
}

#[test]
fn every_region_rounds_to_its_published_percentage_at_every_slot() {
    let mut compared = 0;
    for region in &WORLD.facts.regions {
        for slot in (0..SLOT_COUNT).filter(|slot| *slot != UNPUBLISHED_SLOT) {
            let received = WORLD.region_sum(&region.id, |index| WORLD.night.stations[index].turnout[slot].received);
            let register = WORLD.region_sum(&region.id, |index| WORLD.night.stations[index].turnout[slot].register);
            assert_eq!(Some(percent_hundredths(received, register)), region.turnout[slot], "{} slot {slot}", region.id);
            compared += 1;
        }
    }
    assert_eq!(compared, 21 * 6);
}

#[test]
fn list_votes_are_the_official_result() {
    let lists: Vec<u32> =
        (0..7).map(|line| WORLD.night.stations.iter().map(|station| station.list.options[line]).sum()).collect();
    assert_eq!(lists, [3_431_510, 693_938, 547_154, 535_139, 432_920, 331_058, 146_431]);
    let sum = |figure: fn(&ProtocolFigures) -> u32| WORLD.night.stations.iter().map(|s| figure(&s.list)).sum::<u32>();
    assert_eq!(sum(|list| list.against_all), 248_291);
    assert_eq!(sum(|list| list.ballots_valid), 6_366_441);
    assert_eq!(sum(|list| list.ballots_issued), 6_521_860);
    assert_eq!(sum(|list| list.voters_listed + list.voters_added), 12_035_578);
}

/// Every identity and inequality that the rules test, and nothing that they flag but a ballot carried away here and there.
fn assert_sound(night: &NightTruth) {
    for (station, p) in protocols(night) {
        assert_eq!(p.ballots_received, p.ballots_issued + p.ballots_unused + p.ballots_spoiled, "{station}");
        assert_eq!(p.ballots_found, p.ballots_valid + p.ballots_invalid, "{station}");
        assert_eq!(p.ballots_valid, p.options.iter().sum::<u32>() + p.against_all, "{station}");
        assert!(p.ballots_found <= p.ballots_issued, "{station}");
        assert!(p.ballots_issued < p.voters_listed + p.voters_added, "{station}: nowhere the whole register");
        assert!(p.issued_outside <= p.ballots_issued && p.issued_absentee <= p.ballots_issued, "{station}");
        assert!(p.found_portable <= p.ballots_found && p.found_portable <= p.issued_outside, "{station}");
        assert!(100 * p.ballots_invalid < 3 * p.ballots_found, "{station}: 3 % invalid would be flagged");
    }
    let short = protocols(night).filter(|(_, figures)| figures.ballots_found < figures.ballots_issued).count();
    assert!((50..400).contains(&short), "{short} protocols lack a ballot");
    for station in &night.stations {
        assert!(station.turnout.is_sorted_by_key(|figures| figures.received), "{}", station.station);
        assert!(station.turnout.is_sorted_by_key(|figures| figures.register), "{}", station.station);
        let last = station.turnout[SLOT_COUNT - 1];
        assert_eq!(last.received, station.list.ballots_issued);
        assert_eq!(last.register, station.list.voters_listed + station.list.voters_added);
        let district =
            station.district.iter().all(|district| station.list.ballots_issued - district.ballots_issued <= 2);
        assert!(district, "{}", station.station);
    }
}

#[test]
fn every_identity_holds_at_every_station() {
    assert_sound(&WORLD.night);
}

#[test]
fn stations_differ_in_turnout_and_in_votes() {
    let mut turnout: Vec<f64> = (WORLD.stations.iter().zip(&WORLD.night.stations))
        .filter(|(facts, _)| facts.region == "kz-10")
        .map(|(facts, truth)| f64::from(truth.list.ballots_issued) / f64::from(facts.register))
        .collect();
    turnout.sort_by(f64::total_cmp);
    let spread = turnout[turnout.len() * 9 / 10] - turnout[turnout.len() / 10];
    assert!((0.05..0.4).contains(&spread), "the middle 80 % of stations lie {spread} apart");
    let share = |region| {
        let first = WORLD.region_sum(region, |index| WORLD.night.stations[index].list.options[0]);
        let valid = WORLD.region_sum(region, |index| WORLD.night.stations[index].list.ballots_valid);
        f64::from(first) / f64::from(valid)
    };
    assert!(share("kz-43") > share("kz-35") + 0.05, "regional results of the day are a hint");
}

#[test]
fn every_district_has_one_clear_winner() {
    let mut votes: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (facts, truth) in WORLD.stations.iter().zip(&WORLD.night.stations) {
        assert_eq!(facts.district.is_some(), truth.district.is_some());
        let (Some(district), Some(figures)) = (&facts.district, &truth.district) else { continue };
        let sums = votes.entry(district).or_insert_with(|| vec![0; WORLD.candidates[district] as usize + 1]);
        let lines = figures.options.iter().chain([&figures.against_all]);
        sums.iter_mut().zip(lines).for_each(|(sum, votes)| *sum += votes);
    }
    assert_eq!(votes.len(), 29);
    for (district, mut sums) in votes {
        let against_all = sums.pop().unwrap();
        sums.push(against_all);
        sums.sort_unstable();
        let [.., second, first] = sums.as_slice() else { panic!("{district} has one line") };
        assert!(*first > second + second / 5 && *first > against_all, "{district}: {first} to {second}");
    }
}

#[test]
fn one_seed_is_one_night_and_another_seed_another() {
    assert!(WORLD.night(1).unwrap() == WORLD.night);
    let other = WORLD.night(2).unwrap();
    let differing = other.stations.iter().zip(&WORLD.night.stations).filter(|(a, b)| a.list != b.list).count();
    assert!(differing > 9_000, "{differing} stations differ");
    assert_sound(&other);
}

#[test]
fn foreign_stations_are_refused() {
    let mut stations = WORLD.stations.clone();
    stations[0].register += 1;
    let refused = truth(&stations, &WORLD.candidates, &WORLD.facts, 1);
    assert!(matches!(refused, Err(NightError::ForeignStations { .. })));
}

/// What the generator says to facts with one thing changed.
fn refusal(change: impl Fn(&mut Facts)) -> GenerateError {
    let mut facts = WORLD.facts.clone();
    change(&mut facts);
    registers::definition(&facts).unwrap_err()
}

#[test]
fn a_percentage_that_contradicts_another_is_refused_by_region_and_slot() {
    let falls = refusal(|facts| facts.regions[5].turnout[4] = Some(5_860));
    assert!(matches!(&falls, GenerateError::Solve(SolveError::Percentages { region, .. }) if region == "kz-27"));
    assert_eq!(
        falls.to_string(),
        "the turnout of kz-27 at 18-00 contradicts the one at 16-00: correct turnout_by_region.csv"
    );
    // Abai's stations close at 20:00 of the national clock: nothing can move there after it
    let moves = refusal(|facts| facts.regions[0].turnout[6] = Some(5_703));
    assert_eq!(
        moves.to_string(),
        "the turnout of kz-10 at 22-00 contradicts the one at 20-00: correct turnout_by_region.csv"
    );
}

#[test]
fn a_national_count_that_no_registers_can_have_is_refused_by_its_slot() {
    for (slot, id) in [(4, "18-00"), (5, "20-00"), (6, "22-00")] {
        for more in [5_000, 200_000] {
            let refused = refusal(|facts| {
                let national = facts.national[slot].as_mut().unwrap();
                let received = national.received.unwrap() + more;
                // with the percentage to match: the table of the nation is sound in itself
                national.percent_hundredths = percent_hundredths(received, national.register);
                national.received = Some(received);
            });
            let named = matches!(&refused, GenerateError::Solve(SolveError::Counts { slot }) if *slot == id);
            assert!(named, "{id} and {more} more: {refused}");
            assert!(refused.to_string().contains(&format!("the one at {id} is the farthest")), "{refused}");
        }
    }
}

#[test]
fn a_national_count_beside_its_percentage_is_refused_and_its_row_is_marked() {
    let refused = refusal(|facts| facts.national[4].as_mut().unwrap().percent_hundredths = 5_330);
    assert!(matches!(&refused, GenerateError::Misses { residuals } if !residuals.is_exact()));
    let message = refused.to_string();
    let missed: Vec<&str> = message.lines().filter(|line| line.ends_with("MISSED")).collect();
    assert!(matches!(missed.as_slice(), [row] if row.starts_with("18-00") && row.contains("53.30")), "{message}");
}

#[test]
fn districts_that_do_not_sum_to_their_region_are_refused_by_region() {
    let district = |facts: &mut Facts, id: &str, more: u32| {
        let district = facts.districts.iter_mut().find(|district| district.id == id).unwrap();
        district.register = district.register.map(|register| register + more);
    };
    for (id, region) in [("d11", "kz-19"), ("d18", "kz-35"), ("d13", "kz-23")] {
        let refused = refusal(|facts| district(facts, id, 1));
        let named = matches!(&refused, GenerateError::Solve(SolveError::Districts { region: of }) if of == region);
        assert!(named, "{id}: {refused}");
        assert!(refused.to_string().starts_with(&format!("the districts of {region} do not sum")), "{refused}");
    }
}

#[test]
fn a_table_without_a_needed_figure_is_refused_by_its_name() {
    let refused = refusal(|facts| facts.regions[3].turnout[1] = None);
    assert_eq!(refused.to_string(), "no turnout of kz-19 at 12-00: add it to elections/kz-2023/sources");
}

#[test]
fn the_registers_are_less_than_twice_as_far_from_their_priors_as_any_must_be() {
    let registers::solve::Distance { here, least } = WORLD.generated.residuals.distance;
    assert!((0.1133..0.1134).contains(&least), "{least}");
    assert!(here < 2.0 * least, "{here} is what sources.md says, {least} the least possible");
    let farthest = WORLD.generated.residuals.regions.iter().max_by(|a, b| off(a).total_cmp(&off(b))).unwrap();
    assert_eq!(farthest.region, "kz-47");
    assert!((0.122..0.123).contains(&off(farthest)));
    let table = WORLD.generated.residuals.to_string();
    assert!(table.contains("priors: 0.221386; the least possible: 0.113361"), "{table}");
}

fn off(row: &registers::residuals::RegionResidual) -> f64 {
    (f64::from(row.register) / f64::from(row.prior) - 1.0).abs()
}
