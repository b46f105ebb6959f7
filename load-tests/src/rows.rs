//! The catalogue: every row of the fault table, what is done in it and what must hold.

use std::{fmt, time::Duration};

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is called on the command line.
    pub id: String,
    /// What is done, while submissions flow.
    pub does: String,
    /// What must hold beside what must hold in every row.
    pub must: String,
    /// How often it is done in one night.
    pub rounds: u32,
    /// Numbers move again within this, in every round.
    pub moves_within: Option<Duration>,
    /// Receipts are given on: never a longer gap than this between two.
    pub gap_within: Option<Duration>,
    /// Which fault.
    pub fault: Fault,
}

impl Row {
    /// Whether it measures a time that is promised.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.moves_within.is_some()
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One process gets a signal and is started again.
    Process(Target, Signal),
    /// One broker gets a signal and is started again.
    Broker(Which, Signal),
    /// Two of three brokers die.
    TwoBrokers,
    /// All brokers die.
    AllBrokers,
    /// Everything is restarted, one after the other.
    RollingRestart,
    /// Aggregators come and go.
    ComeAndGo,
    /// Two aggregators are told that they own the same shards.
    TwoOwners,
    /// Three national replicas publish at once.
    ThreeReplicas,
    /// All data of all brokers is gone in the middle of the night.
    WipedInTheMiddle,
    /// The same when everything is counted.
    WipedAfterwards,
    /// The brokers lose a part of one partition.
    Truncated,
    /// A gateway's disk is full.
    DiskFull,
    /// A gateway dies at each write of its journal.
    WritePoints,
    /// A gateway's disk fails to sync.
    FailedSync,
    /// A gateway loses its disk.
    DiskLost,
    /// One gateway and one aggregator have the wrong time.
    WrongClock,
    /// The fold has a bug.
    PlantedPanic,
    /// Garbage of every kind.
    PoisonStorm,
    /// Everything comes three times.
    ThreeWays,
    /// Connections break before the answer.
    DroppedAnswers,
}

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A precinct gateway.
    Gateway,
    /// A territorial aggregator.
    Aggregator,
    /// A national replica.
    National,
}

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One that is not the controller.
    Follower,
    /// The active controller.
    Controller,
}

/// Which signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It is gone at once.
    Kill,
    /// It is asked to stop.
    Term,
    /// It stands still for longer than its session, then goes on.
    Stop,
}

/// Rounds of rows that measure a promised time, over all runs: enough for a median and a worst.
pub const TIMED_ROUNDS: u32 = 10;
/// Promised: after SIGTERM of a process.
const AFTER_TERM: Duration = Duration::from_secs(3);
/// Promised: after the death of a process: the session timeout of 6 s and 4 s more.
const AFTER_DEATH: Duration = Duration::from_secs(10);
/// Promised: after the death of one broker.
const AFTER_BROKER: Duration = Duration::from_secs(15);
/// A gateway that is away is passed by: the precincts' first pauses.
const GAP_OF_A_GATEWAY: Duration = Duration::from_secs(3);
/// What happens behind the log does not touch receiving; scheduling on a busy machine does.
const GAP_BEHIND_THE_LOG: Duration = Duration::from_secs(3);

/// Every row, in the order of the table.
#[must_use]
pub fn catalogue() -> Vec<Row> {
    let mut rows = Vec::new();
    for target in [Target::Gateway, Target::Aggregator, Target::National] {
        rows.extend([Signal::Kill, Signal::Term, Signal::Stop].map(|signal| of_process(target, signal)));
    }
    for which in [Which::Follower, Which::Controller] {
        rows.extend([Signal::Kill, Signal::Term, Signal::Stop].map(|signal| of_broker(which, signal)));
    }
    rows.extend(brokers());
    rows.extend(owners());
    rows.extend(generations());
    rows.extend(disks());
    rows.extend(traffic());
    rows
}

/// The rows that were asked for, all when none was.
///
/// # Errors
/// A name that no row has, with the nearest one.
pub fn chosen(names: &[String]) -> Result<Vec<Row>, String> {
    let all = catalogue();
    if names.is_empty() {
        return Ok(all);
    }
    let one = |name: &String| {
        all.iter().find(|row| row.id == *name).cloned().ok_or_else(|| {
            let near = all.iter().max_by_key(|row| letters_in_common(&row.id, name));
            let near = near.map_or_else(String::new, |row| format!("; did you mean {}?", row.id));
            format!("there is no row {name}{near} `faults --list` names all")
        })
    };
    names.iter().map(one).collect()
}

/// How long the common beginning and end of two names are.
fn letters_in_common(one: &str, other: &str) -> usize {
    let front = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let back = one.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
    front + back
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Aggregator => "aggregator",
            Self::National => "national",
        })
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Follower => "broker",
            Self::Controller => "controller",
        })
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "sigkill",
            Self::Term => "sigterm",
            Self::Stop => "sigstop",
        })
    }
}

fn row(id: impl Into<String>, fault: Fault, rounds: u32, does: impl Into<String>, must: &str) -> Row {
    let (id, does) = (id.into(), does.into());
    Row { id, does, must: must.to_owned(), rounds, moves_within: None, gap_within: None, fault }
}

fn of_process(target: Target, signal: Signal) -> Row {
    let does = match signal {
        Signal::Kill => format!("kill -9 of one {target} of two, started again later"),
        Signal::Term => format!("SIGTERM of one {target} of two, started again when it has ended"),
        Signal::Stop => format!("one {target} of two stands still for longer than its session, then goes on"),
    };
    let must = "receiving goes on; numbers move again in time";
    let within = if signal == Signal::Term { AFTER_TERM } else { AFTER_DEATH };
    let gap = if target == Target::Gateway { GAP_OF_A_GATEWAY } else { GAP_BEHIND_THE_LOG };
    Row {
        moves_within: Some(within),
        gap_within: Some(gap),
        ..row(format!("{signal}-{target}"), Fault::Process(target, signal), TIMED_ROUNDS, does, must)
    }
}

fn of_broker(which: Which, signal: Signal) -> Row {
    let what = match which {
        Which::Follower => "broker that is not the controller",
        Which::Controller => "broker that is the active controller",
    };
    let does = match signal {
        Signal::Kill => format!("kill -9 of one {what}, started again later"),
        Signal::Term => format!("controlled stop of one {what}, started again later"),
        Signal::Stop => format!("one {what} stands still for longer than its session, then goes on"),
    };
    Row {
        moves_within: Some(AFTER_BROKER),
        ..row(
            format!("{signal}-{which}"),
            Fault::Broker(which, signal),
            TIMED_ROUNDS,
            does,
            "numbers move again in time",
        )
    }
}

fn brokers() -> [Row; 3] {
    [
        row(
            "two-brokers",
            Fault::TwoBrokers,
            3,
            "kill -9 of two brokers of three, started again after 14 s",
            "nothing is LOGGED while they are down, precincts still get RECEIVED; then it catches up",
        ),
        row("all-brokers", Fault::AllBrokers, 3, "kill -9 of all brokers at once, started again", "then it catches up"),
        row(
            "rolling-restart",
            Fault::RollingRestart,
            2,
            "SIGTERM and start of every service and every broker, one after the other",
            "numbers move through all of it",
        ),
    ]
}

fn owners() -> [Row; 3] {
    [
        row(
            "aggregators-1-3-1",
            Fault::ComeAndGo,
            20,
            "two aggregators join the one that runs, and leave again: one by SIGTERM, one by kill -9",
            "numbers move through all of it",
        ),
        row(
            "two-owners",
            Fault::TwoOwners,
            1,
            "two aggregators are told that each owns every shard",
            "outcomes and tallies of both are as of one",
        ),
        row(
            "three-replicas",
            Fault::ThreeReplicas,
            1,
            "three national replicas publish at once",
            "one chain of publications, which all of them give out",
        ),
    ]
}

fn generations() -> [Row; 3] {
    let must = "a new generation is filled from the gateways' journals: all figures come back, no number repeats";
    [
        row(
            "wiped-middle",
            Fault::WipedInTheMiddle,
            1,
            "all data of all brokers is gone in the middle of the night; the operator makes a new generation",
            must,
        ),
        row("wiped-after", Fault::WipedAfterwards, 1, "the same when everything is counted and published", must),
        row(
            "truncated-partition",
            Fault::Truncated,
            1,
            "all brokers die and lose the newest half of one partition; the operator makes a new generation",
            "somebody says that data is lost; then everything comes back from the journals",
        ),
    ]
}

fn disks() -> [Row; 4] {
    [
        row(
            "disk-full",
            Fault::DiskFull,
            5,
            "every write of a gateway's journal fails with ENOSPC, for 3 s",
            "no receipt of it is lost; the other gateway receives",
        ),
        row(
            "journal-write-points",
            Fault::WritePoints,
            60,
            "a gateway dies at the first, second, third … write or sync of its journal",
            "it starts again each time, and no receipt of it is lost",
        ),
        row(
            "failed-fsync",
            Fault::FailedSync,
            5,
            "a sync of a gateway's journal fails with EIO",
            "what was not synced got no receipt; the other gateway receives",
        ),
        row(
            "gateway-disk-lost",
            Fault::DiskLost,
            1,
            "a gateway dies, its disk is empty; precincts send again through another what it gave receipts for",
            "everything counts once",
        ),
    ]
}

fn traffic() -> [Row; 5] {
    [
        row(
            "clock-hour-off",
            Fault::WrongClock,
            1,
            "one gateway, one aggregator and one national replica are an hour late",
            "no total depends on it",
        ),
        row(
            "poison-storm",
            Fault::PoisonStorm,
            1,
            "of all that comes, 1 % and more is garbage, forged, foreign, oversize, contested or replayed from another election",
            "each is refused where it must be; nothing else is touched",
        ),
        row(
            "three-ways",
            Fault::ThreeWays,
            1,
            "everything is sent three times, through three gateways, in random order",
            "everything counts once",
        ),
        row(
            "dropped-answers",
            Fault::DroppedAnswers,
            1,
            "connections to gateways break again and again when an answer is on its way",
            "precincts send again; everything counts once",
        ),
        row(
            "planted-panic",
            Fault::PlantedPanic,
            1,
            "a record comes at which the fold of these aggregators panics; they are replaced afterwards",
            "one shard is frozen, receiving and the other shards go on; a mended build goes on where it stood",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let rows = catalogue();
        let names: BTreeSet<_> = rows.iter().map(|row| row.id.clone()).collect();
        assert_eq!(names.len(), rows.len());
    }

    #[test]
    fn a_name_that_no_row_has_is_answered_with_the_nearest() {
        let error = chosen(&["sigkil-agregator".to_owned()]).unwrap_err();
        assert!(error.contains("did you mean sigkill-aggregator?"), "{error}");
        assert_eq!(chosen(&["two-owners".to_owned()]).unwrap().len(), 1);
    }
}
