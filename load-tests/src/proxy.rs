//! Doors between precincts and gateways that break a connection when an answer is on its way: what was sent has arrived, and
//! its sender never learns it.

use crate::random::Random;
use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// A connection carries up to so many pieces of answers before it breaks: a dozen submissions or two.
const MAX_PIECES: usize = 40;
/// The first pieces are settings and what answers them.
const FIRST_PIECES: usize = 4;
const BUFFER_BYTES: usize = 16 << 10;

/// A door before each gateway; they close when this is dropped.
#[derive(Debug)]
pub struct Proxies {
    addresses: Vec<SocketAddr>,
    _doors: JoinSet<()>,
}

impl Proxies {
    /// Opens a door before each address.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(gateways: &[SocketAddr], seed: u64) -> Result<Self, Box<dyn Error>> {
        let (mut addresses, mut doors) = (Vec::new(), JoinSet::new());
        for (gateway, place) in gateways.iter().zip(0..) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            addresses.push(listener.local_addr()?);
            doors.spawn(door(listener, *gateway, Random::new(seed + place)));
        }
        Ok(Self { addresses, _doors: doors })
    }

    /// Where the doors are, in the order of the gateways.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }
}

async fn door(listener: TcpListener, gateway: SocketAddr, mut random: Random) {
    let mut connections = JoinSet::new();
    while let Ok((precinct, _)) = listener.accept().await {
        let pieces = FIRST_PIECES + random.below(MAX_PIECES);
        connections.spawn(async move {
            let _ = carry(precinct, gateway, pieces).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Carries both ways; when the pieces are used up, the next answer is read and thrown away, and both ends hear no more.
async fn carry(precinct: TcpStream, gateway: SocketAddr, pieces: usize) -> io::Result<()> {
    let (from_precinct, to_precinct) = precinct.into_split();
    let (from_gateway, to_gateway) = TcpStream::connect(gateway).await?.into_split();
    tokio::select! {
        ended = pass(from_precinct, to_gateway, usize::MAX) => ended,
        ended = pass(from_gateway, to_precinct, pieces) => ended,
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, pieces: usize) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    for _ in 0..pieces {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
    from.read(&mut buffer).await.map(drop)
}
