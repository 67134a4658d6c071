//! The claims of a token that AWS makes condition keys of, by provider (Service Authorization
//! Reference, keys of AWS STS, as of mid-2026).

/// Whether AWS makes a condition key of a claim.
pub(super) fn known(provider: &str, claim: &str) -> bool {
    of(provider).any(|key| key.eq_ignore_ascii_case(claim))
}

/// The claims that are keys for a provider, named by its URL without the scheme.
pub(super) fn of(provider: &str) -> impl Iterator<Item = &'static str> {
    let more = PROVIDERS
        .iter()
        .find(|(issuer, _)| covers(issuer, provider))
        .map_or(&[][..], |(_, claims)| claims);
    EVERY_PROVIDER.iter().chain(more).copied()
}

/// A provider at the issuer, or below it. A leading `*.` stands for any labels.
fn covers(issuer: &str, provider: &str) -> bool {
    let host = provider.split_once('/').map_or(provider, |(host, _)| host);
    match issuer.split_once('*') {
        Some((before, after)) => {
            host.len() > before.len() + after.len()
                && host.starts_with(before)
                && host.ends_with(after)
        }
        None => provider
            .strip_prefix(issuer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

const EVERY_PROVIDER: &[&str] = &["aud", "sub", "oaud", "amr"];
const GITHUB: &[&str] = &[
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
];
const BUILDKITE: &[&str] = &[
    "build_branch",
    "cluster_id",
    "cluster_name",
    "organization_id",
    "organization_slug",
    "pipeline_id",
    "pipeline_slug",
];
const PROVIDERS: &[(&str, &[&str])] = &[
    ("token.actions.githubusercontent.com", GITHUB),
    ("token.actions.*.ghe.com", GITHUB),
    ("github.com/enterprises", GITHUB),
    (
        "gitlab.com",
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
    ("agent.buildkite.com", BUILDKITE),
    ("agent.*.buildkite.dev", BUILDKITE),
    ("agent.*.buildkite.site", BUILDKITE),
    ("oidc.circleci.com/org", &["oidc.circleci.com/project-id"]),
    (
        "accounts.google.com",
        &["google/organization_number", "email"],
    ),
    ("idcs-*.identity.oraclecloud.com", &["rpst_id"]),
    ("graph.facebook.com", &["app_id", "id"]),
    ("www.amazon.com", &["app_id", "user_id"]),
];
