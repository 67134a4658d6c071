//! A running issuer with its clock, its workload's key and a client.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use rolecall_http_api::{
    Clock, Installation, InstallationError, Server, TenantDeclaration, router,
};
use rolecall_jose::{Compact, JwkSet, KeyKind, SigningKey, VerifyingKey, sign_compact};
use rolecall_sealed::{ExposeSecret, MasterKey, SecretString};
use rolecall_store::{AuditFilter, AuditRow, Location, Reader, Store, StoreOptions};
use serde_json::{Map, Value, json};

pub struct Site {
    pub address: SocketAddr,
    pub clock: Arc<AtomicI64>,
    pub key: SigningKey,
    pub installation: Installation,
    http: reqwest::Client,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
    serving: Option<tokio::task::JoinHandle<()>>,
    folder: PathBuf,
}

/// What a request was answered with.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// `status error: description`.
    pub fn error(&self) -> String {
        let json = self.json();
        format!(
            "{} {}: {}",
            self.status,
            json["error"].as_str().unwrap(),
            json["error_description"].as_str().unwrap()
        )
    }

    pub fn token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["access_token"].as_str().unwrap().to_owned()
    }
}

pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://acme.example";
pub const MASTER: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A tenant with an RS256 config `aws`, an ES256 config `fast` and a config `other` that the
/// workload `api` may not use.
pub fn tenant(name: &str, issuer: &str, key: &SigningKey) -> TenantDeclaration {
    let config = |name: &str, audience: &str, algorithm: &str| {
        json!({
            "name": name, "audience": audience, "algorithm": algorithm, "lifetime_seconds": 900,
            "subject": "cube:deployment:{deployment_id}:component:{component}",
            "claims": {"team": "data", "groups": ["a", "b"]},
            "aws": {
                "session_tags": {"team": "{team}"},
                "transitive_tag_keys": ["team"],
                "source_identity": "d-{deployment_id}",
                "roles": ["arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/writer"],
            },
        })
    };
    serde_json::from_value(json!({
        "name": name,
        "issuer": issuer,
        "rules": {"attributes": {
            "deployment_id": {},
            "component": {"stand_in": "global"},
            "team": {},
        }},
        "token_configs": [
            config("aws", "sts.amazonaws.com", "RS256"),
            config("fast", "fast.example", "ES256"),
            config("other", "other.example", "ES256"),
        ],
        "workloads": [{
            "name": "api",
            "attributes": {"deployment_id": "42", "team": "data"},
            "may_claim": {"component": ["cube_api", "cube_store"]},
            "token_configs": ["aws", "fast"],
            "keys": [key.public_jwk()],
        }],
    }))
    .unwrap()
}

impl Site {
    /// The tenant `acme` in a fresh folder.
    pub async fn start(folder: &Path) -> Self {
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        let tenants = vec![tenant("acme", ISSUER, &key)];
        Self::start_with(folder, key, tenants, &StoreOptions::default()).await
    }

    pub async fn start_with(
        folder: &Path,
        key: SigningKey,
        tenants: Vec<TenantDeclaration>,
        options: &StoreOptions,
    ) -> Self {
        Self::start_routed(folder, key, tenants, options, |router| router).await
    }

    /// The same, with something laid around what is served.
    pub async fn start_routed(
        folder: &Path,
        key: SigningKey,
        tenants: Vec<TenantDeclaration>,
        options: &StoreOptions,
        around: impl FnOnce(axum::Router) -> axum::Router,
    ) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let installation = install(folder, MASTER, tenants, options, Arc::clone(&clock))
            .await
            .unwrap();
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.address();
        let (shutdown, stopped) = tokio::sync::oneshot::channel();
        let serving = tokio::spawn(server.serve(around(router(installation.clone())), async {
            let _ = stopped.await;
        }));
        Self {
            address,
            clock,
            key,
            installation,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            shutdown: Some(shutdown),
            serving: Some(serving),
            folder: folder.to_path_buf(),
        }
    }

    /// Stops serving and lets go of the folder.
    pub async fn stop(mut self) -> SigningKey {
        drop(self.shutdown.take());
        self.serving.take().unwrap().await.unwrap();
        self.installation.close().await;
        self.key
    }

    pub async fn get(&self, host: &str, path: &str) -> Answer {
        let request = self.http.get(format!("http://{}{path}", self.address));
        answered(request.header("host", host)).await
    }

    pub fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.address))
            .header("host", "acme.example")
    }

    /// Asks the tenant at `issuer` with a good assertion and these further parameters.
    pub async fn ask_at(&self, issuer: &str, parameters: &[(&str, &str)]) -> Answer {
        let assertion = self.assertion(json!({ "aud": issuer }));
        self.send(issuer, &assertion, parameters).await
    }

    pub async fn ask(&self, parameters: &[(&str, &str)]) -> Answer {
        self.ask_at(ISSUER, parameters).await
    }

    pub async fn send(&self, issuer: &str, assertion: &str, parameters: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
        ];
        form.extend_from_slice(parameters);
        let (authority, path) = parts(issuer);
        let url = format!("http://{}{path}/oauth2/token", self.address);
        answered(self.http.post(url).header("host", authority).form(&form)).await
    }

    /// An assertion of the workload `api` to `acme`; `changes` replace or add claims, `null`
    /// removes one.
    pub fn assertion(&self, changes: Value) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let now = self.clock.load(Ordering::Relaxed);
        let mut claims = json!({
            "iss": "api", "sub": "api", "aud": ISSUER, "iat": now, "exp": now + 120,
            "jti": format!("jti-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        });
        let members: &mut Map<String, Value> = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        signed(&self.key, &claims)
    }

    pub async fn jwks(&self, issuer: &str) -> JwkSet {
        let (authority, path) = parts(issuer);
        let answer = self
            .get(authority, &format!("{path}/.well-known/jwks.json"))
            .await;
        JwkSet::parse(answer.text.as_bytes()).unwrap()
    }

    /// The claims of `token`, verified by what the issuer publishes.
    pub async fn verified(&self, issuer: &str, token: &str) -> (String, Value) {
        let compact = Compact::parse(token).unwrap();
        let jwks = self.jwks(issuer).await;
        let key = jwks.signing_key(compact.header().kid()).unwrap();
        compact
            .verify(&VerifyingKey::from_jwk(key).unwrap())
            .unwrap();
        let algorithm = compact.header().alg().to_owned();
        (algorithm, Value::Object(compact.claims().unwrap()))
    }

    pub async fn trail(&self) -> Vec<AuditRow> {
        self.trail_of(rolecall_store::AuditKind::Mint).await
    }

    pub async fn trail_of(&self, kind: rolecall_store::AuditKind) -> Vec<AuditRow> {
        let location = Location::Folder(self.folder.clone());
        let reader = Reader::open(&location).await.unwrap();
        let rows = reader.audit(&AuditFilter::default()).await.unwrap();
        rows.into_iter()
            .filter(|row| row.record.kind == kind)
            .collect()
    }
}

pub async fn install(
    folder: &Path,
    master: &str,
    tenants: Vec<TenantDeclaration>,
    options: &StoreOptions,
    clock: Arc<AtomicI64>,
) -> Result<Installation, InstallationError> {
    let store = Store::open_with(folder, options).unwrap();
    let master = MasterKey::from_base64(&SecretString::from(master.to_owned())).unwrap();
    let now = Clock::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap());
    Installation::start(store, master, tenants, now).await
}

pub async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

pub fn signed(key: &SigningKey, claims: &Value) -> String {
    sign_compact(key, "JWT", claims.to_string().as_bytes())
        .unwrap()
        .expose_secret()
        .to_owned()
}

/// Authority and path of an issuer.
fn parts(issuer: &str) -> (&str, &str) {
    let rest = issuer.split_once("://").unwrap().1;
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}
