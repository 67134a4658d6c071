//! Where an issuer is really reached. Its name stays what tokens say; only the address moves, and
//! the Host header keeps the name, as with curl's `--connect-to`.

use std::time::Duration;

use crate::failure::{Exit, Failure};

/// Origins (`https://host[:port]`) and the addresses at which they are reached instead.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    moved: Vec<(String, String)>,
}

impl Addresses {
    /// Takes pairs of origin and address, neither with a slash at its end.
    pub fn new(moved: Vec<(String, String)>) -> Self {
        Self { moved }
    }

    /// The request for a URL, sent to where its origin is reached.
    ///
    /// # Errors
    /// `Usage` where the text is no http or https URL.
    pub fn request(
        &self,
        http: &reqwest::Client,
        method: reqwest::Method,
        url: &str,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let parsed = url::Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    format_args!("`{url}` is not an http or https URL"),
                )
            })?;
        let origin = parsed.origin().ascii_serialization();
        let Some((_, address)) = self.moved.iter().find(|(from, _)| *from == origin) else {
            return Ok(http.request(method, parsed));
        };
        // The rest of the text is kept as it stands: a path is significant to the character.
        let behind = &url[url.find("://").map_or(0, |at| at + 3)..];
        let path = behind.find('/').map_or("", |at| &behind[at..]);
        let host = &origin[origin.find("://").map_or(0, |at| at + 3)..];
        Ok(http
            .request(method, format!("{address}{path}"))
            .header(reqwest::header::HOST, host))
    }
}

/// The client for talking to issuers: AWS's own five seconds, and no redirects, which AWS would
/// not follow either.
///
/// # Errors
/// `Unexpected` where TLS cannot be set up.
pub fn http_client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))
}

/// A request that got no answer.
pub fn unreachable(what: &str, url: &str, error: &reqwest::Error) -> Failure {
    let why = if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else {
        innermost(error)
    };
    Failure::new(
        Exit::Unreachable,
        format_args!("cannot reach {what} at `{url}`: {why}"),
    )
}

/// The cause at the bottom says most: `connection refused`, `certificate expired`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
