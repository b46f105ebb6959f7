//! What every Hattama service needs to run, and nothing about elections.
//!
//! A service's `main` reads like a table of contents:
//!
//! ```no_run
//! use hattama_service_kit::config::{self, ProcessSettings};
//! use hattama_service_kit::grpc::{GrpcServer, Limits};
//! use hattama_service_kit::shutdown::{self, Drain};
//! use hattama_service_kit::{listen, process::Process, supervise};
//!
//! async fn serve(settings: ProcessSettings) -> Result<Drain, Box<dyn std::error::Error>> {
//!     let process = Process::start(&settings, 9101).await?;
//!     let grpc_listener = listen::bind(listen::local(7101)).await?;
//!     let grpc = GrpcServer {
//!         routes: tonic::service::Routes::default(),
//!         descriptor_sets: vec![],
//!         service_names: vec![],
//!         limits: Limits::default(),
//!         readiness: process.readiness.clone(),
//!     };
//!     supervise::spawn(&process.shutdown, "grpc server", grpc.serve(grpc_listener, process.shutdown.clone()));
//!
//!     let drain = process.drained().await;
//!     process.close().await;
//!     Ok(drain)
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let flags = ProcessSettings::default(); // a service: its own clap parser
//!     match config::layered(flags, None) {
//!         Ok(settings) => shutdown::run(serve(settings)),
//!         Err(error) => shutdown::refuse(&error),
//!     }
//! }
//! ```

pub mod admin;
pub mod clock;
pub mod config;
pub mod connection;
pub mod grpc;
pub mod listen;
pub mod process;
pub mod readiness;
pub mod secret;
pub mod shutdown;
pub mod streams;
pub mod supervise;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

/// A service that is being started. Boxed, because it is compiled once so, with its service: an `async fn` is compiled again, with
/// all that stands behind it, in every program that calls it.
pub type Starting<'a, T, E> = std::pin::Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;
