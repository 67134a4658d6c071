//! An issuer's URL: one exact text that three parties compare character by character.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MintError;
use crate::error::shown;

/// The URL of an issuer, kept exactly as it was written.
///
/// AWS compares `iss` with the registered provider character by character, builds the provider's
/// ARN and the condition keys from it, and fetches the documents below it. So everything that some
/// reader might normalise is refused: queries, fragments, user names, default ports, trailing
/// slashes, capitals in the host, dot segments, percent-encoding. `http` is for loopback only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerUrl {
    text: String,
    authority: usize,
    host_end: usize,
    path: usize,
}

impl IssuerUrl {
    /// The text of the `iss` claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host without port; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.authority..self.host_end]
    }

    /// Host and, if one is written, port: what a client sends as `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.text[self.authority..self.path]
    }

    /// The path, beginning with `/`, or the empty text.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// Authority and path: the end of the provider's ARN (`oidc-provider/...`) and the prefix of
    /// the condition keys (`...:sub`).
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        &self.text[self.authority..]
    }

    /// Whether this is plain `http` on loopback, which AWS itself could never reach.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.text.starts_with("http:")
    }
}

impl FromStr for IssuerUrl {
    type Err = MintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|why| MintError::Issuer {
            given: shown(text),
            why,
        })
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerUrl({})", self.text)
    }
}

impl Serialize for IssuerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for IssuerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn parse(text: &str) -> Result<IssuerUrl, String> {
    if text.len() > LONGEST {
        return Err(format!(
            "it has more than {LONGEST} characters, the most that IAM takes"
        ));
    }
    let (plain, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err("it must begin with `https://`, in small letters".to_owned()),
    };
    let authority = text.len() - rest.len();
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host_and_port, path) = rest.split_at(length);
    if host_and_port.contains('@') {
        return Err("a user name has no place in it".to_owned());
    }
    let (host, port) = split_port(host_and_port)?;
    check_host(host)?;
    if let Some(port) = port {
        check_port(port, plain)?;
    }
    if plain && !is_loopback(host) {
        return Err(
            "`http` is possible only for `localhost`, `127.0.0.0/8` and `[::1]`; write `https://`"
                .to_owned(),
        );
    }
    check_path(path)?;
    Ok(IssuerUrl {
        text: text.to_owned(),
        authority,
        host_end: authority + host.len(),
        path: authority + length,
    })
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.starts_with('[') {
        let end = text
            .find(']')
            .ok_or("its IPv6 address has no closing bracket")?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("something stands between address and port".to_owned()),
        };
    }
    Ok(match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return match address.parse::<Ipv6Addr>() {
            Ok(parsed) if parsed.to_string() == address => Ok(()),
            Ok(parsed) => Err(format!("its IPv6 address must be written `[{parsed}]`")),
            Err(_) => Err("its IPv6 address is malformed".to_owned()),
        };
    }
    if host.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(format!(
            "its host has capitals, and `iss` is compared exactly; write `{}`",
            host.to_ascii_lowercase()
        ));
    }
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if host.len() > 253 || !host.split('.').all(label_fits) {
        return Err(
            "its host must be a domain name of `a-z`, `0-9` and `-`, or an address".to_owned(),
        );
    }
    Ok(())
}

fn check_port(port: &str, plain: bool) -> Result<(), String> {
    let number: u16 = port
        .parse()
        .map_err(|_| "its port is not a number up to 65535".to_owned())?;
    if number == 0 || number.to_string() != port {
        return Err("its port must be a number from 1, without leading zeros".to_owned());
    }
    let (default, scheme) = if plain { (80, "http") } else { (443, "https") };
    if number == default {
        return Err(format!(
            "`:{default}` is the port of {scheme} anyway and some readers drop it; leave it out"
        ));
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), String> {
    if path.contains('?') {
        return Err("a query has no place in it".to_owned());
    }
    if path.contains('#') {
        return Err("a fragment has no place in it".to_owned());
    }
    if path.ends_with('/') {
        return Err(
            "it ends in `/`, which AWS takes for another issuer than the same without; leave it out"
                .to_owned(),
        );
    }
    for segment in path.split('/').skip(1) {
        if segment.is_empty() || segment == "." || segment == ".." {
            return Err(
                "its path has an empty or dot segment, which some readers remove".to_owned(),
            );
        }
        if let Some(character) = segment
            .chars()
            .find(|&c| !(c.is_ascii_alphanumeric() || "-._~@+".contains(c)))
        {
            return Err(format!(
                "its path holds `{}`; letters, digits and `-._~@+` are possible",
                character.escape_debug()
            ));
        }
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

const LONGEST: usize = 255;
