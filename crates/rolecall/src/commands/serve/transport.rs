//! How the server's port is spoken to: in plain or over TLS.

use std::collections::BTreeMap;
use std::sync::Arc;

use rolecall_http_api::TenantDeclaration;
use rolecall_listening::{Acme, Concern, Figures, Server, Tls, WatchedFiles};
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

    /// What can say whether the certificate fits tenants.
    pub fn judge(&self) -> Judge {
        // What an authority gave is ordered anew when it does not fit.
        Judge(match &self.renewal {
            Some(Renewal::Files(files)) => Some(files.tls().clone()),
            Some(Renewal::Acme(..)) | None => None,
        })
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
                    let names = move || {
                        names.clone().unwrap_or_else(|| {
                            issuers().iter().filter_map(|issuer| host(issuer)).collect()
                        })
                    };
                    acme.keep_renewing(&wanted, names, now).await;
                }
                None => std::future::pending().await,
            }
        };
        (server, renewing)
    }
}

/// Compares the certificate from files with what clients will ask for.
pub struct Judge(Option<Tls>);

impl Judge {
    /// Warns of what clients will object to when they ask for these tenants' issuers.
    pub fn warn(&self, tenants: &[TenantDeclaration]) {
        let Some(identity) = self.0.as_ref().and_then(Tls::identity) else {
            return;
        };
        for concern in identity.concerns(now(), []) {
            tracing::warn!("{concern}");
        }
        // Of ten thousand tenants many share a host.
        let mut fits: BTreeMap<String, bool> = BTreeMap::new();
        let mut missing = Vec::new();
        for tenant in tenants {
            let Some(host) = host(&tenant.issuer) else {
                continue;
            };
            let fits = fits
                .entry(host)
                .or_insert_with_key(|host| identity.is_for(host));
            if !*fits {
                missing.push(tenant);
            }
        }
        for tenant in missing.iter().take(LISTED) {
            let host = host(&tenant.issuer).unwrap_or_default();
            tracing::warn!(tenant = tenant.name, "{}", Concern::NotFor(host));
        }
        if missing.len() > LISTED {
            let more = missing.len() - LISTED;
            tracing::warn!("the certificate is not for the issuers of {more} more tenants");
        }
    }
}

/// The host of an issuer that is reached over TLS. `http` is for tests on one machine; nobody
/// verifies a name there.
fn host(issuer: &str) -> Option<String> {
    let issuer = Url::parse(issuer).ok()?;
    (issuer.scheme() == "https").then_some(())?;
    issuer.host_str().map(str::to_owned)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Tenants named in warnings, of perhaps ten thousand.
const LISTED: usize = 10;
