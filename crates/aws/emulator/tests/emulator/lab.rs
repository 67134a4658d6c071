//! An issuer and an emulator for one test.

use std::sync::{Arc, Mutex};

use aws_sdk_sts::config::{Credentials, Region};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use jiff::Timestamp;
use rolecall_emulator::{Clock, Emulator, Seed, Settings};
use rolecall_jose::{JwkSet, KeyKind, SigningKey, sign_compact};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const ACCOUNT: &str = "123456789012";
pub const OTHER: &str = "222222222222";

/// An issuer that publishes what it is told to.
pub struct Issuer {
    pub url: String,
    pub address: String,
    pub key: SigningKey,
    published: Arc<Mutex<Published>>,
}

struct Published {
    discovery: Value,
    jwks: Value,
    fetched: usize,
}

impl Issuer {
    /// An issuer named after its own address.
    pub async fn start() -> Self {
        Self::named(None).await
    }

    /// An issuer of another name, to be reached through `connect_to`.
    pub async fn named(name: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let url = name.map_or_else(|| address.clone(), str::to_owned);
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        let published = Arc::new(Mutex::new(Published {
            discovery: json!({"issuer": url, "jwks_uri": format!("{url}/jwks")}),
            jwks: serde_json::to_value(JwkSet::new(vec![key.public_jwk().clone()])).unwrap(),
            fetched: 0,
        }));
        let path = url
            .splitn(4, '/')
            .nth(3)
            .map_or_else(String::new, |path| format!("/{path}"));
        let router = Router::new()
            .route(
                &format!("{path}/.well-known/openid-configuration"),
                get(discovery),
            )
            .route(&format!("{path}/jwks"), get(jwks))
            .with_state(Arc::clone(&published));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            address,
            key,
            published,
        }
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let set = JwkSet::new(keys.iter().map(|key| key.public_jwk().clone()).collect());
        self.published.lock().unwrap().jwks = serde_json::to_value(set).unwrap();
    }

    pub fn publish_discovery(&self, discovery: Value) {
        self.published.lock().unwrap().discovery = discovery;
    }

    /// How often the keys were fetched.
    pub fn fetched(&self) -> usize {
        self.published.lock().unwrap().fetched
    }

    /// The claims of a good token, changed by `changes`; null as text `"absent"` removes one.
    pub fn claims(&self, changes: Value) -> Value {
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.url, "sub": "job:42", "aud": "sts.amazonaws.com",
            "iat": now, "nbf": now, "exp": now + 3600,
        });
        for (name, value) in changes.as_object().unwrap() {
            if value == "absent" {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    pub fn token(&self, changes: Value) -> String {
        self.token_of(&self.key, changes)
    }

    pub fn token_of(&self, key: &SigningKey, changes: Value) -> String {
        let payload = self.claims(changes).to_string();
        let token = sign_compact(key, "JWT", payload.as_bytes()).unwrap();
        token.expose_secret().to_owned()
    }

    /// A trust policy for tokens of this issuer with the subject `job:42`.
    pub fn trust(&self, account: &str, more_actions: &[&str]) -> Value {
        let prefix = self.url.split_once("://").unwrap().1;
        let mut actions = vec!["sts:AssumeRoleWithWebIdentity"];
        actions.extend(more_actions);
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Jobs",
                "Effect": "Allow",
                "Principal": {"Federated": format!("arn:aws:iam::{account}:oidc-provider/{prefix}")},
                "Action": actions,
                "Condition": {"StringEquals": {
                    format!("{prefix}:aud"): "sts.amazonaws.com",
                    format!("{prefix}:sub"): "job:42",
                }},
            }],
        })
    }
}

async fn discovery(State(published): State<Arc<Mutex<Published>>>) -> (StatusCode, String) {
    let discovery = published.lock().unwrap().discovery.clone();
    if discovery.is_null() {
        return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    (StatusCode::OK, discovery.to_string())
}

async fn jwks(State(published): State<Arc<Mutex<Published>>>) -> String {
    let mut published = published.lock().unwrap();
    published.fetched += 1;
    published.jwks.to_string()
}

/// A served emulator.
pub struct Lab {
    pub emulator: Emulator,
    pub clock: Clock,
    pub url: String,
}

/// A refusal: status, code, message, request id.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub request_id: String,
}

impl Lab {
    /// Two accounts with this seed of the first one's roles.
    pub async fn start(seed: Value, change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Clock::manual(Timestamp::now());
        let mut settings = Settings {
            accounts: vec![ACCOUNT.parse().unwrap(), OTHER.parse().unwrap()],
            clock: clock.clone(),
            seed: Some(Seed::parse(seed.to_string().as_bytes()).unwrap()),
            ..Settings::default()
        };
        change(&mut settings);
        let emulator = Emulator::new(settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = emulator.clone();
        tokio::spawn(async move {
            serving
                .serve(listener, std::future::pending())
                .await
                .unwrap()
        });
        Self {
            emulator,
            clock,
            url,
        }
    }

    /// A provider and the role `job` for tokens of `issuer`.
    pub async fn with_job(issuer: &Issuer) -> Self {
        Self::start(job_seed(issuer, &[]), |_| {}).await
    }

    /// An STS client with these keys; without, it can only make calls that are not signed.
    pub fn sts(&self, credentials: Option<Credentials>) -> aws_sdk_sts::Client {
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled())
            .endpoint_url(&self.url);
        config = match credentials {
            Some(credentials) => config.credentials_provider(credentials),
            None => config,
        };
        aws_sdk_sts::Client::from_conf(config.build())
    }

    pub fn admin(&self, account: &str) -> Credentials {
        let keys = self
            .emulator
            .admin_credentials()
            .into_iter()
            .find(|keys| keys.account.as_str() == account)
            .unwrap();
        Credentials::new(
            keys.access_key_id,
            keys.secret_access_key.expose_secret(),
            None,
            None,
            "test",
        )
    }

    /// Exchanges a token for the role `job`, with further parameters; an empty value leaves one out.
    pub async fn exchange(&self, token: &str, more: &[(&str, &str)]) -> Result<String, Refusal> {
        let mut form = vec![
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", "arn:aws:iam::123456789012:role/team/job"),
            ("RoleSessionName", "session-1"),
            ("WebIdentityToken", token),
        ];
        for (name, value) in more {
            form.retain(|(known, _)| known != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        self.post(&form).await
    }

    /// Posts a form as it is.
    pub async fn post(&self, form: &[(&str, &str)]) -> Result<String, Refusal> {
        let answer = reqwest::Client::new()
            .post(&self.url)
            .form(form)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let request_id = answer.headers()["x-amzn-requestid"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(answer.headers()["content-type"], "text/xml");
        let text = answer.text().await.unwrap();
        if status == 200 {
            return Ok(text);
        }
        assert_eq!(tag(&text, "RequestId"), request_id);
        Err(Refusal {
            status,
            code: tag(&text, "Code"),
            message: tag(&text, "Message"),
            request_id,
        })
    }

    /// Credentials for the role `job`.
    pub async fn job(&self, token: &str) -> Credentials {
        credentials(&self.exchange(token, &[]).await.unwrap())
    }
}

/// The seed of one provider and the role `/team/job`.
pub fn job_seed(issuer: &Issuer, more_actions: &[&str]) -> Value {
    json!({"accounts": {ACCOUNT: {
        "oidc_providers": [{"url": issuer.url, "client_ids": ["sts.amazonaws.com"]}],
        "roles": [{
            "name": "job",
            "path": "/team/",
            "max_session_duration": 7200,
            "trust_policy": issuer.trust(ACCOUNT, more_actions),
            "policies": {"hop": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                    "Resource": "*",
                }],
            }},
        }],
    }}})
}

/// The keys in an answer of STS.
pub fn credentials(xml: &str) -> Credentials {
    Credentials::new(
        tag(xml, "AccessKeyId"),
        tag(xml, "SecretAccessKey"),
        Some(tag(xml, "SessionToken")),
        None,
        "test",
    )
}

/// The text of the first element of this name, unescaped.
pub fn tag(xml: &str, name: &str) -> String {
    let Some((_, rest)) = xml.split_once(&format!("<{name}>")) else {
        return String::new();
    };
    let text = rest.split_once(&format!("</{name}>")).unwrap().0;
    quick_xml::escape::unescape(text).unwrap().into_owned()
}

/// The code of an SDK error.
pub fn code<E: aws_sdk_sts::error::ProvideErrorMetadata>(error: &E) -> (String, String) {
    (
        error.code().unwrap_or_default().to_owned(),
        error.message().unwrap_or_default().to_owned(),
    )
}

/// The body of a GET that succeeds.
pub async fn fetch(url: &str) -> String {
    let answer = reqwest::Client::new().get(url).send().await.unwrap();
    answer.error_for_status().unwrap().text().await.unwrap()
}
