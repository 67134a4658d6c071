//! Who is refused, in which words, and what the trail says of it.

use http::Method;
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::{Outcome, StoreOptions};
use serde_json::json;

use crate::site::{ISSUER, NOW, Site, answered, signed, tenant};

const FAST: &[(&str, &str)] = &[("token_config", "fast")];

#[tokio::test]
async fn evidence_that_proves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let try_claims = async |changes| {
        let assertion = site.assertion(changes);
        site.send(ISSUER, &assertion, FAST).await.error()
    };
    insta::assert_snapshot!(try_claims(json!({"exp": NOW - 400, "iat": NOW - 500})).await, @"401 invalid_client: the client assertion expired 400 s ago; make a new one for each request");
    insta::assert_snapshot!(try_claims(json!({"exp": NOW + 4000})).await, @"401 invalid_client: the client assertion expires in 4000 s; at most 600 s are accepted");
    insta::assert_snapshot!(try_claims(json!({"iat": NOW + 400, "exp": NOW + 500})).await, @"401 invalid_client: the `iat` of the client assertion is 400 s in the future; compare the clocks");
    insta::assert_snapshot!(try_claims(json!({"aud": "https://other.example"})).await, @"401 invalid_client: the client assertion is not meant for this issuer: its `aud` must be `https://acme.example` or `https://acme.example/oauth2/token`");
    insta::assert_snapshot!(try_claims(json!({"iss": "web", "sub": "web"})).await, @"401 invalid_client: there is no workload `web`");
    insta::assert_snapshot!(try_claims(json!({"sub": "web"})).await, @"401 invalid_client: `iss` and `sub` of the client assertion differ; both must be the workload's name");
    insta::assert_snapshot!(try_claims(json!({"jti": null})).await, @"401 invalid_client: the client assertion has no `jti`");

    let stranger = SigningKey::generate(KeyKind::P256).unwrap();
    let claims = json!({
        "iss": "api", "sub": "api", "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "s",
    });
    let forged = site
        .send(ISSUER, &signed(&stranger, &claims), FAST)
        .await
        .error();
    insta::assert_snapshot!(forged.replace(stranger.kid(), "KID"), @"401 invalid_client: the workload has no key with `kid` `KID`; it was removed or never registered");
    let torn = site.assertion(json!({}));
    insta::assert_snapshot!(site.send(ISSUER, &torn[..torn.len() / 2], FAST).await.error(), @"401 invalid_client: the client assertion was not accepted: the token has 2 part(s) separated by `.` instead of 3; it may be truncated or not be a JWT");
    // {"alg":"none"} . {"iss":"api","sub":"api"} .
    let unsigned = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhcGkiLCJzdWIiOiJhcGkifQ.";
    insta::assert_snapshot!(site.send(ISSUER, unsigned, FAST).await.error(), @"401 invalid_client: the client assertion was not accepted: the token is not signed: its `alg` is `none`");
    // The head and claims of one assertion under the signature of another.
    let grafted = format!(
        "{}.{}",
        torn.rsplit_once('.').unwrap().0,
        signed(&stranger, &claims).rsplit_once('.').unwrap().1
    );
    insta::assert_snapshot!(site.send(ISSUER, &grafted, FAST).await.error(), @"401 invalid_client: the client assertion was not accepted: the signature does not match: the token was altered or signed by another key");
    // Nothing was granted, and everything was noted.
    site.installation.close().await;
    let trail = site.trail().await;
    assert_eq!(trail.len(), 11);
    assert!(
        trail
            .iter()
            .all(|row| row.record.outcome == Outcome::Refused)
    );
    // Base64 of `{"`: how every assertion and every token begins.
    assert!(!serde_json::to_string(&trail).unwrap().contains("eyJ"));
}

#[tokio::test]
async fn an_assertion_serves_once() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let assertion = site.assertion(json!({"jti": "once"}));
    site.send(ISSUER, &assertion, FAST).await.token();
    let again = site.send(ISSUER, &assertion, FAST).await.error();
    insta::assert_snapshot!(again, @"401 invalid_client: the client assertion was used before; make a new one, with its own `jti`, for each request");
    // Another assertion with the same `jti` is a replay just as well.
    let other = site.assertion(json!({"jti": "once", "exp": NOW + 60}));
    assert_eq!(site.send(ISSUER, &other, FAST).await.status, 401);
}

#[tokio::test]
async fn of_many_at_once_with_one_assertion_one_is_served() {
    let scratch = tempfile::tempdir().unwrap();
    let site = std::sync::Arc::new(Site::start(scratch.path()).await);
    let assertion = site.assertion(json!({}));
    let asking: Vec<_> = (0..16)
        .map(|_| {
            let (site, assertion) = (std::sync::Arc::clone(&site), assertion.clone());
            tokio::spawn(async move { site.send(ISSUER, &assertion, FAST).await.status })
        })
        .collect();
    let mut served = 0;
    for asked in asking {
        served += usize::from(asked.await.unwrap() == 200);
    }
    assert_eq!(served, 1);
}

#[tokio::test]
async fn more_than_the_workload_may_have() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let ask = async |parameters: &[(&str, &str)]| site.ask(parameters).await.error();
    insta::assert_snapshot!(ask(&[("token_config", "nothing")]).await, @"400 invalid_target: the issuer does not have the token config `nothing`; the workload may use `aws`, `fast`");
    insta::assert_snapshot!(ask(&[("token_config", "other")]).await, @"400 unauthorized_client: the workload may not use the token config `other`; it may use `aws`, `fast`");
    insta::assert_snapshot!(ask(&[("audience", "nobody.example")]).await, @"400 invalid_target: the issuer does not have the audience `nobody.example`; the workload may use `aws`, `fast`");
    insta::assert_snapshot!(ask(&[("audience", "other.example")]).await, @"400 unauthorized_client: the workload may not use the audience `other.example`; it may use `aws`, `fast`");
    insta::assert_snapshot!(ask(&[]).await, @"400 invalid_request: say which token is meant: send `token_config` with one of `aws`, `fast`");
    insta::assert_snapshot!(
        ask(&[("token_config", "fast"), ("audience", "sts.amazonaws.com")]).await,
        @"400 invalid_target: the issuer does not have the token config `fast` with the audience `sts.amazonaws.com`; the workload may use `aws`, `fast`"
    );
    let with =
        async |attributes: &str| ask(&[("token_config", "fast"), ("attributes", attributes)]).await;
    insta::assert_snapshot!(with(r#"{"deployment_id":"43"}"#).await, @"400 invalid_scope: the workload may not choose the attribute `deployment_id`; it may choose `component`");
    insta::assert_snapshot!(with(r#"{"component":"root"}"#).await, @"400 invalid_scope: the workload may not choose `root` as its `component`; it may choose `cube_api`, `cube_store`");
    insta::assert_snapshot!(with(r#"{"component":7}"#).await, @"400 invalid_request: `attributes` must be a JSON object of texts, such as {'component':'cube_api'} with double quotes");
    insta::assert_snapshot!(with("component").await, @"400 invalid_request: `attributes` must be a JSON object of texts, such as {'component':'cube_api'} with double quotes");
    insta::assert_snapshot!(
        ask(&[("token_config", "fast"), ("role", "arn:aws:iam::111122223333:role/admin")]).await,
        @"400 invalid_target: the token config `fast` does not offer the role `arn:aws:iam::111122223333:role/admin`: it is not in `aws.roles`; ARNs are compared character by character"
    );
    insta::assert_snapshot!(
        ask(&[("token_config", "fast"), ("client_id", "somebody")]).await,
        @"401 invalid_client: `client_id` is `somebody`, but the client assertion is of `api`"
    );
    // The trail names who it was: the assertion was good each time.
    site.installation.close().await;
    let trail = site.trail().await;
    assert_eq!(trail.len(), 12);
    for row in &trail {
        assert_eq!(row.record.outcome, Outcome::Refused);
        assert_eq!(row.record.workload.as_deref(), Some("api"));
        assert!(row.record.jti.is_none() && row.record.reason.is_some());
    }
}

#[tokio::test]
async fn a_request_of_the_wrong_form() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let path = "/oauth2/token";
    let get = answered(site.request(Method::GET, path)).await;
    assert_eq!(get.headers["allow"], "POST");
    insta::assert_snapshot!(get.error(), @"405 invalid_request: tokens are asked for with POST");
    let json = answered(site.request(Method::POST, path).json(&json!({}))).await;
    insta::assert_snapshot!(json.error(), @"400 invalid_request: the body must be a form: send `Content-Type: application/x-www-form-urlencoded`");
    let form = [(
        "content-type",
        "application/x-www-form-urlencoded;charset=UTF-8",
    )];
    let empty = site
        .request(Method::POST, path)
        .header(form[0].0, form[0].1);
    insta::assert_snapshot!(answered(empty).await.error(), @"400 invalid_request: the parameter `grant_type` is missing; use `client_credentials`, or `urn:ietf:params:oauth:grant-type:token-exchange` with a token of a trusted issuer");
    let large = site
        .request(Method::POST, path)
        .header(form[0].0, form[0].1)
        .body("x".repeat(70_000));
    insta::assert_snapshot!(answered(large).await.error(), @"413 invalid_request: the body is larger than 65536 bytes");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_issued() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let tenants = vec![tenant("acme", ISSUER, &key)];
    // Room for the tenant and its keys, and for some rows.
    let options = StoreOptions {
        page_limit: Some(24),
        ..StoreOptions::default()
    };
    let site = Site::start_with(scratch.path(), key, tenants, &options).await;
    let mut granted = 0;
    let refused = loop {
        let answer = site.ask(FAST).await;
        if answer.status != 200 {
            break answer;
        }
        granted += 1;
        assert!(granted < 1000, "the limit never bound");
    };
    assert_eq!(refused.headers["retry-after"], "1");
    insta::assert_snapshot!(refused.error(), @"503 temporarily_unavailable: the token could not be recorded and so was not issued; try again with a new assertion");
    // Refusals are smaller than grants and may still fit; then nothing does.
    let mut tries = 0;
    while site.get("any", "/readyz").await.status != 503 {
        assert_ne!(site.ask(FAST).await.status, 200);
        tries += 1;
        assert!(tries < 100, "it stays ready");
    }
    let rows = site.trail().await;
    let recorded = rows
        .iter()
        .filter(|row| row.record.outcome == Outcome::Granted);
    assert_eq!(recorded.count(), granted);
    assert_eq!(site.get("any", "/healthz").await.status, 200);
    assert_eq!(
        site.get("acme.example", "/.well-known/jwks.json")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn strangers_cannot_fill_the_trail() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    for _ in 0..150 {
        let answer = site.send(ISSUER, "not.an.assertion", FAST).await;
        assert_eq!(answer.status, 401);
    }
    // The clock stands still, so all of it is one second; whoever proves itself is still heard.
    assert_eq!(site.ask(&[("token_config", "other")]).await.status, 400);
    site.installation.close().await;
    let trail = site.trail().await;
    assert_eq!(trail.len(), 101);
    assert_eq!(trail[100].record.workload.as_deref(), Some("api"));
}
