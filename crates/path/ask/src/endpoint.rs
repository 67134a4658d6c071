use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::{AskError, text_deserialize};

/// Where STS is called: an `http` or `https` URL without user, query or fragment. A path is kept,
/// so that one server can stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsEndpoint {
    text: String,
    plain: bool,
    loopback: bool,
}

impl StsEndpoint {
    /// The URL as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether token and credentials would cross a network readable by others: plain `http` to
    /// another machine.
    pub fn is_readable_by_others(&self) -> bool {
        self.plain && !self.loopback
    }
}

impl FromStr for StsEndpoint {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: String| AskError::Endpoint {
            // A URL with a password in it is refused, so it must not be repeated.
            given: if text.contains('@') {
                "a URL with a user in it".to_owned()
            } else {
                text.to_owned()
            },
            why,
        };
        let url = Url::parse(text).map_err(|error| {
            wrong(format!(
                "{error}; expected a URL such as `http://127.0.0.1:5000`"
            ))
        })?;
        let plain = match url.scheme() {
            "http" => true,
            "https" => false,
            scheme => return Err(wrong(format!("`{scheme}` is neither `http` nor `https`"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it must not hold a user or password".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it must not have a query or fragment".to_owned()));
        }
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => return Err(wrong("it names no host".to_owned())),
        };
        Ok(Self {
            text: text.to_owned(),
            plain,
            loopback,
        })
    }
}

impl fmt::Display for StsEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

text_deserialize!(StsEndpoint);
