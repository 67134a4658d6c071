//! Issuers that many customers share: IAM refuses to trust them without a condition on a given key.
//!
//! The rows come from AWS's list of OIDC providers with required conditions; the shape of the rule
//! (which operators and values satisfy it) comes from third-party probes.

use crate::policy::last;
use rolecall_documents::{Member, Node};

/// One shared issuer and what IAM demands of policies that trust it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedIssuer {
    /// The issuer without its scheme; sub-paths are meant too.
    pub issuer: &'static str,
    /// One of these keys has to be pinned; relative to the issuer unless it begins with `sts:`.
    pub keys: &'static [&'static str],
    /// Values that begin with `*` or are blank do not count, rather than `*` alone.
    pub refuses_leading_wildcard: bool,
    /// Keys have to be lower-case and values compared for equality.
    pub equality_only: bool,
    /// Where the rule was read or seen.
    pub source: &'static str,
    /// When, as year and month.
    pub as_of: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
}

/// How sure a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// AWS's documentation says so.
    Documented,
    /// Seen in probes or reports.
    Observed,
}

/// The rules, in no particular order. IBM Turbonomic's issuers are on AWS's list as well and not
/// here: their names vary.
pub const SHARED_ISSUERS: &[SharedIssuer] = &[
    SharedIssuer {
        refuses_leading_wildcard: true,
        ..sub("token.actions.githubusercontent.com")
    }
    .or_keys(&["sub", "job_workflow_ref"]),
    sub("vstoken.actions.githubusercontent.com"),
    sub("oidc-configuration.audit-log.githubusercontent.com"),
    sub("gitlab.com"),
    sub("agent.buildkite.com"),
    sub("oidc.codefresh.io"),
    sub("studio.datachain.ai/api"),
    sub("scalr.io"),
    sub("tokens.cloud.shisho.dev"),
    sub("app.terraform.io"),
    sub("proidc.upbound.io"),
    aud("cognito-identity.amazonaws.com"),
    aud("api.pulumi.com/oidc"),
    aud("sandboxes.cloud"),
    aud("oidc.vercel.com"),
    aud("sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d").or_keys(&["sts:RoleSessionName"]),
    older("accounts.google.com", &["aud", "sub", "oaud"]),
    older("www.amazon.com", &["app_id"]),
    older("graph.facebook.com", &["app_id"]),
];

impl SharedIssuer {
    const fn or_keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    /// The rule for a provider, by its URL without the scheme or its host name.
    pub fn of(provider: &str) -> Option<&'static Self> {
        SHARED_ISSUERS.iter().find(|row| {
            provider
                .strip_prefix(row.issuer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The condition keys that satisfy the rule for a provider.
    pub fn condition_keys(&self, provider: &str) -> Vec<String> {
        self.keys
            .iter()
            .map(|key| match key.starts_with("sts:") {
                true => (*key).to_owned(),
                false => format!("{provider}:{key}"),
            })
            .collect()
    }

    /// Whether a `Condition` block pins what the rule demands.
    pub(crate) fn satisfied(&self, provider: &str, condition: Option<&Node>) -> bool {
        let keys = self.condition_keys(provider);
        let operators = condition.and_then(Node::members).unwrap_or_default();
        operators
            .iter()
            .filter(|operator| self.counts(operator.name()))
            .flat_map(|operator| operator.value.members().unwrap_or_default())
            .filter(|member| {
                keys.iter().any(|key| match self.equality_only {
                    true => *key == member.name(),
                    false => key.eq_ignore_ascii_case(member.name()),
                })
            })
            .any(|member| {
                let values = member.value.elements();
                !values.is_empty() && values.iter().all(|value| self.pins(value))
            })
    }

    fn counts(&self, operator: &str) -> bool {
        let base = operator
            .strip_prefix("ForAnyValue:")
            .or_else(|| operator.strip_prefix("ForAllValues:"))
            .unwrap_or(operator);
        match base {
            "StringEquals" | "StringEqualsIgnoreCase" => true,
            "StringLike" => !self.equality_only,
            _ => false,
        }
    }

    fn pins(&self, value: &Node) -> bool {
        value.scalar().is_some_and(|text| {
            let loose = text.value.starts_with('*') || text.value.trim().is_empty();
            text.value != "*" && !(self.refuses_leading_wildcard && loose)
        })
    }
}

/// The statement's `Condition`, if any, against the rule of every provider that it trusts. Answers
/// with the keys that are missing.
pub(crate) fn missing<'a>(
    statement: &[Member],
    providers: impl IntoIterator<Item = &'a str>,
) -> Option<Vec<String>> {
    let condition = last(statement, "Condition").map(|member| &member.value);
    providers.into_iter().find_map(|provider| {
        let provider = provider
            .split_once(":oidc-provider/")
            .map_or(provider, |(_, url)| url);
        let rule = SharedIssuer::of(provider)?;
        (!rule.satisfied(provider, condition)).then(|| rule.condition_keys(provider))
    })
}

const fn sub(issuer: &'static str) -> SharedIssuer {
    SharedIssuer {
        issuer,
        keys: &["sub"],
        refuses_leading_wildcard: false,
        equality_only: false,
        source: "IAM user guide, identity-provider controls for shared OIDC providers",
        as_of: "2026-09",
        confidence: Confidence::Documented,
    }
}

const fn aud(issuer: &'static str) -> SharedIssuer {
    let mut row = sub(issuer);
    row.keys = &["aud"];
    row
}

const fn older(issuer: &'static str, keys: &'static [&'static str]) -> SharedIssuer {
    let mut row = sub(issuer);
    row.keys = keys;
    row.equality_only = true;
    row.source = "third-party probes of CreateRole";
    row.confidence = Confidence::Observed;
    row
}
