use std::collections::BTreeMap;

use rolecall_jose::{Algorithm, Jwk};
use serde::{Deserialize, Serialize};

/// A tenant as the operator writes it down; also the form in which the store keeps it.
///
/// Declarations are texts and numbers that may still be wrong. [`Installation::declare`] checks
/// them as a whole before anything changes.
///
/// [`Installation::declare`]: crate::Installation::declare
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantDeclaration {
    /// Its name, for people and the audit trail.
    pub name: String,
    /// Its exact issuer URL.
    pub issuer: String,
    /// Bits of its RSA signing key: 2048, 3072 or 4096. Read when the key is made.
    #[serde(default = "default_rsa_bits")]
    pub rsa_bits: u32,
    /// What its tokens look like.
    #[serde(default)]
    pub token_configs: Vec<TokenConfigDeclaration>,
    /// Who may ask for them.
    #[serde(default)]
    pub workloads: Vec<WorkloadDeclaration>,
}

/// A token config as the operator writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfigDeclaration {
    /// Its name, unique within the tenant.
    pub name: String,
    /// The `aud` claim.
    pub audience: String,
    /// How long a token lives, in seconds.
    #[serde(default = "default_lifetime")]
    pub lifetime_seconds: u32,
    /// What signs: RS256 or ES256.
    #[serde(default = "default_algorithm")]
    pub algorithm: Algorithm,
    /// The subject format.
    pub subject: String,
    /// Further claims: text or an array of texts.
    #[serde(default)]
    pub claims: BTreeMap<String, serde_json::Value>,
    /// The claims that AWS gives a meaning to.
    #[serde(default)]
    pub aws: AwsDeclaration,
}

/// The AWS claims of a token config as the operator writes them down; templates throughout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsDeclaration {
    /// Session tags: key to template.
    #[serde(default)]
    pub session_tags: BTreeMap<String, String>,
    /// Which of them stay over further hops.
    #[serde(default)]
    pub transitive_tag_keys: Vec<String>,
    /// The source identity, as a template.
    #[serde(default)]
    pub source_identity: Option<String>,
    /// Role ARNs that the token may be bound to.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// A workload as the operator writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadDeclaration {
    /// Its name: the `iss` and `sub` of its assertions.
    pub name: String,
    /// What is known about it.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Attributes that it chooses itself when it asks, and from which values.
    #[serde(default)]
    pub may_claim: BTreeMap<String, Vec<String>>,
    /// The names of the token configs that it may use.
    #[serde(default)]
    pub token_configs: Vec<String>,
    /// The public keys that its assertions are verified with.
    pub keys: Vec<Jwk>,
}

fn default_rsa_bits() -> u32 {
    2048
}

fn default_lifetime() -> u32 {
    3600
}

fn default_algorithm() -> Algorithm {
    Algorithm::Rs256
}
