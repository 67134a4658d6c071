use http::Method;
use rolecall_store::{AuditKind, Outcome};
use serde_json::json;

use crate::site::{Site, token_config, workload};

#[tokio::test]
async fn nobody_gets_anything_without_a_good_token() {
    let site = Site::peopled().await;
    let ended = site
        .post(
            "/tenants/acme/access",
            &json!({"name": "short", "role": "admin", "lifetime_seconds": 60}),
        )
        .await
        .must(201);
    let ended = ended.body["token"].as_str().unwrap().to_owned();
    let withdrawn = site.access("acme", "gone", "admin").await;
    site.delete("/tenants/acme/access/gone").await.must(204);
    site.later(61);
    let other_random = format!("{}x", &site.root[..site.root.len() - 1]);
    for token in ["", "nonsense", &ended, &withdrawn, &other_random] {
        for (method, path) in [
            (Method::GET, "/tenants"),
            (Method::GET, "/tenants/acme"),
            (Method::DELETE, "/tenants/acme"),
            (Method::GET, "/audit"),
            (Method::POST, "/apply"),
        ] {
            let answer = site.ask(token, method, path, None, &[]).await;
            assert_eq!(answer.status, 401, "{token} {path} {}", answer.body);
        }
    }
    let rows = site.trail().await;
    assert!(rows.iter().any(|row| {
        row.record.kind == AuditKind::SignIn
            && row.record.outcome == Outcome::Refused
            && row.record.actor.as_deref() == Some("acme/short")
    }));
}

#[tokio::test]
async fn each_role_may_what_it_may() {
    let site = Site::peopled().await;
    let admin = site.access("acme", "a", "admin").await;
    let operator = site.access("acme", "o", "operator").await;
    let viewer = site.access("acme", "v", "viewer").await;
    let auditor = site.access("acme", "u", "auditor").await;
    let everybody = [&admin, &operator, &viewer, &auditor];
    let config = token_config("more");
    let made = workload("more");
    let access = json!({"name": "x", "role": "viewer"});
    let order = json!({"order": "replace"});
    let kid = site.get("/tenants/acme/keys").await.body["items"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let kid = format!("/tenants/acme/keys/{kid}/order");
    let tenant = site.get("/tenants/acme").await.body["spec"].clone();
    // Of admin, operator, viewer, auditor.
    let cases = [
        (Method::GET, "/tenants/acme", None, [200, 200, 200, 200]),
        (
            Method::GET,
            "/tenants/acme/workloads",
            None,
            [200, 200, 200, 200],
        ),
        (
            Method::GET,
            "/tenants/acme/keys",
            None,
            [200, 200, 200, 200],
        ),
        (
            Method::GET,
            "/tenants/acme/audit",
            None,
            [200, 403, 403, 200],
        ),
        (
            Method::GET,
            "/tenants/acme/access",
            None,
            [200, 403, 403, 200],
        ),
        (
            Method::PUT,
            "/tenants/acme/workloads/more",
            Some(&made),
            [201, 200, 403, 403],
        ),
        (
            Method::PUT,
            "/tenants/acme/token-configs/more",
            Some(&config),
            [201, 403, 403, 403],
        ),
        (
            Method::PUT,
            "/tenants/acme",
            Some(&tenant),
            [200, 403, 403, 403],
        ),
        (
            Method::POST,
            "/tenants/acme/access",
            Some(&access),
            [201, 403, 403, 403],
        ),
        (Method::POST, &kid, Some(&order), [202, 403, 403, 403]),
        (Method::GET, "/audit", None, [403, 403, 403, 403]),
        (Method::GET, "/access", None, [403, 403, 403, 403]),
        (Method::DELETE, "/tenants/acme", None, [403, 403, 403, 403]),
        (Method::GET, "/tenants/bolt", None, [404, 404, 404, 404]),
        (Method::GET, "/tenants/nowhere", None, [404, 404, 404, 404]),
    ];
    for (method, path, body, statuses) in cases {
        for (token, status) in everybody.iter().zip(statuses) {
            let answer = site.ask(token, method.clone(), path, body, &[]).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        }
    }
    // What is not there and what is another's are the same to it.
    let [there, nowhere] = ["/tenants/bolt", "/tenants/nowhere"];
    let there = site.ask(&admin, Method::GET, there, None, &[]).await;
    let nowhere = site.ask(&admin, Method::GET, nowhere, None, &[]).await;
    assert_eq!(there.said().replace("bolt", "nowhere"), nowhere.said());
    let listed = site.ask(&viewer, Method::GET, "/tenants", None, &[]).await;
    let listed = listed.body["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 1);
    insta::assert_snapshot!(
        site.ask(&operator, Method::PUT, "/tenants/acme/token-configs/more", Some(&config), &[]).await.said(),
        @"403 forbidden: `acme/o` may not change token configs here; this takes the role admin"
    );
}

#[tokio::test]
async fn refusals_and_changes_are_in_the_trail_with_who_and_what() {
    let site = Site::peopled().await;
    let viewer = site.access("acme", "v", "viewer").await;
    site.ask(
        &viewer,
        Method::DELETE,
        "/tenants/acme/workloads/api",
        None,
        &[],
    )
    .await
    .must(403);
    let rows = site.trail().await;
    let told: Vec<String> = rows
        .iter()
        .filter(|row| row.record.tenant == "acme" && row.record.kind == AuditKind::Change)
        .map(|row| {
            let record = &row.record;
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            format!(
                "{:?} {} {} {}",
                record.outcome,
                text(&record.actor),
                text(&record.target),
                text(&record.reason)
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
Granted root tenant/acme 
Granted root token_config/aws 
Granted root workload/api 
Granted root access/v given the role viewer
Refused acme/v workload/api may not register workloads
"#);
}

#[tokio::test]
async fn a_password_opens_a_session_that_ends_with_it() {
    let site = Site::peopled().await;
    let alice = json!({"name": "alice", "role": "viewer", "password": "correct horse battery"});
    let made = site.post("/tenants/acme/access", &alice).await.must(201);
    assert!(made.body.get("token").is_none());
    let sign_in =
        |password: &'static str| json!({"tenant": "acme", "name": "alice", "password": password});
    let wrong = site
        .ask(
            "",
            Method::POST,
            "/sessions",
            Some(&sign_in("wrong horse battery")),
            &[],
        )
        .await;
    insta::assert_snapshot!(wrong.said(), @"401 unauthorized: there is nobody of this name with this password");
    let nobody = json!({"name": "nobody", "password": "correct horse battery"});
    let unknown = site
        .ask("", Method::POST, "/sessions", Some(&nobody), &[])
        .await;
    assert_eq!(unknown.said(), wrong.said());
    let open = || async {
        let opened = site
            .ask(
                "",
                Method::POST,
                "/sessions",
                Some(&sign_in("correct horse battery")),
                &[],
            )
            .await
            .must(201);
        opened.body["token"].as_str().unwrap().to_owned()
    };
    let session = open().await;
    let me = site
        .ask(&session, Method::GET, "/me", None, &[])
        .await
        .must(200);
    assert_eq!(
        me.body,
        json!({"name": "acme/alice", "grants": [{"tenant": "acme", "role": "viewer"}]})
    );
    site.ask(&session, Method::DELETE, "/sessions/current", None, &[])
        .await
        .must(204);
    site.ask(&session, Method::GET, "/me", None, &[])
        .await
        .must(401);
    // Time ends it, and so does the end of the access.
    let session = open().await;
    site.later(3_601);
    site.ask(&session, Method::GET, "/me", None, &[])
        .await
        .must(401);
    let session = open().await;
    site.delete("/tenants/acme/access/alice").await.must(204);
    site.ask(&session, Method::GET, "/me", None, &[])
        .await
        .must(401);
    // Somebody else of the same name does not get the session back.
    site.post("/tenants/acme/access", &alice).await.must(201);
    site.ask(&session, Method::GET, "/me", None, &[])
        .await
        .must(401);
    site.post(
        "/tenants/acme/access",
        &json!({"name": "b", "role": "viewer", "password": "short"}),
    )
    .await
    .must(422);
}

#[tokio::test]
async fn passwords_are_not_tried_for_ever() {
    let site = Site::peopled().await;
    let body = json!({"name": "alice", "password": "wrong horse battery"});
    let mut last = 0;
    for _ in 0..30 {
        last = site
            .ask("", Method::POST, "/sessions", Some(&body), &[])
            .await
            .status;
        if last == 429 {
            break;
        }
        assert_eq!(last, 401);
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn one_asker_has_its_share_and_no_more() {
    let site = Site::start_limited(5).await;
    let mut refused = 0;
    for _ in 0..40 {
        if site.get("/me").await.status == 429 {
            refused += 1;
        }
    }
    assert!(refused > 0);
}
