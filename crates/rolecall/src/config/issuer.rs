//! The server's side of the configuration: where to serve, and the tenants.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rolecall_attest::CertificateText;
use rolecall_attest::federated::EvidenceText;
use rolecall_http_api::{FederationText, LimitsText, TenantDeclaration, WorkloadDeclaration};
use rolecall_jose::{Jwk, JwkSet};
use rolecall_mint::{AttributeText, TenantRulesText};
use rolecall_signing_keys::JwksForm;
use rolecall_store::{Address, Location, StoreError};
use serde::{Deserialize, Deserializer};

use super::Loaded;
use super::evidence::{TrustBundleSection, TrustedIssuerSection};
use super::keys::{KeyBackendSection, KeysSection};
use super::subscription::TrustSubscriptionSection;
use super::token_config::{LifetimesSection, TokenConfigSection, rules};
use crate::failure::{Exit, Failure};

/// `server:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSection {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The admin API. None: it is not served.
    #[serde(default)]
    pub api: Option<super::api::ApiSection>,
    /// The certificate; without one the port speaks plain HTTP, for a proxy in front.
    #[serde(default)]
    pub tls: Option<super::tls::TlsSection>,
    /// Where health, readiness and metrics are served beside, for those who run the server.
    #[serde(default)]
    pub operations_listen: Option<SocketAddr>,
    /// Where the state is: a folder, or a PostgreSQL database (`postgres://…`).
    pub state: String,
    /// The master key's file; without one the environment must have the key.
    #[serde(default)]
    pub master_key_file: Option<PathBuf>,
    /// Addresses and networks of proxies in front, whose headers about clients count.
    #[serde(default)]
    pub proxies: Vec<String>,
    /// Which headers the proxies write, whatever a client sent.
    #[serde(default)]
    pub forwarded_headers: Option<Vec<rolecall_listening::ForwardedHeader>>,
    /// How the proxies pass clients' certificates on. None: such headers are passed over.
    #[serde(default)]
    pub client_certificate_header: Option<super::evidence::CertificateHeaderSection>,
    /// Where signing keys can be held, by name; `software` is always there.
    #[serde(default)]
    pub key_backends: BTreeMap<String, KeyBackendSection>,
    /// How signing keys are held and rotated where a tenant says nothing else.
    #[serde(default)]
    pub keys: KeysSection,
}

impl ServerSection {
    /// Where the state is. The database's password may be in the environment
    /// (`ROLECALL_DATABASE_PASSWORD`) instead of the address.
    ///
    /// # Errors
    /// `Configuration` where the address of the database is not one.
    pub fn location(&self, loaded: &Loaded) -> Result<Location, Failure> {
        location(&self.state, |folder| loaded.resolve(folder)).map_err(|error| {
            // Without the line as it stands there: it may hold a password.
            let failure =
                Failure::from_error(Exit::Configuration, &error).note("in `server.state`");
            match error.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })
    }
}

/// A state by its address or folder.
///
/// # Errors
/// The address of the database is not one.
pub fn location(
    text: &str,
    resolve: impl FnOnce(&Path) -> PathBuf,
) -> Result<Location, StoreError> {
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Ok(Location::Folder(resolve(Path::new(text))));
    }
    let address = Address::parse(text)?;
    Ok(Location::Postgres(match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) => address.with_password(password.into()),
        Err(_) => address,
    }))
}

const PASSWORD_VARIABLE: &str = "ROLECALL_DATABASE_PASSWORD";

/// One of `tenants:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantSection {
    pub(super) name: String,
    pub(super) issuer: String,
    #[serde(default = "default_rsa_bits")]
    rsa_bits: u32,
    #[serde(default)]
    pub(super) keys: KeysSection,
    #[serde(default)]
    jwks: JwksForm,
    #[serde(default = "issues")]
    issuance: bool,
    #[serde(default)]
    federation: FederationText,
    #[serde(default)]
    limits: LimitsText,
    #[serde(default)]
    attributes: BTreeMap<String, AttributeText>,
    #[serde(default)]
    reserved_claims: Vec<String>,
    #[serde(default)]
    token_lifetimes: LifetimesSection,
    #[serde(default)]
    pub(super) token_configs: Vec<TokenConfigSection>,
    #[serde(default)]
    trusted_issuers: Vec<TrustedIssuerSection>,
    #[serde(default)]
    trust_bundles: Vec<TrustBundleSection>,
    #[serde(default)]
    trust_subscriptions: Vec<TrustSubscriptionSection>,
    #[serde(default)]
    pub(super) workloads: Vec<RegisteredWorkload>,
}

impl TenantSection {
    /// What holds for all of its token configs.
    pub(super) fn rules(&self) -> TenantRulesText {
        rules(
            &self.attributes,
            &self.reserved_claims,
            &self.token_lifetimes,
        )
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisteredWorkload {
    pub(super) name: String,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) may_claim: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) token_configs: Vec<String>,
    #[serde(default)]
    keys: Vec<Jwk>,
    #[serde(default)]
    key_files: Vec<PathBuf>,
    #[serde(default)]
    certificates: Vec<CertificateText>,
    #[serde(default)]
    secret_hashes: Vec<String>,
    #[serde(default)]
    enrols: bool,
    #[serde(default)]
    pub(super) evidence: Vec<EvidenceText>,
}

impl Loaded {
    /// The server section.
    ///
    /// # Errors
    /// `Configuration` where there is none.
    pub fn server(&self) -> Result<&ServerSection, Failure> {
        self.document.server.as_ref().ok_or_else(|| {
            self.broken("", "there is no `server` section")
                .hint("Add `server:` with `listen` and `state`; docs/configuration.md shows one")
        })
    }

    /// The tenants, `{listen}` in their issuers replaced by the bound address.
    ///
    /// # Errors
    /// `Configuration` where a key file cannot be read, or none is given.
    pub fn tenants(&self, bound: SocketAddr) -> Result<Vec<TenantDeclaration>, Failure> {
        let tenants = &self.document.tenants;
        let by_the_api = (self.document.server.as_ref()).is_some_and(|server| server.api.is_some());
        if tenants.is_empty() && !by_the_api {
            return Err(self
                .broken(
                    "tenants",
                    "there are no `tenants`, so there is nothing to serve",
                )
                .hint("Add `tenants:` with a name, an issuer and a token config; or `server.api`, through which they are declared"));
        }
        tenants
            .iter()
            .enumerate()
            .map(|(at, tenant)| self.tenant(at, tenant, bound))
            .collect()
    }

    /// A tenant whose section is a file of its own.
    ///
    /// # Errors
    /// `Configuration` where a file that it names cannot be read.
    pub fn declared_tenant(&self, tenant: &TenantSection) -> Result<TenantDeclaration, Failure> {
        self.tenant(0, tenant, SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    /// The token config that a file holds.
    ///
    /// # Errors
    /// `Configuration` for what is none.
    pub fn token_config(path: &Path) -> Result<rolecall_mint::TokenConfigText, Failure> {
        let (_, section) = Self::section::<TokenConfigSection>(path)?;
        Ok(section.declared())
    }

    /// The trusted issuer that a file holds.
    ///
    /// # Errors
    /// `Configuration` for what is none.
    pub fn declared_issuer(
        path: &Path,
    ) -> Result<rolecall_attest::federated::TrustedIssuerText, Failure> {
        let (loaded, section) = Self::section::<TrustedIssuerSection>(path)?;
        loaded.trusted_issuer("", &section)
    }

    /// The workload that a file holds.
    ///
    /// # Errors
    /// `Configuration` for what is none, or a key file that cannot be read.
    pub fn declared_workload(path: &Path) -> Result<WorkloadDeclaration, Failure> {
        let (loaded, section) = Self::section::<RegisteredWorkload>(path)?;
        loaded.registered("", &section)
    }

    fn tenant(
        &self,
        at: usize,
        tenant: &TenantSection,
        bound: SocketAddr,
    ) -> Result<TenantDeclaration, Failure> {
        let trusted_issuers = tenant
            .trusted_issuers
            .iter()
            .enumerate()
            .map(|(index, issuer)| {
                self.trusted_issuer(&format!("tenants[{at}].trusted_issuers[{index}]"), issuer)
            })
            .collect::<Result<_, _>>()?;
        let trust_bundles = tenant
            .trust_bundles
            .iter()
            .enumerate()
            .map(|(index, bundle)| {
                self.trust_bundle(&format!("tenants[{at}].trust_bundles[{index}]"), bundle)
            })
            .collect::<Result<_, _>>()?;
        let trust_subscriptions = tenant
            .trust_subscriptions
            .iter()
            .enumerate()
            .map(|(index, one)| {
                self.trust_subscription(&format!("tenants[{at}].trust_subscriptions[{index}]"), one)
            })
            .collect::<Result<_, _>>()?;
        let workloads = tenant
            .workloads
            .iter()
            .enumerate()
            .map(|(index, workload)| {
                self.registered(&format!("tenants[{at}].workloads[{index}]"), workload)
            })
            .collect::<Result<_, _>>()?;
        Ok(TenantDeclaration {
            name: tenant.name.clone(),
            issuer: tenant.issuer.replace("{listen}", &bound.to_string()),
            rsa_bits: tenant.rsa_bits,
            keys: self.rotation(at, tenant)?,
            jwks: tenant.jwks,
            issuance: tenant.issuance,
            federation: tenant.federation.clone(),
            limits: tenant.limits.clone(),
            rules: tenant.rules(),
            token_configs: tenant
                .token_configs
                .iter()
                .map(TokenConfigSection::declared)
                .collect(),
            trusted_issuers,
            trust_bundles,
            trust_subscriptions,
            workloads,
        })
    }

    fn registered(
        &self,
        field: &str,
        workload: &RegisteredWorkload,
    ) -> Result<WorkloadDeclaration, Failure> {
        let mut keys = workload.keys.clone();
        for (index, file) in workload.key_files.iter().enumerate() {
            let path = self.resolve(file);
            let field = format!("{field}.key_files[{index}]");
            let json = std::fs::read(&path).map_err(|error| {
                self.broken(
                    &field,
                    format_args!("cannot read `{}`: {error}", path.display()),
                )
                .hint("`rolecall workload key` prints the public key to put there")
            })?;
            let read = match Jwk::parse(&json) {
                Ok(key) => vec![key],
                Err(single) => match JwkSet::parse(&json) {
                    Ok(set) => set.keys,
                    Err(_) => {
                        return Err(self.broken(
                            &field,
                            format_args!("`{}` holds no JWK and no JWKS: {single}", path.display()),
                        ));
                    }
                },
            };
            keys.extend(read);
        }
        let otherwise = !workload.evidence.is_empty()
            || !workload.secret_hashes.is_empty()
            || !workload.certificates.is_empty()
            || workload.enrols;
        if workload.enrols && self.document.server.is_some() {
            return Err(self
                .broken(
                    &format!("{field}.enrols"),
                    "a machine cannot enrol here: its key would be forgotten when this file is read again",
                )
                .hint("Declare the workload through the admin API (`rolecall apply`, `rolecall workload put`)"));
        }
        if keys.is_empty() && !otherwise {
            return Err(self
                .broken(
                    field,
                    format_args!(
                        "the workload `{}` has no key and no other proof",
                        workload.name
                    ),
                )
                .hint(
                    "`rolecall workload key --to FILE` makes one and prints its public part; put \
                     that under `keys`, or its file under `key_files`. Or say under `evidence` which \
                     tokens of a trusted issuer prove who it is",
                ));
        }
        Ok(WorkloadDeclaration {
            name: workload.name.clone(),
            attributes: workload.attributes.clone(),
            may_claim: workload.may_claim.clone(),
            token_configs: workload.token_configs.clone(),
            keys,
            enrols: workload.enrols,
            certificates: workload.certificates.clone(),
            secret_hashes: workload.secret_hashes.clone(),
            evidence: workload.evidence.clone(),
        })
    }
}

/// A duration, written `1h`, `90m` or as whole seconds. Its bounds are the issuer's to check.
#[derive(Debug)]
pub(super) struct Lifetime(u32);

impl Lifetime {
    pub(super) fn of(seconds: u32) -> Self {
        Self(seconds)
    }

    pub(super) fn seconds(&self) -> u32 {
        self.0
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self(3600)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Written::deserialize(deserializer)?;
        let seconds = match &text {
            Written::Seconds(seconds) => Some(i64::from(*seconds)),
            Written::Text(text) => text
                .parse::<jiff::SignedDuration>()
                .ok()
                .map(|duration| duration.as_secs()),
        };
        seconds
            .and_then(|seconds| u32::try_from(seconds).ok())
            .map(Self)
            .ok_or_else(|| {
                serde::de::Error::custom(format_args!(
                    "`{text}` is not a duration: expected `1h`, `90m` or a number of seconds"
                ))
            })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(u32),
    Text(String),
}

impl std::fmt::Display for Written {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(formatter, "{seconds}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

fn issues() -> bool {
    true
}

fn default_rsa_bits() -> u32 {
    2048
}
