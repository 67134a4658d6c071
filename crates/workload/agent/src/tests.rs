#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use rolecall_deliver::{
    Clock, CredentialSource, Credentials, IdentityToken, SecretFile, SourceError, TokenSource,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{
    Broker, CallerText, Callers, Described, EndpointForm, Holding, Pending, PersonToken, Socket,
    SocketSettings, Target, Wanted, serve_endpoint, serve_socket,
};

struct Naming {
    counting: Arc<AtomicUsize>,
    name: String,
}

fn refused() -> SourceError {
    SourceError {
        code: "AccessDenied".to_owned(),
        message: "the trust policy does not let it in".to_owned(),
        permanent: true,
    }
}

impl CredentialSource for Naming {
    fn fetch(&self) -> Pending<'_, Credentials> {
        Box::pin(async {
            self.counting.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            if self.name.contains("denied") {
                return Err(refused());
            }
            Ok(Credentials {
                access_key_id: format!("ASIA-{}", self.name),
                secret_access_key: "secret".into(),
                session_token: "session".into(),
                expiration: Timestamp::now() + SignedDuration::from_hours(1),
                account_id: None,
                role_arn: None,
            })
        })
    }
}

impl TokenSource for Naming {
    fn fetch(&self) -> Pending<'_, IdentityToken> {
        Box::pin(async {
            Ok(IdentityToken {
                token: self.name.clone().into(),
                expiration: Timestamp::now() + SignedDuration::from_hours(1),
                target_variable: None,
            })
        })
    }
}

/// A broker whose credentials say what was asked for, and that counts.
struct Brokering(Arc<AtomicUsize>);

impl Brokering {
    fn naming<T: std::fmt::Debug>(&self, wanted: &Wanted<T>) -> Arc<Naming> {
        Arc::new(Naming {
            counting: Arc::clone(&self.0),
            name: format!("{:?}-{:?}", wanted.what, wanted.attributes.values()),
        })
    }
}

impl Broker for Brokering {
    fn connections(&self) -> Vec<String> {
        ["athena", "bucket"].map(str::to_owned).to_vec()
    }

    fn describe(&self, wanted: &Wanted) -> Result<Described, SourceError> {
        match &wanted.what {
            Target::Connection(name) if name == "unknown" => Err(refused()),
            _ => Ok(Described {
                role_arn: "arn:aws:iam::111122223333:role/path/reader".to_owned(),
                region: "eu-central-1".to_owned(),
                sts_endpoint: None,
            }),
        }
    }

    fn credentials(&self, wanted: &Wanted) -> Result<Arc<dyn CredentialSource>, SourceError> {
        Ok(self.naming(wanted))
    }

    fn tokens(&self, wanted: &Wanted<String>) -> Arc<dyn TokenSource> {
        self.naming(wanted)
    }

    fn person<'a>(
        &'a self,
        token_config: &'a str,
        subject_token: &'a SecretString,
    ) -> Pending<'a, PersonToken> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::Relaxed);
            if subject_token.expose_secret() == "nobody" {
                return Err(refused());
            }
            let now = Timestamp::now().as_second();
            Ok(PersonToken {
                token: format!("{token_config}-{}", subject_token.expose_secret()).into(),
                issued_at: now,
                expires_at: now + 3_600,
            })
        })
    }
}

/// An agent at a socket of its own.
struct Site {
    _scratch: tempfile::TempDir,
    path: std::path::PathBuf,
    fetched: Arc<AtomicUsize>,
    holding: Holding,
}

impl Site {
    fn start(callers: Value) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("agent.sock");
        let fetched = Arc::new(AtomicUsize::new(0));
        let holding = Holding::new(Arc::new(Brokering(Arc::clone(&fetched))), Clock::system());
        let texts: Vec<CallerText> = serde_json::from_value(callers).unwrap();
        let callers = Callers::read(&texts, own_uid()).unwrap();
        let settings = SocketSettings {
            path: path.clone(),
            mode: 0o600,
            group: None,
        };
        let socket = Socket::bind(&settings).unwrap();
        let serving = serve_socket(socket, holding.clone(), callers, std::future::pending());
        tokio::spawn(serving);
        Self {
            _scratch: scratch,
            path,
            fetched,
            holding,
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        ask(&self.path, "GET", path, "").await
    }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

async fn ask(socket: &Path, method: &str, path: &str, body: &str) -> (u16, Value) {
    let stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "agent")
        .body(Full::new(axum::body::Bytes::from(body.to_owned())))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

#[tokio::test]
async fn a_thousand_who_ask_at_once_cause_one_fetch() {
    let site = Site::start(serde_json::json!([]));
    let asking: Vec<_> = (0..1_000)
        .map(|_| {
            let path = site.path.clone();
            tokio::spawn(async move {
                ask(&path, "GET", "/v1/connections/athena/credentials", "").await
            })
        })
        .collect();
    for one in asking {
        let (status, body) = one.await.unwrap();
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["AccessKeyId"], "ASIA-Connection(\"athena\")-[]");
    }
    assert_eq!(site.fetched.load(Ordering::Relaxed), 1);
    let (_, held) = site.get("/v1/status").await;
    assert_eq!(held["held"][0]["connection"], "athena");
    assert!(held["held"][0]["heldUntil"].is_string());
    assert_eq!(ask(&site.path, "POST", "/v1/flush", "").await.0, 204);
    site.get("/v1/connections/athena/credentials").await;
    assert_eq!(site.fetched.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_caller_has_what_it_is_given_and_in_its_own_name() {
    let site = Site::start(serde_json::json!([
        {"name": "me", "peer": {"uid": own_uid()}, "connections": ["athena"],
         "roles": ["arn:aws:iam::111122223333:role/mine"], "attributes": {"component": "web"}},
    ]));
    let (status, who) = site.get("/v1/whoami").await;
    assert_eq!(
        (status, who),
        (
            200,
            serde_json::json!({"caller": "me", "connections": ["athena"]})
        )
    );
    let (_, given) = site.get("/v1/connections/athena/credentials").await;
    assert_eq!(
        given["AccessKeyId"],
        "ASIA-Connection(\"athena\")-[\"web\"]"
    );
    let (status, _) = site
        .get("/v1/roles/credentials?arn=arn:aws:iam::111122223333:role/mine")
        .await;
    assert_eq!(status, 200);
    for refused in [
        "/v1/connections/bucket/credentials",
        "/v1/connections/bucket",
        "/v1/roles?arn=arn:aws:iam::111122223333:role/other",
        "/v1/tokens/aws",
    ] {
        let (status, body) = site.get(refused).await;
        assert_eq!(
            (status, &body["code"]),
            (403, &Value::from("NotAllowed")),
            "{refused}: {body}"
        );
    }
    let (status, _) = ask(&site.path, "POST", "/v1/user-tokens/people", "anna").await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn another_user_than_the_agents_is_nobody() {
    let site = Site::start(serde_json::json!([
        {"name": "other", "peer": {"uid": own_uid() + 1}, "connections": ["athena"]},
    ]));
    for path in [
        "/v1/whoami",
        "/v1/status",
        "/v1/connections/athena/credentials",
    ] {
        let (status, body) = site.get(path).await;
        assert_eq!(
            (status, &body["code"]),
            (403, &Value::from("NotAllowed")),
            "{body}"
        );
    }
    assert_eq!(site.fetched.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_denial_is_told_and_not_repeated_at_every_call() {
    let site = Site::start(serde_json::json!([]));
    for _ in 0..5 {
        let (status, body) = site.get("/v1/connections/denied/credentials").await;
        assert_eq!(status, 403);
        assert_eq!(body["code"], "AccessDenied");
        assert_eq!(body["permanent"], true);
    }
    assert_eq!(site.fetched.load(Ordering::Relaxed), 1);
    assert_eq!(site.get("/v1/connections/unknown").await.0, 403);
    assert_eq!(site.get("/nothing").await.0, 404);
}

#[tokio::test]
async fn a_persons_token_is_theirs_or_none() {
    let site = Site::start(serde_json::json!([]));
    let person = async |who: &str| {
        ask(&site.path, "POST", "/v1/user-tokens/people", who)
            .await
            .1
    };
    let anna = person("anna").await;
    assert_eq!(
        (&anna["status"], &anna["token"]),
        (&"active".into(), &"people-anna".into())
    );
    assert!(anna["issuedAt"].is_string() && anna["expiresAt"].is_string());
    // The same until half of its life is over.
    assert_eq!(person("anna").await, anna);
    assert_eq!(person("bea").await["token"], "people-bea");
    assert_eq!(site.fetched.load(Ordering::Relaxed), 2);
    let nobody = person("nobody").await;
    assert_eq!(nobody["status"], "error");
    assert!(nobody.get("token").is_none());
    assert_eq!(
        ask(&site.path, "POST", "/v1/user-tokens/people", " ")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_token_is_the_token_configs() {
    let site = Site::start(serde_json::json!([
        {"name": "me", "peer": {"uid": own_uid()}, "token_configs": ["warehouse"]},
    ]));
    let (status, body) = site.get("/v1/tokens/warehouse").await;
    assert_eq!(
        (status, &body["token"]),
        (200, &Value::from("\"warehouse\"-[]"))
    );
}

fn athena() -> Wanted {
    Wanted {
        what: Target::Connection("athena".to_owned()),
        attributes: BTreeMap::new(),
    }
}

#[tokio::test]
async fn metadata_is_for_the_users_that_are_named() {
    let site = Site::start(serde_json::json!([]));
    let served = async |users: &[u32]| {
        let form = EndpointForm::Metadata {
            users: users.iter().copied().collect(),
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        serve_endpoint(&site.holding, &athena(), listen, &form, &Clock::system())
            .await
            .unwrap()
    };
    let own = served(&[own_uid()]).await;
    let (variable, url) = own.variable();
    assert_eq!(variable, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let base = url.trim_end_matches('/').to_owned();
    let session = async |base: &str, seconds: &str| {
        let header = [("x-aws-ec2-metadata-token-ttl-seconds", seconds)];
        over_tcp(base, "PUT", "/latest/api/token", &header).await
    };
    assert_eq!(session(&base, "0").await.0, 400);
    assert_eq!(session(&base, "21601").await.0, 400);
    let (status, token) = session(&base, "60").await;
    assert_eq!(status, 200);
    let list = "/latest/meta-data/iam/security-credentials/";
    let with = |token: &'static str| [("x-aws-ec2-metadata-token", token)];
    assert_eq!(over_tcp(&base, "GET", list, &[]).await.0, 401);
    assert_eq!(
        over_tcp(&base, "GET", list, &with("99999999999-00"))
            .await
            .0,
        401
    );
    let good = [("x-aws-ec2-metadata-token", token.as_str())];
    assert_eq!(
        over_tcp(&base, "GET", list, &good).await,
        (200, "reader".to_owned())
    );
    let (_, found) = over_tcp(&base, "GET", &format!("{list}reader"), &good).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        (&found["Code"], &found["Type"]),
        (&"Success".into(), &"AWS-HMAC".into())
    );
    assert_eq!(
        over_tcp(&base, "GET", &format!("{list}other"), &good)
            .await
            .0,
        404
    );
    assert_eq!(
        over_tcp(&base, "GET", "/latest/meta-data/placement/region", &good)
            .await
            .1,
        "eu-central-1"
    );
    for header in [
        ("x-forwarded-for", "10.0.0.1"),
        ("origin", "https://evil.example"),
    ] {
        let headers = [good[0], header];
        assert_eq!(over_tcp(&base, "GET", list, &headers).await.0, 403);
    }
    let others = served(&[own_uid() + 1]).await;
    let base = others.variable().1.trim_end_matches('/').to_owned();
    assert_eq!(session(&base, "60").await.0, 403);
}

#[tokio::test]
async fn credentials_are_not_served_to_the_network() {
    let site = Site::start(serde_json::json!([]));
    let form = EndpointForm::Container {
        authorization: SecretFile::new(site.path.with_file_name("authorization")),
    };
    let listen = "0.0.0.0:0".parse().unwrap();
    let served = serve_endpoint(&site.holding, &athena(), listen, &form, &Clock::system()).await;
    insta::assert_snapshot!(served.unwrap_err(), @"cannot listen on 0.0.0.0:0: credentials are served on loopback addresses only");
}

async fn over_tcp(base: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let host = base.trim_start_matches("http://");
    let stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(axum::body::Bytes::new())).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}
