//! What every Hattama service needs to run, and nothing about elections.
//!
//! A service's `main` reads like a table of contents:
//!
//! ```no_run
//! use hattama_service_kit::config::{self, ProcessSettings};
//! use hattama_service_kit::grpc::{GrpcServer, Limits};
//! use hattama_service_kit::shutdown::{self, Drain, Shutdown};
//! use hattama_service_kit::{admin, listen, readiness::Readiness, supervise, telemetry};
//!
//! async fn serve(settings: ProcessSettings) -> Result<Drain, Box<dyn std::error::Error>> {
//!     let telemetry = telemetry::start(&settings)?;
//!     let shutdown = Shutdown::new();
//!     shutdown::on_signals(&shutdown)?;
//!     let readiness = Readiness::new();
//!
//!     let admin_listener = listen::bind(settings.admin_listen(9101)).await?;
//!     let admin = admin::start(admin_listener, telemetry, readiness.clone())?;
//!     let grpc_listener = listen::bind(listen::local(7101)).await?;
//!     let grpc = GrpcServer {
//!         routes: tonic::service::Routes::default(),
//!         descriptor_sets: vec![],
//!         service_names: vec![],
//!         limits: Limits::default(),
//!         readiness,
//!     };
//!     supervise::spawn(&shutdown, "grpc server", grpc.serve(grpc_listener, shutdown.clone()));
//!
//!     shutdown.requested().await;
//!     let drain = shutdown.drain(settings.drain_deadline()).await;
//!     admin.close().await;
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
mod connection;
pub mod grpc;
pub mod listen;
pub mod readiness;
pub mod secret;
pub mod shutdown;
pub mod streams;
pub mod supervise;
pub mod telemetry;
