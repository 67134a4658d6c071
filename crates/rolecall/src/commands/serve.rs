//! `rolecall serve`: the issuer of every tenant of the configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rolecall_admin_api::AdminApi;
use rolecall_http_api::{
    CertificateHeader, Clock, Installation, InstallationError, operations, operations_with, router,
    with_certificate_header,
};
use rolecall_listening::{ListeningError, Proxies, ProxyRules, Server};
use rolecall_sealed::MasterKey;
use rolecall_store::{Location, Store, StoreOptions};

use crate::cli::{Output, ServeArgs};
use crate::config::Loaded;
use crate::config::issuer::ServerSection;
use crate::failure::{Exit, Failure};
use crate::{key_backends, printing, process};
use transport::{Judge, Transport};

mod transport;

/// Serves until asked to stop.
pub async fn run(args: ServeArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.config)?;
    let serving = Serving::start(&loaded, args.force).await?;
    if let Some(path) = &serving.new_master_key {
        tracing::warn!(path = %path.display(), "made a master key; keep a copy of it, apart from the state");
    }
    let listen = serving.address();
    match args.output {
        Output::Json => printing::line(
            &serde_json::json!({
                "event": "ready",
                "listen": listen.to_string(),
                "operations": serving.operations.as_ref().map(|server| server.address().to_string()),
                "api": serving.api_address().map(|address| address.to_string()),
                "issuers": serving.issuers,
            })
            .to_string(),
        )?,
        Output::Text => printing::line(&format!(
            "serving on {listen}: {}",
            serving.issuers.join(", ")
        ))?,
    }
    let stop = process::stop_signal()?;
    let mut reload = process::reload_signal()?;
    let (installation, address) = (serving.installation.clone(), serving.address());
    let api = serving.api();
    let certificate = serving.transport.wanted();
    let judge = serving.transport.judge();
    let reloading = tokio::spawn(async move {
        while reload.recv().await.is_some() {
            take_up(&installation, api.as_ref(), &judge, &args.config, address).await;
            // After the tenants: their hosts may be among the names.
            certificate.notify_one();
        }
    });
    tell_supervisor(&[sd_notify::NotifyState::Ready]);
    serving.run(stop).await;
    reloading.abort();
    Ok(())
}

/// Takes up the file as it is now: its tenants, and who has access. What it says wrong leaves
/// everything as it was.
async fn take_up(
    installation: &Installation,
    api: Option<&AdminApi>,
    judge: &Judge,
    config: &Path,
    address: SocketAddr,
) {
    let read = async {
        let loaded = Loaded::read(config)?;
        let section = loaded.server()?.api.as_ref();
        let settings = section.map(|section| loaded.api_settings(section));
        let settings = settings.transpose()?;
        let tenants = loaded.tenants(address)?;
        judge.warn(&tenants);
        let declared = installation.declare(tenants).await;
        declared.map_err(|error| not_installed(&loaded, &error))?;
        if let (Some(api), Some(settings)) = (api, settings) {
            api.settle(settings);
        }
        Ok::<_, Failure>(())
    };
    match read.await {
        Ok(()) => {
            tracing::warn!(config = %config.display(), "the tenants of the configuration file were read again")
        }
        Err(failure) => {
            tracing::error!(config = %config.display(), "the configuration file was not taken over, everything stays as it was: {}", anstream::adapter::strip_str(&failure.told()));
        }
    }
}

/// Tells systemd, where it started us (sd_notify(3)).
pub(super) fn tell_supervisor(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "no supervisor was told");
    }
}

/// The admin API, and where it is served if not where everything else is.
struct Administration {
    api: AdminApi,
    server: Option<Server>,
}

impl Administration {
    async fn start(
        loaded: &Loaded,
        section: &ServerSection,
        installation: &Installation,
    ) -> Result<Option<Self>, Failure> {
        let Some(section) = &section.api else {
            return Ok(None);
        };
        let settings = loaded.api_settings(section)?;
        let server = match section.listen {
            Some(listen) => Some(
                Server::bind(&listen.to_string())
                    .await
                    .map_err(|error| cannot_listen(&error))?,
            ),
            None => None,
        };
        Ok(Some(Self {
            api: AdminApi::new(installation.clone(), settings),
            server,
        }))
    }
}

/// An issuer that is ready: its port taken, its state open, its keys made.
pub struct Serving {
    transport: Transport,
    certificate_header: Option<CertificateHeader>,
    proxies: Option<(Proxies, ProxyRules)>,
    installation: Installation,
    operations: Option<Server>,
    administration: Option<Administration>,
    issuers: Vec<String>,
    new_master_key: Option<PathBuf>,
}

impl Serving {
    /// Takes the port, opens the state, declares the tenants and makes the keys that are missing.
    ///
    /// # Errors
    /// `Configuration` for what the file says, `Local` for port, state and master key. Nothing was
    /// changed then but, at the first start, folder and master key made.
    pub async fn start(loaded: &Loaded, insists: bool) -> Result<Self, Failure> {
        let section = loaded.server()?;
        let server = Server::bind(&section.listen.to_string())
            .await
            .map_err(|error| cannot_listen(&error))?;
        let tenants = loaded.tenants(server.address())?;
        rolecall_http_api::check(&tenants).map_err(|error| not_installed(loaded, &error))?;
        let proxies = loaded.proxies()?;
        let transport = Transport::new(server, loaded)?;
        transport.judge().warn(&tenants);
        let signers = key_backends::signers(loaded, section).await?;
        let (master, new_master_key) = master_key(loaded, section)?;
        let location = section.location(loaded)?;
        let store = Store::open_at(&location, &StoreOptions::default())
            .await
            .map_err(|error| not_installed(loaded, &error.into()))?;
        let installation = Installation::start_insisting(
            insists,
            signers,
            store,
            master,
            tenants,
            Clock::system(),
        )
        .await
        .map_err(|error| not_installed(loaded, &error))?;
        let operations = match section.operations_listen {
            Some(listen) => Some(
                Server::bind(&listen.to_string())
                    .await
                    .map_err(|error| cannot_listen(&error))?,
            ),
            None => None,
        };
        let administration = Administration::start(loaded, section, &installation).await?;
        Ok(Self {
            issuers: installation.issuers(),
            operations,
            administration,
            transport,
            certificate_header: (section.client_certificate_header.as_ref())
                .map(|header| header.form),
            proxies,
            installation,
            new_master_key,
        })
    }

    /// The bound address.
    pub fn address(&self) -> std::net::SocketAddr {
        self.transport.server.address()
    }

    /// The admin API, where it is served.
    pub fn api(&self) -> Option<AdminApi> {
        self.administration.as_ref().map(|one| one.api.clone())
    }

    /// Where the admin API is served.
    pub fn api_address(&self) -> Option<SocketAddr> {
        let administration = self.administration.as_ref()?;
        let server = administration.server.as_ref();
        Some(server.map_or(self.address(), Server::address))
    }

    /// Serves until `stop` is ready, then writes what is queued and lets go of the state.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let rotating = self.installation.clone();
        let rotating = tokio::spawn(async move { rotating.rotate_keys().await });
        let is_traced = rolecall_telemetry::is_wanted(|name| std::env::var(name).ok());
        let told = |routes| match is_traced {
            true => rolecall_telemetry::traced(routes),
            false => routes,
        };
        let mut routes = told(router(self.installation.clone()));
        let mut beside = Vec::new();
        if let Some(server) = self.operations {
            let routes = match self.transport.figures() {
                Some(figures) => operations_with(self.installation.clone(), figures.registry()),
                None => operations(self.installation.clone()),
            };
            beside.push((server, routes));
        }
        if let Some(administration) = self.administration {
            let administered = told(rolecall_admin_api::router(administration.api));
            match administration.server {
                Some(server) => {
                    let rules = self.proxies.as_ref().map(|(_, rules)| rules.clone());
                    let administered = match rules {
                        Some(rules) => rules.applied(administered),
                        None => administered,
                    };
                    beside.push((server, administered));
                }
                None => routes = administered.fallback_service(routes),
            }
        }
        if let Some((proxies, rules)) = self.proxies {
            if let Some(form) = self.certificate_header {
                routes = with_certificate_header(routes, form, proxies);
            }
            // Outermost, so that it takes away what the proxy itself showed before a header says
            // what the client did.
            routes = rules.applied(routes);
        }
        let end = tokio::sync::watch::Sender::new(false);
        let beside: Vec<_> = beside
            .into_iter()
            .map(|(server, routes)| {
                let mut ended = end.subscribe();
                tokio::spawn(server.serve(routes, async move {
                    let _ = ended.changed().await;
                }))
            })
            .collect();
        let issuers = self.installation.clone();
        let (server, renewing) = self.transport.parted(move || issuers.issuers());
        let renewing = tokio::spawn(renewing);
        server.serve(routes, stop).await;
        tell_supervisor(&[sd_notify::NotifyState::Stopping]);
        rotating.abort();
        renewing.abort();
        drop(end);
        for beside in beside {
            let _ = beside.await;
        }
        self.installation.close().await;
    }
}

/// The master key, and its file where that was made just now.
fn master_key(
    loaded: &Loaded,
    section: &ServerSection,
) -> Result<(MasterKey, Option<PathBuf>), Failure> {
    let local = |error: &dyn std::error::Error| Failure::from_error(Exit::Local, error);
    if let Ok(text) = std::env::var(MASTER_KEY_VARIABLE) {
        let key = MasterKey::from_base64(&text.into()).map_err(|error| {
            local(&error).note(format_args!("in the variable {MASTER_KEY_VARIABLE}"))
        })?;
        return Ok((key, None));
    }
    let Some(file) = &section.master_key_file else {
        return Err(no_master_key());
    };
    let path = loaded.resolve(file);
    // A new key beside an old state would only hide that the right one is lost. In a database of
    // several processes every start finds the state of the others; there a key is never made.
    let sealed = match section.location(loaded)? {
        Location::Folder(folder) => folder
            .join(rolecall_store::DATABASE_FILE)
            .exists()
            .then(|| format!("a state in `{}`", folder.display())),
        Location::Postgres(_) => Some("a database that several servers share".to_owned()),
    };
    if let Some(sealed) = sealed.filter(|_| !path.exists()) {
        return Err(Failure::new(
            Exit::Local,
            format_args!(
                "the master key file `{}` is missing, but there is {sealed} that was sealed with it",
                path.display(),
            ),
        )
        .hint("Bring the file back from its copy; without it the signing keys are lost. For a new database make one: `rolecall key master new FILE`"));
    }
    let (key, made) =
        rolecall_sealed::read_or_create_key_file(&path).map_err(|error| local(&error))?;
    Ok((key, made.then_some(path)))
}

/// The master key of an installation that there is.
///
/// # Errors
/// There is none where the configuration says, or it cannot be read.
pub fn existing_master_key(loaded: &Loaded, section: &ServerSection) -> Result<MasterKey, Failure> {
    if let Ok(text) = std::env::var(MASTER_KEY_VARIABLE) {
        return MasterKey::from_base64(&text.into()).map_err(|error| {
            Failure::from_error(Exit::Local, &error)
                .note(format_args!("in the variable {MASTER_KEY_VARIABLE}"))
        });
    }
    let file = section.master_key_file.as_ref().ok_or_else(no_master_key)?;
    rolecall_sealed::read_key_file(&loaded.resolve(file))
        .map_err(|error| Failure::from_error(Exit::Local, &error))
}

fn no_master_key() -> Failure {
    Failure::new(
        Exit::Configuration,
        format_args!(
            "there is no master key: `server.master_key_file` is not set and neither is \
             {MASTER_KEY_VARIABLE}"
        ),
    )
    .hint(
        "Set `master_key_file: ./master.key`; the file is made at the first start. Or put 32 \
         random bytes, base64, into the variable",
    )
}

fn cannot_listen(error: &ListeningError) -> Failure {
    Failure::from_error(Exit::Local, error)
}

fn not_installed(loaded: &Loaded, error: &InstallationError) -> Failure {
    let failure = match error {
        InstallationError::Declaration { field, message } => loaded.broken(field, message),
        InstallationError::KeyGeneration { .. } => Failure::from_error(Exit::Unexpected, error),
        _ => Failure::from_error(Exit::Local, error),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Where the master key is looked for before its file.
const MASTER_KEY_VARIABLE: &str = "ROLECALL_MASTER_KEY";
