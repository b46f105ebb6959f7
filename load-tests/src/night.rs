//! The night that every row plays: a generated election of a few hundred stations, and its script at an even pace.

use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole, sample},
    instant::Instant,
    submission::SubmissionBody,
};
use hattama_night_play::clock::time_of;
use hattama_rehearsal::script::{self, Action, Event, Expected};
use hattama_service_kit::clock::{Clock, Purpose, RehearsalTime};
use std::{error::Error, num::NonZeroU32, sync::Arc, time::Duration};

/// Stations: some two thousand submissions, and every shard has some each second.
const STATIONS: u32 = 480;
/// The sample's shards, control included.
pub const SHARDS: u32 = 5;
/// The night's seconds in a real one: the clock counts whole seconds, so events are a sixtieth of a second apart at least.
const SPEED: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// The clock starts here: when the sample's embargo is over, so that every figure is shown.
const ORIGIN: i64 = 1_906_675_200;
/// What comes before the first protocol is played in this time.
pub const DAY: Duration = Duration::from_secs(4);
/// Services have this long to come up before the first event is due.
pub const LEAD: Duration = Duration::from_secs(4);

/// A night to play.
#[derive(Debug)]
pub struct Night {
    /// The definition's files.
    pub files: DefinitionFiles,
    /// The definition.
    pub definition: Arc<Definition>,
    /// What is sent, in the order of sending.
    pub events: Vec<Event>,
    /// What it must come to.
    pub expected: Expected,
}

impl Night {
    /// The night of an election with this id, whose protocols come evenly over `flow`.
    ///
    /// # Errors
    /// When the definition does not load: the sample has changed.
    pub fn generate(election: &str, seed: u64, flow: Duration) -> Result<Self, Box<dyn Error>> {
        let files = files(election)?;
        let definition = Definition::load(&files)?;
        let script = script::small(&definition, seed)?;
        let mut night =
            Self { files, definition: Arc::new(definition), events: script.events, expected: script.expected };
        night.pace(flow);
        Ok(night)
    }

    /// Gives events their times: evenly over the day, then evenly over `flow`. Their order stays; nothing in the system
    /// orders by time.
    pub fn pace(&mut self, flow: Duration) {
        let day = self.events.iter().position(is_protocol).unwrap_or(self.events.len());
        let (before, after) = self.events.split_at_mut(day);
        spread(before, Duration::ZERO, DAY);
        spread(after, DAY, flow);
        self.events.iter_mut().zip(0..).for_each(|(event, number)| event.number = number);
    }

    /// The night's time, from [`LEAD`] before the first event on.
    ///
    /// # Errors
    /// Never: the origin is an instant.
    pub fn time(&self) -> Result<RehearsalTime, jiff::Error> {
        time_of(ORIGIN, SPEED, LEAD)
    }

    /// How long after the first event an event is sent.
    #[must_use]
    pub fn sent_after(event: &Event) -> Duration {
        let seconds = u64::try_from(event.at.0 - ORIGIN).unwrap_or(0);
        Duration::from_millis(seconds * 1_000 / u64::from(SPEED.get()))
    }
}

/// A clock that shows a time.
///
/// # Errors
/// Never: every night here is a rehearsal.
pub fn clock(time: RehearsalTime) -> Result<Clock, Box<dyn Error>> {
    Ok(Clock::rehearsal(Purpose::Rehearsal, time)?)
}

fn spread(events: &mut [Event], from: Duration, over: Duration) {
    let count = events.len().max(1) as u64;
    for (event, place) in events.iter_mut().zip(0_u64..) {
        let milliseconds = from.as_millis() as u64 + over.as_millis() as u64 * place / count;
        event.at = Instant(ORIGIN + (milliseconds * u64::from(SPEED.get()) / 1_000) as i64);
    }
}

/// A protocol of a station, sent as its own.
#[must_use]
pub fn is_protocol(event: &Event) -> bool {
    matches!(&event.action, Action::Send { body: SubmissionBody::Protocol(_), .. })
}

/// The sample's files with another id and many stations, spread as the sample's are.
fn files(election: &str) -> Result<DefinitionFiles, Box<dyn Error>> {
    let mut files = sample::definition_files();
    let toml = String::from_utf8(files.get("election.toml").unwrap_or_default().to_vec())?;
    files.set("election.toml", toml.replacen("id = \"sample\"", &format!("id = \"{election}\""), 1).into_bytes());
    files.set("stations.csv", stations()?.into_bytes());
    Ok(files)
}

fn stations() -> Result<String, Box<dyn Error>> {
    let mut text = String::from("id,region,territory,district,shard,form,register,polls_close,key\n");
    let mut rows = Vec::new();
    for number in 0..STATIONS {
        let (_, region, territory, district, shard, register) =
            sample::STATIONS[number as usize % sample::STATIONS.len()];
        let id = format!("{region}-{number:04}");
        let key = sample::keys().public_key(KeyRole::Station, &id)?;
        rows.push(format!("{id},{region},{territory},{district},{shard},,{},,{key}\n", register + number));
    }
    rows.sort();
    text.extend(rows);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_has_hundreds_of_stations_in_four_shards_and_every_kind_of_incident() {
        let night = Night::generate("faults-1", 1, Duration::from_secs(30)).unwrap();
        assert_eq!(night.definition.stations.len(), STATIONS as usize);
        assert_eq!(night.definition.shards, SHARDS);
        assert_eq!(night.definition.id.as_str(), "faults-1");
        assert!(night.events.len() > 2_000, "{}", night.events.len());
        assert!(night.events.is_sorted_by_key(|event| event.at));
        assert!(night.events.last().is_some_and(|event| Night::sent_after(event) <= DAY + Duration::from_secs(30)));
    }

    #[test]
    fn a_seed_has_one_night() {
        let night = |seed| Night::generate("faults-1", seed, Duration::from_secs(30)).unwrap().events;
        assert_eq!(night(3), night(3));
        assert_ne!(night(3), night(4));
    }
}
