//! How the server's port is spoken to: in plain or over TLS.

use std::sync::Arc;

use rolecall_http_api::TenantDeclaration;
use rolecall_listening::{Concern, Figures, Identity, Server, WatchedFiles};
use tokio::sync::Notify;
use url::Url;

use crate::config::Loaded;
use crate::failure::{Exit, Failure};

/// A port with what belongs to it.
pub struct Transport {
    /// The port.
    pub server: Server,
    renewal: Option<WatchedFiles>,
    /// Notified, files are looked at now.
    wanted: Arc<Notify>,
}

impl Transport {
    /// Puts TLS on the port, if the configuration says so.
    ///
    /// # Errors
    /// `Configuration` for what the file says, `Local` for certificate and key.
    pub fn new(server: Server, loaded: &Loaded) -> Result<Self, Failure> {
        let Some(section) = &loaded.server()?.tls else {
            return Ok(Self {
                server,
                renewal: None,
                wanted: Arc::default(),
            });
        };
        let watched = WatchedFiles::open(section.files(loaded)?)
            .map_err(|error| Failure::from_error(Exit::Local, &error).note("in `server.tls`"))?;
        Ok(Self {
            server: server.with_tls(watched.tls().clone()),
            renewal: Some(watched),
            wanted: Arc::default(),
        })
    }

    /// Warns of what clients will object to when they ask for these tenants' issuers.
    pub fn warn(&self, tenants: &[TenantDeclaration]) {
        let identity = self
            .renewal
            .as_ref()
            .and_then(|renewal| renewal.tls().identity());
        if let Some(identity) = identity {
            warn_of(&identity, tenants);
        }
    }

    /// What is counted of TLS.
    pub fn figures(&self) -> Option<Figures> {
        self.renewal
            .as_ref()
            .map(|renewal| renewal.tls().figures().clone())
    }

    /// What to notify when the certificate's files are to be looked at now.
    pub fn wanted(&self) -> Arc<Notify> {
        Arc::clone(&self.wanted)
    }

    /// The port, and what keeps its certificate fresh, for ever.
    pub fn parted(self) -> (Server, impl Future<Output = ()> + Send + 'static) {
        let Self {
            server,
            renewal,
            wanted,
        } = self;
        let renewing = async move {
            match renewal {
                Some(renewal) => renewal.keep_looking(&wanted, now).await,
                None => std::future::pending().await,
            }
        };
        (server, renewing)
    }
}

fn warn_of(identity: &Identity, tenants: &[TenantDeclaration]) {
    for concern in identity.concerns(now(), []) {
        tracing::warn!("{concern}");
    }
    let mut missing = tenants.iter().filter_map(|tenant| {
        let issuer = Url::parse(&tenant.issuer).ok()?;
        let host = issuer.host_str()?.to_owned();
        // `http` is for tests on this machine; nobody verifies a name there.
        (issuer.scheme() == "https" && !identity.is_for(&host)).then_some((tenant, host))
    });
    let named: Vec<_> = missing.by_ref().take(LISTED).collect();
    for (tenant, host) in named {
        tracing::warn!(tenant = tenant.name, "{}", Concern::NotFor(host));
    }
    let more = missing.count();
    if more > 0 {
        tracing::warn!("the certificate is not for the issuers of {more} more tenants");
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Tenants named in warnings, of perhaps ten thousand.
const LISTED: usize = 10;
