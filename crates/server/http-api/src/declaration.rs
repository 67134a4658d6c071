use std::collections::BTreeMap;

use rolecall_attest::federated::{EvidenceText, TrustedIssuerText};
use rolecall_attest::{CertificateText, TrustBundleText};
use rolecall_jose::Jwk;
use rolecall_mint::{TenantRulesText, TokenConfigText};
use rolecall_signing_keys::JwksForm;
use rolecall_signing_keys::rotation::PolicyText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FederationText, LimitsText, TrustSubscriptionText};

/// A tenant as the operator writes it down; also the form in which the store keeps it.
///
/// Declarations are texts and numbers that may still be wrong. [`Installation::declare`] checks
/// them as a whole before anything changes.
///
/// [`Installation::declare`]: crate::Installation::declare
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantDeclaration {
    /// Its name, for people and the audit trail: letters, digits, `_` and `-`.
    pub name: String,
    /// Its exact issuer URL.
    pub issuer: String,
    /// Bits of its RSA signing key: 2048, 3072 or 4096. Read when the key is made.
    #[serde(default = "default_rsa_bits")]
    pub rsa_bits: u32,
    /// Where its signing keys are held and how they rotate.
    #[serde(default)]
    pub keys: PolicyText,
    /// How its JWKS is written.
    #[serde(default)]
    pub jwks: JwksForm,
    /// Whether tokens are issued. While not, its documents are not served either: whoever verifies
    /// a token finds no key.
    #[serde(default = "issues")]
    pub issuance: bool,
    /// What it is called to the outside, where that is not where it is served.
    #[serde(default)]
    pub federation: FederationText,
    /// How many tokens it and each of its workloads may have.
    #[serde(default, skip_serializing_if = "LimitsText::is_none")]
    pub limits: LimitsText,
    /// What holds for all of its token configs.
    #[serde(default)]
    pub rules: TenantRulesText,
    /// What its tokens look like.
    #[serde(default)]
    pub token_configs: Vec<TokenConfigText>,
    /// Whose tokens are evidence of who asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_issuers: Vec<TrustedIssuerText>,
    /// Authorities for client certificates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_bundles: Vec<TrustBundleText>,
    /// Roles that no change may lock its workloads out of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_subscriptions: Vec<TrustSubscriptionText>,
    /// Who may ask for them.
    #[serde(default)]
    pub workloads: Vec<WorkloadDeclaration>,
}

/// A workload as the operator writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadDeclaration {
    /// Its name: the `iss` and `sub` of its assertions, and the value of the placeholder `{name}`.
    pub name: String,
    /// What is known about it. `name` is set already and cannot be declared.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Attributes that it chooses itself when it asks, and from which values.
    #[serde(default)]
    pub may_claim: BTreeMap<String, Vec<String>>,
    /// The names of the token configs that it may use.
    #[serde(default)]
    pub token_configs: Vec<String>,
    /// The public keys that its assertions are verified with.
    #[serde(default)]
    pub keys: Vec<Jwk>,
    /// Whether it may have no proof yet, because a new machine registers its key with a join token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enrols: bool,
    /// The client certificates that prove who it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateText>,
    /// Hashes of its client secrets (argon2id, PHC form): one, and a second while one replaces the
    /// other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_hashes: Vec<String>,
    /// The tokens of trusted issuers that prove who it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceText>,
}

fn issues() -> bool {
    true
}

fn default_rsa_bits() -> u32 {
    2048
}
