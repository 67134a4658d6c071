//! Token configs, and what a tenant lays down for all of them.

use std::collections::BTreeMap;

use rolecall_jose::Algorithm;
use rolecall_mint::{
    AttributeText, AudienceKind, AwsClaimsText, ClaimText, TenantRulesText, TokenConfigText,
    TokenSubject,
};
use serde::Deserialize;

use super::issuer::Lifetime;

/// One of `token_configs:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenConfigSection {
    pub(super) name: String,
    #[serde(default)]
    preset: Option<String>,
    #[serde(default)]
    kind: AudienceKind,
    #[serde(default)]
    audience: String,
    #[serde(default)]
    lifetime: Option<Lifetime>,
    #[serde(default)]
    shortest_lifetime: Option<Lifetime>,
    #[serde(default)]
    longest_lifetime: Option<Lifetime>,
    #[serde(default)]
    backdate: Option<Lifetime>,
    #[serde(default = "default_algorithm")]
    algorithm: Algorithm,
    #[serde(default)]
    token_subject: TokenSubject,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    subject_attributes: Vec<String>,
    #[serde(default)]
    claims: BTreeMap<String, ClaimText>,
    #[serde(default)]
    aws: AwsClaimsText,
    #[serde(default)]
    target_variable: Option<String>,
}

/// `token_lifetimes:` of a tenant as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LifetimesSection {
    #[serde(default)]
    shortest: Option<Lifetime>,
    #[serde(default)]
    longest: Option<Lifetime>,
}

impl TokenConfigSection {
    /// The same as the issuer takes it.
    pub(super) fn declared(&self) -> TokenConfigText {
        let seconds = |lifetime: &Option<Lifetime>| lifetime.as_ref().map(Lifetime::seconds);
        TokenConfigText {
            name: self.name.clone(),
            preset: self.preset.clone(),
            kind: self.kind,
            audience: self.audience.clone(),
            lifetime_seconds: seconds(&self.lifetime),
            shortest_lifetime_seconds: seconds(&self.shortest_lifetime),
            longest_lifetime_seconds: seconds(&self.longest_lifetime),
            backdate_seconds: seconds(&self.backdate),
            algorithm: self.algorithm,
            token_subject: self.token_subject,
            subject: self.subject.clone(),
            subject_attributes: self.subject_attributes.clone(),
            claims: self.claims.clone(),
            aws: self.aws.clone(),
            target_variable: self.target_variable.clone(),
        }
    }
}

/// A tenant's rules as the issuer takes them.
pub(super) fn rules(
    attributes: &BTreeMap<String, AttributeText>,
    reserved_claims: &[String],
    lifetimes: &LifetimesSection,
) -> TenantRulesText {
    let seconds = |lifetime: &Option<Lifetime>| lifetime.as_ref().map(Lifetime::seconds);
    TenantRulesText {
        attributes: attributes.clone(),
        reserved_claims: reserved_claims.to_vec(),
        shortest_lifetime_seconds: seconds(&lifetimes.shortest),
        longest_lifetime_seconds: seconds(&lifetimes.longest),
    }
}

fn default_algorithm() -> Algorithm {
    Algorithm::Rs256
}
