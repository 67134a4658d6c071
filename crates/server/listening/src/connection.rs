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
