//! Every service of the night as a process of its own, all with the night's clock.

use super::cluster::Plan;
use hattama_night_play::processes::{Binaries, Launch, ProcessError, Service, ServiceProcess};
use std::{error::Error, net::SocketAddr, time::Duration};

/// How long a service may take to start: it reads its part of the log from the first record.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What was started, in this order.
#[derive(Debug)]
pub struct Started {
    /// The processes.
    pub services: Vec<ServiceProcess>,
    /// Where the gateways serve.
    pub gateways: Vec<SocketAddr>,
    /// Where the first national replica serves.
    pub national: SocketAddr,
    /// Where the board is read.
    pub board: SocketAddr,
}

/// Starts all services of a plan, beside this program; returns when each is ready.
pub async fn start(plan: Plan<'_>) -> Result<Started, Box<dyn Error>> {
    let starter = Starter { plan, binaries: Binaries::beside_this()? };
    let mut services = Vec::new();
    for number in 1..=plan.size.aggregators {
        let launch = starter.launch(Service::Aggregator, &format!("aggregator-{number}"))?;
        services.push(ServiceProcess::start(launch)?);
    }
    let mut national = None;
    for number in 1..=plan.size.national {
        let launch = starter.launch(Service::National, &format!("national-{number}"))?;
        national.get_or_insert(launch.listen);
        services.push(ServiceProcess::start(launch)?);
    }
    let national = national.ok_or("a night needs a national service")?;
    let board = starter.board(national)?;
    let board_address = board.listen;
    services.push(ServiceProcess::start(board)?);
    let mut gateways = Vec::new();
    for number in 1..=plan.size.gateways {
        let launch = starter.launch(Service::Gateway, &format!("gateway-{number}"))?;
        let launch = launch.with("--journal-dir", plan.directory.gateway(number));
        gateways.push(launch.listen);
        services.push(ServiceProcess::start(launch)?);
    }
    for service in &mut services {
        service.ready(READY_WITHIN).await?;
    }
    Ok(Started { services, gateways, national, board: board_address })
}

struct Starter<'a> {
    plan: Plan<'a>,
    binaries: Binaries,
}

impl Starter<'_> {
    /// A service that works on the log.
    fn launch(&self, service: Service, name: &str) -> Result<Launch, ProcessError> {
        let plan = &self.plan;
        let mut launch = Launch::new(&self.binaries, service, name, &plan.directory.logs())?
            .with("--definition", plan.directory.definition())
            .with("--generation", plan.night.generation.to_string())
            .with("--instance", name)
            .with("--rehearsal-time", plan.time.to_string());
        launch.arguments.extend(plan.users.service(service).flags().into_iter().map(Into::into));
        Ok(launch)
    }

    fn board(&self, national: SocketAddr) -> Result<Launch, ProcessError> {
        let plan = &self.plan;
        let mut launch = Launch::new(&self.binaries, Service::Board, "board", &plan.directory.logs())?
            .with("--national", format!("http://{national}"))
            .with("--rehearsal-time", plan.time.to_string());
        if plan.board.port() != 0 {
            launch.listen = plan.board;
        }
        Ok(launch)
    }
}
