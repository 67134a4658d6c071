use http::Method;
use serde_json::json;

use crate::site::{Site, settings, workload};

#[tokio::test]
async fn the_same_request_again_is_not_carried_out_again() {
    let site = Site::peopled().await;
    let marked = [("idempotency-key", "k-1")];
    let new = json!({"name": "ci", "role": "operator"});
    let path = "/tenants/acme/access";
    let first = site
        .ask(&site.root, Method::POST, path, Some(&new), &marked)
        .await
        .must(201);
    let second = site
        .ask(&site.root, Method::POST, path, Some(&new), &marked)
        .await
        .must(201);
    // Whoever lost the first answer gets the token all the same.
    assert_eq!(first.body, second.body);
    assert!(first.body["token"].as_str().unwrap().starts_with("rca_"));
    let rows = site.trail().await;
    let given = rows
        .iter()
        .filter(|row| row.record.target.as_deref() == Some("access/ci"))
        .count();
    assert_eq!(given, 1);
    let other = json!({"name": "cd", "role": "operator"});
    let mixed = site
        .ask(&site.root, Method::POST, path, Some(&other), &marked)
        .await;
    insta::assert_snapshot!(mixed.said(), @"422 mark_used: this `Idempotency-Key` was used for another request");
    // Without a mark it is another request.
    insta::assert_snapshot!(site.post(path, &new).await.said(), @"409 exists: access `ci` of tenant `acme` is there already");
    // A mark is somebody's own.
    let admin = site.access("acme", "a", "admin").await;
    site.ask(&admin, Method::POST, path, Some(&other), &marked)
        .await
        .must(201);
    // A day later it is forgotten.
    site.later(86_401);
    site.ask(&site.root, Method::POST, path, Some(&new), &marked)
        .await
        .must(409);
}

#[tokio::test]
async fn makes_changes_and_removals_are_remembered_too() {
    let site = Site::start().await;
    let make = |mark: &'static str| [("idempotency-key", mark)];
    let body = settings("acme");
    for _ in 0..2 {
        let made = site
            .ask(
                &site.root,
                Method::POST,
                "/tenants",
                Some(&body),
                &make("t"),
            )
            .await
            .must(201);
        assert_eq!(made.etag.as_deref(), Some("\"1\""));
    }
    let mut body = workload("api");
    body["token_configs"] = json!([]);
    let path = "/tenants/acme/workloads/api";
    for _ in 0..2 {
        site.ask(&site.root, Method::PUT, path, Some(&body), &make("w"))
            .await
            .must(201);
    }
    for _ in 0..2 {
        site.ask(&site.root, Method::DELETE, path, None, &make("d"))
            .await
            .must(204);
    }
    site.ask(&site.root, Method::DELETE, path, None, &make("e"))
        .await
        .must(404);
}

#[tokio::test]
async fn the_same_request_twice_at_the_same_moment_is_carried_out_once() {
    let site = Site::peopled().await;
    let marked = [("idempotency-key", "twice")];
    let new = json!({"name": "ci", "role": "operator"});
    let asks = (0..6).map(|_| {
        site.ask(
            &site.root,
            Method::POST,
            "/tenants/acme/access",
            Some(&new),
            &marked,
        )
    });
    let answers = futures_util::future::join_all(asks).await;
    let tokens: std::collections::BTreeSet<String> = answers
        .into_iter()
        .map(|answer| answer.must(201).body["token"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tokens.len(), 1);
}
