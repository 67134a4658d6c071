//! What was seen of an issuer.

use std::net::IpAddr;

/// Everything that was seen. What could not be tried, since a step before it failed, is `None`.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The issuer's URL, as it was given.
    pub issuer: String,
    /// The discovery document's fetching.
    pub discovery: Option<Fetch>,
    /// The JWKS's fetching.
    pub jwks: Option<Fetch>,
}

/// One document's fetching, step by step.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// What was asked for.
    pub url: String,
    /// The host in it.
    pub host: String,
    /// `host:port:address` where something other than DNS decided.
    pub moved_to: Option<String>,
    /// What DNS said.
    pub addresses: Result<Vec<IpAddr>, String>,
    /// The address that took the connection, or why none did.
    pub connected: Option<Result<String, String>>,
    /// How TLS went; `None` for plain http, and where no connection was.
    pub handshake: Option<Result<Handshake, String>>,
    /// What the server answered.
    pub answer: Option<Result<Answer, String>>,
    /// From looking up the name to the last byte.
    pub milliseconds: u64,
}

/// A TLS handshake that came to its end, whether the certificate is trusted or not.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Certificates as the server sent them, DER, its own first.
    pub chain: Vec<Vec<u8>>,
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// Whether this machine's store of public authorities trusts the chain for the host.
    pub by_public_authorities: Result<(), String>,
    /// Whether the authorities in a file that was given do.
    pub by_given_authorities: Option<Result<(), String>>,
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// Whether reading stopped because the body was too long.
    pub cut: bool,
}
