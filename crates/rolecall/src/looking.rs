//! Fetches a public document step by step, and keeps what was seen on the way: addresses,
//! certificates, headers. A certificate that nobody trusts ends nothing here, since it is what the
//! looking is for; nothing secret is ever sent.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rolecall_publishing::{Answer, Fetch, Handshake};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::cli::issuer::Moved;
use crate::failure::{Exit, Failure};
use witness::{Authorities, Witness};

mod witness;

/// Looks at servers.
pub struct Looking {
    moved: Vec<Moved>,
    authorities: Arc<Authorities>,
}

impl Looking {
    /// With hosts reached elsewhere, and certificates of private authorities.
    ///
    /// # Errors
    /// `Local` where the file cannot be read or holds no certificate.
    pub fn new(moved: Vec<Moved>, ca_file: Option<&Path>) -> Result<Self, Failure> {
        Ok(Self {
            moved,
            authorities: Arc::new(Authorities::read(ca_file)?),
        })
    }

    /// Whether this is an http or https URL with a host.
    pub fn can_fetch(&self, url: &str) -> bool {
        parsed(url).is_some()
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// `Usage` for what is no http or https URL. Everything else that goes wrong is part of what
    /// was seen.
    pub async fn fetch(&self, text: &str) -> Result<Fetch, Failure> {
        let started = Instant::now();
        let url = parsed(text).ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format_args!("`{text}` is not an http or https URL"),
            )
        })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let moved = (self.moved.iter()).find(|moved| moved.host == host && moved.port == port);
        let mut fetch = Fetch {
            url: text.to_owned(),
            host: host.clone(),
            moved_to: moved.map(|moved| moved.to.to_string()),
            addresses: Ok(Vec::new()),
            connected: None,
            handshake: None,
            answer: None,
            milliseconds: 0,
        };
        let addresses = match moved {
            Some(moved) => Ok(vec![moved.to]),
            None => resolved(&host, port).await,
        };
        match addresses {
            Err(why) => fetch.addresses = Err(why),
            Ok(addresses) => {
                fetch.addresses = Ok(addresses.iter().map(SocketAddr::ip).collect());
                self.connect(&url, &addresses, &mut fetch).await;
            }
        }
        fetch.milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(fetch)
    }

    async fn connect(&self, url: &url::Url, addresses: &[SocketAddr], fetch: &mut Fetch) {
        let stream = match within(TcpStream::connect(addresses)).await {
            Ok(stream) => stream,
            Err(why) => {
                fetch.connected = Some(Err(why));
                return;
            }
        };
        let peer = stream.peer_addr().map(|peer| peer.to_string());
        fetch.connected = Some(peer.map_err(|error| error.to_string()));
        if url.scheme() == "http" {
            fetch.answer = Some(asked(stream, url).await);
            return;
        }
        match self.handshake(stream, &fetch.host).await {
            Err(why) => fetch.handshake = Some(Err(why)),
            Ok((stream, handshake)) => {
                fetch.handshake = Some(Ok(handshake));
                fetch.answer = Some(asked(stream, url).await);
            }
        }
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, Handshake), String> {
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare).map_err(|error| error.to_string())?;
        let witness = Arc::new(Witness::new(Arc::clone(&self.authorities)));
        let mut config = ClientConfig::builder_with_provider(witness::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&witness) as _)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session would show no certificate.
        config.resumption = rustls::client::Resumption::disabled();
        let stream = within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
        let version = stream.get_ref().1.protocol_version();
        let seen = witness.seen().ok_or("the server showed no certificate")?;
        let handshake = Handshake {
            chain: seen.chain,
            version: version
                .and_then(|version| version.as_str())
                .unwrap_or("an unknown version")
                .to_owned(),
            by_public_authorities: seen.by_public,
            by_given_authorities: seen.by_given,
        };
        Ok((stream, handshake))
    }
}

fn parsed(text: &str) -> Option<url::Url> {
    url::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

async fn resolved(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = within(tokio::net::lookup_host((bare, port)))
        .await?
        .collect();
    if found.is_empty() {
        return Err("it has no address".to_owned());
    }
    Ok(found)
}

async fn asked<S>(stream: S, url: &url::Url) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match timeout(LIMIT, ask(stream, url)).await {
        Ok(answer) => answer,
        Err(_) => Err(TOO_LATE.to_owned()),
    }
}

async fn ask<S>(stream: S, url: &url::Url) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: &dyn std::error::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = hyper::Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header("host", authority)
        .header("accept", "application/json")
        .header(
            "user-agent",
            concat!("rolecall/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let mut response = sender
        .send_request(request)
        .await
        .map_err(|error| failed(&error))?;
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        location: header("location"),
        content_type: header("content-type"),
        cache_control: header("cache-control"),
        body: Vec::new(),
        cut: false,
    };
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|error| failed(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if answer.body.len() + data.len() > LONGEST {
            answer.cut = true;
            break;
        }
        answer.body.extend_from_slice(data);
    }
    connection.abort();
    Ok(answer)
}

async fn within<T>(work: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout(LIMIT, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(TOO_LATE.to_owned()),
    }
}

/// Longer than STS waits, so that a slow answer is told from none.
const LIMIT: Duration = Duration::from_secs(10);

const TOO_LATE: &str = "nothing within 10 seconds";

/// Bytes of a document.
const LONGEST: usize = 1 << 20;
