//! Proxies in front of the server: `server.proxies` and which of their headers count.

use rolecall_listening::{ForwardedHeader, Proxies, ProxyRules};

use super::Loaded;
use crate::failure::Failure;

impl Loaded {
    /// The proxies, and what they are believed. None where there are none.
    ///
    /// # Errors
    /// `Configuration` for what is no network, and for headers that would count from nobody.
    pub fn proxies(&self) -> Result<Option<(Proxies, ProxyRules)>, Failure> {
        let section = self.server()?;
        let mut networks = Vec::with_capacity(section.proxies.len());
        for (at, text) in section.proxies.iter().enumerate() {
            let network = Proxies::parse(text)
                .map_err(|why| self.broken(&format!("server.proxies[{at}]"), why))?;
            networks.push(network);
        }
        if networks.is_empty() {
            let written = match section {
                _ if section.client_certificate_header.is_some() => "client_certificate_header",
                _ if section.forwarded_headers.is_some() => "forwarded_headers",
                _ => return Ok(None),
            };
            return Err(self
                .broken(
                    &format!("server.{written}"),
                    format_args!(
                        "`{written}` counts from proxies only, and `server.proxies` names none"
                    ),
                )
                .hint("Add `proxies:` with the addresses or networks from which the proxies ask"));
        }
        let heeded = section.forwarded_headers.clone();
        let heeded = heeded.unwrap_or_else(|| DEFAULT.to_vec());
        if heeded.contains(&ForwardedHeader::Forwarded) && heeded.len() > 1 {
            return Err(self
                .broken(
                    "server.forwarded_headers",
                    "`forwarded` tells what the others tell, and only one of the two can be right",
                )
                .hint("Name `forwarded` alone, or those with `x-` alone: the ones that the proxies write themselves"));
        }
        let proxies: Proxies = networks.into_iter().collect();
        let rules = ProxyRules::new(proxies.clone(), heeded);
        Ok(Some((proxies, rules)))
    }
}

/// What nearly every proxy sets, whatever came in. The others pass through most as a client wrote
/// them.
const DEFAULT: &[ForwardedHeader] = &[
    ForwardedHeader::XForwardedFor,
    ForwardedHeader::XForwardedProto,
];
