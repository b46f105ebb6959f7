//! Lines and votes: pairs of a meaning or an option and a number, ascending, each once.

use crate::fields::Fields;
use hattama_election::{form::LineMeaning, ids::OptionId, rules::RuleCode};
use std::fmt::Display;

/// The number of a meaning on the wire: 1 for the first of the paper.
pub(crate) fn line_meaning_number(meaning: LineMeaning) -> i32 {
    meaning as i32 + 1
}

/// The meaning with this number.
pub(crate) fn line_meaning_from_number(number: i32) -> Option<LineMeaning> {
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    LineMeaning::ALL.get(place).copied()
}

/// The written lines, in ascending order of meaning; `number` checks what is written there.
pub(super) fn read_lines<N: Copy>(
    lines: impl IntoIterator<Item = (i32, N)>,
    fields: &mut Fields,
    number: impl Fn(&mut Fields, &dyn Display, N) -> Option<N>,
) -> Option<Vec<(LineMeaning, N)>> {
    let lines = fields.list(lines, |fields, place, (meaning, count)| {
        let Some(known) = line_meaning_from_number(meaning) else {
            fields.unknown_enum(format_args!("lines[{place}].meaning"), meaning);
            return None;
        };
        Some((known, number(fields, &format_args!("lines.{known}"), count)?))
    })?;
    let out_of_order = lines.windows(2).find(|pair| pair[0].0 >= pair[1].0);
    if let Some([(before, _), (behind, _)]) = out_of_order {
        let detail = format_args!("it comes behind {before}: meanings must ascend, each once");
        fields.note(RuleCode::Malformed, format_args!("lines.{behind}"), detail);
        return None;
    }
    Some(lines)
}

/// The votes, in ascending order of the options' ids; `number` checks what is written there.
pub(super) fn read_votes<'a, N: Copy>(
    votes: impl IntoIterator<Item = (&'a str, N)>,
    fields: &mut Fields,
    number: impl Fn(&mut Fields, &dyn Display, N) -> Option<N>,
) -> Option<Vec<(OptionId, N)>> {
    let votes = fields.list(votes, |fields, place, (option, votes)| {
        let option = fields.id(format_args!("votes[{place}].option"), option, OptionId::new)?;
        let votes = number(fields, &format_args!("votes.{option}"), votes)?;
        Some((option, votes))
    })?;
    fields.ascending("votes", votes.iter().map(|(option, _)| option))?;
    Some(votes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_proto::submission::v1;

    #[test]
    fn every_meaning_has_its_own_number_and_its_name_on_the_wire() {
        for meaning in LineMeaning::ALL {
            let number = line_meaning_number(meaning);
            assert_eq!(line_meaning_from_number(number), Some(meaning));
            let name = v1::LineMeaning::try_from(number).unwrap().as_str_name();
            assert_eq!(name, format!("LINE_MEANING_{}", meaning.as_str().to_uppercase()));
        }
        for number in [0, -1, i32::MIN, i32::MAX, 13] {
            assert_eq!(line_meaning_from_number(number), None);
        }
        assert!(v1::LineMeaning::try_from(13).is_err());
    }
}
