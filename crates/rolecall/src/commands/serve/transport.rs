//! How the server's port is spoken to: in plain or over TLS.

use std::sync::Arc;

use rolecall_http_api::TenantDeclaration;
use rolecall_listening::{Acme, Concern, Figures, Identity, Server, Tls, WatchedFiles};
use tokio::sync::Notify;
use url::Url;

use crate::config::Loaded;
use crate::config::tls::CertificateSource;
use crate::failure::{Exit, Failure};

/// A port with what belongs to it.
pub struct Transport {
    /// The port.
    pub server: Server,
    renewal: Option<Renewal>,
    /// Notified, the certificate is looked at now.
    wanted: Arc<Notify>,
}

/// What keeps the certificate fresh.
enum Renewal {
    Files(WatchedFiles),
    Acme(Acme, Option<Vec<String>>),
}

impl Renewal {
    fn tls(&self) -> &Tls {
        match self {
            Self::Files(files) => files.tls(),
            Self::Acme(acme, _) => acme.tls(),
        }
    }
}

impl Transport {
    /// Puts TLS on the port, if the configuration says so.
    ///
    /// # Errors
    /// `Configuration` for what the file says, `Local` for certificate, key and folder.
    pub fn new(server: Server, loaded: &Loaded) -> Result<Self, Failure> {
        let Some(section) = &loaded.server()?.tls else {
            return Ok(Self {
                server,
                renewal: None,
                wanted: Arc::default(),
            });
        };
        let renewal = match section.source(loaded)? {
            CertificateSource::Files(files) => WatchedFiles::open(files).map(Renewal::Files),
            CertificateSource::Acme(settings, names) => {
                Acme::open(settings).map(|acme| Renewal::Acme(acme, names))
            }
        };
        let renewal = renewal
            .map_err(|error| Failure::from_error(Exit::Local, &error).note("in `server.tls`"))?;
        Ok(Self {
            server: server.with_tls(renewal.tls().clone()),
            renewal: Some(renewal),
            wanted: Arc::default(),
        })
    }

    /// Warns of what clients will object to when they ask for these tenants' issuers.
    pub fn warn(&self, tenants: &[TenantDeclaration]) {
        // What an authority gave is ordered anew when it does not fit.
        if let Some(Renewal::Files(files)) = &self.renewal
            && let Some(identity) = files.tls().identity()
        {
            warn_of(&identity, tenants);
        }
    }

    /// What is counted of TLS.
    pub fn figures(&self) -> Option<Figures> {
        let renewal = self.renewal.as_ref()?;
        Some(renewal.tls().figures().clone())
    }

    /// What to notify when the certificate is to be looked at now.
    pub fn wanted(&self) -> Arc<Notify> {
        Arc::clone(&self.wanted)
    }

    /// The port, and what keeps its certificate fresh, for ever. `issuers` gives the issuer URLs that
    /// are served at the moment.
    pub fn parted(
        self,
        issuers: impl Fn() -> Vec<String> + Send + 'static,
    ) -> (Server, impl Future<Output = ()> + Send + 'static) {
        let Self {
            server,
            renewal,
            wanted,
        } = self;
        let renewing = async move {
            match renewal {
                Some(Renewal::Files(files)) => files.keep_looking(&wanted, now).await,
                Some(Renewal::Acme(acme, names)) => {
                    let names = move || names.clone().unwrap_or_else(|| hosts(&issuers()));
                    acme.keep_renewing(&wanted, names, now).await;
                }
                None => std::future::pending().await,
            }
        };
        (server, renewing)
    }
}

/// The hosts of issuers that are reached over TLS.
fn hosts(issuers: &[String]) -> Vec<String> {
    let urls = issuers.iter().filter_map(|issuer| Url::parse(issuer).ok());
    urls.filter(|url| url.scheme() == "https")
        .filter_map(|url| url.host_str().map(str::to_owned))
        .collect()
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
