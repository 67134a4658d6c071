use http::Method;
use serde_json::json;

use crate::site::{Site, settings, token_config, workload};

#[tokio::test]
async fn a_tenant_is_served_as_soon_as_it_is_made() {
    let site = Site::start().await;
    let made = site.post("/tenants", &settings("acme")).await.must(201);
    assert_eq!(made.etag.as_deref(), Some("\"1\""));
    assert_eq!(made.body["origin"], "api");
    assert_eq!(made.body["spec"]["issuer"], "https://acme.example");
    let (status, discovery) = site
        .issuer("acme.example", "/.well-known/openid-configuration")
        .await;
    assert_eq!(
        (status, &discovery["issuer"]),
        (200, &json!("https://acme.example"))
    );
    let (_, jwks) = site.issuer("acme.example", "/.well-known/jwks.json").await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    let keys = site.get("/tenants/acme/keys").await.must(200);
    let kids: Vec<&str> = (keys.body["items"].as_array().unwrap().iter())
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    for key in jwks["keys"].as_array().unwrap() {
        assert!(kids.contains(&key["kid"].as_str().unwrap()));
    }
    site.delete("/tenants/acme").await.must(204);
    let (status, _) = site
        .issuer("acme.example", "/.well-known/openid-configuration")
        .await;
    assert_eq!(status, 404);
    // Its keys are kept for the day it comes back.
    site.post("/tenants", &settings("acme")).await.must(201);
    let (_, again) = site.issuer("acme.example", "/.well-known/jwks.json").await;
    assert_eq!(again, jwks);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_its_field_and_changes_nothing() {
    let site = Site::peopled().await;
    let before = site.get("/tenants/acme/declaration").await.must(200).body;
    let mut config = token_config("aws");
    config["subject"] = json!("team:{teem}");
    let refused = site.put("/tenants/acme/token-configs/aws", &config).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.body["field"], "token_configs[0].subject");
    assert!(refused.said().contains("teem"), "{}", refused.said());
    config["subject"] = json!("team:{team}\u{1f600}");
    site.put("/tenants/acme/token-configs/aws", &config)
        .await
        .must(422);
    config["subject"] = json!("x".repeat(1_001));
    site.put("/tenants/acme/token-configs/aws", &config)
        .await
        .must(422);
    config["sbject"] = json!("team");
    insta::assert_snapshot!(site.put("/tenants/acme/token-configs/aws", &config).await.said(), @"400 malformed: the body cannot be read: unknown field `sbject`, expected one of `name`, `preset`, `kind`, `audience`, `lifetime_seconds`, `shortest_lifetime_seconds`, `longest_lifetime_seconds`, `backdate_seconds`, `algorithm`, `token_subject`, `subject`, `subject_attributes`, `claims`, `aws`, `target_variable` at line 1 column 71");
    // A config that a workload uses cannot go.
    let refused = site.delete("/tenants/acme/token-configs/aws").await;
    insta::assert_snapshot!(refused.said(), @"422 invalid: the tenant has no token config `aws`; it has none");
    let after = site.get("/tenants/acme/declaration").await.must(200).body;
    assert_eq!(before, after);
}

#[tokio::test]
async fn two_tenants_have_neither_a_name_nor_an_issuer_in_common() {
    let site = Site::peopled().await;
    insta::assert_snapshot!(site.post("/tenants", &settings("acme")).await.said(), @"409 exists: tenant `acme` is there already");
    let mut other = settings("acme");
    other["name"] = json!("other");
    insta::assert_snapshot!(site.post("/tenants", &other).await.said(), @"422 invalid: another tenant is called `https://acme.example` already; each tenant needs its own issuer");
    let mut other = settings("other");
    other["federation"] = json!({"issuer": "https://acme.example"});
    insta::assert_snapshot!(site.post("/tenants", &other).await.said(), @"422 invalid: another tenant is called `https://acme.example` already; each tenant needs its own issuer");
    // A tenant keeps its issuer: its keys were made for it.
    let mut moved = settings("acme");
    moved["issuer"] = json!("https://elsewhere.example");
    insta::assert_snapshot!(site.put("/tenants/acme", &moved).await.said(), @"409 issuer: tenant `acme` has signing keys for another issuer and cannot move");
    let mut reserved = settings("other");
    reserved["issuer"] = json!("https://other.example/api/v1");
    insta::assert_snapshot!(site.post("/tenants", &reserved).await.said(), @"422 invalid: the path of `https://other.example/api/v1` begins with `/api`, where the server answers itself; choose another path");
}

#[tokio::test]
async fn a_change_holds_only_for_the_version_that_was_read() {
    let site = Site::peopled().await;
    let path = "/tenants/acme/token-configs/aws";
    let read = site.get(path).await.must(200);
    let etag = read.etag.unwrap();
    let mut config = token_config("aws");
    config["lifetime_seconds"] = json!(900);
    let with = |name: &'static str, value: String| (name, value);
    let (name, value) = with("if-match", etag.clone());
    let changed = site
        .ask(
            &site.root,
            Method::PUT,
            path,
            Some(&config),
            &[(name, &value)],
        )
        .await
        .must(200);
    assert_eq!(changed.body["spec"]["lifetime_seconds"], 900);
    assert_ne!(changed.etag.as_deref(), Some(&*etag));
    config["lifetime_seconds"] = json!(1800);
    let stale = site
        .ask(
            &site.root,
            Method::PUT,
            path,
            Some(&config),
            &[("if-match", &etag)],
        )
        .await;
    insta::assert_snapshot!(stale.said(), @"412 precondition_failed: token config `aws` was changed meanwhile: it is at version 2");
    let there = site
        .ask(
            &site.root,
            Method::PUT,
            path,
            Some(&config),
            &[("if-none-match", "*")],
        )
        .await;
    insta::assert_snapshot!(there.said(), @"412 precondition_failed: token config `aws` is there already");
    // The same again is no change.
    let same = site
        .put(path, &changed.body["spec"].clone())
        .await
        .must(200);
    assert_eq!(same.etag, changed.etag);
}

#[tokio::test]
async fn lists_come_in_parts() {
    let site = Site::peopled().await;
    for name in ["b", "c", "d"] {
        site.post("/tenants/acme/workloads", &workload(name))
            .await
            .must(201);
    }
    let (mut after, mut names) = (String::new(), Vec::new());
    loop {
        let path = format!("/tenants/acme/workloads?limit=2&after={after}");
        let page = site.get(&path).await.must(200).body;
        for item in page["items"].as_array().unwrap() {
            names.push(item["spec"]["name"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["api", "b", "c", "d"]);
    site.get("/tenants?limit=0").await.must(400);
    let tenants = site.get("/tenants?limit=1").await.must(200).body;
    assert_eq!(tenants["items"][0]["spec"]["name"], "acme");
    assert_eq!(tenants["next"], "acme");
}

#[tokio::test]
async fn changes_of_one_tenant_at_the_same_moment_all_hold() {
    let site = Site::peopled().await;
    let names: Vec<String> = (0..8).map(|at| format!("w{at}")).collect();
    let puts = names.iter().map(|name| {
        let (site, body) = (&site, workload(name));
        async move {
            site.put(&format!("/tenants/acme/workloads/{name}"), &body)
                .await
        }
    });
    for answer in futures_util::future::join_all(puts).await {
        // One that met the others too often says so, and nothing of it happened.
        assert!(matches!(answer.status, 201 | 409), "{}", answer.body);
    }
    let list = site.get("/tenants/acme/workloads").await.must(200).body;
    assert!(list["items"].as_array().unwrap().len() >= 2);
}
