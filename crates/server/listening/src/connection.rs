//! One connection, answered until either side closes it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::draining::Drained;
use crate::peer::{ClientAddress, ConnectedFrom, PeerCertificate};

/// What every request of a connection is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Option<PeerCertificate>,
}

impl Peer {
    fn tell(&self, request: &mut Request<Incoming>) {
        let extensions = request.extensions_mut();
        extensions.insert(ClientAddress(self.address));
        extensions.insert(ConnectedFrom(self.address));
        if let Some(certificate) = &self.certificate {
            extensions.insert(certificate.clone());
        }
    }
}

/// Answers over HTTP/1.1 until the connection ends; once `stop` says so, after the request that is
/// under way.
pub(crate) async fn http1<S>(
    stream: S,
    peer: Peer,
    router: TowerToHyperService<Router>,
    mut stop: watch::Receiver<bool>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        peer.tell(&mut request);
        answered(&router, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// Answers over HTTP/2 likewise. A connection on which nothing is asked is ended as an idle one of
/// HTTP/1.1 is.
pub(crate) async fn http2<S>(
    stream: S,
    peer: Peer,
    router: TowerToHyperService<Router>,
    mut stop: watch::Receiver<bool>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Asked::default();
    let service = {
        let asked = asked.clone();
        service_fn(move |mut request: Request<Incoming>| {
            peer.tell(&mut request);
            let answer = answered(&router, request);
            let under_way = asked.one();
            async move {
                let answer = answer.await;
                drop(under_way);
                answer
            }
        })
    };
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stop.wait_for(|stop| *stop) => {}
        () = asked.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    // Whoever does not even begin to speak HTTP/2 would not end either.
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = asked.idle() => Ok(()),
    }
}

/// The router's answer, once the request was read.
fn answered(
    router: &TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
    let (head, body) = request.into_parts();
    let body = Drained::new(body);
    let answer = router.call(Request::from_parts(head, body.clone()));
    async move {
        let answer = answer.await;
        body.drain().await;
        answer
    }
}

/// Requests of one connection: how many are under way, how many there were.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    under_way: AtomicUsize,
    ever: AtomicUsize,
}

struct UnderWay(Asked);

impl Asked {
    fn one(&self) -> UnderWay {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        self.0.ever.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Ready once nothing was asked for [`HEADER_TIMEOUT`].
    async fn idle(&self) {
        let counts = &self.0;
        loop {
            let before = counts.ever.load(Ordering::Relaxed);
            tokio::time::sleep(HEADER_TIMEOUT).await;
            let now = counts.ever.load(Ordering::Relaxed);
            if before == now && counts.under_way.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request's head must be complete by then; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it may think.
const PING: Duration = Duration::from_secs(20);

/// Requests at once over one connection.
const STREAMS: u32 = 100;

/// Bytes of a request's headers, unpacked.
const HEADERS: u32 = 32 * 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    use super::*;

    fn peer() -> Peer {
        Peer {
            address: "203.0.113.7:4711".parse().unwrap(),
            certificate: None,
        }
    }

    fn router() -> TowerToHyperService<Router> {
        TowerToHyperService::new(Router::new())
    }

    /// What a client was told that says `words` and then nothing, and how long it was kept.
    async fn kept(http_2: bool, words: &[u8]) -> (Vec<u8>, Duration) {
        let (mut client, server): (DuplexStream, DuplexStream) = tokio::io::duplex(65_536);
        // Never true, and never dropped: the server goes on.
        let (_goes_on, stop) = watch::channel(false);
        let began = Instant::now();
        let answering = async move {
            let ended = if http_2 {
                http2(server, peer(), router(), stop).await
            } else {
                http1(server, peer(), router(), stop).await
            };
            drop(ended);
            began.elapsed()
        };
        let saying = async {
            client.write_all(words).await.unwrap();
            let mut told = Vec::new();
            client.read_to_end(&mut told).await.unwrap();
            told
        };
        tokio::join!(saying, answering)
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_for_ever() {
        let whole = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
        for (http_2, words, answered) in [
            (false, &b""[..], false),
            (false, b"GET / HTTP/1.1\r\nHost: a.ex", false),
            (false, whole, true),
            (true, b"", false),
            (true, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false),
            (
                true,
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
                false,
            ),
        ] {
            let (told, how_long) = kept(http_2, words).await;
            assert!(how_long <= 3 * HEADER_TIMEOUT, "{words:?}: {how_long:?}");
            assert_eq!(told.starts_with(b"HTTP/1.1 404"), answered, "{words:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_does_not_hold_up_the_end() {
        for http_2 in [false, true] {
            let (_client, server) = tokio::io::duplex(65_536);
            let (stop, stopped) = watch::channel(false);
            stop.send_replace(true);
            let began = Instant::now();
            let ended = if http_2 {
                http2(server, peer(), router(), stopped).await
            } else {
                http1(server, peer(), router(), stopped).await
            };
            drop(ended);
            assert!(began.elapsed() <= HEADER_TIMEOUT, "{:?}", began.elapsed());
        }
    }
}
