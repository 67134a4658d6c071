//! From a TCP connection to a TLS one, within bounded time.

use std::io;
use std::time::Duration;

use rustls::server::{Acceptor, ClientHello};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::peer::PeerCertificate;
use crate::tls::{H2, PROOF, Tls};
use crate::waiting::Waiting;

/// A handshake that is through.
pub(crate) struct Shaken {
    pub(crate) stream: TlsStream<TcpStream>,
    /// Whether the client chose HTTP/2.
    pub(crate) h2: bool,
    /// What the client showed, if anything; the authorities for clients vouch for it.
    pub(crate) certificate: Option<PeerCertificate>,
}

/// Why there is none. All of it is the client's, but [`Unshaken::NoCertificate`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unshaken {
    #[error("it was not done within {HANDSHAKE:?}")]
    Late,
    #[error("it gave way to newer ones")]
    PushedOut,
    #[error("the client spoke HTTP without TLS")]
    Plain,
    #[error("there is no certificate to show yet")]
    NoCertificate,
    #[error("an authority was shown the proof of a name")]
    Proved,
    #[error("a proof was asked for that nobody ordered")]
    NoProof,
    #[error("{0}")]
    Failed(#[from] io::Error),
}

impl Unshaken {
    /// One word, for counting.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::PushedOut => "pushed_out",
            Self::Plain => "plain_http",
            Self::NoCertificate => "no_certificate",
            Self::Proved => "proved",
            Self::NoProof => "no_proof",
            Self::Failed(_) => "failed",
        }
    }
}

/// Shakes hands, or ends the connection.
///
/// # Errors
/// Why not, once the connection is closed.
pub(crate) async fn shake(
    stream: TcpStream,
    tls: &Tls,
    waiting: &Waiting,
) -> Result<Shaken, Unshaken> {
    let mut place = waiting.enter();
    let shaken = tokio::select! {
        biased;
        shaken = tokio::time::timeout(HANDSHAKE, begin(stream, tls)) => shaken.unwrap_or(Err(Unshaken::Late)),
        () = place.lost() => Err(Unshaken::PushedOut),
    };
    let outcome = shaken.as_ref().map_or_else(Unshaken::word, |_| "done");
    tls.figures().shook(outcome);
    shaken
}

async fn begin(stream: TcpStream, tls: &Tls) -> Result<Shaken, Unshaken> {
    let mut first = [0; 1];
    if stream.peek(&mut first).await? == 1 && first.iter().all(u8::is_ascii_uppercase) {
        return Err(plain(stream)
            .await
            .err()
            .map_or(Unshaken::Plain, Unshaken::Failed));
    }
    let greeted = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    if let Some(name) = wants_proof(&greeted.client_hello()) {
        let proof = tls.proof(&name).ok_or(Unshaken::NoProof)?;
        // The handshake is all that an authority wants to see.
        greeted.into_stream(proof).await?.shutdown().await?;
        return Err(Unshaken::Proved);
    }
    let Some(shown) = tls.shown() else {
        return Err(Unshaken::NoCertificate);
    };
    let stream = greeted.into_stream(shown.config.clone()).await?;
    let (_, session) = stream.get_ref();
    let h2 = session.alpn_protocol() == Some(H2);
    let certificate = session
        .peer_certificates()
        .map(|chain| PeerCertificate::new(chain.iter().map(|der| der.as_ref().to_vec()).collect()));
    Ok(Shaken {
        stream,
        h2,
        certificate,
    })
}

/// The name that an authority wants proved (RFC 8737 §3); empty where it names none.
fn wants_proof(hello: &ClientHello<'_>) -> Option<String> {
    let mut protocols = hello.alpn()?;
    let wants = protocols.any(|protocol| protocol == PROOF);
    wants.then(|| hello.server_name().unwrap_or_default().to_owned())
}

/// Tells whoever speaks HTTP without TLS. Nothing is looked at, and no one is redirected: what was
/// sent may have held a secret, and must not be sent so again.
async fn plain(mut stream: TcpStream) -> io::Result<()> {
    // Its head is read first, as far as it came: closing over unread bytes would lose the answer.
    let mut head = [0; 8192];
    let mut length = 0;
    while let Some(rest) = head.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let read = stream.read(rest).await?;
        length += read;
        let so_far = head.get(..length).unwrap_or_default();
        if read == 0 || so_far.windows(4).any(|end| end == b"\r\n\r\n") {
            break;
        }
    }
    stream.write_all(PLAIN_ANSWER.as_bytes()).await?;
    stream.shutdown().await
}

const PLAIN_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 61\r\n\
    Connection: close\r\n\
    \r\n\
    this port speaks HTTP over TLS only: ask with https:// again\n";

/// From the first byte to the end of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_answer_is_as_long_as_it_says() {
        let body = PLAIN_ANSWER.split("\r\n\r\n").nth(1).unwrap_or_default();
        assert!(PLAIN_ANSWER.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}
