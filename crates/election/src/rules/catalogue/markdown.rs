//! The catalogue as a page: `docs/rules.md` is this function's output, and a test compares it byte for byte.

use super::Rule;
use crate::{
    form::{Certainty, LineMeaning},
    rules::{RuleCode, Severity},
};

/// One table of the page: which numbers, its heading, what it means.
struct Group {
    numbers: std::ops::Range<u16>,
    heading: &'static str,
    meaning: &'static str,
}

const GROUPS: [Group; 4] = [
    Group {
        numbers: 0..100,
        heading: "Refused",
        meaning: "Impossible: the submission is refused and never counted. The answer names the field.",
    },
    Group {
        numbers: 100..200,
        heading: "Held",
        meaning: "Logged and shown beside the counted figures, but not counted until it is corrected or a commission confirms it.",
    },
    Group { numbers: 200..300, heading: "Flagged", meaning: "Counted and marked." },
    Group {
        numbers: 300..400,
        heading: "Why something stands as it does",
        meaning: "No rule of its own: the code says why the outcome is what it is.",
    },
];

const INTRODUCTION: &str = "\
# Rules

Every reason for which a submission is refused, held or flagged (design, D9). This page is made from the catalogue in
`crates/election/src/rules/catalogue`; to change it, change the catalogue and run
`UPDATE_DOCS=1 cargo test -p hattama-election rules_page`.

A rule runs only where the form has its lines and they are written: absent is not zero. \"Checks\" says what must be true lest
the rule fires. \"May be\" lists the severities that the definition's `[rules]` or an amendment may give it. Articles are those of
the Constitutional Law on Elections (No. 2464). \"Sure\" says how surely the source is known: *found* in a public page of the
time; *older* edition of the law, which may have been reworded; *press* of the time; *assumed*; *derived*: arithmetic or this
system's own design.
";

/// The page `docs/rules.md`: a table of rules for each severity, what people read, and the standard meanings of lines.
#[must_use]
pub fn catalogue_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for group in &GROUPS {
        let rules: Vec<&Rule> = RuleCode::ALL
            .iter()
            .filter(|code| group.numbers.contains(&code.number()))
            .map(|code| code.rule())
            .collect();
        page += &format!("\n## {}\n\n{}\n\n", group.heading, group.meaning);
        page += &rules_table(&rules);
        page += &format!("\n### What people read: {}\n\n", group.heading.to_lowercase());
        page += &texts_table(&rules);
    }
    page + &lines_table()
}

fn rules_table(rules: &[&Rule]) -> String {
    let mut table =
        String::from("| no. | code | checks | law or practice | sure | may be |\n|--:|---|---|---|---|---|\n");
    for Rule { code, checks, source, certainty, .. } in rules.iter().copied() {
        let (number, certainty, may_be) = (code.number(), certainty_word(*certainty), may_be(*code));
        table += &format!("| {number} | `{code}` | {checks} | {source} | {certainty} | {may_be} |\n");
    }
    table
}

fn texts_table(rules: &[&Rule]) -> String {
    let mut table = String::from("| code | қазақша | русский | English |\n|---|---|---|---|\n");
    for Rule { code, text, .. } in rules.iter().copied() {
        table += &format!("| `{code}` | {} | {} | {} |\n", text.kk, text.ru, text.en);
    }
    table
}

fn lines_table() -> String {
    let mut table = String::from(
        "\n## Standard meanings of lines\n\nA form's line has one of these meanings. Votes for options and \"against all\" are no \
         lines: every contest has them.\n\n| meaning | definition |\n|---|---|\n",
    );
    for meaning in LineMeaning::ALL {
        table += &format!("| `{meaning}` | {} |\n", meaning_definition(meaning));
    }
    table
}

/// The severities that a rule may have, as words.
fn may_be(code: RuleCode) -> String {
    let all = [Severity::Off, Severity::Flag, Severity::Hold, Severity::Refuse];
    let words: Vec<&str> =
        all.into_iter().filter(|severity| code.may_change_to(*severity)).map(Severity::as_str).collect();
    match words.as_slice() {
        [_] => "fixed".to_owned(),
        words => words.join(", "),
    }
}

fn certainty_word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Found => "found",
        Certainty::Older => "older",
        Certainty::Press => "press",
        Certainty::Assumed => "assumed",
        Certainty::Derived => "derived",
    }
}

fn meaning_definition(meaning: LineMeaning) -> &'static str {
    match meaning {
        LineMeaning::VotersListed => "voters on the list, without those added on the day",
        LineMeaning::VotersAdded => "voters added to the list on the day",
        LineMeaning::BallotsReceived => "ballots that the commission received",
        LineMeaning::BallotsIssued => "ballots issued to voters, everywhere",
        LineMeaning::IssuedOutside => "of the issued: outside the premises (a part, not a summand)",
        LineMeaning::IssuedAbsentee => "of the issued: on absentee certificates (a part, not a summand)",
        LineMeaning::BallotsUnused => "ballots never issued, cancelled after the vote",
        LineMeaning::BallotsSpoiled => "ballots spoiled by voters or commission, and replaced; not among the issued",
        LineMeaning::BallotsFound => "ballots found in all boxes",
        LineMeaning::FoundPortable => "of the found: in portable boxes (a part, not a summand)",
        LineMeaning::BallotsInvalid => "invalid ballots",
        LineMeaning::BallotsValid => "valid ballots, \"against all\" included",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_page_is_what_the_catalogue_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
        let page = catalogue_markdown();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == page,
            "docs/rules.md is not what the catalogue says: UPDATE_DOCS=1 cargo test -p hattama-election rules_page"
        );
    }

    #[test]
    fn every_code_and_every_meaning_stands_on_the_page() {
        let page = catalogue_markdown();
        for code in RuleCode::ALL {
            assert_eq!(page.matches(&format!("`{code}` |")).count(), 2, "{code}");
        }
        for meaning in LineMeaning::ALL {
            assert!(page.contains(&format!("| `{meaning}` |")), "{meaning}");
        }
    }
}
