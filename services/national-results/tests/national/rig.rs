//! An election under way: a log, stations that sign, and aggregators that tell when a test says so.

use bytes::Bytes;
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change},
    definition::{Definition, KeyRole, sample},
    form::{LineMeaning, Lines},
    ids::{AuthorityId, ContestId, OptionId, ShardId, SlotId, StationId},
    instant::Instant,
    protocol::{Protocol, ProtocolContent},
    routing::home_shard,
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_national_results::{Config, MAX_SNAPSHOTS, Running, start};
use hattama_proto::national::v1::{
    GetNationalResultRequest, GetNationalResultResponse, GetStationRequest, GetStationResponse,
    national_results_client::NationalResultsClient,
};
use hattama_record_log::{NewRecord, ReadLimit, RecordLog, topics::TopicSet};
use hattama_service_kit::{
    clock::{Clock, Purpose, RehearsalTime},
    grpc, listen,
    readiness::Readiness,
    shutdown::Shutdown,
};
use hattama_tally::{ControlFold, Generation, PositionPair, PublicationBody, ShardFold, TallyBody, merge};
use hattama_wire::{
    Envelope, Genesis, RecordOpener, ServiceContext, SigningKey, decode_publication, encode_genesis,
    encode_publication, encode_tally, open_service, publication_digest, sign_service, sign_submission,
};
use jiff::Timestamp;
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};
use tonic::{Code, transport::Channel};

/// Longer than anything takes here, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const FIRST_SEQUENCE: u64 = 1_001;
const GENERATION: Generation = Generation(1);

/// The election and its log.
pub struct Rig {
    pub definition: Arc<Definition>,
    pub log: RecordLog,
    pub topics: TopicSet,
    opener: RecordOpener,
    control: ControlFold,
    shards: BTreeMap<ShardId, ShardFold>,
}

/// A running replica and a client of it.
pub struct Replica {
    pub running: Running,
    pub client: NationalResultsClient<Channel>,
    pub readiness: Readiness,
}

impl Rig {
    pub async fn new() -> Self {
        Self::on(RecordLog::memory(), sample::definition()).await
    }

    /// An election of its own on a log without topics.
    pub async fn on(log: RecordLog, definition: Definition) -> Self {
        Self::after(None, log, definition).await
    }

    /// The same, where the log was lost after the publication of this record.
    pub async fn after(restoring: Option<Bytes>, log: RecordLog, definition: Definition) -> Self {
        let definition = Arc::new(definition);
        let topics = TopicSet::new(definition.id.as_str(), GENERATION.0).unwrap();
        topics.create_all(&log, definition.shards).await.unwrap();
        let first = Genesis::first(&definition, GENERATION);
        let genesis = encode_genesis(&Genesis { first_sequence: FIRST_SEQUENCE, restoring, ..first });
        for (topic, partitions) in topics.partitions(definition.shards) {
            for partition in 0..partitions {
                let record = NewRecord::of_value(genesis.clone());
                assert_eq!(log.append_if_empty(topic, partition, record).await, Ok(Some(0)));
            }
        }
        let control = ControlFold::new(Arc::clone(&definition), GENERATION, &genesis);
        let shards = (1..definition.shards).map(ShardId).map(|shard| {
            let state = Arc::clone(control.state());
            (shard, ShardFold::new(Arc::clone(&definition), GENERATION, shard, &genesis, state))
        });
        let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
        Self { shards: shards.collect(), control, opener, topics, log, definition }
    }

    /// Signs and appends a submission; returns its offset in its shard.
    pub async fn submit(&self, role: KeyRole, id: &str, body: &SubmissionBody) -> u64 {
        let key = SigningKey::rehearsal(&sample::keys(), role, id).unwrap();
        let signed = sign_submission(&key, &self.definition.id, &self.definition.core_digest, body);
        let shard = home_shard(&self.definition, body).unwrap();
        self.log.append(&self.topics.submissions, shard.0, NewRecord::of_value(signed.record_value())).await.unwrap()
    }

    /// A station's protocols: the list's, or the district's of its own.
    pub async fn protocol(&self, station: &str, contest: &str, revision: u8, votes: &[u32]) -> u64 {
        let body = SubmissionBody::Protocol(self.protocol_of(station, contest, revision, votes));
        self.submit(KeyRole::Station, station, &body).await
    }

    /// A protocol whose lines fit its votes, which stand in ballot order; one is against all.
    pub fn protocol_of(&self, station: &str, contest: &str, revision: u8, votes: &[u32]) -> Protocol {
        let station = StationId::new(station).unwrap();
        let contest = ContestId::new(contest).unwrap();
        let register = self.definition.station(&station).unwrap().1.register;
        let options = &self.definition.contest(&contest).unwrap().1.options;
        let mut votes: Vec<(OptionId, u32)> =
            options.iter().map(|option| option.id.clone()).zip(votes.iter().copied()).collect();
        votes.sort();
        let valid = votes.iter().map(|(_, votes)| votes).sum::<u32>() + 1;
        let mut lines = Lines::default();
        for (meaning, count) in [
            (LineMeaning::VotersListed, register),
            (LineMeaning::BallotsReceived, register),
            (LineMeaning::BallotsIssued, valid),
            (LineMeaning::BallotsUnused, register - valid),
            (LineMeaning::BallotsSpoiled, 0),
            (LineMeaning::BallotsFound, valid),
            (LineMeaning::BallotsInvalid, 0),
            (LineMeaning::BallotsValid, valid),
        ] {
            lines.set(meaning, count);
        }
        Protocol {
            content: ProtocolContent { station, contest, revision, lines, votes, against_all: Some(1) },
            signed_at: Instant::parse("2030-06-03T02:00:00+05:00").unwrap(),
            supersedes: None,
            reason: (revision > 1).then(|| "counted again".to_owned()),
            correction_authority: None,
            signatories: Vec::new(),
            complaints: None,
            scan: None,
        }
    }

    pub async fn turnout(&self, station: &str, slot: &str, received_a_ballot: u32) {
        let id = StationId::new(station).unwrap();
        let register = self.definition.station(&id).unwrap().1.register;
        let slot = SlotId::new(slot).unwrap();
        let content = TurnoutContent { station: id, slot, revision: 1, received_a_ballot, register };
        let body = SubmissionBody::Turnout(TurnoutReport { content, signed_at: Instant(0) });
        self.submit(KeyRole::Station, station, &body).await;
    }

    /// An amendment that closes a station.
    pub async fn close_station(&self, number: u32, station: &str) {
        self.amend(number, Change::StationClosed { station: StationId::new(station).unwrap() }).await;
    }

    pub async fn amend(&self, number: u32, change: Change) {
        let author = AuthorityId::new("operator").unwrap();
        let content = AmendmentContent { number, author, change };
        let amendment = Amendment { content, reason: "flood".to_owned(), signed_at: Instant(0) };
        self.submit(KeyRole::Authority, "operator", &SubmissionBody::Amendment(amendment)).await;
    }

    /// What a shard's aggregator would tell now.
    pub async fn fold(&mut self, shard: u32) -> TallyBody {
        let values = self.values(0, self.control.position().next_offset).await;
        self.control.apply(&slices(&values), &self.opener);
        if shard == 0 {
            return self.control.tally();
        }
        let fold = self.shards.get_mut(&ShardId(shard)).unwrap();
        let from = fold.position().next_offset;
        let values = self.log.read(&self.topics.submissions, shard, from, ReadLimit::default()).await.unwrap();
        let values: Vec<Bytes> = values.into_iter().map(|record| record.value).collect();
        fold.apply(&slices(&values), &self.opener);
        fold.advance_control(Arc::clone(self.control.state()), &self.opener);
        fold.tally()
    }

    /// A shard's aggregator folds up to the end and tells.
    pub async fn tell(&mut self, shard: u32) -> PositionPair {
        let tally = self.fold(shard).await;
        self.tell_as("aggregator", ServiceContext::Tally, &tally, None).await;
        tally.position
    }

    pub async fn tell_all(&mut self) {
        for shard in 0..self.definition.shards {
            self.tell(shard).await;
        }
    }

    /// Appends a tally as anyone might sign it.
    pub async fn tell_as(&self, service: &str, context: ServiceContext, tally: &TallyBody, frozen: Option<&str>) {
        let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Service, service).unwrap();
        let envelope = Envelope { frozen: frozen.map(str::to_owned), ..Envelope::default() };
        let value = sign_service(context, &key, encode_tally(&self.definition, tally), &envelope);
        self.log.append(&self.topics.tallies, tally.shard.0, NewRecord::of_value(value)).await.unwrap();
    }

    /// A clock that stands at the embargo's instant plus these seconds now.
    pub fn clock_at(&self, seconds_after_embargo: i64, speed: u32) -> Clock {
        let embargo = self.definition.contests[0].embargo_until.0;
        let time = RehearsalTime {
            origin: Timestamp::from_second(embargo + seconds_after_embargo).unwrap(),
            speed: NonZeroU32::new(speed).unwrap(),
            wall_start: Timestamp::now(),
        };
        Clock::rehearsal(Purpose::Rehearsal, time).unwrap()
    }

    /// A replica with a clock of its own and the figures of so many publications at hand.
    pub async fn start_with(&self, instance: &str, clock: Clock, publications_at_hand: usize) -> Replica {
        let readiness = Readiness::new();
        let config = Config {
            definition: Arc::clone(&self.definition),
            log: self.log.clone(),
            generation: GENERATION.0,
            listen: listen::local(0),
            instance: instance.to_owned(),
            key: SigningKey::rehearsal(&sample::keys(), KeyRole::Service, "national").unwrap(),
            clock,
            readiness: readiness.clone(),
            publications_at_hand,
        };
        let running = start(config, Shutdown::new()).await.unwrap();
        let address = format!("http://{}", running.address());
        let channel = grpc::endpoint(&address).unwrap().connect().await.unwrap();
        Replica { running, client: NationalResultsClient::new(channel), readiness }
    }

    /// A replica whose clock stands at the embargo's instant plus these seconds when it starts.
    pub async fn start_at(&self, instance: &str, seconds_after_embargo: i64, speed: u32) -> Replica {
        self.start_with(instance, self.clock_at(seconds_after_embargo, speed), MAX_SNAPSHOTS).await
    }

    /// A replica long after every embargo.
    pub async fn start(&self, instance: &str) -> Replica {
        self.start_at(instance, 36_000, 1).await
    }

    /// Appends the first publication, of these tallies and no other, as a national service would.
    pub async fn publish_first(&mut self, tallies: Vec<TallyBody>) {
        let mut all = BTreeMap::new();
        for shard in 0..self.definition.shards {
            all.insert(ShardId(shard), self.fold(shard).await);
        }
        all.extend(tallies.into_iter().map(|tally| (tally.shard, tally)));
        let nation = merge(&self.definition, &all).unwrap();
        let body = nation.publication(&self.definition, GENERATION, self.control.state(), FIRST_SEQUENCE, None);
        let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Service, "national").unwrap();
        let encoded = encode_publication(&self.definition, &body);
        let value = sign_service(ServiceContext::Publication, &key, encoded, &Envelope::default());
        self.log.append(&self.topics.publications, 0, NewRecord::of_value(value)).await.unwrap();
    }

    /// The records of the publications that are validly signed, in the order of the log, and the digest of each.
    pub async fn publications(&self) -> Vec<(PublicationBody, hattama_election::digest::PublicationDigest)> {
        let context = ServiceContext::Publication;
        let records = self.log.read(&self.topics.publications, 0, 1, ReadLimit::default()).await.unwrap();
        let read = records.iter().map(|record| {
            let opened = open_service(context, &record.value, |key| context.key(&self.definition, key)).unwrap();
            (decode_publication(&self.definition, &opened.body).unwrap(), publication_digest(&opened.body))
        });
        read.collect()
    }

    /// The chain that an independent reader finds: of all records those that follow the last valid one.
    pub async fn valid_publications(&self) -> Vec<PublicationBody> {
        let mut valid: Vec<PublicationBody> = Vec::new();
        let mut previous = None;
        for (body, digest) in self.publications().await {
            let next = FIRST_SEQUENCE + valid.len() as u64;
            let is_beyond = valid.last().is_none_or(|last| body.is_beyond(last));
            if body.sequence == next && body.previous == previous && is_beyond {
                valid.push(body);
                previous = Some(digest);
            }
        }
        valid
    }

    async fn values(&self, shard: u32, from: u64) -> Vec<Bytes> {
        let records = self.log.read(&self.topics.submissions, shard, from, ReadLimit::default()).await.unwrap();
        records.into_iter().map(|record| record.value).collect()
    }
}

impl Replica {
    /// The newest result, or why there is none.
    pub async fn result(&mut self) -> Result<GetNationalResultResponse, tonic::Status> {
        let request = GetNationalResultRequest { sequence: None };
        self.client.get_national_result(request).await.map(tonic::Response::into_inner)
    }

    /// The newest result once it is as wanted.
    pub async fn eventually(
        &mut self,
        what: &str,
        is_so: impl Fn(&GetNationalResultResponse) -> bool,
    ) -> GetNationalResultResponse {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut last = None;
        while tokio::time::Instant::now() < deadline {
            match self.result().await {
                Ok(result) if is_so(&result) => return result,
                Ok(result) => last = Some(result),
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not so within {PATIENCE:?}: {what}; last: {last:#?}");
    }

    /// The newest result once it stands at these positions of a shard, or beyond.
    pub async fn eventually_at(&mut self, shard: u32, position: PositionPair) -> GetNationalResultResponse {
        self.eventually(&format!("shard {shard} at {position:?}"), |result| at(result, shard).covers(&position)).await
    }

    pub async fn station(&mut self, station: &str, sequence: Option<u64>) -> GetStationResponse {
        let request = GetStationRequest { station: station.to_owned(), sequence };
        self.client.get_station(request).await.unwrap().into_inner()
    }

    pub async fn stop(&self) {
        let drain = self.running.stop(PATIENCE).await;
        assert_eq!(drain.exit_code(), 0, "{drain}");
    }
}

pub fn sequence(result: &GetNationalResultResponse) -> u64 {
    result.publication.as_ref().unwrap().sequence
}

/// Where a shard stands in a result.
pub fn at(result: &GetNationalResultResponse, shard: u32) -> PositionPair {
    let entry = result.vector.iter().find(|entry| entry.shard == shard).unwrap();
    let position = entry.position.as_ref().unwrap();
    PositionPair { next_offset: position.next_offset, control_next_offset: position.control_next_offset }
}

/// A copy whose votes of the list differ in every unit alike: it keeps every invariant and is not what was submitted.
pub fn with_other_votes(tally: &TallyBody) -> TallyBody {
    let mut other = tally.clone();
    other.contests[0].units.iter_mut().for_each(|(_, totals)| totals.votes[0] += 1);
    other
}

/// A copy whose first region has one vote more than its territories.
pub fn without_conservation(tally: &TallyBody) -> TallyBody {
    let mut other = tally.clone();
    other.contests[0].units[0].1.votes[0] += 1;
    other
}

fn slices(values: &[Bytes]) -> Vec<&[u8]> {
    values.iter().map(AsRef::as_ref).collect()
}
