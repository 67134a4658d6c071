//! Whatever somebody with rights in one tenant sends, another tenant is neither read nor changed.

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::site::{Site, settings, token_config, workload};

/// A request, as a recipe: what it names is put in when it is sent.
#[derive(Clone, Debug)]
struct Recipe {
    method: Method,
    path: String,
    body: Option<Value>,
    if_match: Option<&'static str>,
}

fn any_tenant() -> impl Strategy<Value = &'static str> {
    // Its own, the other's, none, and ways to write the other's.
    proptest::sample::select(vec![
        "acme",
        "bolt",
        "bolt",
        "nowhere",
        "acme%2F..%2Fbolt",
        "bolt%00",
        "BOLT",
        "acme/../bolt",
        ".",
        "%2e%2e",
    ])
}

fn any_name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "aws",
        "api",
        "more",
        "..%2F..%2Fbolt%2Fworkloads%2Fapi",
        "v",
    ])
}

fn any_body() -> impl Strategy<Value = Option<Value>> {
    let bodies = vec![
        None,
        Some(token_config("aws")),
        Some(token_config("more")),
        Some(workload("api")),
        Some(workload("more")),
        Some(settings("bolt")),
        Some(settings("acme")),
        Some(json!({"name": "x", "role": "admin"})),
        Some(json!({"name": "x", "role": "admin", "tenant": "bolt"})),
        Some(json!({"workload": "api"})),
        Some(json!({"order": "revoke"})),
        Some(json!({"tenants": [whole("bolt")], "prune": true})),
        Some(json!({"tenants": [whole("acme")], "prune": true})),
        Some(json!({"tenants": [whole("bolt")], "dry_run": true})),
        Some(json!({"tenants": [], "prune": true, "set": "bolts"})),
        Some(json!({
            "name": "acme", "issuer": "https://acme.example",
            "federation": {"issuer": "https://bolt.example"},
        })),
    ];
    proptest::sample::select(bodies)
}

fn whole(name: &str) -> Value {
    let mut tenant = settings(name);
    tenant["token_configs"] = json!([token_config("aws")]);
    tenant
}

fn any_request() -> impl Strategy<Value = Recipe> {
    let methods = vec![Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let places = vec![
        "/tenants",
        "/tenants/T",
        "/tenants/T/declaration",
        "/tenants/T/token-configs",
        "/tenants/T/token-configs/N",
        "/tenants/T/workloads",
        "/tenants/T/workloads/N",
        "/tenants/T/workloads/N/secrets",
        "/tenants/T/trusted-issuers/N",
        "/tenants/T/keys",
        "/tenants/T/keys/K/order",
        "/tenants/T/join-tokens",
        "/tenants/T/access",
        "/tenants/T/access/N",
        "/tenants/T/audit",
        "/audit",
        "/audit?tenant=T",
        "/access",
        "/apply",
    ];
    (
        proptest::sample::select(methods),
        proptest::sample::select(places),
        any_tenant(),
        any_name(),
        any_body(),
        proptest::option::of(Just("*")),
    )
        .prop_map(|(method, place, tenant, name, body, if_match)| Recipe {
            method,
            path: place
                .replace("/T", &format!("/{tenant}"))
                .replace("=T", &format!("={tenant}"))
                .replace("/N", &format!("/{name}")),
            body,
            if_match,
        })
}

/// All of a tenant, its trail and its keys included, as its own admin sees it.
async fn all_of(site: &Site, tenant: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for place in [
        "",
        "/declaration",
        "/keys",
        "/access",
        "/workloads",
        "/token-configs",
    ] {
        let answer = site
            .get(&format!("/tenants/{tenant}{place}"))
            .await
            .must(200);
        all.push(answer.body);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_request_with_the_rights_of_one_tenant_reaches_another(
        role in proptest::sample::select(vec!["admin", "operator", "viewer", "auditor"]),
        requests in proptest::collection::vec(any_request(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let site = Site::peopled().await;
            site.access("bolt", "v", "viewer").await;
            let bolts = json!({"set": "bolts", "tenants": [{
                "name": "core", "issuer": "https://core.example",
            }]});
            site.post("/apply", &bolts).await.must(200);
            let kid = site.get("/tenants/bolt/keys").await.body["items"][0]["kid"]
                .as_str()
                .unwrap()
                .to_owned();
            let token = site.access("acme", "them", role).await;
            let before = all_of(&site, "bolt").await;
            let core = all_of(&site, "core").await;
            for request in &requests {
                let path = request.path.replace("/K/", &format!("/{kid}/"));
                if path.parse::<http::Uri>().is_err() {
                    continue;
                }
                let headers: Vec<(&str, &str)> =
                    request.if_match.iter().map(|value| ("if-match", *value)).collect();
                let answer = site
                    .ask(&token, request.method.clone(), &path, request.body.as_ref(), &headers)
                    .await;
                assert_ne!(answer.status, 500, "{request:?}: {}", answer.body);
                // Nothing that is bolt's alone is told. What was asked for may be named again.
                let told = answer.body.to_string();
                assert!(!told.contains(&kid) || path.contains(&kid), "{request:?}: {told}");
                if answer.status < 300 {
                    assert!(
                        !told.contains("bolt") && !told.contains("core.example"),
                        "{request:?}: {told}"
                    );
                }
            }
            assert_eq!(before, all_of(&site, "bolt").await);
            assert_eq!(core, all_of(&site, "core").await);
        });
    }
}
