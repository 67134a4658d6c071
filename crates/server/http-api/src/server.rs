use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// A bound address, ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// Where a request came from; laid into the request for the audit trail.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub SocketAddr);

/// Why an address could not be listened on. The operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Not `host:port`, or a host that does not resolve.
    #[error("`{listen}` is not an address to listen on: {why}")]
    Address {
        /// What was given.
        listen: String,
        /// What the system said.
        why: String,
    },
    /// Another program listens there.
    #[error(
        "`{listen}` is in use by another program; stop it, or listen on another port (0 takes a free one)"
    )]
    InUse {
        /// What was given.
        listen: String,
    },
    /// A port below 1024, or a sandbox.
    #[error(
        "listening on `{listen}` is not permitted for this user; ports below 1024 need a privilege"
    )]
    NotPermitted {
        /// What was given.
        listen: String,
    },
    /// The system refused for another reason.
    #[error("listening on `{listen}` failed: {why}")]
    System {
        /// What was given.
        listen: String,
        /// What the system said.
        why: String,
    },
}

impl Server {
    /// Takes the address `listen` (`host:port`; port 0 takes a free one). Connections queue from
    /// now on and are answered once [`Server::serve`] runs.
    ///
    /// # Errors
    /// The address is malformed, in use, not this machine's or not permitted.
    pub async fn bind(listen: &str) -> Result<Self, ServerError> {
        let of = |error: std::io::Error| {
            let listen = listen.to_owned();
            match error.kind() {
                ErrorKind::AddrInUse => ServerError::InUse { listen },
                ErrorKind::PermissionDenied => ServerError::NotPermitted { listen },
                ErrorKind::AddrNotAvailable => ServerError::Address {
                    listen,
                    why: "it is not an address of this machine".to_owned(),
                },
                ErrorKind::InvalidInput => ServerError::Address {
                    listen,
                    why: "expected `host:port`, such as `127.0.0.1:4000`".to_owned(),
                },
                _ => ServerError::System {
                    listen,
                    why: error.to_string(),
                },
            }
        };
        let addresses =
            tokio::net::lookup_host(listen)
                .await
                .map_err(|error| match error.kind() {
                    ErrorKind::InvalidInput => of(error),
                    _ => ServerError::Address {
                        listen: listen.to_owned(),
                        why: error.to_string(),
                    },
                })?;
        let addresses: Vec<SocketAddr> = addresses.collect();
        let listener = TcpListener::bind(addresses.as_slice()).await.map_err(of)?;
        let address = listener.local_addr().map_err(of)?;
        Ok(Self { listener, address })
    }

    /// The address that was taken, with the port that the system chose for 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` over HTTP/1.1 until `shutdown` is ready; then takes no new connection and
    /// gives the requests under way ten seconds to end.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let service = TowerToHyperService::new(router);
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = async {
                // invariant: the semaphore is never closed, so a permit always comes.
                let permit = Arc::clone(&room).acquire_owned().await.ok();
                (self.listener.accept().await, permit)
            };
            let (stream, permit) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accepted => accepted,
            };
            let (stream, peer) = match stream {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let connection = graceful.watch(connection(stream, peer, service.clone()));
            tokio::spawn(async move {
                let _permit = permit;
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, %error, "connection ended");
                }
            });
        }
        drop(self.listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests were still under way after {DRAIN:?} and were cut off");
        }
    }
}

/// One connection, answered until either side closes it.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: TowerToHyperService<Router>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "TCP_NODELAY was not set");
    }
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(peer));
        router.call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
}

/// A peer that went away is nothing; a process without free file descriptors must not spin.
async fn pause_after(error: &std::io::Error) {
    let of_the_peer = matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    );
    if !of_the_peer {
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Connections beyond it wait in the system's queue.
const MAX_CONNECTIONS: usize = 8192;

/// A request's head must be complete by then; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

const DRAIN: Duration = Duration::from_secs(10);
