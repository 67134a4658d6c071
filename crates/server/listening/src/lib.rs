//! Listens for HTTP: over TCP where a proxy ends TLS or nobody but this machine asks, over TLS where
//! the world does.
//!
//! Connections are accepted by one loop that waits for none of them. A TLS handshake has its own
//! task and its own time, so that a client which never ends it holds nothing up. What a request
//! needs to know of its connection (from where, with which certificate) is laid into the request's
//! extensions.

mod acme;
mod connection;
mod draining;
mod error;
mod figures;
mod handshake;
mod identity;
mod peer;
mod proxies;
mod renewing;
mod server;
mod tls;
mod waiting;

pub use acme::{Acme, AcmeSettings};
pub use error::ListeningError;
pub use figures::Figures;
pub use identity::{Concern, Identity, PairText};
pub use peer::{ClientAddress, ConnectedFrom, PeerCertificate};
pub use proxies::{AskedInPlain, ForwardedHeader, Proxies, ProxyRules};
pub use renewing::WatchedFiles;
pub use server::Server;
pub use tls::{Tls, TlsFiles};
