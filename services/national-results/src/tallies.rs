//! One shard's tallies as the national service sees them: the newest, the last confirmed, those that a publication may
//! still name, and whether the shard stands still. Pure.

use crate::records::LoggedTally;
use hattama_tally::PositionPair;
use std::{collections::VecDeque, sync::Arc};

/// Tallies of one shard that are kept because a publication of another replica may still name them. One of its
/// publications behind that many tallies is skipped; the one that follows it is shown.
pub(crate) const MAX_TALLIES_AHEAD: usize = 256;

/// The tallies of one shard.
#[derive(Debug)]
pub(crate) struct ShardTallies {
    newest: Arc<LoggedTally>,
    confirmed: Arc<LoggedTally>,
    published: Arc<LoggedTally>,
    /// Read and not yet passed by the last publication, in the order of the log.
    ahead: VecDeque<Arc<LoggedTally>>,
    frozen_by_owner: Option<String>,
    frozen_here: Option<String>,
}

/// What a tally that was read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is beyond the newest and takes its place.
    Newer,
    /// It is the newest again: an owner announces itself, or says that it is frozen.
    Same,
    /// It is not beyond the newest.
    Older,
    /// It contradicts another one at the same positions: the shard is frozen.
    Alarm,
}

impl Verdict {
    /// The word for it in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Newer => "newer",
            Self::Same => "same",
            Self::Older => "older",
            Self::Alarm => "alarm",
        }
    }
}

impl ShardTallies {
    /// A shard that has told nothing stands at what a fold of no record comes to.
    pub(crate) fn new(initial: LoggedTally) -> Self {
        let initial = Arc::new(initial);
        Self {
            newest: Arc::clone(&initial),
            confirmed: Arc::clone(&initial),
            published: initial,
            ahead: VecDeque::new(),
            frozen_by_owner: None,
            frozen_here: None,
        }
    }

    /// The tally to publish next.
    pub(crate) fn newest(&self) -> &Arc<LoggedTally> {
        &self.newest
    }

    /// Why the shard stands still; none when it moves.
    pub(crate) fn frozen(&self) -> Option<&str> {
        self.frozen_here.as_deref().or(self.frozen_by_owner.as_deref())
    }

    /// The position up to which the replica's own fold has confirmed this shard.
    pub(crate) fn confirmed(&self) -> PositionPair {
        self.confirmed.body.position
    }

    /// The tally at exactly these positions.
    pub(crate) fn at(&self, position: PositionPair) -> Option<&Arc<LoggedTally>> {
        let named = [&self.newest, &self.published, &self.confirmed];
        self.ahead.iter().chain(named).find(|tally| tally.body.position == position)
    }

    /// Takes the next tally of the log. It is kept beside the newest when a publication may still name it: `is_named`
    /// tells of one that waits for it, `last` where the last valid publication stands.
    pub(crate) fn take(
        &mut self,
        tally: LoggedTally,
        last: PositionPair,
        is_named: impl Fn(PositionPair) -> bool,
    ) -> Verdict {
        let position = tally.body.position;
        if let Some(known) = self.at(position) {
            if known.digest != tally.digest {
                let place = format!("offset {} (control {})", position.next_offset, position.control_next_offset);
                self.freeze(format!("two different tallies at {place}: {} and {}", known.digest, tally.digest), last);
                return Verdict::Alarm;
            }
            if self.newest.body.position == position {
                self.frozen_by_owner = tally.frozen;
                return Verdict::Same;
            }
            return Verdict::Older;
        }
        let tally = Arc::new(tally);
        if is_named(position) || !last.covers(&position) {
            self.ahead.push_back(Arc::clone(&tally));
        }
        if self.ahead.len() > MAX_TALLIES_AHEAD {
            self.ahead.pop_front();
        }
        if !position.is_beyond(&self.newest.body.position) || self.frozen_here.is_some() {
            return Verdict::Older;
        }
        self.frozen_by_owner.clone_from(&tally.frozen);
        self.newest = tally;
        Verdict::Newer
    }

    /// The replica's own fold comes to the same as this tally.
    pub(crate) fn confirm(&mut self, tally: Arc<LoggedTally>) {
        if tally.body.position.covers(&self.confirmed.body.position) {
            self.confirmed = tally;
        }
    }

    /// Stops the shard for good: at its last confirmed tally, or at the one last published when that is higher, since no
    /// publication goes back (promise P5).
    pub(crate) fn freeze(&mut self, why: String, last: PositionPair) {
        if self.frozen_here.is_some() {
            return;
        }
        self.frozen_here = Some(why);
        if self.confirmed.body.position.covers(&last) {
            self.newest = Arc::clone(&self.confirmed);
        } else if let Some(published) = self.at(last) {
            self.newest = Arc::clone(published);
        }
    }

    /// A valid publication names the tally at `position`: what lies before it is needed no more, unless another one that
    /// waits names it.
    pub(crate) fn publish(&mut self, position: PositionPair, is_named: impl Fn(PositionPair) -> bool) {
        if let Some(published) = self.at(position).cloned() {
            if self.frozen_here.is_some() && position.is_beyond(&self.newest.body.position) {
                // Another replica has published a later one: it cannot be taken back.
                self.newest = Arc::clone(&published);
            }
            self.published = published;
        }
        self.ahead.retain(|tally| !position.covers(&tally.body.position) || is_named(tally.body.position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::{
        definition::sample,
        digest::{BodyDigest, ChainDigest},
        ids::ShardId,
    };
    use hattama_tally::{FIRST_POSITION, Generation, RecordCounts, TallyBody};

    fn tally(next_offset: u64, control_next_offset: u64, bytes: u8) -> LoggedTally {
        let definition = sample::definition();
        let body = TallyBody {
            election: definition.id,
            core_digest: definition.core_digest,
            generation: Generation(1),
            shard: ShardId(1),
            position: PositionPair { next_offset, control_next_offset },
            chain: ChainDigest([0; 32]),
            control_chain: ChainDigest([0; 32]),
            fold_version: 1,
            records: RecordCounts::default(),
            contests: Vec::new(),
            turnout: Vec::new(),
        };
        LoggedTally { body, digest: BodyDigest([bytes; 32]), frozen: None }
    }

    fn never(_: PositionPair) -> bool {
        false
    }

    #[test]
    fn the_tally_with_the_higher_positions_wins_in_whatever_order_they_come() {
        let mut shard = ShardTallies::new(tally(1, 1, 0));
        assert_eq!(shard.take(tally(9, 2, 9), FIRST_POSITION, never), Verdict::Newer);
        assert_eq!(shard.take(tally(5, 2, 5), FIRST_POSITION, never), Verdict::Older);
        assert_eq!(shard.take(tally(12, 1, 12), FIRST_POSITION, never), Verdict::Older, "lower in control");
        assert_eq!(shard.take(tally(9, 2, 9), FIRST_POSITION, never), Verdict::Same);
        assert_eq!(shard.newest().body.position, PositionPair { next_offset: 9, control_next_offset: 2 });
        assert_eq!(shard.frozen(), None);
    }

    #[test]
    fn two_tallies_at_one_position_freeze_the_shard_where_it_was_last_confirmed() {
        let mut shard = ShardTallies::new(tally(1, 1, 0));
        shard.take(tally(5, 1, 5), FIRST_POSITION, never);
        shard.confirm(Arc::clone(shard.newest()));
        shard.take(tally(9, 1, 9), FIRST_POSITION, never);
        assert_eq!(shard.take(tally(9, 1, 8), FIRST_POSITION, never), Verdict::Alarm);
        assert!(shard.frozen().unwrap().contains("offset 9 (control 1)"), "{:?}", shard.frozen());
        assert_eq!(shard.newest().body.position.next_offset, 5);
        assert_eq!(shard.take(tally(20, 1, 20), FIRST_POSITION, never), Verdict::Older);
        assert_eq!(shard.newest().body.position.next_offset, 5);
    }

    #[test]
    fn a_frozen_shard_does_not_go_behind_what_is_published() {
        let mut shard = ShardTallies::new(tally(1, 1, 0));
        shard.take(tally(5, 1, 5), FIRST_POSITION, never);
        let published = shard.newest().body.position;
        shard.publish(published, never);
        shard.take(tally(9, 1, 9), published, never);
        shard.freeze("it differs".into(), published);
        assert_eq!(shard.newest().body.position, published);
    }

    #[test]
    fn what_a_publication_may_still_name_is_kept_and_the_rest_is_not() {
        let mut shard = ShardTallies::new(tally(1, 1, 0));
        let at = |next_offset| PositionPair { next_offset, control_next_offset: 1 };
        for next_offset in 2..=9 {
            shard.take(tally(next_offset, 1, 1), at(4), |position| position == at(3));
        }
        let kept = |shard: &ShardTallies| (2..=9).filter(|next| shard.at(at(*next)).is_some()).collect::<Vec<_>>();
        assert_eq!(kept(&shard), [3, 5, 6, 7, 8, 9]);
        shard.publish(at(7), never);
        assert_eq!(kept(&shard), [7, 8, 9]);
        for next_offset in 10..10 + 2 * MAX_TALLIES_AHEAD as u64 {
            shard.take(tally(next_offset, 1, 1), at(7), never);
        }
        assert!(shard.ahead.len() <= MAX_TALLIES_AHEAD);
    }

    #[test]
    fn an_owner_says_that_its_shard_is_frozen_and_that_it_is_not_any_more() {
        let mut shard = ShardTallies::new(tally(1, 1, 0));
        shard.take(tally(5, 1, 5), FIRST_POSITION, never);
        shard.take(LoggedTally { frozen: Some("sums at 5".into()), ..tally(5, 1, 5) }, FIRST_POSITION, never);
        assert_eq!(shard.frozen(), Some("sums at 5"));
        shard.take(tally(6, 1, 6), FIRST_POSITION, never);
        assert_eq!(shard.frozen(), None);
    }
}
