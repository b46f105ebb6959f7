//! From a lost log to its next generation: what is known of the publications, which generations there are, and the genesis
//! that the next one begins with (design, D7).

use crate::generation::{GenesisError, first_record};
use hattama_election::{definition::Definition, digest::PublicationDigest};
use hattama_record_log::{LogError, ReadLimit, RecordLog, TopicName, topics::TopicSet};
use hattama_tally::{Generation, PublicationBody};
use hattama_wire::{Genesis, KeptPublication};
use std::collections::{BTreeMap, BTreeSet};

/// How far the first number of a generation lies above the highest that is known: at ten publications a second, what nobody
/// who is asked has read yet would have to be older than a minute and a half.
pub const SEQUENCE_GAP: u64 = 1_000;

/// What is known of what was published: from journals, services and what is left of the log.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Publications with their records, of any generation.
    pub kept: Vec<KeptPublication>,
    /// Numbers and digests of publications whose record the teller does not have.
    pub told: Vec<(u64, PublicationDigest)>,
    /// The highest first number of a generation that the log still knows.
    pub highest_first_sequence: u64,
}

/// How far a generation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Some of its topics or first records are missing, and nothing else is written to it; the genesis, if a partition has it.
    HalfMade(Option<Genesis>),
    /// Some of its topics or first records are missing, although it was in use: it has lost data.
    Damaged(Option<Genesis>),
    /// Made, and nothing written to it.
    Empty(Genesis),
    /// In use.
    InUse(Genesis),
}

impl Published {
    /// The publication with the highest number.
    #[must_use]
    pub fn newest(&self) -> Option<&KeptPublication> {
        self.kept.iter().max_by_key(|kept| kept.body.sequence)
    }

    /// The highest number that anybody told, with or without a record.
    #[must_use]
    pub fn highest_sequence(&self) -> u64 {
        let kept = self.kept.iter().map(|kept| kept.body.sequence);
        kept.chain(self.told.iter().map(|(sequence, _)| *sequence)).max().unwrap_or(0)
    }

    /// What is to be shown as "restoring". Of a generation that was lost before it had as much as an earlier one, the earlier
    /// one's last publication still is.
    #[must_use]
    pub fn to_restore(&self) -> Option<&KeptPublication> {
        let mut newest = BTreeMap::<u32, &KeptPublication>::new();
        for kept in &self.kept {
            let of_generation = newest.entry(kept.body.generation.0).or_insert(kept);
            if of_generation.body.sequence < kept.body.sequence {
                *of_generation = kept;
            }
        }
        newest.into_values().reduce(|before, after| if has_as_much(&after.body, &before.body) { after } else { before })
    }

    /// The genesis of a generation that goes on from here.
    #[must_use]
    pub fn genesis(&self, definition: &Definition, generation: u32) -> Genesis {
        let told = self.told.iter().copied();
        let last = self.kept.iter().map(|kept| (kept.body.sequence, kept.digest)).chain(told).max_by_key(|last| last.0);
        Genesis {
            election: definition.id.clone(),
            generation: Generation(generation),
            core_digest: definition.core_digest,
            last_publication: last.map(|(_, digest)| digest),
            first_sequence: self.highest_sequence().max(self.highest_first_sequence) + SEQUENCE_GAP,
            restoring: self.to_restore().map(|kept| kept.record.clone()),
        }
    }
}

/// True when nothing that is counted of stations and reports is less. Which ones they are, a publication does not say.
fn has_as_much(after: &PublicationBody, before: &PublicationBody) -> bool {
    let contests = after.contests.len() == before.contests.len()
        && after.contests.iter().zip(&before.contests).all(|(new, old)| new.stations.counted >= old.stations.counted);
    contests
        && after.turnout.len() == before.turnout.len()
        && after.turnout.iter().zip(&before.turnout).all(|(new, old)| new.reported >= old.reported)
}

/// The generations of which the log has any topic.
///
/// # Errors
/// As [`RecordLog::topics`].
pub async fn generations(log: &RecordLog, definition: &Definition) -> Result<BTreeSet<u32>, LogError> {
    let topics = log.topics().await?;
    Ok(topics.keys().filter_map(|topic| generation_of(topic, definition.id.as_str())).collect())
}

fn generation_of(topic: &TopicName, election: &str) -> Option<u32> {
    let (digits, name) = topic.as_str().strip_prefix(election)?.strip_prefix(".g")?.split_once('.')?;
    let generation: u32 = digits.parse().ok()?;
    let ours = ["submissions", "outcomes", "tallies", "publications"].contains(&name);
    // `g01` is not how this project writes 1: somebody else's topic.
    (ours && generation.to_string() == digits).then_some(generation)
}

/// How far a generation has come.
///
/// # Errors
/// When the log cannot be read, or a partition begins as another election's, or not as its sisters do.
pub async fn standing(log: &RecordLog, definition: &Definition, generation: u32) -> Result<Standing, GenesisError> {
    let failed = |source| GenesisError::Log { generation, source };
    let topics = TopicSet::new(definition.id.as_str(), generation).map_err(failed)?;
    let there = log.topics().await.map_err(failed)?;
    let (mut found, mut is_whole, mut is_empty) = (None::<Genesis>, true, true);
    for (topic, partitions) in topics.partitions(definition.shards) {
        if !there.contains_key(topic) {
            is_whole = false;
            continue;
        }
        for partition in 0..partitions {
            match first_record(log, definition, Generation(generation), topic, partition).await {
                Ok(first) if found.as_ref().is_none_or(|genesis| *genesis == first.genesis) => {
                    found = Some(first.genesis)
                }
                Ok(_) => {
                    let why = "its genesis differs from that of another partition".to_owned();
                    return Err(GenesisError::Foreign { topic: topic.clone(), partition, why });
                }
                Err(GenesisError::Missing { .. }) => is_whole = false,
                Err(error) => return Err(error),
            }
            is_empty &= log.end(topic, partition).await.map_err(failed)? <= 1;
        }
    }
    Ok(match found {
        Some(genesis) if is_whole && is_empty => Standing::Empty(genesis),
        Some(genesis) if is_whole => Standing::InUse(genesis),
        found if is_empty => Standing::HalfMade(found),
        found => Standing::Damaged(found),
    })
}

/// The last valid publication that a generation's log still has; none when it has none, or no genesis.
///
/// # Errors
/// When the log cannot be read, or is another election's.
pub async fn last_publication(
    log: &RecordLog,
    definition: &Definition,
    generation: u32,
) -> Result<Option<KeptPublication>, GenesisError> {
    let failed = |source| GenesisError::Log { generation, source };
    let topic = TopicSet::new(definition.id.as_str(), generation).map_err(failed)?.publications;
    let genesis = match first_record(log, definition, Generation(generation), &topic, 0).await {
        Ok(first) => first.genesis,
        Err(GenesisError::Missing { .. } | GenesisError::Log { source: LogError::UnknownTopic { .. }, .. }) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let (mut next_sequence, mut previous, mut last) = (genesis.first_sequence, genesis.last_publication, None);
    let mut reader = log.reader(&topic, 0, 1);
    loop {
        let batch = reader.next_batch_now(ReadLimit::default().records).await.map_err(failed)?;
        if batch.is_empty() {
            return Ok(last);
        }
        for record in batch {
            let Ok(kept) = KeptPublication::open(definition, &record.value) else { continue };
            let is_beyond = last.as_ref().is_none_or(|last: &KeptPublication| kept.body.is_beyond(&last.body));
            let is_next = kept.body.sequence == next_sequence && kept.body.previous == previous;
            if kept.body.generation.0 == generation && is_next && is_beyond {
                (next_sequence, previous, last) = (next_sequence + 1, Some(kept.digest), Some(kept));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::create_generation;
    use bytes::Bytes;
    use hattama_election::definition::sample;
    use hattama_record_log::NewRecord;
    use hattama_tally::{ControlState, FIRST_POSITION, PositionPair, merge};
    use hattama_wire::{Envelope, ServiceContext, encode_genesis, encode_publication, sign_service};
    use std::sync::Arc;

    /// A publication that counts so many stations of the first contest.
    fn publication(
        generation: u32,
        sequence: u64,
        counted: u64,
        previous: Option<PublicationDigest>,
    ) -> KeptPublication {
        let definition = Arc::new(sample::definition());
        let control = ControlState::initial(Arc::clone(&definition), b"genesis");
        let nation = merge(&definition, &BTreeMap::new()).unwrap();
        let mut body = nation.publication(&definition, Generation(generation), &control, sequence, previous);
        body.contests[0].stations.counted = counted;
        body.vector[1].position = PositionPair { next_offset: 1 + sequence, ..FIRST_POSITION };
        let key =
            crate::rehearsal_service_key(&definition, hattama_election::definition::ServiceRole::National).unwrap();
        let record = sign_service(
            ServiceContext::Publication,
            &key,
            encode_publication(&definition, &body),
            &Envelope::default(),
        );
        KeptPublication::open(&definition, &record).unwrap()
    }

    #[test]
    fn a_genesis_goes_on_from_the_highest_number_that_anybody_tells_and_leaves_a_gap() {
        let definition = sample::definition();
        let (older, newer) = (publication(1, 40, 3, None), publication(1, 41, 4, None));
        let mut published = Published { kept: vec![newer.clone(), older], ..Published::default() };
        let genesis = published.genesis(&definition, 2);
        assert_eq!((genesis.first_sequence, genesis.last_publication), (1_041, Some(newer.digest)));
        assert_eq!(genesis.restoring_publication(&definition), Some(newer.clone()));
        // A replica has read one more, and has no record to give.
        published.told.push((43, PublicationDigest([9; 32])));
        let genesis = published.genesis(&definition, 2);
        assert_eq!((genesis.first_sequence, genesis.last_publication), (1_043, Some(PublicationDigest([9; 32]))));
        assert_eq!(genesis.restoring_publication(&definition), Some(newer));
        // A generation between was lost with all that it published.
        published.highest_first_sequence = 1_040;
        assert_eq!(published.genesis(&definition, 3).first_sequence, 2_040);
    }

    #[test]
    fn where_nothing_was_published_nothing_is_restored_and_numbers_leave_the_gap_all_the_same() {
        let genesis = Published::default().genesis(&sample::definition(), 2);
        assert_eq!((genesis.first_sequence, genesis.last_publication, genesis.restoring), (SEQUENCE_GAP, None, None));
    }

    #[test]
    fn a_generation_that_was_lost_half_restored_leaves_the_earlier_one_to_be_restored() {
        let (first, half) = (publication(1, 40, 4, None), publication(2, 1_050, 3, None));
        let published = Published { kept: vec![half.clone(), first.clone()], ..Published::default() };
        assert_eq!(published.to_restore(), Some(&first));
        assert_eq!(published.newest(), Some(&half));
        let whole = publication(2, 1_060, 4, None);
        let published = Published { kept: vec![whole.clone(), half, first], ..Published::default() };
        assert_eq!(published.to_restore(), Some(&whole));
    }

    #[tokio::test]
    async fn the_last_publication_of_a_log_is_the_last_valid_one() {
        let (log, definition) = (RecordLog::memory(), sample::definition());
        assert_eq!(last_publication(&log, &definition, 1).await, Ok(None));
        let genesis = Genesis { first_sequence: 1, ..Published::default().genesis(&definition, 1) };
        let topics = create_generation(&log, &definition, &genesis).await.unwrap();
        let first = publication(1, 1, 1, None);
        let second = publication(1, 2, 2, Some(first.digest));
        let not_next = publication(1, 4, 2, Some(second.digest));
        for record in [&first.record, &second.record, &first.record, &not_next.record, &Bytes::from_static(b"x")] {
            log.append(&topics.publications, 0, NewRecord::of_value(record.clone())).await.unwrap();
        }
        assert_eq!(last_publication(&log, &definition, 1).await, Ok(Some(second)));
    }

    #[tokio::test]
    async fn a_generation_is_half_made_empty_or_in_use() {
        let (log, definition) = (RecordLog::memory(), sample::definition());
        let genesis = Published::default().genesis(&definition, 2);
        let topics = TopicSet::new(definition.id.as_str(), 2).unwrap();
        log.create_topic(&topics.publications, 1).await.unwrap();
        assert_eq!(standing(&log, &definition, 2).await, Ok(Standing::HalfMade(None)));
        assert_eq!(generations(&log, &definition).await, Ok(BTreeSet::from([2])));
        let first = NewRecord::of_value(encode_genesis(&genesis));
        log.append(&topics.publications, 0, first.clone()).await.unwrap();
        assert_eq!(standing(&log, &definition, 2).await, Ok(Standing::HalfMade(Some(genesis.clone()))));
        create_generation(&log, &definition, &genesis).await.unwrap();
        assert_eq!(standing(&log, &definition, 2).await, Ok(Standing::Empty(genesis.clone())));
        log.append(&topics.submissions, 1, first).await.unwrap();
        assert_eq!(standing(&log, &definition, 2).await, Ok(Standing::InUse(genesis)));
    }

    #[tokio::test]
    async fn a_generation_that_lost_a_partition_is_not_taken_for_one_that_is_half_made() {
        let (log, definition) = (RecordLog::memory(), sample::definition());
        let genesis = Published::default().genesis(&definition, 1);
        let topics = TopicSet::new(definition.id.as_str(), 1).unwrap();
        topics.create_all(&log, definition.shards).await.unwrap();
        let first = NewRecord::of_value(encode_genesis(&genesis));
        log.append_all(&topics.submissions, 1, vec![first.clone(), first]).await.unwrap();
        assert_eq!(standing(&log, &definition, 1).await, Ok(Standing::Damaged(Some(genesis))));
    }
}
