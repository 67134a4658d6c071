//! Declaring tenants from a file, and what a declaration may not do.

use rolecall_store::{
    Change, DeclaredTenant, Edit, Expect, ResourceKind, Source, Store, StoreError,
};

use crate::on_both;
use crate::places::{Place, document, key};

on_both!(
    the_declared_set_is_replaced_and_keys_stay,
    a_tenant_with_keys_keeps_its_issuer,
    names_and_issuers_are_unique,
    two_tenants_may_swap_issuers_while_they_have_no_keys,
    a_declaration_and_its_keys_hold_all_or_none,
    what_the_admin_api_declared_stays,
    nothing_is_written_where_nothing_changes,
    first_keys_are_made_once,
);

fn tenant(name: &str, issuer: &str, configs: &[&str], workloads: &[&str]) -> DeclaredTenant {
    let documents = |kind, names: &[&str]| -> Vec<_> {
        let one = |name: &&str| (kind, document(name, &format!("{{\"name\":\"{name}\"}}")));
        names.iter().map(one).collect()
    };
    let mut resources = documents(ResourceKind::TokenConfig, configs);
    resources.extend(documents(ResourceKind::Workload, workloads));
    DeclaredTenant {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        document: "{}".to_owned(),
        resources,
    }
}

/// `name issuer [documents] [kids]`, a line a tenant.
async fn summary(store: &Store) -> String {
    let mut lines = Vec::new();
    for entry in store.reader().directory("", None).await.unwrap() {
        let tenant = store.reader().tenant(&entry.name).await.unwrap().unwrap();
        let names: Vec<String> = tenant
            .resources
            .iter()
            .map(|one| format!("{}/{}", one.kind.as_str(), one.document.name))
            .collect();
        let kids: Vec<String> = tenant.keys.into_iter().map(|key| key.kid).collect();
        lines.push(format!(
            "{} {} {names:?} {kids:?}",
            entry.name, entry.issuer
        ));
    }
    lines.join("\n")
}

async fn the_declared_set_is_replaced_and_keys_stay(place: Place) {
    let store = place.open().await;
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
    assert_eq!(
        summary(&store).await,
        r#"acme https://acme.example ["token_config/aws", "workload/api", "workload/web"] ["k1"]"#
    );

    // Nothing is lost of what is not declared.
    assert_eq!(store.reader().keys_after("", "", 9).await.unwrap(), keys);

    // `beta` declared again has the key that it had.
    let mut third = second;
    third.push(tenant("beta", "https://beta.example", &[], &[]));
    store.declare(third, vec![], vec![], 3).await.unwrap();
    store.close().await;
    let store = place.open().await;
    assert_eq!(
        summary(&store).await,
        r#"acme https://acme.example ["token_config/aws", "workload/api", "workload/web"] ["k1"]
beta https://beta.example [] ["k2"]"#
    );
    let acme = store.reader().tenant("acme").await.unwrap().unwrap();
    assert_eq!(acme.keys, [key("acme", "k1")]);
    assert_eq!(acme.entry.created_at, 1);
}

async fn a_tenant_with_keys_keeps_its_issuer(place: Place) {
    let store = place.open().await;
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
    let before = store.reader().tenant("acme").await.unwrap();
    let error = store
        .declare(at("https://acme.example/"), vec![], vec![], 3)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "tenant `acme` has signing keys for the issuer `https://acme.example` and cannot move to `https://acme.example/`"
    );
    assert!(error.hint().unwrap().contains("under another name"));
    let moved = Edit::PutTenant {
        name: "acme".to_owned(),
        issuer: "https://elsewhere.example".to_owned(),
        document: "{}".to_owned(),
        source: Source::File,
        expect: Expect::Any,
    };
    let change = Change {
        edits: vec![moved],
        ..Change::default()
    };
    let error = store.change(change).await.unwrap_err();
    assert!(matches!(error, StoreError::IssuerKept { .. }), "{error}");
    assert_eq!(
        store.reader().tenant("acme").await.unwrap(),
        before,
        "a refusal changed the state"
    );
}

async fn names_and_issuers_are_unique(place: Place) {
    let store = place.open().await;
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
    assert_eq!(summary(&store).await, "");
}

async fn two_tenants_may_swap_issuers_while_they_have_no_keys(place: Place) {
    let store = place.open().await;
    for (a, b) in [
        ("https://1.example", "https://2.example"),
        ("https://2.example", "https://1.example"),
    ] {
        let tenants = vec![tenant("a", a, &["x"], &[]), tenant("b", b, &[], &["y"])];
        store.declare(tenants, vec![], vec![], 1).await.unwrap();
        assert_eq!(
            summary(&store).await,
            format!("a {a} [\"token_config/x\"] []\nb {b} [\"workload/y\"] []")
        );
    }
}

async fn a_declaration_and_its_keys_hold_all_or_none(place: Place) {
    let store = place.open().await;
    let declared = vec![tenant("acme", "https://acme.example", &[], &[])];
    let keys = vec![key("acme", "k1"), key("nobody", "k2")];
    store.declare(declared, keys, vec![], 1).await.unwrap_err();
    assert_eq!(summary(&store).await, "");
    assert_eq!(store.reader().keys_after("", "", 9).await.unwrap(), []);
}

async fn what_the_admin_api_declared_stays(place: Place) {
    let store = place.open().await;
    let edits = vec![
        Edit::PutTenant {
            name: "beta".to_owned(),
            issuer: "https://beta.example".to_owned(),
            document: "{}".to_owned(),
            source: Source::Api,
            expect: Expect::Absent,
        },
        Edit::Put {
            tenant: "beta".to_owned(),
            kind: ResourceKind::Workload,
            document: document("api", "{}"),
            source: Source::Api,
            expect: Expect::Absent,
        },
    ];
    let change = Change {
        edits,
        ..Change::default()
    };
    store.change(change).await.unwrap();
    let acme = tenant("acme", "https://acme.example", &[], &[]);
    store
        .declare(vec![acme.clone()], vec![], vec![], 1)
        .await
        .unwrap();
    store.declare(vec![], vec![], vec![], 2).await.unwrap();
    assert_eq!(
        summary(&store).await,
        r#"beta https://beta.example ["workload/api"] []"#
    );
    for taken in [
        tenant("beta", "https://other.example", &[], &[]),
        tenant("gamma", "https://beta.example", &[], &[]),
    ] {
        let error = store.declare(vec![taken], vec![], vec![], 3).await;
        assert!(
            matches!(error, Err(StoreError::DuplicateTenant { .. })),
            "{error:?}"
        );
    }
}

async fn nothing_is_written_where_nothing_changes(place: Place) {
    let store = place.open().await;
    let acme = vec![tenant("acme", "https://acme.example", &["aws"], &["api"])];
    store
        .declare(acme.clone(), vec![], vec![], 1)
        .await
        .unwrap();
    let before = store.reader().tenant("acme").await.unwrap();
    store.declare(acme, vec![], vec![], 2).await.unwrap();
    assert_eq!(store.reader().tenant("acme").await.unwrap(), before);
}

async fn first_keys_are_made_once(place: Place) {
    let store = place.open().await;
    let acme = vec![tenant("acme", "https://acme.example", &[], &[])];
    let tries = (0..6).map(|number| {
        let (store, acme) = (store.clone(), acme.clone());
        let keys = vec![key("acme", &format!("k{number}"))];
        tokio::spawn(async move { store.declare(acme, keys, vec![], 1).await })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(()) => made += 1,
            Err(error) => assert!(matches!(error, StoreError::Stale { .. }), "{error}"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(store.reader().keys_of("acme").await.unwrap().len(), 1);
}

#[test]
fn a_sealed_key_is_not_printed() {
    assert!(!format!("{:?}", key("acme", "k1")).contains("[1, 2, 3]"));
}
