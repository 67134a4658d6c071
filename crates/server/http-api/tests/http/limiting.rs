//! Shares of tokens: of a workload, of a tenant.

use rolecall_http_api::{TenantDeclaration, check};
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::StoreOptions;
use serde_json::{Value, json};

use crate::site::{ISSUER, Site, tenant};

fn limited(key: &SigningKey, limits: Value) -> TenantDeclaration {
    let mut json = serde_json::to_value(tenant("acme", ISSUER, key)).unwrap();
    json["limits"] = limits;
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn a_workload_has_its_share_and_strangers_use_up_nothing_of_it() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let stranger = SigningKey::generate(KeyKind::P256).unwrap();
    let tenants = vec![limited(
        &key,
        json!({"workload": {"per_second": 1, "burst": 3}}),
    )];
    let options = StoreOptions::default();
    let site = Site::start_with(scratch.path(), key, tenants, &options).await;
    for number in 0..10 {
        let claims = json!({
            "iss": "api", "sub": "api", "aud": ISSUER, "jti": format!("s{number}"),
            "iat": crate::site::NOW, "exp": crate::site::NOW + 60,
        });
        let assertion = crate::site::signed(&stranger, &claims);
        assert_eq!(
            site.send(ISSUER, &assertion, &[("token_config", "fast")])
                .await
                .status,
            401
        );
    }
    let fast = [("token_config", "fast")];
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(site.ask(&fast).await);
    }
    let granted = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((3..=4).contains(&granted), "{granted}");
    let last = answers.last().unwrap();
    insta::assert_snapshot!(last.error(), @"429 temporarily_unavailable: the workload `api` asks for more tokens a second than it may; a token is good for its whole lifetime, so keep it");
    let wait: u64 = last.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&wait));
    // The share is not new because the tenant was read again.
    site.installation
        .declare(vec![limited(
            &site.key,
            json!({"workload": {"per_second": 1, "burst": 3}}),
        )])
        .await
        .unwrap();
    assert_eq!(site.ask(&fast).await.status, 429);
    // Another share is.
    site.installation
        .declare(vec![limited(
            &site.key,
            json!({"tenant": {"per_second": 1000}}),
        )])
        .await
        .unwrap();
    assert_eq!(site.ask(&fast).await.status, 200);
}

#[test]
fn a_share_of_nothing_is_refused() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let refused = check(&[limited(&key, json!({"tenant": {"per_second": 0}}))]).unwrap_err();
    assert_eq!(refused.field(), Some("tenants[0].limits.tenant"));
    insta::assert_snapshot!(refused, @"`per_second` and `burst` are 1 to 1000000; without a limit, leave `tenant` out");
}
