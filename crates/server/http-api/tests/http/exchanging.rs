//! Tokens of trusted issuers, exchanged for ours (RFC 8693).

use rolecall_http_api::{InstallationError, TenantDeclaration, check};
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::{Outcome, StoreOptions};
use serde_json::{Value, json};

use crate::site::{Answer, ISSUER, NOW, Site, answered, signed, tenant};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const CLUSTER: &str = "https://cluster.example";

/// The tenant `acme` that trusts a cluster with this key, offline; `pod` is a workload without a key
/// of its own, and takes what is `cube-…` in the namespace `data`.
fn trusting(key: &SigningKey, cluster: &SigningKey) -> TenantDeclaration {
    with(tenant("acme", ISSUER, key), &mut |tenant| {
        tenant["trusted_issuers"] = json!([{
            "name": "cluster", "preset": "kubernetes", "issuer": CLUSTER,
            "keys": { "offline": { "keys": [cluster.public_jwk()] } },
        }]);
        let workloads = tenant["workloads"].as_array_mut().unwrap();
        workloads.push(json!({
            "name": "pod",
            "attributes": { "team": "data" },
            "may_claim": { "component": ["cube_api"] },
            "token_configs": ["aws", "fast"],
            "evidence": [{
                "from": "cluster",
                "where": { "namespace": "data", "service_account": { "like": "cube-*" } },
                "attributes": { "deployment_id": "service_account" },
            }],
        }));
    })
}

fn with(tenant: TenantDeclaration, change: &mut dyn FnMut(&mut Value)) -> TenantDeclaration {
    let mut json = serde_json::to_value(tenant).unwrap();
    change(&mut json);
    serde_json::from_value(json).unwrap()
}

/// A cluster's token with these changes to good claims; null leaves one out.
fn evidence(cluster: &SigningKey, changes: Value) -> String {
    let mut claims = json!({
        "iss": CLUSTER, "aud": [ISSUER], "sub": "system:serviceaccount:data:cube-api",
        "iat": NOW - 5, "exp": NOW + 600, "jti": "t-1",
        "kubernetes.io": { "namespace": "data", "serviceaccount": { "name": "cube-api" } },
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    signed(cluster, &claims)
}

fn service_account(namespace: &str, name: &str) -> Value {
    json!({ "namespace": namespace, "serviceaccount": { "name": name } })
}

async fn exchange(site: &Site, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", EXCHANGE),
        ("subject_token_type", JWT),
        ("subject_token", token),
        ("audience", "fast.example"),
    ];
    for (name, value) in more {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    answered(
        site.request(http::Method::POST, "/oauth2/token")
            .form(&form),
    )
    .await
}

async fn start(folder: &std::path::Path, cluster: &SigningKey) -> Site {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let tenants = vec![trusting(&key, cluster)];
    Site::start_with(folder, key, tenants, &StoreOptions::default()).await
}

#[tokio::test]
async fn good_evidence_becomes_a_token_with_the_attributes_that_it_brings() {
    let scratch = tempfile::tempdir().unwrap();
    let cluster = SigningKey::generate(KeyKind::P256).unwrap();
    let site = start(scratch.path(), &cluster).await;
    let more = [
        ("attributes", r#"{"component":"cube_api"}"#),
        ("requested_token_type", JWT),
    ];
    let answer = exchange(&site, &evidence(&cluster, json!({})), &more).await;
    assert_eq!(answer.json()["issued_token_type"], JWT);
    let (_, claims) = site.verified(ISSUER, &answer.token()).await;
    assert_eq!(claims["sub"], "cube:deployment:cube-api:component:cube_api");

    // The token config by the `resource` of RFC 8707, and by name.
    for more in [
        [("audience", ""), ("resource", "fast.example")],
        [("audience", ""), ("token_config", "aws")],
    ] {
        let token = evidence(&cluster, json!({ "jti": more[1].1 }));
        assert_eq!(exchange(&site, &token, &more).await.status, 200);
    }
    site.installation.close().await;
    let trail = site.trail().await;
    assert!(
        trail
            .iter()
            .all(|row| row.record.outcome == Outcome::Granted
                && row.record.workload.as_deref() == Some("pod"))
    );
    assert!(!serde_json::to_string(&trail).unwrap().contains("eyJ"));

    let discovery = grants(&site).await;
    assert_eq!(discovery, json!(["client_credentials", EXCHANGE]));
}

async fn grants(site: &Site) -> Value {
    let path = "/.well-known/openid-configuration";
    site.get("acme.example", path).await.json()["grant_types_supported"].clone()
}

#[tokio::test]
async fn evidence_that_is_refused_and_why() {
    let scratch = tempfile::tempdir().unwrap();
    let cluster = SigningKey::generate(KeyKind::P256).unwrap();
    let site = start(scratch.path(), &cluster).await;
    let changed = async |changes| {
        exchange(&site, &evidence(&cluster, changes), &[])
            .await
            .error()
    };
    insta::assert_snapshot!(changed(json!({ "aud": "https://other.example" })).await, @"400 invalid_request: the evidence is not meant for this issuer: its `aud` must be `https://acme.example`");
    insta::assert_snapshot!(changed(json!({ "iss": "https://other.example" })).await, @"400 invalid_request: the evidence is of the issuer `https://other.example`, which is not trusted here; issuers are compared character by character");
    insta::assert_snapshot!(changed(json!({ "exp": NOW - 60 })).await, @"400 invalid_request: the evidence expired 60 s ago");
    insta::assert_snapshot!(changed(json!({ "iat": NOW - 4000 })).await, @"400 invalid_request: the evidence was made 4000 s ago; at most 3600 s are accepted of its issuer");
    insta::assert_snapshot!(changed(json!({ "nbf": NOW + 90 })).await, @"400 invalid_request: the `nbf` of the evidence is 90 s in the future; compare the clocks");
    insta::assert_snapshot!(changed(json!({ "kubernetes.io": service_account("data", "worker") })).await, @"400 invalid_request: the `service_account` of the evidence is `worker`, which the workload does not accept");
    insta::assert_snapshot!(changed(json!({ "kubernetes.io": service_account("web", "cube-api") })).await, @"400 invalid_request: no workload takes this token of the trusted issuer `cluster`: its claims fit no workload's rules");

    let with = async |more: &[(&str, &str)]| {
        let token = evidence(&cluster, json!({ "jti": "with" }));
        exchange(&site, &token, more).await.error()
    };
    insta::assert_snapshot!(with(&[("client_id", "api")]).await, @"400 invalid_request: there is no workload `api` that takes tokens of the trusted issuer `cluster`");
    insta::assert_snapshot!(with(&[("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")]).await, @"400 invalid_request: the subject token type `urn:ietf:params:oauth:token-type:saml2` is not supported; use `urn:ietf:params:oauth:token-type:jwt` or `urn:ietf:params:oauth:token-type:id_token`");
    insta::assert_snapshot!(with(&[("subject_token_type", "")]).await, @"400 invalid_request: the parameter `subject_token_type` is missing; use `urn:ietf:params:oauth:token-type:jwt` or `urn:ietf:params:oauth:token-type:id_token`");
    insta::assert_snapshot!(with(&[("subject_token", "")]).await, @"400 invalid_request: the parameter `subject_token` is missing: send a token of a trusted issuer");
    insta::assert_snapshot!(with(&[("requested_token_type", "urn:x")]).await, @"400 invalid_request: tokens of the type `urn:x` are not issued; leave `requested_token_type` out, or use `urn:ietf:params:oauth:token-type:jwt`");
    insta::assert_snapshot!(with(&[("actor_token", "x")]).await, @"400 invalid_request: an `actor_token` is not supported: workloads ask for themselves");
    insta::assert_snapshot!(with(&[("client_assertion", "x")]).await, @"400 invalid_request: the subject token is the proof of a token exchange: leave client assertion and client secret out");
    insta::assert_snapshot!(with(&[("subject_token", "a.b.c")]).await, @"400 invalid_request: the evidence was not accepted: the header is not base64url without padding; the token may be truncated or altered");
    insta::assert_snapshot!(with(&[("subject_token", &"a".repeat(30_000))]).await, @"400 invalid_request: the evidence has 30000 bytes; at most 24576 are looked at");

    // Proven, but asking for what it may not have.
    let target = async |jti: &str, more: &[(&str, &str)]| {
        let token = evidence(&cluster, json!({ "jti": jti }));
        exchange(&site, &token, more).await.error()
    };
    insta::assert_snapshot!(target("a", &[("audience", "unknown.example")]).await, @"400 invalid_target: the issuer does not have the audience `unknown.example`; the workload may use `aws`, `fast`");
    insta::assert_snapshot!(target("b", &[("resource", "sts.amazonaws.com")]).await, @"400 invalid_target: the issuer does not have the audience `fast.example`; the workload may use `aws`, `fast`");
    insta::assert_snapshot!(target("c", &[("audience", "other.example")]).await, @"400 unauthorized_client: the workload may not use the audience `other.example`; it may use `aws`, `fast`");
    insta::assert_snapshot!(target("d", &[("attributes", r#"{"deployment_id":"43"}"#)]).await, @"400 invalid_scope: the workload may not choose the attribute `deployment_id`; it may choose `component`");
    insta::assert_snapshot!(target("e", &[("attributes", r#"{"component":"cube_store"}"#)]).await, @"400 invalid_scope: the workload may not choose `cube_store` as its `component`; it may choose `cube_api`");

    site.installation.close().await;
    assert!(
        site.trail()
            .await
            .iter()
            .all(|row| row.record.outcome == Outcome::Refused)
    );
}

#[tokio::test]
async fn evidence_is_taken_once_even_by_the_next_process() {
    let scratch = tempfile::tempdir().unwrap();
    let cluster = SigningKey::generate(KeyKind::P256).unwrap();
    let site = start(scratch.path(), &cluster).await;
    let by_jti = evidence(&cluster, json!({}));
    let nameless = evidence(&cluster, json!({ "jti": null }));
    for token in [&by_jti, &nameless] {
        assert_eq!(exchange(&site, token, &[]).await.status, 200);
        let again = exchange(&site, token, &[]).await.error();
        insta::allow_duplicates! {
            insta::assert_snapshot!(again, @"400 invalid_request: the evidence was used before, and its issuer is trusted for each token once; ask the issuer for a new one, or declare `one_use: false` where its tokens are made to be used again");
        }
    }
    let key = site.stop().await;
    let tenants = vec![trusting(&key, &cluster)];
    let site = Site::start_with(scratch.path(), key, tenants, &StoreOptions::default()).await;
    for token in [&by_jti, &nameless] {
        assert_eq!(
            exchange(&site, token, &[]).await.json()["error"],
            "invalid_request"
        );
    }
    // A registered workload's own `jti` of the same text is another thing.
    let assertion = site.assertion(json!({ "jti": "t-1" }));
    let own = site
        .send(ISSUER, &assertion, &[("token_config", "fast")])
        .await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn evidence_that_fits_two_workloads_needs_the_name_of_one() {
    let scratch = tempfile::tempdir().unwrap();
    let cluster = SigningKey::generate(KeyKind::P256).unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let declared = with(trusting(&key, &cluster), &mut |tenant| {
        let mut twin = tenant["workloads"][1].clone();
        twin["name"] = json!("twin");
        twin["evidence"][0]["where"] = json!({ "namespace": "data" });
        tenant["workloads"].as_array_mut().unwrap().push(twin);
    });
    let site = Site::start_with(
        scratch.path(),
        key,
        vec![declared],
        &StoreOptions::default(),
    )
    .await;
    let token = evidence(&cluster, json!({}));
    insta::assert_snapshot!(exchange(&site, &token, &[]).await.error(), @"400 invalid_request: the evidence fits more than one workload: say which is meant, with `client_id`");
    assert_eq!(
        exchange(&site, &token, &[("client_id", "twin")])
            .await
            .status,
        200
    );
    site.installation.close().await;
    assert_eq!(
        site.trail()
            .await
            .last()
            .unwrap()
            .record
            .workload
            .as_deref(),
        Some("twin")
    );
}

#[tokio::test]
async fn an_attribute_of_evidence_never_falls_back_to_what_stands_in_for_it() {
    let scratch = tempfile::tempdir().unwrap();
    let cluster = SigningKey::generate(KeyKind::P256).unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let declared = with(trusting(&key, &cluster), &mut |tenant| {
        let own_key = tenant["workloads"][0]["keys"].clone();
        tenant["workloads"][1]["keys"] = own_key;
    });
    let site = Site::start_with(
        scratch.path(),
        key,
        vec![declared],
        &StoreOptions::default(),
    )
    .await;
    let assertion = site.assertion(json!({ "iss": "pod", "sub": "pod" }));
    insta::assert_snapshot!(site.send(ISSUER, &assertion, &[("token_config", "fast")]).await.error(), @"400 invalid_request: the attribute `deployment_id` comes with other evidence of this workload; ask with that");
}

#[test]
fn declarations_that_cannot_be() {
    let cluster = SigningKey::generate(KeyKind::P256).unwrap();
    let refused = |change: &mut dyn FnMut(&mut Value)| match check(&[with(
        trusting(&cluster, &cluster),
        change,
    )])
    .unwrap_err()
    {
        InstallationError::Declaration { field, message } => format!("{field}: {message}"),
        other => panic!("{other}"),
    };
    let evidence = |tenant: &mut Value, change: Value| {
        for (name, value) in change.as_object().unwrap() {
            tenant["workloads"][1]["evidence"][0][name] = value.clone();
        }
    };
    insta::assert_snapshot!(refused(&mut |tenant| evidence(tenant, json!({ "from": "github" }))), @"tenants[0].workloads[1].evidence[0].from: the tenant trusts no issuer `github`; it trusts `cluster`");
    insta::assert_snapshot!(refused(&mut |tenant| evidence(tenant, json!({ "where": {} }))), @"tenants[0].workloads[1].evidence[0].where: without conditions every token of `cluster` would do: name at least one claim");
    insta::assert_snapshot!(refused(&mut |tenant| evidence(tenant, json!({ "attributes": { "team": "namespace" } }))), @"tenants[0].workloads[1].evidence[0].attributes.team: the attribute `team` cannot be taken from a claim: it is among the workload's fixed `attributes`");
    insta::assert_snapshot!(refused(&mut |tenant| evidence(tenant, json!({ "attributes": { "name": "namespace" } }))), @"tenants[0].workloads[1].evidence[0].attributes.name: the attribute `name` cannot be taken from a claim: it is the workload's own name");
    insta::assert_snapshot!(refused(&mut |tenant| evidence(tenant, json!({ "attributes": { "component": "namespace" } }))), @"tenants[0].workloads[1].evidence[0].attributes.component: the attribute `component` cannot be taken from a claim: it is among those in `may_claim`, so that the workload could name another's");
    insta::assert_snapshot!(refused(&mut |tenant| tenant["workloads"][1]["evidence"] = json!([])), @"tenants[0].workloads[1].keys: the workload `pod`: the workload has 0 keys; 1 to 16 are possible");
    insta::assert_snapshot!(refused(&mut |tenant| {
        tenant["trusted_issuers"][0]["keys"] = json!("discovery");
        tenant["trusted_issuers"][0]["authorities"] = json!("x");
    }), @"tenants[0].trusted_issuers[0].ca_file: the certificates for `https://cluster.example` cannot be used: there is no `-----BEGIN CERTIFICATE-----` in it");
    insta::assert_snapshot!(refused(&mut |tenant| {
        let mut twin = tenant["trusted_issuers"][0].clone();
        twin["name"] = json!("twin");
        tenant["trusted_issuers"].as_array_mut().unwrap().push(twin);
    }), @"tenants[0].trusted_issuers[1].issuer: `https://cluster.example` is trusted as `cluster` already; give that one all audiences");
}
