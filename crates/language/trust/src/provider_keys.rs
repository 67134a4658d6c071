//! The claims of a web-identity token that AWS makes condition keys of, by provider. For a provider
//! that AWS does not know by name these are `aud`, `sub`, `oaud` and `amr`, and no others.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>

use serde_json::{Map, Value};

/// What AWS knows about one provider, and where that is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderKeys {
    /// Issuer URLs without their scheme; `*` stands for one or more characters other than `/`.
    pub issuers: &'static [&'static str],
    /// The keys behind `<issuer>:`, beyond those of every provider.
    pub keys: &'static [&'static str],
    /// Where the keys are listed.
    pub source: &'static str,
    /// Year and month of the source.
    pub date: &'static str,
    /// How far the source can be relied on.
    pub confidence: KeyConfidence,
}

/// How sure a row of the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyConfidence {
    /// In AWS's documentation.
    Documented,
    /// In users' policies or issues, but not in AWS's documentation.
    Reported,
}

/// The names of the keys, without their prefix, of a provider named by its URL without the scheme.
pub fn provider_keys(provider: &str) -> impl Iterator<Item = &'static str> {
    EVERY_PROVIDER.iter().copied().chain(named(provider))
}

/// The keys, prefix included, and values that the claims of a token give beyond those of every
/// provider. Claims that are lists or objects give none.
pub fn claim_values(provider: &str, claims: &Map<String, Value>) -> Vec<(String, String)> {
    named(provider)
        .filter_map(|key| Some((format!("{provider}:{key}"), text(claim(claims, key)?)?)))
        .collect()
}

/// Whether AWS makes a condition key of a claim.
pub(crate) fn known(provider: &str, claim: &str) -> bool {
    provider_keys(provider).any(|key| key.eq_ignore_ascii_case(claim))
}

fn named(provider: &str) -> impl Iterator<Item = &'static str> {
    PROVIDERS
        .iter()
        .filter(move |row| row.issuers.iter().any(|issuer| covers(issuer, provider)))
        .flat_map(|row| row.keys.iter().copied())
}

fn covers(issuer: &str, provider: &str) -> bool {
    match issuer.split_once('*') {
        Some((before, after)) => provider
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|between| !between.is_empty() && !between.contains('/')),
        None => provider == issuer,
    }
}

/// A claim by its key. A key with a slash may name a member of an object (`google/…`), or be the
/// claim's whole name (`oidc.circleci.com/…`).
fn claim<'c>(claims: &'c Map<String, Value>, key: &str) -> Option<&'c Value> {
    claims.get(key).or_else(|| {
        let (object, member) = key.split_once('/')?;
        claims.get(object)?.get(member)
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

const EVERY_PROVIDER: &[&str] = &["aud", "sub", "oaud", "amr"];

const REFERENCE: &str = "Service Authorization Reference, condition keys of AWS STS";

const fn documented(
    issuers: &'static [&'static str],
    keys: &'static [&'static str],
) -> ProviderKeys {
    ProviderKeys {
        issuers,
        keys,
        source: REFERENCE,
        date: "2026-06",
        confidence: KeyConfidence::Documented,
    }
}

/// The providers that AWS knows by name.
pub const PROVIDERS: &[ProviderKeys] = &[
    documented(
        &[
            "token.actions.githubusercontent.com",
            "token.actions.githubusercontent.com/*",
            "token.actions.*.ghe.com",
            "github.com/enterprises/*",
        ],
        &[
            "actor",
            "actor_id",
            "enterprise_id",
            "environment",
            "job_workflow_ref",
            "ref",
            "repository",
            "repository_id",
            "repository_owner_id",
            "workflow",
        ],
    ),
    documented(
        &["gitlab.com"],
        &[
            "namespace_id",
            "pipeline_source",
            "project_id",
            "ref_protected",
            "runner_environment",
            "user_access_level",
            "user_email",
            "user_id",
            "user_login",
        ],
    ),
    documented(
        &[
            "agent.buildkite.com",
            "agent.*.buildkite.dev",
            "agent.*.buildkite.site",
        ],
        &[
            "build_branch",
            "cluster_id",
            "cluster_name",
            "organization_id",
            "organization_slug",
            "pipeline_id",
            "pipeline_slug",
        ],
    ),
    documented(
        &["oidc.circleci.com/org/*"],
        &["oidc.circleci.com/project-id"],
    ),
    documented(&["accounts.google.com"], &["google/organization_number"]),
    ProviderKeys {
        issuers: &["accounts.google.com"],
        keys: &["email"],
        source: "policies in issue reports",
        date: "2026-06",
        confidence: KeyConfidence::Reported,
    },
    documented(&["idcs-*.identity.oraclecloud.com"], &["rpst_id"]),
    // Its keys are those of every provider.
    documented(&["cognito-identity.amazonaws.com"], &[]),
    documented(&["graph.facebook.com"], &["app_id", "id"]),
    documented(&["www.amazon.com"], &["app_id", "user_id"]),
];

#[cfg(test)]
mod tests;
