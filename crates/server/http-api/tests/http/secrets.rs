//! Client secrets: both forms and what is refused.

use http::Method;
use rolecall_attest::{ClientSecret, SecretHash};
use rolecall_http_api::{TenantDeclaration, check};
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_sealed::ExposeSecret as _;
use rolecall_store::StoreOptions;
use serde_json::json;

use crate::site::{Answer, ISSUER, Site, answered, tenant};

/// `acme` with a workload `script` that has a secret made of these bytes, and no key.
fn with_secret(key: &SigningKey, bytes: &[u8]) -> TenantDeclaration {
    let hashes: Vec<_> = bytes
        .iter()
        .map(|byte| SecretHash::of(&ClientSecret::make(&[*byte; 32]), &[9; 16]).unwrap())
        .collect();
    let hashes: Vec<&str> = hashes.iter().map(SecretHash::as_str).collect();
    let mut json = serde_json::to_value(tenant("acme", ISSUER, key)).unwrap();
    json["workloads"].as_array_mut().unwrap().push(json!({
        "name": "script", "attributes": {"deployment_id": "7", "team": "data"},
        "token_configs": ["fast"], "secret_hashes": hashes,
    }));
    serde_json::from_value(json).unwrap()
}

fn secret(byte: u8) -> String {
    ClientSecret::make(&[byte; 32]).expose_secret().to_owned()
}

async fn start(folder: &std::path::Path, bytes: &[u8]) -> Site {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let tenants = vec![with_secret(&key, bytes)];
    Site::start_with(folder, key, tenants, &StoreOptions::default()).await
}

async fn post(site: &Site, name: &str, secret: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", name),
        ("client_secret", secret),
    ];
    answered(site.request(Method::POST, "/oauth2/token").form(&form)).await
}

async fn basic(site: &Site, name: &str, secret: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend_from_slice(more);
    let request = site.request(Method::POST, "/oauth2/token");
    answered(request.basic_auth(name, Some(secret)).form(&form)).await
}

#[tokio::test]
async fn a_secret_is_taken_in_both_forms_and_nothing_else_is() {
    let scratch = tempfile::tempdir().unwrap();
    let site = start(scratch.path(), &[1, 2]).await;
    for byte in [1, 2] {
        let (_, claims) = site
            .verified(ISSUER, &post(&site, "script", &secret(byte)).await.token())
            .await;
        assert_eq!(claims["sub"], "cube:deployment:7:component:global");
        assert_eq!(basic(&site, "script", &secret(byte), &[]).await.status, 200);
    }
    assert_eq!(
        basic(&site, "%73cript", &secret(1), &[("client_id", "script")])
            .await
            .status,
        200
    );

    let wrong = basic(&site, "script", &secret(3), &[]).await;
    assert!(wrong.headers.contains_key("www-authenticate"));
    // Wrong, not there, without a secret: nobody learns which.
    for answer in [
        wrong,
        post(&site, "nobody", &secret(1)).await,
        post(&site, "api", &secret(1)).await,
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.error(), @"401 invalid_client: the client secret is not one of the workload's");
        }
    }
    insta::assert_snapshot!(basic(&site, "script", &secret(1), &[("client_secret", "x")]).await.error(), @"400 invalid_request: the workload proves who it is in two ways: send a client assertion or a client secret, and the latter in the `Authorization` header or in the body");
    insta::assert_snapshot!(basic(&site, "script", &secret(1), &[("client_id", "api")]).await.error(), @"401 invalid_client: `client_id` is not the workload that the `Authorization` header names");
    let nameless = [("grant_type", "client_credentials"), ("client_secret", "x")];
    let nameless = site.request(Method::POST, "/oauth2/token").form(&nameless);
    insta::assert_snapshot!(answered(nameless).await.error(), @"400 invalid_request: a `client_secret` needs the workload's name as `client_id`");
    for header in ["Bearer abc", "Basic !", "Basic YWJj"] {
        let form = [("grant_type", "client_credentials")];
        let request = site.request(Method::POST, "/oauth2/token").form(&form);
        let answer = answered(request.header("Authorization", header)).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.error(), @"401 invalid_client: the `Authorization` header is not `Basic` with the workload's name and its secret");
        }
    }

    let path = "/.well-known/openid-configuration";
    let methods =
        &site.get("acme.example", path).await.json()["token_endpoint_auth_methods_supported"];
    assert_eq!(
        *methods,
        json!([
            "private_key_jwt",
            "client_secret_basic",
            "client_secret_post"
        ])
    );
    site.installation.close().await;
    let trail = serde_json::to_string(&site.trail().await).unwrap();
    assert!(trail.contains("script") && !trail.contains("rcs_"));
}

#[tokio::test]
async fn a_hash_that_is_taken_away_ends_its_secret_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let site = start(scratch.path(), &[1, 2]).await;
    assert_eq!(post(&site, "script", &secret(1)).await.status, 200);
    let declared = with_secret(&site.key, &[2]);
    site.installation.declare(vec![declared]).await.unwrap();
    assert_eq!(post(&site, "script", &secret(1)).await.status, 401);
    assert_eq!(post(&site, "script", &secret(2)).await.status, 200);
}

#[test]
fn hashes_are_checked_where_they_are_declared() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let refused = |hashes: serde_json::Value| {
        let mut json = serde_json::to_value(with_secret(&key, &[])).unwrap();
        json["workloads"][1]["secret_hashes"] = hashes;
        check(&[serde_json::from_value(json).unwrap()])
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(refused(json!(["rcs_plain"])), @"the hash of the client secret cannot be used: it is not of the form `$argon2id$v=19$m=…,t=…,p=…$salt$hash`");
    insta::assert_snapshot!(refused(json!(["a", "b", "c", "d"])), @"the workload `script` has 4 client secrets; up to 3 are possible, since all are tried");
    insta::assert_snapshot!(refused(json!([])), @"the workload `script`: the workload has 0 keys; 1 to 16 are possible");
}
