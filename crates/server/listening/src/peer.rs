//! Who is at the other end of a connection, as far as the connection tells.

use std::net::SocketAddr;
use std::sync::Arc;

/// Where a request came from; laid into the request's extensions.
///
/// Behind a proxy that is trusted to say so, it is the client's address and not the proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub SocketAddr);

/// From where the connection came, whatever a proxy says of its client; laid into the request's
/// extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectedFrom(pub SocketAddr);

/// A client's certificate chain, DER, its own certificate first.
///
/// Whoever ends TLS lays it into the request's extensions, after the handshake has shown that the
/// client holds the private key. Which workload it stands for, is judged against each tenant's own
/// authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate(Arc<[Vec<u8>]>);

impl PeerCertificate {
    /// A chain as the handshake gave it.
    pub fn new(chain: Vec<Vec<u8>>) -> Self {
        Self(chain.into())
    }

    /// The chain.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.0
    }
}
