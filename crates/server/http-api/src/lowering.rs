//! From declarations, which may be wrong, to what requests are served from, which is right.

mod certificates;
mod evidence;
mod token_config;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rolecall_attest::federated::{EvidenceRule, TrustedIssuer};
use rolecall_attest::{AttestError, SecretHash, TrustBundle, WorkloadKeys};
use rolecall_mint::{Attributes, IssuerUrl, LONGEST_LIFETIME, MintError, TokenConfig};
use rolecall_signing_keys::rotation::RotationPolicy;
use rolecall_signing_keys::{JwksForm, RsaBits};

use crate::documents::MAX_AGE;
use crate::federation::Federation;
use crate::limits::LimitsText;
use crate::snapshot::Workload;
use crate::subscribing::Subscription;
use crate::{InstallationError, TenantDeclaration, WorkloadDeclaration};

/// A tenant that obeys every rule; only its keys are missing.
#[derive(Debug)]
pub(crate) struct CheckedTenant {
    pub(crate) name: String,
    pub(crate) issuer: IssuerUrl,
    /// What it is called to the outside.
    pub(crate) federation: Federation,
    /// Whether tokens are issued.
    pub(crate) issuance: bool,
    pub(crate) rsa: RsaBits,
    pub(crate) rotation: RotationPolicy,
    pub(crate) limits: LimitsText,
    pub(crate) subscriptions: Vec<Subscription>,
    /// How its keys are published.
    pub(crate) jwks: JwksForm,
    pub(crate) token_configs: Vec<Arc<TokenConfig>>,
    pub(crate) trusted: Vec<TrustedIssuer>,
    pub(crate) bundles: HashMap<String, TrustBundle>,
    pub(crate) workloads: HashMap<String, Workload>,
}

/// Checks `tenants` against every rule that needs no state, so that a broken configuration is
/// refused before anything is made. [`Installation::declare`](crate::Installation::declare) checks
/// the same again.
///
/// # Errors
/// The first rule that is broken, with the field that breaks it.
pub fn check(tenants: &[TenantDeclaration]) -> Result<(), InstallationError> {
    lower(tenants).map(drop)
}

/// What `tenants` come to.
///
/// # Errors
/// The first rule that is broken, with the field that breaks it.
pub(crate) fn lower(
    tenants: &[TenantDeclaration],
) -> Result<Vec<CheckedTenant>, InstallationError> {
    let mut names = BTreeSet::new();
    let (mut issuers, mut outside) = (BTreeMap::new(), BTreeMap::new());
    let mut checked = Vec::with_capacity(tenants.len());
    for (index, tenant) in tenants.iter().enumerate() {
        let at = Place(format!("tenants[{index}]"));
        if !names.insert(&tenant.name) {
            return Err(at
                .field("name")
                .refuse(format!("the tenant `{}` is declared twice", tenant.name)));
        }
        if let Some(other) = issuers.insert(&tenant.issuer, &tenant.name) {
            return Err(at.field("issuer").refuse(format!(
                "`{}` is the issuer of the tenant `{other}` already; each tenant needs its own",
                tenant.issuer
            )));
        }
        let lowered = lower_tenant(&at, tenant)?;
        // Two tenants of one name to the outside could sign for each other.
        let called = lowered.federation.issuer.to_string();
        if let Some(other) = outside.insert(called, &tenant.name) {
            return Err(at.field("federation").field("issuer").refuse(format!(
                "`{}` is what the tokens of the tenant `{other}` say already; each tenant needs its own",
                lowered.federation.issuer
            )));
        }
        checked.push(lowered);
    }
    Ok(checked)
}

/// Refuses what may not change between a tenant of the file as it was and as it is to be.
pub(crate) fn check_change(
    index: usize,
    before: &TenantDeclaration,
    after: &TenantDeclaration,
) -> Result<(), InstallationError> {
    check_change_at(&Place(format!("tenants[{index}]")), before, after)
}

/// The same of a tenant as the store keeps it.
pub(crate) fn check_change_of(
    before: &TenantDeclaration,
    after: &TenantDeclaration,
) -> Result<(), InstallationError> {
    check_change_at(&Place(format!("tenant {}", after.name)), before, after)
}

fn check_change_at(
    at: &Place,
    before: &TenantDeclaration,
    after: &TenantDeclaration,
) -> Result<(), InstallationError> {
    for (index, config) in after.token_configs.iter().enumerate() {
        let mut known = before.token_configs.iter();
        if let Some(before) = known.find(|one| one.name == config.name) {
            before.check_change(config).map_err(|error| {
                at.field(&format!("token_configs[{index}]"))
                    .field("token_subject")
                    .refuse(error.to_string())
            })?;
        }
    }
    Ok(())
}

/// A tenant as the store keeps it.
pub(crate) fn lower_stored(tenant: &TenantDeclaration) -> Result<CheckedTenant, InstallationError> {
    lower_tenant(&Place(format!("tenant {}", tenant.name)), tenant)
}

fn lower_tenant(
    at: &Place,
    tenant: &TenantDeclaration,
) -> Result<CheckedTenant, InstallationError> {
    let fits = (1..=64).contains(&tenant.name.len())
        && tenant
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !fits {
        return Err(at.field("name").refuse(format!(
            "`{}` cannot be the name of a tenant: use 1 to 64 letters, digits, `_` and `-`",
            tenant.name
        )));
    }
    let issuer: IssuerUrl = tenant
        .issuer
        .parse()
        .map_err(|error: MintError| at.field("issuer").refuse(error.to_string()))?;
    refuse_taken_path(at, &issuer)?;
    let federation = Federation::read(&issuer, &tenant.federation)
        .map_err(|(member, why)| at.field("federation").field(member).refuse(why))?;
    tenant
        .limits
        .check()
        .map_err(|(member, why)| at.field("limits").field(member).refuse(why))?;
    let rsa = RsaBits::try_from(tenant.rsa_bits)
        .map_err(|error| at.field("rsa_bits").refuse(error.to_string()))?;
    let rotation = RotationPolicy::new(tenant.keys.clone(), MAX_AGE, LONGEST_LIFETIME.into())
        .map_err(|error| at.field("keys").refuse(error.to_string()))?;
    let rules = token_config::lower_rules(at, tenant)?;
    let token_configs = token_config::lower_token_configs(at, tenant, &rules)?;
    let trusted = evidence::lower_trusted(at, tenant)?;
    let bundles = certificates::lower_bundles(at, tenant)?;
    let mut workloads = HashMap::new();
    for (index, declared) in tenant.workloads.iter().enumerate() {
        let at = at.field(&format!("workloads[{index}]"));
        token_config::check_attributes(&at, declared, &rules)?;
        let workload = lower_workload(&at, declared, &token_configs, &trusted, &bundles)?;
        if workloads.insert(declared.name.clone(), workload).is_some() {
            return Err(at.field("name").refuse(format!(
                "the workload `{}` is declared twice",
                declared.name
            )));
        }
    }
    Ok(CheckedTenant {
        name: tenant.name.clone(),
        issuer,
        federation,
        issuance: tenant.issuance,
        rsa,
        rotation,
        limits: tenant.limits.clone(),
        subscriptions: lower_subscriptions(at, tenant)?,
        jwks: tenant.jwks,
        token_configs,
        trusted,
        bundles,
        workloads,
    })
}

fn lower_subscriptions(
    at: &Place,
    tenant: &TenantDeclaration,
) -> Result<Vec<Subscription>, InstallationError> {
    let mut names = BTreeSet::new();
    let subscriptions = tenant.trust_subscriptions.iter().enumerate();
    subscriptions
        .map(|(index, text)| {
            let at = at.field(&format!("trust_subscriptions[{index}]"));
            if !names.insert(&text.name) {
                let why = format!("the subscription `{}` is declared twice", text.name);
                return Err(at.field("name").refuse(why));
            }
            Subscription::read(text).map_err(|(member, why)| at.field(member).refuse(why))
        })
        .collect()
}

/// Refuses an issuer below a path that the server answers at itself, whatever the host.
fn refuse_taken_path(at: &Place, issuer: &IssuerUrl) -> Result<(), InstallationError> {
    let taken = TAKEN_PATHS.iter().find(|taken| {
        let below = issuer.path().strip_prefix(**taken);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    match taken {
        None => Ok(()),
        Some(taken) => Err(at.field("issuer").refuse(format!(
            "the path of `{issuer}` begins with `{taken}`, where the server answers itself; choose another path"
        ))),
    }
}

fn lower_workload(
    at: &Place,
    declared: &WorkloadDeclaration,
    token_configs: &[Arc<TokenConfig>],
    trusted: &[TrustedIssuer],
    bundles: &HashMap<String, TrustBundle>,
) -> Result<Workload, InstallationError> {
    let fits = (1..=128).contains(&declared.name.len())
        && declared.name.chars().all(|c| c.is_ascii_graphic());
    if !fits {
        return Err(at.field("name").refuse(format!(
            "`{}` cannot be the name of a workload: use 1 to 128 printable ASCII characters without blanks",
            declared.name.escape_debug()
        )));
    }
    for (section, names) in [
        ("attributes", declared.attributes.keys().collect::<Vec<_>>()),
        ("may_claim", declared.may_claim.keys().collect()),
    ] {
        if names.iter().any(|name| *name == OWN_NAME) {
            return Err(at.field(&format!("{section}.{OWN_NAME}")).refuse(format!(
                "the attribute `{OWN_NAME}` is the workload's own name and cannot be declared"
            )));
        }
    }
    let mut attributes: Attributes = declared
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    attributes.set(OWN_NAME, declared.name.as_str());
    let evidence = evidence::lower_evidence(at, declared, trusted)?;
    Ok(Workload {
        keys: lower_keys(at, declared)?,
        secrets: lower_secrets(at, declared)?,
        certificates: certificates::lower_certificates(at, declared, bundles)?,
        token_configs: lower_choice(at, declared, token_configs, &evidence)?,
        brought: evidence::brought(&evidence),
        evidence,
        attributes,
        may_claim: declared.may_claim.clone(),
    })
}

fn lower_keys(
    at: &Place,
    declared: &WorkloadDeclaration,
) -> Result<Option<WorkloadKeys>, InstallationError> {
    // Whoever proves itself in another way needs no key.
    let otherwise = !declared.evidence.is_empty()
        || !declared.secret_hashes.is_empty()
        || !declared.certificates.is_empty()
        || declared.enrols;
    if declared.keys.is_empty() && otherwise {
        return Ok(None);
    }
    let keys = WorkloadKeys::new(&declared.keys).map_err(|error| {
        let field = match &error {
            AttestError::Key { position, .. } => format!("keys[{}]", position.saturating_sub(1)),
            _ => "keys".to_owned(),
        };
        at.field(&field)
            .refuse(format!("the workload `{}`: {error}", declared.name))
    })?;
    Ok(Some(keys))
}

fn lower_secrets(
    at: &Place,
    declared: &WorkloadDeclaration,
) -> Result<Vec<SecretHash>, InstallationError> {
    if declared.secret_hashes.len() > MOST_SECRETS {
        return Err(at.field("secret_hashes").refuse(format!(
            "the workload `{}` has {} client secrets; up to {MOST_SECRETS} are possible, since all are tried",
            declared.name,
            declared.secret_hashes.len()
        )));
    }
    let hashes = declared.secret_hashes.iter().enumerate();
    hashes
        .map(|(index, text)| {
            SecretHash::parse(text).map_err(|error| {
                at.field(&format!("secret_hashes[{index}]"))
                    .refuse(error.to_string())
            })
        })
        .collect()
}

/// The token configs that the workload may use, each of which must find its attributes.
fn lower_choice(
    at: &Place,
    declared: &WorkloadDeclaration,
    token_configs: &[Arc<TokenConfig>],
    evidence: &[Arc<EvidenceRule>],
) -> Result<Vec<Arc<TokenConfig>>, InstallationError> {
    let attributes: Vec<&str> = declared
        .attributes
        .keys()
        .chain(declared.may_claim.keys())
        .map(String::as_str)
        .chain(evidence.iter().flat_map(|rule| rule.attribute_names()))
        .chain(
            evidence
                .iter()
                .filter_map(|rule| rule.may_claim())
                .flat_map(|chosen| chosen.keys().map(String::as_str)),
        )
        .chain([OWN_NAME])
        .collect();
    let choose = |(index, name): (usize, &String)| {
        let at = at.field(&format!("token_configs[{index}]"));
        let found = token_configs.iter().find(|config| config.name() == name);
        let Some(config) = found else {
            let names: Vec<String> = token_configs
                .iter()
                .map(|config| format!("`{}`", config.name()))
                .collect();
            return Err(at.refuse(format!(
                "the tenant has no token config `{name}`; it has {}",
                match names.as_slice() {
                    [] => "none".to_owned(),
                    names => names.join(", "),
                }
            )));
        };
        config.check_known(&attributes).map_err(|error| {
            at.refuse(format!(
                "the workload `{}` cannot use the token config `{name}`: {error}",
                declared.name
            ))
        })?;
        Ok(Arc::clone(config))
    };
    declared
        .token_configs
        .iter()
        .enumerate()
        .map(choose)
        .collect()
}

/// A place in the declarations, such as `tenants[0].workloads[1]`.
struct Place(String);

impl Place {
    fn field(&self, name: &str) -> Self {
        if name.is_empty() {
            return Self(self.0.clone());
        }
        Self(format!("{}.{name}", self.0))
    }

    fn refuse(&self, message: String) -> InstallationError {
        InstallationError::Declaration {
            field: self.0.clone(),
            message,
        }
    }
}

/// Client secrets of one workload: the one in use, the next, and one more.
const MOST_SECRETS: usize = 3;

/// Where the admin API and the console are.
const TAKEN_PATHS: [&str; 2] = ["/api", "/console"];

/// The attribute that every workload has.
const OWN_NAME: &str = "name";
