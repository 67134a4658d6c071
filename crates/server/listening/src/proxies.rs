//! Proxies in front, and what they are believed about the clients behind them.
//!
//! Anybody can write `Forwarded` (RFC 7239) or an `X-Forwarded-…` header. They count only in
//! requests that come from a proxy's own address, only those that this proxy is said to write, and
//! only as far back as the addresses in them are proxies again.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};
use ipnet::IpNet;
use serde::Deserialize;

use crate::peer::{ClientAddress, ConnectedFrom, PeerCertificate};

/// The addresses of proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

/// A header that proxies tell of the client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// RFC 7239: address, host and scheme in one.
    Forwarded,
    /// The client's address, and those of the proxies before.
    XForwardedFor,
    /// `https` or `http`: how the client asked.
    XForwardedProto,
    /// The host that the client asked for.
    XForwardedHost,
}

/// Which proxies are believed, and which of their headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRules {
    proxies: Proxies,
    heeded: Vec<ForwardedHeader>,
}

/// Laid into a request's extensions where a proxy tells that the client asked over plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedInPlain;

/// What a proxy tells of a request.
#[derive(Debug)]
struct Told {
    client: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

impl ForwardedHeader {
    fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
            Self::XForwardedProto => "x-forwarded-proto",
            Self::XForwardedHost => "x-forwarded-host",
        }
    }
}

impl Proxies {
    /// A network (`10.0.0.0/8`) or a single address.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<IpNet, String> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| {
                format!(
                    "`{text}` is no address and no network: expected `10.1.2.3` or `10.1.0.0/16`"
                )
            })?,
        };
        if network.trunc() != network {
            return Err(format!(
                "`{text}` has bits behind its prefix; the network is `{}`",
                network.trunc()
            ));
        }
        if network.prefix_len() == 0 {
            return Err(format!(
                "`{text}` is everybody, and then anybody could say to be anybody; name the networks of the proxies"
            ));
        }
        Ok(network)
    }

    /// Whether requests from `address` come from a proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<IpNet> for Proxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl ProxyRules {
    /// Believes these headers of `proxies`.
    pub fn new(proxies: Proxies, heeded: Vec<ForwardedHeader>) -> Self {
        Self { proxies, heeded }
    }

    /// `router` behind the proxies: what they are believed is what the router sees. The client's
    /// address becomes the request's [`ClientAddress`], its host the request's Host, and plain HTTP
    /// is told by [`AskedInPlain`].
    pub fn applied(self, router: Router) -> Router {
        let rules = Arc::new(self);
        router.layer(from_fn(move |mut request: Request, next: Next| {
            rules.apply(&mut request);
            next.run(request)
        }))
    }

    fn apply(&self, request: &mut Request) {
        let Some(ConnectedFrom(peer)) = request.extensions().get().copied() else {
            return;
        };
        if !self.proxies.contains(peer.ip()) {
            return;
        }
        if !self
            .heeded
            .iter()
            .any(|header| request.headers().contains_key(header.name()))
        {
            return;
        }
        let told = self.told(peer.ip(), request.headers());
        // On somebody else's behalf: what the handshake showed is the proxy's own.
        request.extensions_mut().remove::<PeerCertificate>();
        if let Some(client) = told.client {
            let client = ClientAddress(SocketAddr::new(client, 0));
            request.extensions_mut().insert(client);
        }
        if told
            .proto
            .is_some_and(|proto| proto.eq_ignore_ascii_case("http"))
        {
            request.extensions_mut().insert(AskedInPlain);
        }
        if let Some(host) = told.host {
            is_for(request, &host);
        }
    }

    fn told(&self, peer: IpAddr, headers: &HeaderMap) -> Told {
        if self.heeds(ForwardedHeader::Forwarded) {
            let elements = elements(headers);
            let fors: Vec<Option<&str>> =
                elements.iter().map(|one| parameter(one, "for")).collect();
            let (client, back) = self.client(peer, &fors);
            let chosen = elements.iter().rev().nth(back);
            let of = |name| {
                chosen
                    .and_then(|one| parameter(one, name))
                    .map(str::to_owned)
            };
            return Told {
                client,
                proto: of("proto"),
                host: of("host"),
            };
        }
        let entries = |header| {
            let heeded = self.heeds(header);
            let entries = if heeded {
                list(headers, header)
            } else {
                Vec::new()
            };
            entries.into_iter().map(Some).collect::<Vec<_>>()
        };
        let fors = entries(ForwardedHeader::XForwardedFor);
        let (client, back) = self.client(peer, &fors);
        let beside = |header| {
            let values = entries(header);
            // Where each proxy added its own, the one beside the client's address; otherwise what
            // the nearest proxy wrote.
            let back = if values.len() == fors.len() { back } else { 0 };
            values
                .iter()
                .rev()
                .nth(back)
                .copied()
                .flatten()
                .map(str::to_owned)
        };
        Told {
            client,
            proto: beside(ForwardedHeader::XForwardedProto),
            host: beside(ForwardedHeader::XForwardedHost),
        }
    }

    /// The first address, from the nearest backwards, that is no proxy's, and how far back it
    /// stands. What is before it anybody may have written.
    fn client(&self, peer: IpAddr, fors: &[Option<&str>]) -> (Option<IpAddr>, usize) {
        let mut found = (None, 0);
        let mut at = peer;
        for (back, entry) in fors.iter().rev().enumerate() {
            if !self.proxies.contains(at) {
                break;
            }
            let Some(address) = entry.and_then(address) else {
                break;
            };
            at = address;
            found = (Some(address), back);
        }
        found
    }

    fn heeds(&self, header: ForwardedHeader) -> bool {
        self.heeded.contains(&header)
    }
}

/// Makes the request one for `host`, if that is one.
fn is_for(request: &mut Request, host: &str) {
    let Ok(authority) = host.parse::<Authority>() else {
        return;
    };
    let Ok(value) = HeaderValue::from_str(host) else {
        return;
    };
    request.headers_mut().insert(HOST, value);
    // HTTP/2 has it in the target.
    let mut parts = request.uri().clone().into_parts();
    if parts.authority.is_some() {
        parts.authority = Some(authority);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}

/// The entries of an `X-Forwarded-…` header that may stand in several lines, in their order.
fn list(headers: &HeaderMap, header: ForwardedHeader) -> Vec<&str> {
    let lines = headers.get_all(header.name()).iter();
    lines
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .collect()
}

/// The elements of `Forwarded`. None where a quotation is left open: a client could so swallow what
/// the proxy adds behind it.
fn elements(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all(ForwardedHeader::Forwarded.name()).iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("\"")).collect();
    if lines.iter().any(|line| line.matches('"').count() % 2 == 1) {
        return Vec::new();
    }
    lines
        .into_iter()
        .flat_map(|line| split(line, ','))
        .map(str::trim)
        .collect()
}

/// A parameter of an element of `Forwarded`, without its quotes (RFC 7239 §4).
fn parameter<'e>(element: &'e str, wanted: &str) -> Option<&'e str> {
    split(element, ';').into_iter().find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
        is_wanted.then(|| value.trim().trim_matches('"'))
    })
}

fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
    .collect()
}

/// An address with or without port, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    address
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
