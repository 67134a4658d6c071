use http::Method;
use serde_json::json;

use crate::site::{Site, workload};

#[tokio::test]
async fn a_join_token_is_shown_once_and_kept_as_a_digest() {
    let site = Site::peopled().await;
    let mut new = workload("machine");
    new["keys"] = json!([]);
    new["enrols"] = json!(true);
    site.put("/tenants/acme/workloads/machine", &new)
        .await
        .must(201);
    let made = site
        .post("/tenants/acme/join-tokens", &json!({"workload": "machine"}))
        .await
        .must(201);
    let token = made.body["token"].as_str().unwrap();
    assert!(token.starts_with("rcj_"));
    let declared = site.get("/tenants/acme/declaration").await.body.to_string();
    assert!(!declared.contains(token));
    let refused = site
        .post("/tenants/acme/join-tokens", &json!({"workload": "nobody"}))
        .await;
    insta::assert_snapshot!(refused.said(), @"404 not_found: there is no workload `nobody`");
    let refused = site
        .post(
            "/tenants/acme/join-tokens",
            &json!({"workload": "machine", "lifetime_seconds": 1}),
        )
        .await;
    insta::assert_snapshot!(refused.said(), @"422 invalid: a join token lives 1 minute to 7 days, not 1 s");
}

#[tokio::test]
async fn a_client_secret_is_shown_once_and_its_hash_only_to_who_may_change_it() {
    let site = Site::peopled().await;
    let path = "/tenants/acme/workloads/api/secrets";
    let made = site
        .ask(&site.root, Method::POST, path, None, &[])
        .await
        .must(201);
    let hash = made.body["hash"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("$argon2id$"));
    let shown = site.get("/tenants/acme/workloads/api").await.must(200);
    assert_eq!(shown.body["spec"]["secret_hashes"], json!([hash]));
    let viewer = site.access("acme", "v", "viewer").await;
    for path in [
        "/tenants/acme/workloads/api",
        "/tenants/acme/workloads",
        "/tenants/acme/declaration",
    ] {
        let seen = site
            .ask(&viewer, Method::GET, path, None, &[])
            .await
            .must(200);
        assert!(!seen.body.to_string().contains("argon2id"), "{path}");
    }
    for _ in 0..2 {
        site.ask(&site.root, Method::POST, path, None, &[])
            .await
            .must(201);
    }
    site.ask(&site.root, Method::POST, path, None, &[])
        .await
        .must(409);
}

#[tokio::test]
async fn a_key_is_ordered_to_be_replaced_and_the_order_is_kept() {
    let site = Site::peopled().await;
    let kid = site.get("/tenants/acme/keys").await.body["items"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/tenants/acme/keys/{kid}/order");
    let ordered = site
        .post(&path, &json!({"order": "replace"}))
        .await
        .must(202);
    assert_eq!(ordered.body["order"], "replace");
    let listed = site.get("/tenants/acme/keys").await.body;
    assert_eq!(listed["items"][0]["order"], "replace");
    let refused = site
        .post("/tenants/acme/keys/none/order", &json!({"order": "revoke"}))
        .await;
    insta::assert_snapshot!(refused.said(), @"404 not_found: there is no signing key `none`");
    // The leader finds it and makes the successor.
    let made = site
        .installation
        .rotate_if_leading(&mut None)
        .await
        .unwrap();
    assert!(made > 0);
    let slots = site.get("/tenants/acme/keys").await.body;
    assert_eq!(slots["items"].as_array().unwrap().len(), 3);
}
