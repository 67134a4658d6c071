//! A new machine registers its key with a join token, once.

use http::Method;
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_sealed::{ExposeSecret as _, SecretString};
use rolecall_store::{
    Change, Document, Edit, Expect, Outcome, ResourceKind, Source, Store, StoreOptions,
};
use serde_json::json;

use crate::site::{Answer, ISSUER, NOW, Site, answered, tenant};

/// A site whose tenant has a workload `node` that the admin API made, without a key.
async fn start(folder: &std::path::Path) -> Site {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let tenants = vec![tenant("acme", ISSUER, &key)];
    let options = StoreOptions::default();
    let site = Site::start_with(folder, key, tenants.clone(), &options).await;
    let key = site.stop().await;
    let store = Store::open_with(folder, &options).unwrap();
    let node = json!({
        "name": "node", "attributes": { "deployment_id": "5", "team": "data" },
        "token_configs": ["fast"], "keys": [], "enrols": true,
    });
    let put = Edit::Put {
        tenant: "acme".to_owned(),
        kind: ResourceKind::Workload,
        document: Document {
            name: "node".to_owned(),
            json: node.to_string(),
        },
        source: Source::Api,
        expect: Expect::Absent,
    };
    let change = Change {
        edits: vec![put],
        now: NOW,
        ..Change::default()
    };
    store.change(change).await.unwrap();
    store.close().await;
    Site::start_with(folder, key, tenants, &options).await
}

async fn enrol(site: &Site, token: &SecretString, key: &str) -> Answer {
    let form = [("join_token", token.expose_secret()), ("key", key)];
    answered(site.request(Method::POST, "/enrol").form(&form)).await
}

fn public(key: &SigningKey) -> String {
    serde_json::to_string(key.public_jwk()).unwrap()
}

#[tokio::test]
async fn a_key_is_registered_once_and_believed_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let mut site = start(scratch.path()).await;
    let token = site
        .installation
        .new_join_token("acme", "node", 600)
        .await
        .unwrap();
    let own = SigningKey::generate(KeyKind::P256).unwrap();
    let answer = enrol(&site, &token, &public(&own)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({ "workload": "node", "kid": own.kid() })
    );

    let other = SigningKey::generate(KeyKind::P256).unwrap();
    insta::assert_snapshot!(enrol(&site, &token, &public(&other)).await.error(), @"400 invalid_grant: the join token is unknown or was used before; ask for a new one");
    site.key = own;
    let ask = async |site: &Site| {
        let assertion = site.assertion(json!({ "iss": "node", "sub": "node" }));
        site.send(ISSUER, &assertion, &[("token_config", "fast")])
            .await
    };
    let (_, claims) = site.verified(ISSUER, &ask(&site).await.token()).await;
    assert_eq!(claims["sub"], "cube:deployment:5:component:global");

    // The next process knows the key too, and the configuration file does not take it away.
    let own = site.stop().await;
    let tenants = vec![tenant("acme", ISSUER, &other)];
    let site = Site::start_with(scratch.path(), own, tenants, &StoreOptions::default()).await;
    assert_eq!(ask(&site).await.status, 200);
    assert_eq!(
        enrol(&site, &token, &public(&other)).await.json()["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn of_two_who_come_with_the_same_token_one_gets_in() {
    let scratch = tempfile::tempdir().unwrap();
    let site = start(scratch.path()).await;
    let token = site
        .installation
        .new_join_token("acme", "node", 600)
        .await
        .unwrap();
    let keys: Vec<String> = (0..8)
        .map(|_| public(&SigningKey::generate(KeyKind::P256).unwrap()))
        .collect();
    let mut tries = tokio::task::JoinSet::new();
    for key in keys {
        let form = [
            ("join_token", token.expose_secret().to_owned()),
            ("key", key),
        ];
        let request = site.request(Method::POST, "/enrol").form(&form);
        tries.spawn(async move { answered(request).await.status });
    }
    let mut answers = tries.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, [201, 400, 400, 400, 400, 400, 400, 400]);
}

#[tokio::test]
async fn what_is_no_join_is_refused_and_the_token_stays_good() {
    let scratch = tempfile::tempdir().unwrap();
    let site = start(scratch.path()).await;
    let token = site
        .installation
        .new_join_token("acme", "node", 600)
        .await
        .unwrap();
    let own = SigningKey::generate(KeyKind::P256).unwrap();
    let refused = async |token: &str, key: &str| {
        enrol(&site, &SecretString::from(token.to_owned()), key)
            .await
            .error()
    };
    let good = token.expose_secret();
    insta::assert_snapshot!(refused("rcj_made-up", &public(&own)).await, @"400 invalid_grant: the join token is unknown or was used before; ask for a new one");
    insta::assert_snapshot!(refused(good, r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}"#).await, @"400 invalid_request: key 1 of the workload cannot be used: it holds the private half; register the public JWK, and make a new key if others have seen this one");
    assert!(
        refused(good, r#"{"kty":"oct","k":"AAAA"}"#)
            .await
            .starts_with("400 invalid_request")
    );
    assert!(
        refused(good, "key")
            .await
            .starts_with("400 invalid_request")
    );
    let got = site.get("acme.example", "/enrol").await;
    assert_eq!(got.status, 405);
    assert_eq!(enrol(&site, &token, &public(&own)).await.status, 201);

    let late = site
        .installation
        .new_join_token("acme", "node", 60)
        .await
        .unwrap();
    site.clock
        .store(NOW + 90, std::sync::atomic::Ordering::Relaxed);
    insta::assert_snapshot!(enrol(&site, &late, &public(&own)).await.error(), @"400 invalid_grant: the join token ended 30 s ago; ask for a new one");
    let made = async |tenant: &str, workload: &str| {
        site.installation
            .new_join_token(tenant, workload, 600)
            .await
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(made("acme", "nobody").await, @"the tenant `acme` has no workload `nobody`");
    insta::assert_snapshot!(made("acme", "api").await, @"the workload `api` is declared in the configuration file, which would forget an enrolled key: write its key there");

    site.installation.close().await;
    let trail = site.trail_of(rolecall_store::AuditKind::Enrolment).await;
    assert!(
        trail
            .iter()
            .any(|row| row.record.outcome == Outcome::Granted
                && row.record.kid.as_deref() == Some(own.kid()))
    );
    assert!(
        trail
            .iter()
            .any(|row| row.record.outcome == Outcome::Refused)
    );
    assert!(!serde_json::to_string(&trail).unwrap().contains("rcj_"));
}
