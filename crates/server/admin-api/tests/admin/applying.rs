use http::Method;
use serde_json::{Value, json};

use crate::site::{Site, settings, token_config, workload};

fn set(tenants: Vec<Value>) -> Value {
    json!({"set": "platform", "tenants": tenants})
}

fn tenant(name: &str, workloads: &[&str]) -> Value {
    let mut tenant = settings(name);
    tenant["token_configs"] = json!([token_config("aws")]);
    let mut list = Vec::new();
    for name in workloads {
        let mut one = workload(name);
        // The same key every time: applying again must find nothing to do.
        one["keys"] = json!([{
            "kty": "EC", "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }]);
        list.push(one);
    }
    tenant["workloads"] = json!(list);
    tenant
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// `action kind/name` of each change, `!` where it drifted.
fn told(plan: &Value) -> String {
    let line = |change: &Value| {
        let text = |name: &str| change[name].as_str().unwrap().to_owned();
        format!(
            "{} {}/{}{}",
            text("action"),
            text("kind"),
            text("name"),
            if change["drifted"] == true { " !" } else { "" }
        )
    };
    let list = |name: &str| {
        let changes = plan[name].as_array().unwrap();
        changes.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    format!("{}\nleft: {}", list("changes"), list("left"))
}

#[tokio::test]
async fn a_plan_changes_nothing_and_what_was_agreed_to_is_done_at_once() {
    let site = Site::start().await;
    let wanted = set(vec![tenant("acme", &["api", "web"])]);
    let planned = site
        .post("/apply", &with(wanted.clone(), "dry_run", json!(true)))
        .await
        .must(200);
    assert_eq!(planned.body["applied"], false);
    insta::assert_snapshot!(told(&planned.body["plan"]), @r#"
create tenant/acme
create token_config/aws
create workload/api
create workload/web
left:
"#);
    site.get("/tenants/acme").await.must(404);
    let agreed = with(
        wanted.clone(),
        "expect",
        planned.body["plan"]["digest"].clone(),
    );
    let applied = site.post("/apply", &agreed).await.must(200);
    assert_eq!(applied.body["applied"], true);
    site.get("/tenants/acme/workloads/web").await.must(200);
    let (status, _) = site.issuer("acme.example", "/.well-known/jwks.json").await;
    assert_eq!(status, 200);
    let again = site.post("/apply", &wanted).await.must(200);
    assert_eq!(told(&again.body["plan"]), "\nleft: ");
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_shown_and_put_right() {
    let site = Site::start().await;
    let wanted = set(vec![tenant("acme", &["api", "web"])]);
    site.post("/apply", &wanted).await.must(200);
    let mut config = token_config("aws");
    config["lifetime_seconds"] = json!(600);
    site.put("/tenants/acme/token-configs/aws", &config)
        .await
        .must(200);
    site.delete("/tenants/acme/workloads/web").await.must(204);
    // Somebody else's own workload is nobody's business.
    site.put("/tenants/acme/workloads/mine", &workload("mine"))
        .await
        .must(201);
    let planned = site
        .post("/apply", &with(wanted.clone(), "dry_run", json!(true)))
        .await
        .must(200);
    insta::assert_snapshot!(told(&planned.body["plan"]), @r#"
change token_config/aws !
create workload/web !
left:
"#);
    let change = &planned.body["plan"]["changes"][0];
    assert_eq!(
        change["fields"],
        json!([{"path": "lifetime_seconds", "before": 600}])
    );
    site.post("/apply", &wanted).await.must(200);
    let planned = site.post("/apply", &wanted).await.must(200);
    assert_eq!(told(&planned.body["plan"]), "\nleft: ");
    site.get("/tenants/acme/workloads/mine").await.must(200);
}

#[tokio::test]
async fn only_what_the_set_applied_is_pruned() {
    let site = Site::start().await;
    let both = set(vec![
        tenant("acme", &["api", "web"]),
        tenant("bolt", &["api"]),
    ]);
    site.post("/apply", &both).await.must(200);
    site.put("/tenants/acme/workloads/mine", &workload("mine"))
        .await
        .must(201);
    let less = set(vec![tenant("acme", &["api"])]);
    let kept = site.post("/apply", &less).await.must(200);
    insta::assert_snapshot!(told(&kept.body["plan"]), @r#"

left: remove workload/web
remove workload/api
remove token_config/aws
remove tenant/bolt
"#);
    let pruned = site
        .post("/apply", &with(less.clone(), "prune", json!(true)))
        .await
        .must(200);
    insta::assert_snapshot!(told(&pruned.body["plan"]), @r#"
remove workload/web
remove workload/api
remove token_config/aws
remove tenant/bolt
left:
"#);
    site.get("/tenants/acme/workloads/web").await.must(404);
    site.get("/tenants/acme/workloads/mine").await.must(200);
    site.get("/tenants/bolt").await.must(404);
    let again = site
        .post("/apply", &with(less, "prune", json!(true)))
        .await
        .must(200);
    assert_eq!(told(&again.body["plan"]), "\nleft: ");
}

#[tokio::test]
async fn a_plan_that_became_another_is_not_carried_out() {
    let site = Site::start().await;
    let wanted = set(vec![tenant("acme", &["api"])]);
    let planned = site
        .post("/apply", &with(wanted.clone(), "dry_run", json!(true)))
        .await;
    let digest = planned.body["plan"]["digest"].clone();
    site.post("/tenants", &settings("acme")).await.must(201);
    let refused = site.post("/apply", &with(wanted, "expect", digest)).await;
    insta::assert_snapshot!(refused.said(), @"409 changed_meanwhile: the plan is another by now: something was changed since it was agreed to");
    site.get("/tenants/acme/workloads/api").await.must(404);
}

#[tokio::test]
async fn one_wrong_document_holds_all_back() {
    let site = Site::start().await;
    let mut wrong = tenant("bolt", &["api"]);
    wrong["token_configs"][0]["subject"] = json!("team:{teem}");
    let refused = site
        .post("/apply", &set(vec![tenant("acme", &["api"]), wrong]))
        .await
        .must(422);
    assert_eq!(refused.body["field"], "tenants[1].token_configs[0].subject");
    site.get("/tenants/acme").await.must(404);
}

#[tokio::test]
async fn two_sets_keep_out_of_each_others_way() {
    let site = Site::start().await;
    site.post("/apply", &set(vec![tenant("acme", &["api"])]))
        .await
        .must(200);
    let mut other = tenant("acme", &["api"]);
    other["token_configs"][0]["lifetime_seconds"] = json!(600);
    let refused = site
        .post("/apply", &json!({"set": "other", "tenants": [other]}))
        .await;
    insta::assert_snapshot!(refused.said(), @"409 of_another_set: `tenant/acme` of tenant `acme` was applied by the set `platform`");
}

#[tokio::test]
async fn who_applies_may_do_each_single_thing() {
    let site = Site::start().await;
    site.post("/apply", &set(vec![tenant("acme", &["api"])]))
        .await
        .must(200);
    let operator = site.access("acme", "o", "operator").await;
    let ask = |body: Value| {
        let (site, operator) = (&site, &operator);
        async move {
            site.ask(operator, Method::POST, "/apply", Some(&body), &[])
                .await
        }
    };
    ask(set(vec![tenant("acme", &["api", "more"])]))
        .await
        .must(200);
    let mut formats = tenant("acme", &["api", "more"]);
    formats["token_configs"][0]["lifetime_seconds"] = json!(600);
    ask(set(vec![formats])).await.must(403);
    ask(set(vec![tenant("bolt", &[])])).await.must(404);
}
