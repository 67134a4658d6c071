//! The admin API as its clients on the command line see it: one request after another, each safe to
//! send again.

mod signed_in;

pub use signed_in::{SignedIn, forget, remember, remembered};

use std::path::Path;
use std::time::Duration;

use http::header::{CONTENT_TYPE, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use rolecall_admin_api::wire::{Applied, Apply, Problem};
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::admin::ServerArgs;
use crate::failure::{Exit, Failure};
use crate::issuer_address::unreachable;
use crate::progress::Progress;

/// A server's admin API, asked by somebody.
pub struct Client {
    server: String,
    token: Option<SecretString>,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Answered<T> {
    /// What it shows.
    pub body: T,
    /// Whether something was made.
    pub made: bool,
}

impl Client {
    /// The server that is meant, asked with the token that is at hand.
    ///
    /// # Errors
    /// `Usage` where no server is named, or there is no token for it.
    pub fn new(args: &ServerArgs) -> Result<Self, Failure> {
        let mut client = Self::nobody(args)?;
        client.token = Some(token(args, &client.server)?);
        Ok(client)
    }

    /// The same without a token.
    ///
    /// # Errors
    /// `Usage` where no server is named.
    pub fn nobody(args: &ServerArgs) -> Result<Self, Failure> {
        let server = server(args)?;
        Ok(Self {
            server,
            token: None,
            http: http_client(args.ca.as_deref())?,
        })
    }

    /// Where the server is.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Reads what is at `path`.
    ///
    /// # Errors
    /// `Unreachable` where no answer comes, otherwise what the server says.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answered<T>, Failure> {
        self.send(Method::GET, path, None::<&()>, None).await
    }

    /// Everything of a list that comes in parts.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let part = format!("{path}?limit=500&after={}", encoded(&after));
            let page: rolecall_admin_api::wire::Page<T> = self.get(&part).await?.body;
            items.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return Ok(items),
            }
        }
    }

    /// Sends `body` to `path`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answered<T>, Failure> {
        self.send(Method::POST, path, Some(body), None).await
    }

    /// Carries out a plan that was agreed to; `None` where the plan is another by now.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn apply(&self, agreed: &Apply) -> Result<Option<Applied>, Failure> {
        let received = self
            .exchange(Method::POST, "/apply", Some(agreed), None)
            .await?;
        if received.is_changed_meanwhile() {
            return Ok(None);
        }
        received.read().map(|answer| Some(answer.body))
    }

    /// Puts `body` at `path`, where it is at `version` if that is given; who `insists` may lock
    /// workloads out of subscribed roles.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        version: Option<i64>,
        insists: bool,
    ) -> Result<Answered<T>, Failure> {
        let path = match insists {
            true => format!("{path}?force=true"),
            false => path.to_owned(),
        };
        self.send(Method::PUT, &path, Some(body), version).await
    }

    /// Takes away what is at `path`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&self, path: &str) -> Result<(), Failure> {
        let nothing: Answered<serde_json::Value> =
            self.send(Method::DELETE, path, None::<&()>, None).await?;
        drop(nothing);
        Ok(())
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        version: Option<i64>,
    ) -> Result<Answered<T>, Failure> {
        (self.exchange(method, path, body, version).await?).read()
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        version: Option<i64>,
    ) -> Result<Received, Failure> {
        let progress = Progress::quiet(&format!("asking {}", self.server));
        progress
            .during(self.persist(method, path, body, version))
            .await
    }

    /// Sends the request until an answer comes. The mark makes that harmless: what was done already
    /// is not done again.
    async fn persist(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        version: Option<i64>,
    ) -> Result<Received, Failure> {
        let url = format!("{}/api/v1{path}", self.server);
        let mark = uuid::Uuid::new_v4().to_string();
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
        let mut tries = WAITS.iter();
        loop {
            let mut request = self.http.request(method.clone(), &url);
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose_secret());
            }
            if method != Method::GET {
                request = request.header("idempotency-key", &mark);
            }
            if let Some(version) = version {
                request = request.header(IF_MATCH, format!("\"{version}\""));
            }
            if let Some(body) = &body {
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }
            let wait = match (Received::of(request).await, tries.next()) {
                (Ok(received), Some(wait)) if received.is_passing() => {
                    received.wait.unwrap_or(*wait).min(LONGEST_WAIT)
                }
                (Ok(received), _) => return Ok(received),
                (Err(error), Some(wait)) if error.is_connect() || error.is_request() => *wait,
                (Err(error), _) => {
                    return Err(unreachable("the admin API", &self.server, &error).hint(
                        "Name the server with --server URL; `rolecall serve` serves the API where its configuration has `server.api`",
                    ));
                }
            };
            tokio::time::sleep(wait).await;
        }
    }
}

/// What came back.
struct Received {
    status: StatusCode,
    wait: Option<Duration>,
    body: Vec<u8>,
    server: String,
}

impl Received {
    async fn of(request: reqwest::RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let header = |name: http::HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.trim_matches('"').to_owned())
        };
        let wait = header(RETRY_AFTER);
        Ok(Self {
            status: response.status(),
            server: response.url().origin().ascii_serialization(),
            wait: (wait.and_then(|wait| wait.parse().ok())).map(Duration::from_secs),
            body: response.bytes().await?.to_vec(),
        })
    }

    /// Whether the same request may be answered better in a moment.
    fn is_passing(&self) -> bool {
        matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        )
    }

    /// Whether somebody else was faster; what they changed must be looked at first.
    fn is_changed_meanwhile(&self) -> bool {
        self.status == StatusCode::CONFLICT
            && serde_json::from_slice::<Problem>(&self.body)
                .is_ok_and(|problem| problem.code == "changed_meanwhile")
    }

    fn read<T: DeserializeOwned>(self) -> Result<Answered<T>, Failure> {
        if !self.status.is_success() {
            return Err(self.refused());
        }
        let body: &[u8] = if self.body.is_empty() {
            b"null"
        } else {
            &self.body
        };
        let body = serde_json::from_slice(body).map_err(|error| {
            Failure::new(
                Exit::Unreachable,
                format_args!(
                    "`{}` does not answer as this API does: {error}",
                    self.server
                ),
            )
            .hint("Is this the server, and is it of this version?")
        })?;
        Ok(Answered {
            body,
            made: self.status == StatusCode::CREATED,
        })
    }

    fn refused(&self) -> Failure {
        let Ok(problem) = serde_json::from_slice::<Problem>(&self.body) else {
            return Failure::new(
                Exit::Unreachable,
                format_args!(
                    "`{}` answers {}, and not as this API does",
                    self.server, self.status
                ),
            )
            .hint(
                "Is the admin API served there? `server.api` in the server's configuration says so",
            );
        };
        let exit = match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::RefusedByServer,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Exit::Unreachable,
            status if status.is_server_error() => Exit::Unexpected,
            _ => Exit::Configuration,
        };
        let mut failure = Failure::new(exit, problem.detail);
        if let Some(field) = problem.field {
            failure = failure.note(format_args!("in `{field}`"));
        }
        match problem.hint {
            Some(_) if problem.code == "unauthorized" => failure.hint(
                "Sign in with `rolecall login`, or give a token with --token-file or ROLECALL_API_TOKEN",
            ),
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// A name as part of a path or query.
pub fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn server(args: &ServerArgs) -> Result<String, Failure> {
    let named = match &args.server {
        Some(server) => Some(server.clone()),
        None => signed_in::only_server(),
    };
    let server = named.ok_or_else(|| {
        Failure::new(Exit::Usage, "no server is named")
            .hint("Name it with --server URL or ROLECALL_SERVER, or sign in with `rolecall login`")
    })?;
    let parsed = url::Url::parse(&server).ok();
    let loopback = parsed
        .as_ref()
        .and_then(url::Url::host_str)
        .is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."));
    match parsed.as_ref().map(url::Url::scheme) {
        Some("https") => {}
        Some("http") if loopback => {}
        Some("http") => {
            return Err(Failure::new(
                Exit::Usage,
                format_args!("`{server}` would send the token unencrypted"),
            )
            .hint("Use https; http is taken on this machine's own addresses only"));
        }
        _ => {
            return Err(Failure::new(
                Exit::Usage,
                format_args!("`{server}` is not an https URL"),
            ));
        }
    }
    Ok(server.trim_end_matches('/').to_owned())
}

fn token(args: &ServerArgs, server: &str) -> Result<SecretString, Failure> {
    if let Some(file) = &args.token_file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::new(
                Exit::Local,
                format_args!("cannot read `{}`: {error}", file.display()),
            )
        })?;
        return Ok(text.trim().to_owned().into());
    }
    if let Ok(token) = std::env::var(TOKEN_VARIABLE) {
        return Ok(token.into());
    }
    let found = remembered(server)?;
    found.map(|found| found.token).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format_args!("there is no token for `{server}`"),
        )
        .hint(format_args!(
            "Sign in with `rolecall login --server {server}`, or give one with --token-file or {TOKEN_VARIABLE}"
        ))
    })
}

fn http_client(ca: Option<&Path>) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        // A whole installation may be applied at once.
        .timeout(Duration::from_secs(120))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")));
    if let Some(file) = ca {
        let unusable = |why: String| {
            Failure::new(
                Exit::Local,
                format_args!(
                    "the certificates in `{}` cannot be used: {why}",
                    file.display()
                ),
            )
        };
        let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| unusable(error.to_string()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder
        .build()
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))
}

/// The token, where neither a file nor a sign-in gives it.
const TOKEN_VARIABLE: &str = "ROLECALL_API_TOKEN";
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Between tries; about ten seconds in all, longer than a server needs to start again.
const WAITS: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(4),
];
