//! A night whose log is lost together with a gateway's journal: what it held is listed and given up, and the result says so.

use super::{
    common::{Place, error, told},
    generation::{LOOK_AGAIN, Services, channel, generation_new, national_client, recounted, result_when, run},
};
use hattama_election::definition::{Definition, DefinitionFiles};
use hattama_night_play::export::Exported;
use hattama_proto::{
    gateway::v1::{GetNewestPublicationsRequest, precinct_gateway_client::PrecinctGatewayClient},
    national::v1::{GetNationalResultResponse, ListMissingRecordsRequest},
};
use hattama_record_log::{RecordLog, topics::TopicSet};
use std::{fs, net::SocketAddr, sync::Arc};
use tokio::runtime::Runtime;

/// The night's amendments lie in the journal that is left.
const LEFT: &str = "log/gateway-2";
const GONE: &str = "log/gateway-1";

/// A new generation with what one gateway keeps, and how many records are missing then.
struct AfterTheLoss {
    place: Place,
    runtime: Runtime,
    log: RecordLog,
    services: Services,
    national: SocketAddr,
    gateway: SocketAddr,
    missing: u64,
}

impl AfterTheLoss {
    fn new(place: Place) -> Self {
        let runtime = Runtime::new().unwrap();
        let files = DefinitionFiles::read(&place.definition()).unwrap();
        let definition = Arc::new(Definition::load(&files).unwrap());
        let (log, services, national, gateway, missing) = runtime.block_on(async {
            let log = RecordLog::open_embedded(&place.path("new-log")).await.unwrap();
            let (mut services, national) = Services::start(&definition, &log, 2).await;
            let gateway = services.gateway_at(&place.path(LEFT)).await;
            everything_is_sent(gateway).await;
            let ends = ends(&log, &definition).await;
            let result = result_when(national, "what is left", |result| stands_at(result, &ends)).await;
            let restoring = result.restoring.unwrap();
            assert_eq!(restoring.records_lost, 0);
            (log, services, national, gateway, restoring.records - restoring.records_back)
        });
        Self { place, runtime, log, services, national, gateway, missing }
    }

    fn lost(&self) -> (Option<i32>, String) {
        let national = self.national.to_string();
        let output = run(&self.place, &["generation", "lost", "--national", &national]);
        (output.status.code(), told(&output) + &error(&output))
    }

    fn give_up(&self, more: &[&str]) -> (Option<i32>, String) {
        let (national, gateway) = (self.national.to_string(), self.gateway.to_string());
        let args = ["generation", "give-up", "lost.json", "--definition", "definition"];
        let services = ["--national", &national, "--gateway", &gateway];
        let output = run(&self.place, &[&args, &services[..], more].concat());
        (output.status.code(), told(&output) + &error(&output))
    }

    fn result(&self, what: &str, is_so: impl Fn(&GetNationalResultResponse) -> bool) -> GetNationalResultResponse {
        self.runtime.block_on(result_when(self.national, what, is_so))
    }
}

/// A gateway has sent all that it keeps.
async fn everything_is_sent(gateway: SocketAddr) {
    let mut client = PrecinctGatewayClient::new(channel(gateway));
    loop {
        let answer = client.get_newest_publications(GetNewestPublicationsRequest {}).await.unwrap().into_inner();
        if answer.submissions > 0 && answer.unsent == 0 {
            return;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn ends(log: &RecordLog, definition: &Definition) -> Vec<u64> {
    let topics = TopicSet::new(definition.id.as_str(), 2).unwrap();
    let mut ends = Vec::new();
    for shard in 0..definition.shards {
        ends.push(log.end(&topics.submissions, shard).await.unwrap());
    }
    ends
}

fn stands_at(result: &GetNationalResultResponse, ends: &[u64]) -> bool {
    result.vector.iter().zip(ends).all(|(entry, end)| entry.position.as_ref().unwrap().next_offset == *end)
}

#[test]
fn what_a_lost_journal_held_is_given_up_and_counts_all_the_same_when_the_journal_turns_up() {
    let place = Place::new();
    place.night("log", &[]);
    let before = recounted(&place, "log/export");
    fs::remove_dir_all(place.path("log/log")).unwrap();
    fs::rename(place.path(GONE), place.path("in-a-drawer")).unwrap();
    let made = generation_new(&place, &["--journal", LEFT, "--journal", GONE, "--without", GONE]);
    assert_eq!(made.status.code(), Some(0), "{}", error(&made));
    assert!(told(&made).contains("hattama generation lost"), "{}", told(&made));

    let night = AfterTheLoss::new(place);
    let missing = night.missing;
    assert!(missing > 10, "{missing}");
    let (code, said) = night.lost();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{missing} are missing")) && said.contains("lost.json lists them"), "{said}");

    let who = ["--author", "operator", "--reason", "the disk of gateway-1 is gone"];
    // Of control one record is missing, by chance no amendment.
    let (code, said) = night.give_up(&[&who[..], &["--yes"]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("records of control are missing") && said.contains("--without-control"), "{said}");
    let who = [&who[..], &["--without-control"]].concat();
    let (code, said) = night.give_up(&who);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{missing} records of generation 1 are given up as lost")), "{said}");
    assert!(said.contains("nothing is signed. With --yes operator signs this as amendment 3\n"), "{said}");
    for (wrong, why) in [
        (["--author", "tec-north-a", "--reason", "gone"], "may not amend: of this definition may"),
        (["--author", "operator", "--reason", " "], "reason: The decision or amendment gives no reason"),
    ] {
        let (code, said) = night.give_up(&[&wrong[..], &["--without-control", "--yes"]].concat());
        assert_eq!((code, said.contains(why)), (Some(2), true), "{said}");
    }
    let still = night.result("any", |_| true);
    assert_eq!((still.status.as_str(), still.lost_records), ("restoring", vec![]));

    let (code, said) = night.give_up(&[&who[..], &["--yes"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("amendment 3: counted\n"), "{said}");
    assert!(
        said.contains(&format!("nothing is being restored any more; it says that {missing} records are lost")),
        "{said}"
    );
    let ended = night.result("the end of restoring", |result| result.restoring.is_none());
    assert_ne!(ended.status, "restoring");
    let [lost] = ended.lost_records.as_slice() else { panic!("{:?}", ended.lost_records) };
    assert_eq!((lost.generation, lost.records, lost.records_back), (1, missing, 0));
    assert_eq!((lost.amendments.as_slice(), lost.authors.as_slice()), (&[3][..], &["operator".to_owned()][..]));

    let (code, said) = night.give_up(&[&who[..], &["--yes"]].concat());
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "nothing is given up: nothing is missing, since nothing is being restored\n")
    );
    let (code, said) = night.lost();
    assert_eq!((code, said.as_str()), (Some(0), "nothing is missing: nothing is being restored\n"));

    turns_up(night, &before["figures"]);
}

/// The journal is found: all that it holds counts, and how much of what was given up is back is said.
fn turns_up(night: AfterTheLoss, figures: &serde_json::Value) {
    let AfterTheLoss { place, runtime, log, mut services, national, missing, .. } = night;
    let files = DefinitionFiles::read(&place.definition()).unwrap();
    let definition = Definition::load(&files).unwrap();
    runtime.block_on(async {
        everything_is_sent(services.gateway_at(&place.path("in-a-drawer")).await).await;
        let ends = ends(&log, &definition).await;
        let whole = result_when(national, "the whole result", |result| stands_at(result, &ends)).await;
        assert_eq!((whole.status.as_str(), whole.restoring), ("all_counted", None));
        // What an intruder had written past the gateways is in no journal.
        let back = whole.lost_records[0].records_back;
        assert!(back > missing / 2 && back <= missing, "{back} of {missing}");
        let request = ListMissingRecordsRequest::default();
        let none = national_client(national).list_missing_records(request).await.unwrap().into_inner();
        assert_eq!((none.restoring, none.ranges), (None, vec![]));
        let exported = Exported { log: &log, files: &files, definition: &definition, generation: 2 };
        exported.write("test", &place.path("out")).await.unwrap();
        drop(log);
        services.stop().await;
    });
    let after = recounted(&place, "out");
    assert_eq!(&after["figures"], figures);
    let report = run(&place, &["recount", "out"]);
    let remark = format!("note: {missing} records of generation 1 are given up as lost by amendment 3");
    assert!(told(&report).contains(&remark), "{}", told(&report));
}
