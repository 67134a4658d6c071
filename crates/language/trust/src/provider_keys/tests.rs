#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::*;

fn values(provider: &str, claims: &Value) -> Vec<(String, String)> {
    claim_values(provider, claims.as_object().unwrap())
}

#[test]
fn every_form_of_a_provider_has_its_keys() {
    for (provider, key) in [
        ("token.actions.githubusercontent.com", "repository"),
        ("token.actions.githubusercontent.com/octo", "environment"),
        ("token.actions.octo.ghe.com", "actor_id"),
        ("github.com/enterprises/octo", "enterprise_id"),
        ("gitlab.com", "project_id"),
        ("agent.buildkite.com", "pipeline_slug"),
        ("agent.acme.buildkite.dev", "cluster_id"),
        ("agent.acme.buildkite.site", "cluster_id"),
        ("oidc.circleci.com/org/1234", "oidc.circleci.com/project-id"),
        ("accounts.google.com", "google/organization_number"),
        ("idcs-1.identity.oraclecloud.com", "rpst_id"),
        ("graph.facebook.com", "app_id"),
        ("www.amazon.com", "user_id"),
        ("cognito-identity.amazonaws.com", "amr"),
        ("issuer.example", "sub"),
    ] {
        assert!(known(provider, key), "{provider}:{key}");
    }
}

#[test]
fn look_alikes_have_no_keys_of_their_own() {
    for (provider, key) in [
        (
            "token.actions.githubusercontent.com.evil.example",
            "repository",
        ),
        ("token.actions..ghe.com", "repository"),
        ("token.actions.evil.example/x.ghe.com", "repository"),
        ("github.com/enterprises/", "repository"),
        ("gitlab.com/group", "project_id"),
        ("gitlab.example", "project_id"),
        ("oidc.circleci.com/org", "oidc.circleci.com/project-id"),
        ("issuer.example", "email"),
        ("issuer.example", "iss"),
    ] {
        assert!(!known(provider, key), "{provider}:{key}");
    }
}

#[test]
fn claims_become_values_under_the_provider() {
    let claims = json!({"repository": "octo/cat", "actor_id": 7, "ref": ["x"], "other": "y"});
    assert_eq!(
        values("token.actions.githubusercontent.com/octo", &claims),
        [
            (
                "token.actions.githubusercontent.com/octo:actor_id".to_owned(),
                "7".to_owned()
            ),
            (
                "token.actions.githubusercontent.com/octo:repository".to_owned(),
                "octo/cat".to_owned()
            ),
        ]
    );
    assert!(values("issuer.example", &claims).is_empty());
}

#[test]
fn keys_with_a_slash_are_found_whole_or_nested() {
    let nested = json!({"google": {"organization_number": 42}});
    assert_eq!(
        values("accounts.google.com", &nested),
        [(
            "accounts.google.com:google/organization_number".to_owned(),
            "42".to_owned()
        )]
    );
    let whole = json!({"oidc.circleci.com/project-id": "p"});
    assert_eq!(
        values("oidc.circleci.com/org/1", &whole),
        [(
            "oidc.circleci.com/org/1:oidc.circleci.com/project-id".to_owned(),
            "p".to_owned()
        )]
    );
}

#[test]
fn every_row_says_where_it_is_from() {
    for row in PROVIDERS {
        assert!(!row.issuers.is_empty() && !row.source.is_empty(), "{row:?}");
        assert_eq!(row.date.len(), "2026-06".len(), "{row:?}");
        assert!(
            row.issuers
                .iter()
                .all(|issuer| issuer.matches('*').count() <= 1)
        );
    }
}
