//! An installation with its admin API, a clock that is set by hand, and somebody who asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use rolecall_access::{AccessText, AccessToken, Proof, Role, TokenKind};
use rolecall_admin_api::{AdminApi, Settings};
use rolecall_http_api::{Clock, Installation};
use rolecall_sealed::{ExposeSecret as _, MasterKey};
use rolecall_store::{AuditFilter, AuditRow, Store};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub struct Site {
    pub installation: Installation,
    pub clock: Arc<AtomicI64>,
    routes: Router,
    issuer: Router,
    /// The installation's admin, by word of the file.
    pub root: String,
    _folder: tempfile::TempDir,
}

pub const NOW: i64 = 1_800_000_000;
const MASTER: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// What a request was answered with.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub body: Value,
}

impl Answer {
    /// `status code: detail`.
    pub fn said(&self) -> String {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", self.status, text("code"), text("detail"))
    }

    #[track_caller]
    pub fn must(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

impl Site {
    pub async fn start() -> Self {
        Self::start_limited(1_000_000).await
    }

    pub async fn start_limited(requests_per_second: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(NOW));
        let read = Arc::clone(&clock);
        let time =
            Clock::new(move || Timestamp::from_second(read.load(Ordering::Relaxed)).unwrap());
        let store = Store::open(folder.path()).unwrap();
        let master = MasterKey::from_base64(&MASTER.to_owned().into()).unwrap();
        let installation = Installation::start(store, master, Vec::new(), time)
            .await
            .unwrap();
        let token = AccessToken::make(TokenKind::Access, &[9; 32], "", "root");
        let access = AccessText {
            name: "root".to_owned(),
            role: Role::Admin,
            proof: Proof::Token {
                digest: token.digest(),
                ends: None,
            },
        };
        let settings = Settings {
            access: BTreeMap::from([((String::new(), "root".to_owned()), access)]),
            providers: Vec::new(),
            session_seconds: 3600,
            requests_per_second,
        };
        let api = AdminApi::new(installation.clone(), settings);
        Self {
            routes: rolecall_admin_api::router(api),
            issuer: rolecall_http_api::router(installation.clone()),

            installation,
            clock,
            root: token.into_secret().expose_secret().to_owned(),
            _folder: folder,
        }
    }

    /// The same with the tenants `acme` and `bolt`, each with a token config and a workload.
    pub async fn peopled() -> Self {
        let site = Self::start().await;
        for name in ["acme", "bolt"] {
            site.post("/tenants", &settings(name)).await.must(201);
            site.put(
                &format!("/tenants/{name}/token-configs/aws"),
                &token_config("aws"),
            )
            .await
            .must(201);
            site.put(&format!("/tenants/{name}/workloads/api"), &workload("api"))
                .await
                .must(201);
        }
        site
    }

    pub fn later(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A token of somebody new.
    pub async fn access(&self, tenant: &str, name: &str, role: &str) -> String {
        let at = match tenant {
            "" => "/access".to_owned(),
            tenant => format!("/tenants/{tenant}/access"),
        };
        let made = self
            .post(&at, &json!({"name": name, "role": role}))
            .await
            .must(201);
        made.body["token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(&self.root, Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(&self.root, Method::POST, path, Some(body), &[])
            .await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(&self.root, Method::PUT, path, Some(body), &[])
            .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(&self.root, Method::DELETE, path, None, &[]).await
    }

    pub async fn ask(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let etag = header("etag");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        Answer { status, etag, body }
    }

    /// What the tenant's issuer serves.
    pub async fn issuer(&self, host: &str, path: &str) -> (u16, Value) {
        let request = Request::builder()
            .uri(path)
            .header("host", host)
            .body(Body::empty())
            .unwrap();
        let response = self.issuer.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The trail, once everything that was sent to it is in it.
    pub async fn trail(&self) -> Vec<AuditRow> {
        self.installation.store().check().await.unwrap();
        // A refusal is not waited for: a recorded row behind it tells that it is there.
        let record = rolecall_store::AuditRecord::new(
            Timestamp::from_second(NOW).unwrap(),
            rolecall_store::AuditKind::SignIn,
            "marker",
            rolecall_store::Outcome::Granted,
        );
        self.installation
            .store()
            .record(record, None)
            .await
            .unwrap();
        let reader = self.installation.store().reader();
        let mut rows = reader.audit(&AuditFilter::default()).await.unwrap();
        rows.retain(|row| row.record.tenant != "marker");
        rows
    }
}

pub fn settings(name: &str) -> Value {
    json!({
        "name": name,
        "issuer": format!("https://{name}.example"),
        "rules": {"attributes": {"team": {}}},
    })
}

pub fn token_config(name: &str) -> Value {
    json!({
        "name": name,
        "audience": format!("{name}.example.com"),
        "subject": "team:{team}:workload:{name}",
        "algorithm": "ES256",
    })
}

pub fn workload(name: &str) -> Value {
    json!({
        "name": name,
        "attributes": {"team": "data"},
        "token_configs": ["aws"],
        "keys": [key()],
    })
}

/// Somebody's public key.
pub fn key() -> Value {
    use rolecall_jose::{KeyKind, SigningKey};
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    serde_json::to_value(key.public_jwk()).unwrap()
}
