//! Declaring tenants, and what a declaration may not do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rolecall_store::{DeclaredTenant, Document, KeyState, SealedKey, State, Store, StoreError};

fn tenant(name: &str, issuer: &str, configs: &[&str], workloads: &[&str]) -> DeclaredTenant {
    let documents = |names: &[&str]| {
        names
            .iter()
            .map(|name| Document {
                name: (*name).to_owned(),
                json: format!("{{\"name\":\"{name}\"}}"),
            })
            .collect()
    };
    DeclaredTenant {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        token_configs: documents(configs),
        workloads: documents(workloads),
    }
}

fn key(tenant: &str, kid: &str) -> SealedKey {
    SealedKey {
        tenant: tenant.to_owned(),
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        sealed: vec![1, 2, 3],
        created_at: 5,
        state: KeyState::Active,
    }
}

/// `name issuer [configs] [workloads] [kids]`, a line a tenant.
fn summary(state: &State) -> String {
    let names = |documents: &[Document]| -> Vec<String> {
        documents
            .iter()
            .map(|document| document.name.clone())
            .collect()
    };
    let lines: Vec<String> = state
        .tenants
        .iter()
        .map(|tenant| {
            let kids: Vec<&str> = tenant.keys.iter().map(|key| key.kid.as_str()).collect();
            format!(
                "{} {} {:?} {:?} {kids:?}",
                tenant.name,
                tenant.issuer,
                names(&tenant.token_configs),
                names(&tenant.workloads)
            )
        })
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn the_declared_set_is_replaced_and_keys_stay() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    let first = vec![
        tenant("acme", "https://acme.example", &["aws", "gcp"], &["api"]),
        tenant("beta", "https://beta.example", &["aws"], &[]),
    ];
    let keys = vec![key("acme", "k1"), key("beta", "k2")];
    store.declare(first, keys.clone(), vec![], 1).await.unwrap();
    let second = vec![tenant(
        "acme",
        "https://acme.example",
        &["aws"],
        &["web", "api"],
    )];
    store
        .declare(second.clone(), vec![], vec![], 2)
        .await
        .unwrap();
    insta::assert_snapshot!(summary(&store.load(0).unwrap()), @r#"acme https://acme.example ["aws"] ["api", "web"] ["k1"]"#);

    // Nothing is lost of what is not declared.
    assert_eq!(store.keys().unwrap(), keys);

    // `beta` declared again has the key that it had.
    let mut third = second;
    third.push(tenant("beta", "https://beta.example", &[], &[]));
    store.declare(third, vec![], vec![], 3).await.unwrap();
    drop(store);
    let state = Store::open(scratch.path()).unwrap().load(0).unwrap();
    insta::assert_snapshot!(summary(&state), @r#"
    acme https://acme.example ["aws"] ["api", "web"] ["k1"]
    beta https://beta.example [] [] ["k2"]
    "#);
    assert_eq!(state.tenants[0].keys, [key("acme", "k1")]);
    assert_eq!(state.tenants[0].created_at, 1);
}

#[tokio::test]
async fn a_tenant_with_keys_keeps_its_issuer() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    let at = |issuer: &str| vec![tenant("acme", issuer, &["aws"], &[])];
    store
        .declare(at("https://first.example"), vec![], vec![], 1)
        .await
        .unwrap();
    // Without keys nobody can know the issuer yet.
    let keys = vec![key("acme", "k1")];
    store
        .declare(at("https://acme.example"), keys, vec![], 2)
        .await
        .unwrap();
    let before = store.load(0).unwrap();
    let error = store
        .declare(at("https://acme.example/"), vec![], vec![], 3)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::IssuerChanged { .. }));
    insta::assert_snapshot!(error.to_string(), @"tenant `acme` has signing keys for the issuer `https://acme.example` and cannot move to `https://acme.example/`");
    insta::assert_snapshot!(error.hint().unwrap(), @"Tokens and AWS providers know this tenant as `https://acme.example`. Keep that issuer, or declare a new tenant under another name for the new one.");
    assert_eq!(
        store.load(0).unwrap(),
        before,
        "a refusal changed the state"
    );
}

#[tokio::test]
async fn names_and_issuers_are_unique() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    for pair in [
        [("a", "https://a.example"), ("a", "https://b.example")],
        [("a", "https://a.example"), ("b", "https://a.example")],
    ] {
        let tenants = pair.map(|(name, issuer)| tenant(name, issuer, &[], &[]));
        let error = store
            .declare(tenants.to_vec(), vec![], vec![], 1)
            .await
            .unwrap_err();
        assert!(
            matches!(error, StoreError::DuplicateTenant { .. }),
            "{error}"
        );
    }
    assert_eq!(store.load(0).unwrap(), State::default());
}

#[tokio::test]
async fn two_tenants_may_swap_issuers_while_they_have_no_keys() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    for (a, b) in [
        ("https://1.example", "https://2.example"),
        ("https://2.example", "https://1.example"),
    ] {
        let tenants = vec![tenant("a", a, &[], &[]), tenant("b", b, &[], &[])];
        store.declare(tenants, vec![], vec![], 1).await.unwrap();
        assert_eq!(store.load(0).unwrap().tenants[0].issuer, a);
    }
}

#[tokio::test]
async fn a_declaration_and_its_keys_hold_all_or_none() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    let declared = vec![tenant("acme", "https://acme.example", &[], &[])];
    let keys = vec![key("acme", "k1"), key("nobody", "k2")];
    store.declare(declared, keys, vec![], 1).await.unwrap_err();
    assert_eq!(store.load(0).unwrap(), State::default());
    assert_eq!(store.keys().unwrap(), []);
}

#[test]
fn a_sealed_key_is_not_printed() {
    assert!(!format!("{:?}", key("acme", "k1")).contains("[1, 2, 3]"));
}
