//! From a publication to what the templates print: every number is formatted here, in the reader's language.

mod counted;
mod districts;
mod hemicycle;
mod lists;
mod open;
pub mod render;
mod restoring;
mod seats;
mod times;
mod turnout;

use hattama_proto::log::v1::ContestFigures;
use hattama_proto::national::v1::{Contest, ContestSummary, GetElectionResponse};

use crate::snapshot::Snapshot;
use crate::texts::Words;

/// What every table and figure says about itself (design, D16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Not a real election.
    pub test: bool,
    /// The votes were generated.
    pub synthetic: bool,
    /// The figures were recorded elsewhere and signed by their importer.
    pub recorded: bool,
}

impl Marks {
    /// The marks of an election. Whatever is not said to be official and live is marked: a word that this board does not
    /// know must not make a rehearsal look real.
    pub fn of(election: &GetElectionResponse) -> Self {
        Self {
            test: election.purpose != "official",
            synthetic: !matches!(election.provenance.as_str(), "live" | "recorded"),
            recorded: election.provenance == "recorded",
        }
    }
}

/// A contest with its figures, as far as both are there.
#[derive(Clone, Copy)]
struct Counted<'a> {
    contest: &'a Contest,
    summary: &'a ContestSummary,
    figures: &'a ContestFigures,
}

/// The contests of a method, in the definition's order.
fn contests<'a>(snapshot: &'a Snapshot, method: &str) -> Vec<Counted<'a>> {
    let with_figures = snapshot.result.contests.iter().filter_map(|summary| {
        let figures = summary.figures.as_ref()?;
        Some(Counted { contest: snapshot.contest(&figures.contest)?, summary, figures })
    });
    with_figures.filter(|counted| counted.contest.method == method).collect()
}

/// A length of a drawing in percent of its width, from hundredths of a percent: `53.90%`.
fn percent_of_width(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// "a, b, c".
fn listed(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The option's name in the reader's language; its id when the contest does not know it.
fn option_name(contest: &Contest, id: &str, words: &Words) -> String {
    let option = contest.options.iter().find(|option| option.id == id);
    match option.map(|option| words.language().of(option.name.as_ref())) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_to_be_official_and_live_is_marked() {
        let marks = |purpose: &str, provenance: &str| {
            let election = GetElectionResponse {
                purpose: purpose.into(),
                provenance: provenance.into(),
                ..GetElectionResponse::default()
            };
            Marks::of(&election)
        };
        assert_eq!(marks("official", "live"), Marks::default());
        assert_eq!(marks("rehearsal", "generated"), Marks { test: true, synthetic: true, recorded: false });
        assert_eq!(marks("rehearsal", "recorded"), Marks { test: true, synthetic: false, recorded: true });
        assert_eq!(marks("", ""), Marks { test: true, synthetic: true, recorded: false });
    }
}
