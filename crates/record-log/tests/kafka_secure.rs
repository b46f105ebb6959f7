//! TLS, passwords and rights: each user may do what its service does, and nothing else.
//!
//! Needs the feature `kafka-tls` and a cluster of `deploy/kafka/local.sh --secure` whose users have their rights on the
//! election `test-secure`; `HATTAMA_KAFKA_SECURE` is its state folder.

#![cfg(feature = "kafka-tls")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a failure here is a failed test"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use hattama_record_log::kafka::{self, KafkaSecurity, Membership, MembershipEvent, MembershipSettings};
use hattama_record_log::topics::TopicSet;
use hattama_record_log::{KafkaSettings, LogError, NewRecord, ReadLimit, RecordLog, TopicName};

static SKIPPED: Once = Once::new();

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_may_do_what_its_service_does_and_nothing_else() {
    let Some(operator) = settings("operator") else { return };
    let topics = topics();
    let made = kafka::apply(&operator, &topics, 2).await.unwrap();
    assert_eq!(made.deviations, []);
    // Who may write what, and read what.
    let rights = [
        ("operator", "submissions outcomes tallies publications", "submissions outcomes tallies publications"),
        ("gateway", "submissions", "submissions outcomes publications"),
        ("aggregator", "outcomes tallies", "submissions outcomes tallies"),
        ("national", "publications", "submissions outcomes tallies publications"),
    ];
    for (user, writes, reads) in rights {
        let log = RecordLog::connect_kafka(settings(user).unwrap()).await.unwrap();
        for (topic, what) in all(&topics) {
            let written = log.append(topic, 0, NewRecord::of_value("x")).await;
            let read = log.reader(topic, 0, 0).next_batch(1).await;
            expect(writes.contains(what), written.map(|_| ()), &format!("{user} writes {what}"));
            expect(reads.contains(what), read.map(|_| ()), &format!("{user} reads {what}"));
            let read = log.read(topic, 0, 0, ReadLimit { records: 1, bytes: 1 }).await;
            expect(reads.contains(what), read.map(|_| ()), &format!("{user} reads {what} at a place"));
        }
        log.close().await.unwrap();
    }
    let mut auditor = settings("auditor").unwrap();
    auditor.read_only = true;
    let log = RecordLog::connect_kafka(auditor).await.unwrap();
    for (topic, what) in all(&topics) {
        let read = log.reader(topic, 0, 0).next_batch(1).await;
        expect(true, read.map(|_| ()), &format!("auditor reads {what}"));
    }
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_aggregator_may_own_shards() {
    let Some(operator) = settings("operator") else { return };
    let topics = topics();
    kafka::apply(&operator, &topics, 2).await.unwrap();
    let membership = MembershipSettings {
        group: "test-secure.g1.owners".to_owned(),
        topic: topics.submissions.clone(),
        session_timeout: Duration::from_secs(6),
        let_go_timeout: Duration::from_secs(1),
    };
    let mut member = Membership::join(&settings("aggregator").unwrap(), membership.clone()).await.unwrap();
    let event = member.next().await.unwrap().unwrap();
    assert!(matches!(&event, MembershipEvent::Assigned { partitions } if partitions.len() == 2), "{event:?}");
    let mut stranger = Membership::join(&settings("gateway").unwrap(), membership).await.unwrap();
    let error = stranger.next().await.unwrap().unwrap_err();
    assert!(matches!(error, LogError::Refused { .. }), "{error}");
    assert!(stranger.next().await.is_none());
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_connection_without_tls_are_named() {
    let Some(mut wrong) = settings("gateway") else { return };
    wrong.request_timeout = Duration::from_secs(5);
    let mut plain = wrong.clone();
    plain.security = KafkaSecurity::Plain;
    if let KafkaSecurity::TlsScram { password, .. } = &mut wrong.security {
        *password = "guessed".to_owned();
    }
    let error = RecordLog::connect_kafka(wrong).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, LogError::Unreachable { .. }), "{text}");
    assert!(text.contains("uthentication") && !text.contains("guessed"), "{text}");
    let error = RecordLog::connect_kafka(plain).await.unwrap_err();
    assert!(matches!(error, LogError::Unreachable { .. }), "{error}");
}

fn expect(allowed: bool, answer: Result<(), LogError>, what: &str) {
    match answer {
        Ok(()) => assert!(allowed, "{what}, which it must not"),
        // A topic that a user has no right at all on is not even shown to it.
        Err(error @ (LogError::Refused { .. } | LogError::UnknownTopic { .. })) => assert!(!allowed, "{what}: {error}"),
        Err(error) => panic!("{what}: {error}"),
    }
}

fn topics() -> TopicSet {
    TopicSet::new("test-secure", 1).unwrap()
}

fn all(topics: &TopicSet) -> [(&TopicName, &'static str); 4] {
    [
        (&topics.submissions, "submissions"),
        (&topics.outcomes, "outcomes"),
        (&topics.tallies, "tallies"),
        (&topics.publications, "publications"),
    ]
}

/// How a user reaches the secure cluster. None, and a line that says so, if there is none.
fn settings(user: &str) -> Option<KafkaSettings> {
    let Some(state) = std::env::var_os("HATTAMA_KAFKA_SECURE") else {
        // Not by println!, which a test that passes does not show.
        SKIPPED.call_once(|| {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: the secure log; run deploy/kafka/local.sh --state DIR --secure up, then … --state DIR acl test-secure, \
                 and set HATTAMA_KAFKA_SECURE=DIR"
            );
        });
        return None;
    };
    let folder = PathBuf::from(state).join("secure");
    let text = std::fs::read_to_string(folder.join(format!("{user}.toml"))).expect("the user's file");
    let line = text.lines().find(|line| line.starts_with("brokers")).unwrap();
    let mut settings = KafkaSettings::new(line.split('"').nth(1).unwrap(), user);
    let password = std::fs::read_to_string(folder.join(format!("{user}.password"))).unwrap().trim().to_owned();
    settings.security = KafkaSecurity::TlsScram { ca_file: folder.join("ca.pem"), user: user.to_owned(), password };
    settings.dev = true;
    Some(settings)
}
