//! Steps that are too large for one record: an amendment that changes them all at once, and owners that were interrupted.

use crate::{
    chain::{busy_hour, busy_second_hour},
    recounting::{export, recounted},
    rig::{PATIENCE, Rig, eventually, pair, service_key},
};
use bytes::Bytes;
use hattama_election::{
    amendment::{Change, KeyHolder},
    definition::{KeyRole, sample},
    digest::SubmissionDigest,
    ids::{ShardId, SlotId, StationId},
    instant::Instant,
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_precinct_gateway as gateway;
use hattama_proto::{
    gateway::v1::{GetReceiptRequest, SubmitRequest, precinct_gateway_client::PrecinctGatewayClient},
    log::v1::Outcome as WireOutcome,
};
use hattama_recount::{Verdict, export_format::Topic};
use hattama_service_kit::{grpc, shutdown::Shutdown};
use hattama_tally::{FIRST_POSITION, Outcome, OutcomesBody, Part, SubmissionOutcome};
use hattama_wire::{
    Envelope, ServiceContext, SigningKey, encode_outcomes, open_outcomes, sign_service, sign_submission, split_outcomes,
};
use tonic::transport::Channel;

const SHARD: ShardId = ShardId(1);
const SLOTS: [&str; 3] = ["10-00", "14-00", "20-00"];
const REVISIONS: u8 = 99;
/// Each report is signed so many times: together more outcomes than one record holds, some 49 bytes each.
const TIMES: i64 = 76;

fn report(slot: &str, revision: u8, received_a_ballot: u32, signed_at: i64) -> SubmissionBody {
    SubmissionBody::Turnout(TurnoutReport {
        content: TurnoutContent {
            station: StationId::new("north-001").unwrap(),
            slot: SlotId::new(slot).unwrap(),
            revision,
            received_a_ballot,
            register: 2_400,
        },
        signed_at: Instant(signed_at),
    })
}

/// A gateway on the rig's log, and a client of it.
struct Gateway {
    shutdown: Shutdown,
    client: PrecinctGatewayClient<Channel>,
    _journal: tempfile::TempDir,
}

impl Gateway {
    async fn start(rig: &Rig) -> Self {
        let journal = tempfile::tempdir().unwrap();
        let folder = journal.path().to_owned();
        let config = gateway::Config::new(rig.definition.clone(), rig.log.clone(), folder, "gateway".to_owned());
        let shutdown = Shutdown::new();
        let running = gateway::start(config, &shutdown).await.unwrap();
        let channel = grpc::endpoint(&format!("http://{}", running.grpc_address)).unwrap().connect_lazy();
        Self { shutdown, client: PrecinctGatewayClient::new(channel), _journal: journal }
    }

    /// Submits with the station's own key.
    async fn submit(&mut self, rig: &Rig, body: &SubmissionBody) -> SubmissionDigest {
        let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Station, "north-001").unwrap();
        let signed = sign_submission(&key, &rig.definition.id, &rig.definition.core_digest, body);
        self.client.submit(SubmitRequest { submission: Some(signed.to_proto()) }).await.unwrap();
        signed.digest()
    }

    async fn stands_as(&mut self, digest: SubmissionDigest, outcome: WireOutcome) {
        eventually(&format!("{outcome:?} in the receipt"), async || {
            let request = GetReceiptRequest { digest: digest.0.to_vec().into() };
            let receipt = self.client.get_receipt(request).await.unwrap().into_inner().receipt.unwrap();
            (receipt.standing?.outcome() == outcome).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amendment_that_changes_more_outcomes_than_a_record_holds_is_told_in_parts_that_all_readers_understand() {
    let rig = Rig::new().await;
    let mut gateway = Gateway::start(&rig).await;
    let mut aggregator = rig.start("one", &[1]).await;
    let first = gateway.submit(&rig, &report(SLOTS[0], 1, 1_000, 0)).await;
    let new_key = SigningKey::from_seed([7; 32]).unwrap();
    for slot in SLOTS {
        for revision in 1..=REVISIONS {
            for time in 0..TIMES {
                rig.submit_with(&new_key, &report(slot, revision, 900, time)).await;
            }
        }
    }
    let last = gateway.submit(&rig, &report(SLOTS[2], REVISIONS, 1_000, 0)).await;
    for digest in [first, last] {
        gateway.stands_as(digest, WireOutcome::Counted).await;
    }
    assert_eq!(rig.settled(SHARD).await.0.parts, 0);

    let holder = KeyHolder::Station(StationId::new("north-001").unwrap());
    rig.amend(1, Change::KeyReplaced { holder, key: new_key.public_key() }).await;
    // Asked at the door: to read the log again and again takes longer than all the rest.
    let end = Some(hattama_wire::position_to_proto(rig.ends(SHARD).await));
    aggregator.shards_until("all is told", |shards| shards[0].position == end).await;
    let chain = rig.settled(SHARD).await.0;
    assert_eq!((chain.parts, chain.ignored), (1, 0), "one record in front of the one that makes the step whole");
    let step = chain.valid.last().unwrap();
    let told = SLOTS.len() * usize::from(REVISIONS) * usize::try_from(TIMES).unwrap() + 2;
    assert_eq!((step.from.control_next_offset, step.to.control_next_offset, step.outcomes.len()), (1, 2, told));

    // The first lies in the one part, the last in the other.
    gateway.stands_as(first, WireOutcome::Superseded).await;
    gateway.stands_as(last, WireOutcome::Contested).await;

    // Folded again from the files, by the tally and by every word.
    let report = recounted(&export(&rig, |_, _, _| {}).await);
    assert_eq!(report.verdict, Verdict::Match, "{report}");
    let records = rig.records(&rig.topics.outcomes, SHARD).await.len() as u64;
    assert_eq!((report.counts.outcomes_compared, report.counts.lost_races), (records, 0));
    aggregator.stop().await;
    assert_eq!(gateway.shutdown.drain(PATIENCE).await.exit_code(), 0);
}

/// A rig whose outcomes begin with these parts of the step over the first hour's records.
async fn interrupted_after(parts: usize) -> Rig {
    let rig = Rig::new().await;
    busy_hour(&rig).await;
    let to = rig.ends(SHARD).await;
    let words = rig.fold_at(SHARD, to).await.1.into_values().collect();
    let step = rig.outcomes(SHARD, (FIRST_POSITION, to), words);
    let all = split_outcomes(step, 1).unwrap();
    assert_eq!(all.len(), 3, "a duplicate, and two that are refused");
    for part in &all[..parts] {
        rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, part).await;
    }
    rig
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_goes_on_behind_one_that_was_killed_between_two_parts() {
    for parts in [1, 2, 3] {
        let rig = interrupted_after(parts).await;
        let aggregator = rig.start("next", &[]).await;
        busy_second_hour(&rig).await;
        let chain = rig.settled_and_right(SHARD).await;
        let first = (FIRST_POSITION, pair(6, 1));
        let whole = chain.valid.iter().filter(|body| (body.from, body.to) == first).count();
        assert!(parts < 3 || (whole, chain.parts) == (1, 2), "the third part makes the step whole");
        rig.settled(ShardId::CONTROL).await;
        for shard in 2..rig.definition.shards {
            rig.settled(ShardId(shard)).await;
        }
        let report = recounted(&export(&rig, |_, _, _| {}).await);
        assert_eq!(report.verdict, Verdict::Match, "{parts}: {report}");
        aggregator.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_told_by_halves_moves_no_receipt() {
    let rig = Rig::new().await;
    let mut gateway = Gateway::start(&rig).await;
    let one = gateway.submit(&rig, &report(SLOTS[0], 1, 1_000, 0)).await;
    let two = gateway.submit(&rig, &report(SLOTS[0], 2, 1_100, 0)).await;
    let held = |offset, digest| SubmissionOutcome {
        offset,
        digest,
        outcome: Outcome::Held,
        rules: Vec::new(),
        duplicate_of: None,
    };
    let step = rig.outcomes(SHARD, (FIRST_POSITION, pair(3, 1)), vec![held(1, one), held(2, two)]);
    let parts = split_outcomes(step.clone(), 1).unwrap();
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &parts[0]).await;
    // A rival that comes to less is whole first: what the gateway says is what that says.
    let rival = rig.outcomes(SHARD, (FIRST_POSITION, pair(2, 1)), vec![]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &rival).await;
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &parts[1]).await;
    gateway.stands_as(one, WireOutcome::Counted).await;
    let next = rig.outcomes(SHARD, (pair(2, 1), pair(3, 1)), vec![held(1, one)]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &next).await;
    gateway.stands_as(one, WireOutcome::Held).await;
    gateway.stands_as(two, WireOutcome::Counted).await;
    assert_eq!(gateway.shutdown.drain(PATIENCE).await.exit_code(), 0);
}

fn signed(body: &OutcomesBody) -> Bytes {
    sign_service(ServiceContext::Outcomes, &service_key("aggregator"), encode_outcomes(body), &Envelope::default())
}

/// The shard's outcomes, each step written again in parts of one outcome.
fn in_parts(rig: &Rig, values: &mut Vec<Bytes>) -> Vec<Part> {
    let steps: Vec<_> = values.drain(1..).map(|value| open_outcomes(&rig.definition, &value).unwrap()).collect();
    let parts: Vec<_> = steps.into_iter().flat_map(|step| split_outcomes(step, 1).unwrap()).collect();
    values.extend(parts.iter().map(signed));
    parts.into_iter().map(|body| body.part).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recount_names_the_part_that_is_missing() {
    let rig = Rig::new().await;
    busy_hour(&rig).await;
    let aggregator = rig.start("one", &[]).await;
    rig.settled(SHARD).await;
    busy_second_hour(&rig).await;
    for shard in 0..rig.definition.shards {
        rig.settled(ShardId(shard)).await;
    }
    aggregator.stop().await;
    let changed = async |change: &dyn Fn(&mut Vec<Bytes>)| {
        let folder = export(&rig, |topic, partition, values| {
            if (topic, partition) == (Topic::Outcomes, SHARD.0) {
                in_parts(&rig, values);
                change(values);
            }
        });
        recounted(&folder.await)
    };
    let whole = changed(&|_| {}).await;
    assert_eq!(whole.verdict, Verdict::Match, "{whole}");
    assert_eq!(whole.counts.lost_races, 0);
    let mut values = vec![Bytes::new()];
    values.extend(rig.records(&rig.topics.outcomes, SHARD).await.into_iter().map(|record| record.value));
    let parts = in_parts(&rig, &mut values);
    let file = Topic::Outcomes.file(SHARD.0);
    let in_several: Vec<usize> = (0..parts.len()).filter(|place| parts[*place].of() > 1).collect();
    assert!(in_several.len() > 3, "{parts:?}");
    for place in in_several {
        let (number, of) = (parts[place].number(), parts[place].of());
        let report = changed(&|values| drop(values.remove(place + 1))).await;
        assert_eq!(report.verdict, Verdict::Mismatch, "{report}");
        let what = format!("part {number} of {of} of the outcomes up to");
        let named = report.differences.iter().find(|of| of.file == file && of.what.contains(&what));
        assert!(named.is_some_and(|of| of.what.contains("is missing")), "{what}: {report}");
        // Told twice, it is passed over.
        let report = changed(&|values| values.insert(place + 1, values[place + 1].clone())).await;
        assert_eq!((report.verdict, report.counts.lost_races), (Verdict::Match, 1), "{report}");
    }
    // An owner that stopped inside a step that nobody stands behind.
    let begun = changed(&|values| {
        let last = open_outcomes(&rig.definition, values.last().unwrap()).unwrap();
        let to = pair(last.to.next_offset + 2, last.to.control_next_offset);
        let part = Part::new(1, 2).unwrap();
        values.push(signed(&OutcomesBody { part, ..rig.outcomes(SHARD, (last.to, to), vec![]) }));
    })
    .await;
    assert_eq!(begun.verdict, Verdict::Match, "{begun}");
    assert!(begun.remarks.iter().any(|remark| remark.contains("outcomes end inside a step")), "{begun}");
}
