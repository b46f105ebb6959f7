//! Sockets: bound before anything is served, on the loopback address unless a setting says otherwise.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// The loopback address with `port`; port 0 lets the system choose.
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Binds `address`. Ask the listener for `local_addr` when the port was 0.
///
/// # Errors
/// The address is taken, not ours, or needs more rights.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; stop the process that holds the port, or choose another address")]
pub struct ListenError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the operating system said.
    pub source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_in_the_error() {
        let first = bind(local(0)).await.unwrap();
        let taken = first.local_addr().unwrap();
        let error = bind(taken).await.unwrap_err();
        assert_eq!(error.address, taken);
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
    }
}
