//! Roles that rely on what tokens say: no change locks anybody out unnoticed.

use http::Method;
use serde_json::{Value, json};

use crate::site::{Site, settings, token_config, workload};

const ROLE: &str = "arn:aws:iam::123456789012:role/data";

fn policy(subjects: &[&str]) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/acme.example"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {"acme.example:aud": "aws.example.com"},
                "StringLike": {"acme.example:sub": subjects},
            },
        }],
    })
    .to_string()
}

fn subscription(subjects: &[&str]) -> Value {
    json!({"name": "data", "role": ROLE, "policy": policy(subjects)})
}

fn changed() -> Value {
    let mut config = token_config("aws");
    config["subject"] = json!("group:{team}:workload:aws");
    config
}

const PLACE: &str = "/tenants/acme/trust-subscriptions/data";
const CONFIG: &str = "/tenants/acme/token-configs/aws";

#[tokio::test]
async fn a_format_that_locks_a_workload_out_needs_somebody_who_insists() {
    let site = Site::peopled().await;
    site.put(PLACE, &subscription(&["team:*:workload:*"]))
        .await
        .must(201);
    let refused = site.put(CONFIG, &changed()).await;
    insta::assert_snapshot!(refused.said(), @"409 locks_out: the change would lock workloads out of roles that let them in now: `api` with `aws` into `arn:aws:iam::123456789012:role/data`: `team:data:workload:api` is let in, `group:data:workload:aws` would not be");
    assert!(
        refused.body["hint"]
            .as_str()
            .unwrap()
            .contains("rolecall trust migrate")
    );
    assert_eq!(site.get(CONFIG).await.body["version"], 1);
    // An attribute that is in the subject is as much a change of what is said.
    let mut moved = workload("api");
    moved["attributes"]["team"] = json!("x:y");
    site.put("/tenants/acme/workloads/api", &moved)
        .await
        .must(200);
    moved["token_configs"] = json!(["aws"]);
    // The policy is widened, the subscription with it: then nobody is locked out.
    site.put(PLACE, &subscription(&["team:*:workload:*", "group:*"]))
        .await
        .must(200);
    site.put(CONFIG, &changed()).await.must(200);
    // And back again, the policy narrowed to the new form: insisted on.
    site.put(PLACE, &subscription(&["group:*"])).await.must(200);
    site.put(CONFIG, &token_config("aws")).await.must(409);
    site.put(&format!("{CONFIG}?force=true"), &token_config("aws"))
        .await
        .must(200);
}

#[tokio::test]
async fn who_is_not_let_in_now_is_not_locked_out() {
    let site = Site::peopled().await;
    site.put(PLACE, &subscription(&["somebody-else"]))
        .await
        .must(201);
    site.put(CONFIG, &changed()).await.must(200);
    // A workload that goes is meant to go.
    site.put(PLACE, &subscription(&["group:*"])).await.must(200);
    site.delete("/tenants/acme/workloads/api").await.must(204);
}

#[tokio::test]
async fn an_applied_set_is_held_back_as_a_whole() {
    let site = Site::start().await;
    let mut tenant = settings("acme");
    tenant["token_configs"] = json!([token_config("aws")]);
    tenant["workloads"] = json!([workload("api")]);
    tenant["trust_subscriptions"] = json!([subscription(&["team:data:*"])]);
    let apply = |tenant: &Value, force: bool| json!({"tenants": [tenant], "force": force});
    site.post("/apply", &apply(&tenant, false)).await.must(200);
    tenant["token_configs"] = json!([changed()]);
    tenant["workloads"]
        .as_array_mut()
        .unwrap()
        .push(workload("more"));
    site.post("/apply", &apply(&tenant, false)).await.must(409);
    site.get("/tenants/acme/workloads/more").await.must(404);
    site.post("/apply", &apply(&tenant, true)).await.must(200);
}

#[tokio::test]
async fn a_subscription_is_a_role_with_a_policy() {
    let site = Site::peopled().await;
    let put = |change: Value| {
        let mut subscription = subscription(&["x"]);
        for (name, value) in change.as_object().unwrap() {
            subscription[name] = value.clone();
        }
        let site = &site;
        async move {
            site.ask(&site.root, Method::PUT, PLACE, Some(&subscription), &[])
                .await
                .must(422)
                .said()
        }
    };
    insta::assert_snapshot!(put(json!({"role": "data"})).await, @"422 invalid: `data` is not a role's ARN");
    insta::assert_snapshot!(put(json!({"policy": "{\"Version\": "})).await, @r#"
422 invalid: policy:1:13: not JSON: expected value after colon in object property
  |
1 | {"Version": 
  |             ^
"#);
}
