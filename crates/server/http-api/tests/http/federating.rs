//! Tenants that are called otherwise to the outside, and tenants that do not issue.

use rolecall_http_api::FederationText;
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::StoreOptions;
use serde_json::json;

use crate::site::{ISSUER, MASTER, NOW, Site, install, tenant};

const OUTSIDE: &str = "https://oidc.acme.example/public";
const FAST: &[(&str, &str)] = &[("token_config", "fast")];

#[tokio::test]
async fn tokens_and_documents_say_what_the_tenant_is_called_outside() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let mut acme = tenant("acme", ISSUER, &key);
    acme.federation = FederationText {
        issuer: Some(OUTSIDE.to_owned()),
        jwks_uri: None,
        jwks_path: Some("/.well-known/jwks".to_owned()),
    };
    let site = Site::start_with(scratch.path(), key, vec![acme], &StoreOptions::default()).await;
    let discovery = site
        .get("acme.example", "/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(discovery["issuer"], OUTSIDE);
    assert_eq!(discovery["jwks_uri"], format!("{OUTSIDE}/.well-known/jwks"));
    assert_eq!(
        discovery["token_endpoint"],
        format!("{ISSUER}/oauth2/token")
    );
    // Served where the tenant says, and only there.
    let jwks = site.get("acme.example", "/.well-known/jwks").await;
    assert_eq!(jwks.json()["keys"].as_array().unwrap().len(), 2);
    let usual = site.get("acme.example", "/.well-known/jwks.json").await;
    assert_eq!(usual.status, 404);
    // A workload may speak to either name.
    for audience in [ISSUER, OUTSIDE] {
        let assertion = site.assertion(json!({ "aud": audience }));
        let token = site.send(ISSUER, &assertion, FAST).await.token();
        let token = rolecall_jose::Compact::parse(&token).unwrap();
        assert_eq!(token.claims().unwrap()["iss"], OUTSIDE);
    }
}

#[tokio::test]
async fn two_tenants_cannot_be_called_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let mut beta = tenant("beta", "https://beta.example", &key);
    beta.federation.issuer = Some(ISSUER.to_owned());
    let tenants = vec![tenant("acme", ISSUER, &key), beta];
    let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(NOW));
    let options = StoreOptions::default();
    let error = install(scratch.path(), MASTER, tenants, &options, clock).await;
    let error = error.map(drop).unwrap_err();
    assert_eq!(error.field(), Some("tenants[1].federation.issuer"));
    insta::assert_snapshot!(error.to_string(), @"`https://acme.example` is what the tokens of the tenant `acme` say already; each tenant needs its own");
}

#[tokio::test]
async fn a_tenant_whose_issuance_is_off_serves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let mut acme = tenant("acme", ISSUER, &site.key);
    acme.issuance = false;
    site.installation.declare(vec![acme.clone()]).await.unwrap();
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        let answer = site.get("acme.example", path).await;
        assert_eq!(answer.status, 404);
        assert!(
            answer.error().contains("`issuance` is off"),
            "{}",
            answer.text
        );
    }
    assert_eq!(site.ask(FAST).await.status, 404);
    acme.issuance = true;
    site.installation.declare(vec![acme]).await.unwrap();
    assert_eq!(site.ask(FAST).await.status, 200);
}

#[tokio::test]
async fn whom_a_token_config_speaks_for_is_fixed_once_it_is_made() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let mut acme = tenant("acme", ISSUER, &site.key);
    let mut config = serde_json::to_value(&acme.token_configs[2]).unwrap();
    config["token_subject"] = json!("user");
    config["subject"] = json!("user:{user_email}");
    config["claims"] = json!({});
    config["aws"] = json!({});
    acme.token_configs[2] = serde_json::from_value(config).unwrap();
    let error = site.installation.declare(vec![acme]).await.unwrap_err();
    assert_eq!(
        error.field(),
        Some("tenants[0].token_configs[2].token_subject"),
        "{error}"
    );
    assert_eq!(site.ask(FAST).await.status, 200);
}
