//! What outlives the process, and what keeps it from starting again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rolecall_http_api::InstallationError;
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::StoreOptions;
use serde_json::json;

use crate::site::{ISSUER, MASTER, NOW, Site, install, tenant};

const FAST: &[(&str, &str)] = &[("token_config", "fast")];

async fn again(folder: &std::path::Path, key: SigningKey) -> Site {
    let tenants = vec![tenant("acme", ISSUER, &key)];
    Site::start_with(folder, key, tenants, &StoreOptions::default()).await
}

#[tokio::test]
async fn keys_and_used_assertions_outlive_a_restart() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let before = site.jwks(ISSUER).await;
    let assertion = site.assertion(json!({"jti": "once"}));
    let token = site.send(ISSUER, &assertion, FAST).await.token();
    let key = site.stop().await;

    let site = again(scratch.path(), key).await;
    assert_eq!(site.jwks(ISSUER).await, before);
    site.verified(ISSUER, &token).await;
    let replayed = site.send(ISSUER, &assertion, FAST).await;
    assert_eq!(replayed.status, 401, "{}", replayed.text);
    assert_eq!(site.ask(FAST).await.status, 200);
}

#[tokio::test]
async fn a_clock_that_went_backwards_makes_nothing_good_again() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let assertion = site.assertion(json!({"jti": "once"}));
    site.send(ISSUER, &assertion, FAST).await.token();
    // So late that the first is long forgotten, in memory and in the database.
    site.clock.store(NOW + 3_600, Ordering::Relaxed);
    let late = json!({"jti": "late", "iat": NOW + 3_600, "exp": NOW + 3_660});
    site.send(ISSUER, &site.assertion(late.clone()), FAST)
        .await
        .token();
    site.clock.store(NOW + 5, Ordering::Relaxed);
    let replayed = site.send(ISSUER, &assertion, FAST).await;
    insta::assert_snapshot!(replayed.error(), @"503 temporarily_unavailable: the server's clock went backwards, so it cannot be told whether this was used before; try again later");
    let key = site.stop().await;
    // A start at the earlier time knows as little.
    let site = again(scratch.path(), key).await;
    let replayed = site.send(ISSUER, &assertion, FAST).await;
    assert_eq!(replayed.status, 503, "{}", replayed.text);
}

#[tokio::test]
async fn private_keys_are_sealed_on_disk() {
    let scratch = tempfile::tempdir().unwrap();
    Site::start(scratch.path()).await.stop().await;
    for entry in std::fs::read_dir(scratch.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        // The version and the rsaEncryption and ecPublicKey identifiers of a PKCS#8 key.
        for marker in [
            &b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"[..],
            &b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"[..],
        ] {
            assert!(!bytes.windows(marker.len()).any(|window| window == marker));
        }
    }
}

async fn refused(
    folder: &std::path::Path,
    master: &str,
    tenants: Vec<rolecall_http_api::TenantDeclaration>,
) -> InstallationError {
    let clock = Arc::new(AtomicI64::new(NOW));
    match install(folder, master, tenants, &StoreOptions::default(), clock).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn another_master_key_is_refused_and_harms_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let before = site.jwks(ISSUER).await;
    let key = site.stop().await;
    let other = "OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg=";
    let error = refused(scratch.path(), other, vec![tenant("acme", ISSUER, &key)]).await;
    assert!(
        matches!(error, InstallationError::WrongMasterKey { .. }),
        "{error}"
    );
    let mut text = error.to_string();
    for key in &before.keys {
        text = text.replace(key.kid.as_deref().unwrap(), "KID");
    }
    insta::assert_snapshot!(text, @"the signing key `KID` of tenant `acme` was sealed with another master key than the one given");
    insta::assert_snapshot!(error.hint().unwrap(), @"Start with the master key that this state was made with (`server.master_key_file` or ROLECALL_MASTER_KEY). Without it the signing keys are lost: start with an empty state folder and register the new keys' JWKS.");
    assert_eq!(again(scratch.path(), key).await.jwks(ISSUER).await, before);
}

#[tokio::test]
async fn a_declaration_that_breaks_a_rule_names_its_field() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    type Change = fn(&mut rolecall_http_api::TenantDeclaration);
    let changes: [(&str, Change); 12] = [
        ("tenants[0].name", |tenant| tenant.name = "a b".into()),
        ("tenants[0].issuer", |tenant| {
            tenant.issuer = "http://acme.example".into()
        }),
        ("tenants[0].rsa_bits", |tenant| tenant.rsa_bits = 1024),
        ("tenants[0].token_configs[0].subject", |tenant| {
            tenant.token_configs[0].subject = "a {b".into();
        }),
        ("tenants[0].token_configs[1].lifetime", |tenant| {
            tenant.token_configs[1].lifetime_seconds = Some(0);
        }),
        ("tenants[0].token_configs[1].name", |tenant| {
            tenant.token_configs[1].name = "aws".into();
        }),
        ("tenants[0].token_configs[0].claims.iss", |tenant| {
            tenant.token_configs[0]
                .claims
                .insert("iss".into(), "x".into());
        }),
        ("tenants[0].token_configs[0].algorithm", |tenant| {
            tenant.token_configs[0].algorithm = rolecall_jose::Algorithm::Es512;
        }),
        ("tenants[0].token_configs[0].aws.roles", |tenant| {
            tenant.token_configs[0].aws.roles[0] = "reader".into();
        }),
        ("tenants[0].workloads[0].token_configs[0]", |tenant| {
            tenant.workloads[0].token_configs[0] = "awss".into();
        }),
        ("tenants[0].workloads[0].keys", |tenant| {
            tenant.workloads[0].keys.clear()
        }),
        ("tenants[0].workloads[0].keys[0]", |tenant| {
            tenant.workloads[0].keys[0].x = Some("AA".into());
        }),
    ];
    let mut told = Vec::new();
    for (field, change) in changes {
        let scratch = tempfile::tempdir().unwrap();
        let mut broken = tenant("acme", ISSUER, &key);
        change(&mut broken);
        let checked = rolecall_http_api::check(std::slice::from_ref(&broken));
        assert_eq!(checked.unwrap_err().field(), Some(field));
        let error = refused(scratch.path(), MASTER, vec![broken]).await;
        told.push(error.to_string());
        assert_eq!(error.field(), Some(field), "{error}");
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    `a b` cannot be the name of a tenant: use 1 to 64 letters, digits, `_` and `-`
    `http://acme.example` cannot be an issuer URL: `http` is possible only for `localhost`, `127.0.0.0/8` and `[::1]`; write `https://`
    RSA keys of 1024 bits are not possible; 2048, 3072 and 4096 are
    `subject` column 2: ` ` may not stand outside placeholders; letters, digits and `:_-/|.@+` may
    a lifetime of 0 s is not possible: 300 s to 43200 s is
    the token config `aws` is declared twice
    `iss` cannot be a custom claim: Rolecall sets this claim itself
    a tenant has no key for ES512; RS256 and ES256 are possible
    `aws.roles`: `reader` is not a role ARN: it does not begin with `arn:`; expected `arn:aws:iam::<account>:role/<path and name>`
    the tenant has no token config `awss`; it has `aws`, `fast`, `other`
    the workload `api`: the workload has 0 keys; 1 to 16 are possible
    the workload `api`: key 1 of the workload cannot be used: the JWK member `x` has 1 bytes; EC P-256 needs exactly 32
    "#);
}

#[tokio::test]
async fn two_tenants_cannot_share_an_issuer() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let tenants = vec![tenant("a", ISSUER, &key), tenant("b", ISSUER, &key)];
    let error = refused(scratch.path(), MASTER, tenants).await;
    assert_eq!(error.field(), Some("tenants[1].issuer"), "{error}");
}

#[tokio::test]
async fn a_new_declaration_is_served_at_once_and_a_broken_one_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let before = site.jwks(ISSUER).await;
    let beta = "https://beta.example";
    let both = vec![
        tenant("acme", ISSUER, &site.key),
        tenant("beta", beta, &site.key),
    ];
    site.installation.declare(both).await.unwrap();
    site.ask_at(beta, FAST).await.token();
    assert_eq!(site.jwks(ISSUER).await, before);

    let moved = vec![tenant("acme", "https://moved.example", &site.key)];
    let error = site.installation.declare(moved).await.unwrap_err();
    assert!(matches!(error, InstallationError::Store(_)), "{error}");
    site.ask_at(beta, FAST).await.token();
    site.ask(FAST).await.token();

    // A tenant that is gone is not served; it comes back with its own keys.
    let keys = site.jwks(beta).await;
    let acme = || tenant("acme", ISSUER, &site.key);
    site.installation.declare(vec![acme()]).await.unwrap();
    assert_eq!(site.ask_at(beta, FAST).await.status, 404);
    let both = vec![acme(), tenant("beta", beta, &site.key)];
    site.installation.declare(both).await.unwrap();
    assert_eq!(site.jwks(beta).await, keys);
}

#[tokio::test]
async fn an_expired_assertion_is_refused_and_then_forgotten() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let assertion = site.assertion(json!({"jti": "once"}));
    site.send(ISSUER, &assertion, FAST).await.token();
    site.clock.fetch_add(3600, Ordering::Relaxed);
    assert_eq!(site.send(ISSUER, &assertion, FAST).await.status, 401);
    // Its name is free again once nobody could use the old one.
    let fresh = site.assertion(json!({"jti": "once"}));
    assert_eq!(site.send(ISSUER, &fresh, FAST).await.status, 200);
}
