//! Claims that AWS turns into condition keys for providers it knows by name. For any other
//! provider nothing beyond `aud`, `sub`, `oaud` and `amr` becomes a key.

use serde_json::{Map, Value};

/// The condition keys, with values, that the claims of `prefix` give beyond the usual.
pub(crate) fn of(prefix: &str, claims: &Map<String, Value>) -> Vec<(String, String)> {
    KNOWN
        .iter()
        .filter(|(provider, _)| {
            prefix == *provider
                || prefix
                    .strip_prefix(provider)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
        .flat_map(|(_, names)| *names)
        .filter_map(|name| {
            let value = match claims.get(*name)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                _ => return None,
            };
            Some((format!("{prefix}:{name}"), value))
        })
        .collect()
}

/// From the service authorization reference as of mid-2026.
const KNOWN: [(&str, &[&str]); 3] = [
    (
        "token.actions.githubusercontent.com",
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
    (
        "agent.buildkite.com",
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
];
