//! What was published of 19 March 2023, and what a night made from it must therefore come to: votes and seats of every list,
//! stations, and the turnouts. From the tables in `elections/kz-2023/sources`, none of it written here.

use crate::{answers::Answers, expected::VALID};
use hattama_proto::national::v1::GetSeatAllocationResponse;
use hattama_rehearsal::facts::Facts;
use std::{collections::BTreeMap, error::Error};

/// The contest that the party lists' result is of, in `elections/kz-2023`.
const LIST_CONTEST: &str = "majilis-list";
/// Turnout by ballots handed out, as the national service names it (docs/api.md).
const RECEIVED_A_BALLOT: &str = "received_a_ballot";

/// A published result.
#[derive(Debug, Clone)]
pub struct Official {
    /// Votes and seats by list.
    lists: BTreeMap<String, (u64, u32)>,
    /// Votes against all.
    against_all: u64,
    /// Stations.
    stations: u64,
    /// Voters who had received a ballot by the last slot, where that was published.
    received: Option<u64>,
    /// The register after the vote.
    register: u64,
}

impl Official {
    /// The result of 19 March 2023.
    ///
    /// # Errors
    /// When the tables lack what is compared.
    pub fn of_2023(facts: &Facts) -> Result<Self, Box<dyn Error>> {
        let lists = facts.lists.iter().map(|list| {
            let seats = list.seats.ok_or_else(|| {
                format!("elections/kz-2023/sources/party_list_result.csv has no seats for {}: add them", list.id)
            })?;
            Ok((list.id.clone(), (u64::from(list.votes), seats)))
        });
        let last = facts.national.last().copied().flatten();
        let last = last.ok_or("elections/kz-2023/sources/turnout_national.csv has no row for the last slot: add it")?;
        Ok(Self {
            lists: lists.collect::<Result<_, Box<dyn Error>>>()?,
            against_all: facts.against_all.votes.into(),
            stations: facts.stations.into(),
            received: last.received.map(u64::from),
            register: last.register.into(),
        })
    }

    fn valid(&self) -> u64 {
        self.lists.values().map(|(votes, _)| votes).sum::<u64>() + self.against_all
    }

    fn seats(&self) -> u32 {
        self.lists.values().map(|(_, seats)| seats).sum()
    }
}

/// What differs from the published result.
pub fn surprises(official: &Official, answers: &Answers) -> Vec<String> {
    let mut surprises = Vec::new();
    let allocation = answers.seats.iter().find(|(contest, _)| contest == LIST_CONTEST).map(|(_, seats)| seats);
    let found = allocation.map(lists).unwrap_or_default();
    if found != official.lists {
        surprises.push(format!("votes and seats {found:?}, the official result is {:?}", official.lists));
    }
    let seats = allocation.map_or(0, |allocation| allocation.seats);
    if seats != official.seats() {
        surprises.push(format!("{seats} seats are allocated, officially {}", official.seats()));
    }
    let figures = answers.contest(LIST_CONTEST).and_then(|summary| summary.figures.as_ref());
    let found = figures.map(|figures| (figures.against_all, figures.stations.as_ref().map_or(0, |of| of.counted)));
    let wanted = (official.against_all, official.stations);
    if found != Some(wanted) {
        surprises.push(format!("votes against all and stations {found:?}, officially {wanted:?}"));
    }
    surprises.extend(turnouts(official, answers));
    surprises
}

fn lists(allocation: &GetSeatAllocationResponse) -> BTreeMap<String, (u64, u32)> {
    allocation.lines.iter().map(|line| (line.option.clone(), (line.votes, line.seats))).collect()
}

/// All turnouts are of one register. How many ballots were found nobody published.
fn turnouts(official: &Official, answers: &Answers) -> Vec<String> {
    let mut surprises: Vec<String> = answers
        .result
        .turnouts
        .iter()
        .filter(|ratio| ratio.denominator != official.register)
        .map(|ratio| format!("turnout {} of {}, officially of {}", ratio.name, ratio.denominator, official.register))
        .collect();
    for (name, wanted) in [(RECEIVED_A_BALLOT, official.received), (VALID, Some(official.valid()))] {
        let ratio = answers.result.turnouts.iter().find(|ratio| ratio.name == name);
        let found = ratio.filter(|ratio| ratio.known).map(|ratio| ratio.numerator);
        if wanted.is_some() && found != wanted {
            surprises.push(format!("turnout {name} {found:?}, officially {wanted:?}"));
        }
    }
    surprises
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_proto::{
        log::v1::{ContestFigures, StationCounts},
        national::v1::{ContestSummary, GetElectionResponse, GetNationalResultResponse, Ratio, SeatLine},
    };

    fn official() -> Official {
        Official::of_2023(&Facts::embedded().unwrap()).unwrap()
    }

    /// What the national service answers when everything is as published.
    fn answers() -> Answers {
        let line = |option: &str, votes, seats| SeatLine { option: option.into(), votes, seats, ..SeatLine::default() };
        let allocation = GetSeatAllocationResponse {
            seats: 69,
            lines: vec![
                line("amanat", 3_431_510, 40),
                line("auyl", 693_938, 8),
                line("respublica", 547_154, 6),
                line("aq-jol", 535_139, 6),
                line("qhp", 432_920, 5),
                line("jsdp", 331_058, 4),
                line("baytaq", 146_431, 0),
            ],
            ..GetSeatAllocationResponse::default()
        };
        let figures = ContestFigures {
            contest: LIST_CONTEST.into(),
            stations: Some(StationCounts { counted: 10_223, ..StationCounts::default() }),
            against_all: 248_291,
            ..ContestFigures::default()
        };
        let ratio = |name: &str, numerator| Ratio {
            name: name.into(),
            numerator,
            denominator: 12_035_578,
            stations: 10_223,
            known: true,
        };
        let result = GetNationalResultResponse {
            turnouts: vec![ratio(RECEIVED_A_BALLOT, 6_521_860), ratio("took_part", 6_500_000), ratio(VALID, 6_366_441)],
            contests: vec![ContestSummary { figures: Some(figures), ..ContestSummary::default() }],
            ..GetNationalResultResponse::default()
        };
        let seats = vec![(LIST_CONTEST.to_owned(), allocation)];
        Answers { election: GetElectionResponse::default(), result, seats, plurality_rules: Vec::new() }
    }

    #[test]
    fn the_published_result_surprises_nobody() {
        assert_eq!(surprises(&official(), &answers()), Vec::<String>::new());
    }

    #[test]
    fn whatever_differs_from_it_is_told() {
        type Change = fn(&mut Answers);
        let changes: [(Change, &str); 8] = [
            (|of| of.seats[0].1.lines[0].seats = 41, "votes and seats"),
            (|of| of.seats[0].1.lines[4].votes -= 1, "votes and seats"),
            (|of| of.seats[0].1.seats = 98, "seats are allocated"),
            (|of| of.result.contests[0].figures.as_mut().unwrap().against_all += 1, "votes against all and stations"),
            (|of| of.result.turnouts[0].numerator -= 1, "turnout received_a_ballot"),
            (|of| of.result.turnouts[1].denominator += 1, "turnout took_part of"),
            (|of| of.result.turnouts[2].known = false, "turnout valid_including_against_all None"),
            (|of| of.result.contests.clear(), "votes against all and stations None"),
        ];
        for (change, told) in changes {
            let mut changed = answers();
            change(&mut changed);
            let surprises = surprises(&official(), &changed);
            assert!(surprises.len() == 1 && surprises[0].contains(told), "{told}: {surprises:?}");
        }
    }

    #[test]
    fn no_answer_at_all_is_told_in_every_part() {
        let nothing = Answers {
            election: GetElectionResponse::default(),
            result: GetNationalResultResponse::default(),
            seats: Vec::new(),
            plurality_rules: Vec::new(),
        };
        assert_eq!(surprises(&official(), &nothing).len(), 5);
    }
}
