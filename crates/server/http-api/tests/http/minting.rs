//! Tokens that are granted, and the trail that they leave.

use rolecall_store::Outcome;
use serde_json::json;

use crate::site::{ISSUER, NOW, Site};

#[tokio::test]
async fn both_algorithms_verify_by_the_published_keys() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    for (config, algorithm, audience) in [
        ("aws", "RS256", "sts.amazonaws.com"),
        ("fast", "ES256", "fast.example"),
    ] {
        let answer = site
            .ask(&[
                ("token_config", config),
                ("attributes", r#"{"component":"cube_api"}"#),
            ])
            .await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        let (used, mut claims) = site.verified(ISSUER, &answer.token()).await;
        assert_eq!(used, algorithm);
        let jti = claims["jti"].take();
        assert!(jti.as_str().unwrap().len() >= 16);
        assert_eq!(
            claims,
            json!({
                "iss": ISSUER, "aud": audience, "iat": NOW, "nbf": NOW, "exp": NOW + 900,
                "sub": "cube:deployment:42:component:cube_api", "jti": null,
                "team": "data", "groups": ["a", "b"],
                "https://aws.amazon.com/tags": {
                    "principal_tags": {"team": ["data"]},
                    "transitive_tag_keys": ["team"],
                },
                "https://aws.amazon.com/source_identity": "d-42",
                "https://aws.amazon.com/roles": [
                    "arn:aws:iam::111122223333:role/reader",
                    "arn:aws:iam::111122223333:role/writer",
                ],
            })
        );
        let mut body = answer.json();
        body["access_token"].take();
        assert_eq!(
            body,
            json!({
                "access_token": null, "token_type": "Bearer", "expires_in": 900,
                "issued_token_type": "urn:ietf:params:oauth:token-type:jwt",
            })
        );
    }
}

#[tokio::test]
async fn a_config_is_found_by_audience() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let token = site.ask(&[("audience", "fast.example")]).await.token();
    let (_, claims) = site.verified(ISSUER, &token).await;
    assert_eq!(claims["aud"], "fast.example");
    // No component was chosen, so the subject says so.
    assert_eq!(claims["sub"], "cube:deployment:42:component:global");
}

#[tokio::test]
async fn a_token_is_bound_to_the_role_that_was_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let role = "arn:aws:iam::111122223333:role/writer";
    let token = site
        .ask(&[("token_config", "fast"), ("role", role)])
        .await
        .token();
    let (_, claims) = site.verified(ISSUER, &token).await;
    let roles = &claims["https://aws.amazon.com/roles"];
    assert!(*roles == json!(role) || *roles == json!([role]), "{roles}");
    assert_eq!(site.trail().await[0].record.role.as_deref(), Some(role));
}

#[tokio::test]
async fn the_token_endpoint_itself_is_an_audience_too() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    for audience in [json!(format!("{ISSUER}/oauth2/token")), json!([ISSUER])] {
        let assertion = site.assertion(json!({ "aud": audience }));
        let answer = site
            .send(ISSUER, &assertion, &[("token_config", "fast")])
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn the_row_is_on_disk_when_the_answer_comes() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    for turn in 1..=3 {
        let answer = site.ask(&[("token_config", "fast")]).await;
        let (_, claims) = site.verified(ISSUER, &answer.token()).await;
        let trail = site.trail().await;
        assert_eq!(trail.len(), turn);
        let record = &trail[turn - 1].record;
        assert_eq!(record.jti.as_deref(), claims["jti"].as_str());
        assert_eq!(record.outcome, Outcome::Granted);
        assert_eq!(record.at.as_second(), NOW);
        let kids: Vec<_> = site
            .jwks(ISSUER)
            .await
            .keys
            .into_iter()
            .map(|key| key.kid)
            .collect();
        assert!(kids.contains(&record.kid));
        assert_eq!(
            (
                record.tenant.as_str(),
                record.workload.as_deref(),
                record.token_config.as_deref(),
                record.subject.as_deref(),
                record.audience.as_deref(),
                record.lifetime,
                record.client.as_deref(),
            ),
            (
                "acme",
                Some("api"),
                Some("fast"),
                Some("cube:deployment:42:component:global"),
                Some("fast.example"),
                Some(900),
                Some("127.0.0.1"),
            )
        );
    }
}

#[tokio::test]
async fn a_token_lives_as_long_as_was_asked_for_within_the_configs_bounds() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let ask = async |lifetime| {
        site.ask(&[("token_config", "fast"), ("lifetime", lifetime)])
            .await
    };
    assert_eq!(ask("300").await.json()["expires_in"], 300);
    assert_eq!(ask("900").await.json()["expires_in"], 900);
    for (wrong, told) in [
        ("901", "gives tokens for 300 s to 900 s, not for 901 s"),
        ("299", "not for 299 s"),
        ("1h", "`lifetime` must be a whole number of seconds"),
    ] {
        let refused = ask(wrong).await;
        assert_eq!(refused.status, 400);
        assert!(
            refused.json()["error_description"]
                .to_string()
                .contains(told)
        );
    }
}
