use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::connection::{Peer, http1, http2};
use crate::handshake::{Shaken, Unshaken, shake};
use crate::waiting::Waiting;
use crate::{ListeningError, Tls};

/// A bound address, ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Server {
    /// Takes the address `listen` (`host:port`; port 0 takes a free one). Connections queue from
    /// now on and are answered once [`Server::serve`] runs.
    ///
    /// # Errors
    /// The address is malformed, in use, not this machine's or not permitted.
    pub async fn bind(listen: &str) -> Result<Self, ListeningError> {
        let of = |error: std::io::Error| {
            let listen = listen.to_owned();
            match error.kind() {
                ErrorKind::AddrInUse => ListeningError::InUse { listen },
                ErrorKind::PermissionDenied => ListeningError::NotPermitted { listen },
                ErrorKind::AddrNotAvailable => ListeningError::Address {
                    listen,
                    why: "it is not an address of this machine".to_owned(),
                },
                ErrorKind::InvalidInput => ListeningError::Address {
                    listen,
                    why: "expected `host:port`, such as `127.0.0.1:4000`".to_owned(),
                },
                _ => ListeningError::System {
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
                    _ => ListeningError::Address {
                        listen: listen.to_owned(),
                        why: error.to_string(),
                    },
                })?;
        let addresses: Vec<SocketAddr> = addresses.collect();
        let listener = TcpListener::bind(addresses.as_slice()).await.map_err(of)?;
        let address = listener.local_addr().map_err(of)?;
        Ok(Self {
            listener,
            address,
            tls: None,
        })
    }

    /// The address that was taken, with the port that the system chose for 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks TLS on this address, and nothing else.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// Serves `router` until `shutdown` is ready; then takes no new connection and gives the
    /// requests under way ten seconds to end. In plain it is HTTP/1.1; over TLS the client has the
    /// choice of that and HTTP/2.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let service = TowerToHyperService::new(router);
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let waiting = Waiting::new(MAX_HANDSHAKES);
        let (stop, stopped) = watch::channel(false);
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
            let answering = Answering {
                peer,
                tls: self.tls.clone(),
                waiting: waiting.clone(),
                service: service.clone(),
                stopped: stopped.clone(),
            };
            tokio::spawn(async move {
                let _permit = permit;
                answering.answer(stream).await;
            });
        }
        drop((self.listener, stopped));
        stop.send_replace(true);
        if tokio::time::timeout(DRAIN, stop.closed()).await.is_err() {
            tracing::warn!("requests were still under way after {DRAIN:?} and were cut off");
        }
    }
}

/// What one connection needs.
struct Answering {
    peer: SocketAddr,
    tls: Option<Tls>,
    waiting: Waiting,
    service: TowerToHyperService<Router>,
    stopped: watch::Receiver<bool>,
}

impl Answering {
    async fn answer(self, stream: TcpStream) {
        let peer = self.peer;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "TCP_NODELAY was not set");
        }
        let ended = match self.tls.clone() {
            None => http1(stream, self.told(None), self.service, self.stopped).await,
            Some(tls) => {
                let mut stopped = self.stopped.clone();
                let shaken = tokio::select! {
                    shaken = shake(stream, &tls, &self.waiting) => shaken,
                    // Nothing was asked yet, so there is nothing to wait for.
                    _ = stopped.wait_for(|stop| *stop) => return,
                };
                drop(stopped);
                match shaken {
                    Ok(shaken) => self.answer_shaken(shaken).await,
                    Err(error @ Unshaken::NoCertificate) => {
                        tracing::warn!(%peer, %error, "a TLS handshake was refused");
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(%peer, %error, "a TLS handshake ended");
                        return;
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended");
        }
    }

    async fn answer_shaken(self, shaken: Shaken) -> hyper::Result<()> {
        let told = self.told(shaken.certificate);
        if shaken.h2 {
            http2(shaken.stream, told, self.service, self.stopped).await
        } else {
            http1(shaken.stream, told, self.service, self.stopped).await
        }
    }

    fn told(&self, certificate: Option<crate::PeerCertificate>) -> Peer {
        Peer {
            address: self.peer,
            certificate,
        }
    }
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

/// TLS handshakes beyond it push out the oldest. A good part of the connections, not all of them.
const MAX_HANDSHAKES: usize = 2048;

const DRAIN: Duration = Duration::from_secs(10);
