use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use rolecall_attest::federated::EvidenceRule;
use rolecall_attest::{CertificateRule, ReplayMemory, SecretHash, TrustBundle, WorkloadKeys};
use rolecall_attest_keys::AttestKeysError;
use rolecall_mint::{Attributes, IssuerUrl, TokenConfig};
use rolecall_signing_keys::KeyRing;

use crate::InstallationError;
use crate::attesting::Means;
use crate::documents::{self, Document, Proofs};
use crate::limits::Limits;
use crate::lowering::CheckedTenant;
use crate::routing::Endpoint;
use crate::trusting::Trusting;

/// A tenant, ready to serve.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) issuer: IssuerUrl,
    /// What its tokens say: [`Self::issuer`], or its name to the outside.
    pub(crate) called: IssuerUrl,
    /// Whether tokens are issued.
    pub(crate) issuance: bool,
    pub(crate) token_endpoint: String,
    pub(crate) discovery: Document,
    pub(crate) jwks: Document,
    pub(crate) keys: KeyRing,
    /// Where verifiers find its keys, if somebody else shows them.
    pub(crate) shown_at: Option<String>,
    pub(crate) token_configs: Vec<Arc<TokenConfig>>,
    pub(crate) workloads: HashMap<String, Workload>,
    pub(crate) trusting: Trusting,
    /// Authorities for client certificates, by name.
    pub(crate) bundles: HashMap<String, TrustBundle>,
    /// Outlives what was read, and is everybody's.
    pub(crate) means: Means,
    /// Outlives what was read: the same for the same tenant.
    pub(crate) used: Arc<Mutex<ReplayMemory>>,
    /// What is left of what it may have.
    pub(crate) limits: Arc<Limits>,
    /// Of what it was read from.
    pub(crate) revision: i64,
}

/// A workload, ready to be believed.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Parsed once; what assertions are verified with.
    pub(crate) keys: Option<WorkloadKeys>,
    /// Hashes of its client secrets.
    pub(crate) secrets: Vec<SecretHash>,
    /// Which client certificates prove who it is.
    pub(crate) certificates: Vec<CertificateRule>,
    /// Which tokens of trusted issuers prove who it is.
    pub(crate) evidence: Vec<Arc<EvidenceRule>>,
    /// Attributes that come with some of that evidence.
    pub(crate) brought: BTreeSet<String>,
    /// What is known about it, its name included.
    pub(crate) attributes: Attributes,
    /// What it may choose itself, and from which values.
    pub(crate) may_claim: BTreeMap<String, Vec<String>>,
    /// Which token configs it may use.
    pub(crate) token_configs: Vec<Arc<TokenConfig>>,
}

impl Tenant {
    pub(crate) fn new(
        checked: CheckedTenant,
        keys: KeyRing,
        used: Arc<Mutex<ReplayMemory>>,
        means: Means,
        before: Option<&Self>,
        revision: i64,
    ) -> Result<Self, InstallationError> {
        let issuer = checked.issuer;
        let proofs = Proofs {
            certificates: (checked.workloads.values())
                .any(|workload| !workload.certificates.is_empty()),
            tokens: !checked.trusted.is_empty(),
            secrets: (checked.workloads.values()).any(|workload| !workload.secrets.is_empty()),
        };
        let trusting = Trusting::new(checked.trusted, &checked.workloads, &means.trusted_keys)
            .map_err(|error| unusable_issuer(&checked.name, &error))?;
        Ok(Self {
            token_endpoint: format!("{}{}", issuer.as_str(), Endpoint::Token.suffix()),
            discovery: documents::discovery(
                &checked.federation,
                &format!("{}{}", issuer.as_str(), Endpoint::Token.suffix()),
                &checked.token_configs,
                proofs,
            ),
            jwks: documents::jwks(keys.jwks()),
            shown_at: (checked.rotation.is_published_elsewhere())
                .then_some(checked.federation.jwks_uri),
            called: checked.federation.issuer,
            issuance: checked.issuance,
            name: checked.name,
            issuer,
            keys,
            token_configs: checked.token_configs,
            trusting,
            means,
            bundles: checked.bundles,
            workloads: checked.workloads,
            limits: Limits::new(&checked.limits, before.map(|before| &before.limits)),
            used,
            revision,
        })
    }

    /// Whether it could be served.
    pub(crate) fn check(checked: CheckedTenant, means: &Means) -> Result<(), InstallationError> {
        Trusting::new(checked.trusted, &checked.workloads, &means.trusted_keys)
            .map(drop)
            .map_err(|error| unusable_issuer(&checked.name, &error))
    }
}

fn unusable_issuer(tenant: &str, error: &AttestKeysError) -> InstallationError {
    InstallationError::TrustedIssuer {
        tenant: tenant.to_owned(),
        why: error.to_string(),
    }
}
