use rolecall_attest::TrustBundleText;
use rolecall_http_api::{FederationText, LimitsText, TenantDeclaration};
use rolecall_mint::TenantRulesText;
use rolecall_signing_keys::JwksForm;
use rolecall_signing_keys::rotation::PolicyText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tenant without its token configs, trusted issuers and workloads, which are documents of their
/// own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantSettings {
    /// Its name: 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// Its exact issuer URL. A tenant that has signing keys keeps it.
    pub issuer: String,
    /// Bits of its RSA signing keys: 2048, 3072 or 4096. Read when a key is made.
    #[serde(default = "default_rsa_bits")]
    pub rsa_bits: u32,
    /// Where its signing keys are held and how they rotate.
    #[serde(default)]
    pub keys: PolicyText,
    /// How its JWKS is written.
    #[serde(default)]
    pub jwks: JwksForm,
    /// Whether tokens are issued.
    #[serde(default = "issues")]
    pub issuance: bool,
    /// What it is called to the outside, where that is not where it is served.
    #[serde(default)]
    pub federation: FederationText,
    /// How many tokens it and each of its workloads may have.
    #[serde(default)]
    pub limits: LimitsText,
    /// What holds for all of its token configs.
    #[serde(default)]
    pub rules: TenantRulesText,
    /// Authorities for client certificates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_bundles: Vec<TrustBundleText>,
}

impl TenantSettings {
    /// The settings of a whole declaration.
    #[must_use]
    pub fn of(tenant: &TenantDeclaration) -> Self {
        Self {
            name: tenant.name.clone(),
            issuer: tenant.issuer.clone(),
            rsa_bits: tenant.rsa_bits,
            keys: tenant.keys.clone(),
            jwks: tenant.jwks,
            issuance: tenant.issuance,
            federation: tenant.federation.clone(),
            limits: tenant.limits.clone(),
            rules: tenant.rules.clone(),
            trust_bundles: tenant.trust_bundles.clone(),
        }
    }

    /// Puts the settings in place of those of `tenant`; what it declares beside stays.
    pub fn settle(self, tenant: &mut TenantDeclaration) {
        *tenant = TenantDeclaration {
            token_configs: std::mem::take(&mut tenant.token_configs),
            trusted_issuers: std::mem::take(&mut tenant.trusted_issuers),
            trust_subscriptions: std::mem::take(&mut tenant.trust_subscriptions),
            workloads: std::mem::take(&mut tenant.workloads),
            ..self.alone()
        };
    }

    /// A tenant that has these settings and nothing else.
    #[must_use]
    pub fn alone(self) -> TenantDeclaration {
        TenantDeclaration {
            name: self.name,
            issuer: self.issuer,
            rsa_bits: self.rsa_bits,
            keys: self.keys,
            jwks: self.jwks,
            issuance: self.issuance,
            federation: self.federation,
            limits: self.limits,
            rules: self.rules,
            trust_bundles: self.trust_bundles,
            token_configs: Vec::new(),
            trusted_issuers: Vec::new(),
            trust_subscriptions: Vec::new(),
            workloads: Vec::new(),
        }
    }
}

fn issues() -> bool {
    true
}

fn default_rsa_bits() -> u32 {
    2048
}
