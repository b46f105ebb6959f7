//! Rules on what a protocol's submission carries beside its content: when and by whom it was signed, and complaints.
//!
//! They concern one submission; a content is held for such a rule only if every valid submission of it is (design, D3).

use super::RuleCode;
use crate::{
    form::LineMeaning,
    instant::Instant,
    protocol::{Protocol, ProtocolContent, SignatoryStance},
};

/// The rules on a protocol's attributes that fire, in ascending order. `polls_close` is when its station closes.
#[must_use]
pub fn protocol(protocol: &Protocol, polls_close: Instant) -> Vec<RuleCode> {
    let early = signed_before_close(protocol.signed_at, polls_close, &protocol.content);
    let dissent = protocol.signatories.iter().any(|signatory| signatory.stance != SignatoryStance::Signed);
    let complaints = protocol.complaints.is_some_and(|complaints| complaints > 0);
    [
        (early, RuleCode::SignedBeforeClose),
        (dissent, RuleCode::SignatoryDissents),
        (complaints, RuleCode::ComplaintsLodged),
    ]
    .into_iter()
    .filter_map(|(fires, code)| fires.then_some(code))
    .collect()
}

/// Whether a content was signed before its station closed, although not its whole register had voted.
#[must_use]
pub fn signed_before_close(signed_at: Instant, polls_close: Instant, content: &ProtocolContent) -> bool {
    signed_at < polls_close && !whole_register_has_voted(content)
}

/// A station may close when everybody has voted. Ballots issued say so, else those found. Voters added count where they are
/// written: a form without that line adds none.
fn whole_register_has_voted(content: &ProtocolContent) -> bool {
    let get = |meaning| content.lines.get(meaning).map(u64::from);
    let voted = get(LineMeaning::BallotsIssued).or(get(LineMeaning::BallotsFound));
    let voters =
        get(LineMeaning::VotersListed).map(|listed| listed + get(LineMeaning::VotersAdded).unwrap_or_default());
    voted.is_some_and(|voted| voted > 0) && voted == voters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        form::Lines,
        ids::{ContestId, StationId},
        protocol::{Signatory, SignatoryRole},
    };

    const CLOSE: Instant = Instant(1_000_000);

    fn signed(at: i64, lines: &[(LineMeaning, u32)]) -> Protocol {
        let mut written = Lines::default();
        lines.iter().for_each(|(meaning, count)| written.set(*meaning, *count));
        let content = ProtocolContent {
            station: StationId::new("s").unwrap(),
            contest: ContestId::new("c").unwrap(),
            revision: 1,
            lines: written,
            votes: Vec::new(),
            against_all: None,
        };
        Protocol {
            content,
            signed_at: Instant(at),
            supersedes: None,
            reason: None,
            correction_authority: None,
            signatories: Vec::new(),
            complaints: None,
            scan: None,
        }
    }

    #[test]
    fn signing_before_the_close_fires_and_signing_at_the_close_does_not() {
        assert_eq!(protocol(&signed(CLOSE.0 - 1, &[]), CLOSE), [RuleCode::SignedBeforeClose]);
        assert_eq!(protocol(&signed(CLOSE.0, &[]), CLOSE), []);
        assert_eq!(protocol(&signed(i64::MIN, &[]), Instant(i64::MAX)), [RuleCode::SignedBeforeClose]);
    }

    #[test]
    fn a_station_whose_whole_register_has_voted_may_sign_early() {
        use LineMeaning::{BallotsFound, BallotsIssued, VotersAdded, VotersListed};
        let early = |lines: &[(LineMeaning, u32)]| !protocol(&signed(CLOSE.0 - 1, lines), CLOSE).is_empty();
        assert!(!early(&[(VotersListed, 80), (BallotsIssued, 80)]));
        assert!(!early(&[(VotersListed, 80), (VotersAdded, 2), (BallotsIssued, 82), (BallotsFound, 81)]));
        assert!(!early(&[(VotersListed, 80), (BallotsFound, 80)]), "on a form without issued ballots");
        assert!(early(&[(VotersListed, 80), (BallotsIssued, 79)]));
        assert!(early(&[(VotersListed, 80), (BallotsIssued, 79), (BallotsFound, 80)]), "issued ballots decide");
        assert!(early(&[(VotersListed, 80), (VotersAdded, 2), (BallotsIssued, 80)]));
        assert!(early(&[(VotersListed, 0), (BallotsIssued, 0)]), "an empty register has not voted");
        assert!(early(&[(BallotsIssued, 80)]), "an absent register is not known to have voted");
    }

    #[test]
    fn dissent_and_complaints_are_marked_and_absent_complaints_are_not() {
        let mut one = signed(CLOSE.0, &[]);
        for (stance, codes) in [
            (SignatoryStance::Signed, vec![]),
            (SignatoryStance::Refused, vec![RuleCode::SignatoryDissents]),
            (SignatoryStance::Dissenting, vec![RuleCode::SignatoryDissents]),
        ] {
            one.signatories = vec![
                Signatory { role: SignatoryRole::Chair, name: String::new(), stance: SignatoryStance::Signed },
                Signatory { role: SignatoryRole::Member, name: String::new(), stance },
            ];
            assert_eq!(protocol(&one, CLOSE), codes);
        }
        one.signatories.clear();
        one.complaints = Some(0);
        assert_eq!(protocol(&one, CLOSE), []);
        one.complaints = Some(1);
        assert_eq!(protocol(&one, CLOSE), [RuleCode::ComplaintsLodged]);
    }
}
