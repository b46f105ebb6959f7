//! Playing a scripted election night against services that run: the precinct nodes send through gateways by address, the
//! national service is watched, and what it comes to is compared with what the script says.
//!
//! `hattama rehearse` plays with it, and so do the load tests. It says nothing on a screen.
//!
//! * [`night`]: which night, and what it must come to. [`clock`]: the night's time, the same in all processes.
//! * [`player`]: the precinct nodes. [`watch`], [`freshness`]: what the nation publishes, and how soon.
//! * [`answers`], [`expected`], [`official`]: what came of it, and what differs from what must.
//! * [`in_the_log`]: what lies in the log already. [`records`]: reading a partition to its end. [`export`]: a log as files.
//! * [`clients`]: connections by address. [`processes`]: services as processes.

pub mod answers;
pub mod clients;
pub mod clock;
pub mod expected;
pub mod export;
pub mod freshness;
pub mod in_the_log;
pub mod night;
pub mod official;
pub mod player;
pub mod processes;
pub mod records;
pub mod watch;
