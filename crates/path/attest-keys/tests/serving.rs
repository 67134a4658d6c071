//! Keys of an issuer that rotates, breaks and lies, over real connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, Uri};
use rolecall_attest::federated::{TrustedIssuer, TrustedIssuerText};
use rolecall_attest_keys::{AttestKeysError, KeyCache, TrustedKeys};
use rolecall_jose::{JwkSet, KeyKind, SigningKey};
use serde_json::json;
use tokio::net::TcpListener;

/// An issuer on loopback whose answers a test sets.
#[derive(Clone, Default)]
struct Issuer {
    url: String,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    jwks: String,
    /// Instead of discovery's document.
    discovery: Option<String>,
    status: Option<u16>,
    fetches: Vec<String>,
}

impl Issuer {
    async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            url: format!("http://{}/cluster", listener.local_addr().unwrap()),
            ..Self::default()
        };
        issuer.publish(keys);
        let router = Router::new().fallback(answer).with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| key.public_jwk().clone()).collect();
        self.told.lock().unwrap().jwks = serde_json::to_string(&JwkSet::new(keys)).unwrap();
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock().unwrap());
    }

    /// How often the keys were fetched.
    fn fetches(&self) -> usize {
        let told = self.told.lock().unwrap();
        let jwks = told.fetches.iter().filter(|path| path.ends_with("/jwks"));
        jwks.count()
    }

    fn trusted(&self, keys: serde_json::Value) -> TrustedIssuer {
        let text = json!({ "name": "cluster", "issuer": self.url, "keys": keys });
        let text: TrustedIssuerText = serde_json::from_value(text).unwrap();
        TrustedIssuer::read(&text, "https://acme.cubecloud.dev").unwrap()
    }

    fn keys(&self) -> TrustedKeys {
        TrustedKeys::new(&self.trusted(json!("discovery"))).unwrap()
    }
}

async fn answer(State(issuer): State<Issuer>, uri: Uri) -> Response<Body> {
    let mut told = issuer.told.lock().unwrap();
    told.fetches.push(uri.path().to_owned());
    let body = match uri.path() {
        "/cluster/jwks" => told.jwks.clone(),
        "/cluster/.well-known/openid-configuration" => {
            told.discovery.clone().unwrap_or_else(|| {
                let jwks = format!("{}/jwks", issuer.url);
                json!({ "issuer": issuer.url, "jwks_uri": jwks }).to_string()
            })
        }
        other => panic!("{other} was fetched"),
    };
    let status = told.status.unwrap_or(200);
    Response::builder()
        .status(status)
        .header("Location", format!("{}/elsewhere", issuer.url))
        .body(Body::from(body))
        .unwrap()
}

fn new_key() -> SigningKey {
    SigningKey::generate(KeyKind::P256).unwrap()
}

/// Lets so much time pass for the cache, and none for the network.
async fn later(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn keys_are_fetched_once_for_many_who_ask_at_once() {
    let key = new_key();
    let issuer = Issuer::start(&[&key]).await;
    let keys = issuer.keys();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (keys, kid) = (keys.clone(), key.kid().to_owned());
            tokio::spawn(async move { keys.for_kid(Some(&kid)).await })
        })
        .collect();
    for one in asked {
        assert!(one.await.unwrap().unwrap().knows(Some(key.kid())));
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn an_unknown_kid_is_looked_for_but_not_for_every_token() {
    let (old, new) = (new_key(), new_key());
    let issuer = Issuer::start(&[&old]).await;
    let keys = issuer.keys();
    keys.for_kid(Some(old.kid())).await.unwrap();
    issuer.publish(&[&old, &new]);

    // Whoever makes names up causes no fetch before ten seconds are over.
    for made_up in 0..20 {
        let found = keys.for_kid(Some(&made_up.to_string())).await.unwrap();
        assert!(!found.knows(Some(new.kid())));
    }
    assert_eq!(issuer.fetches(), 1);
    later(Duration::from_secs(10)).await;
    assert!(
        keys.for_kid(Some(new.kid()))
            .await
            .unwrap()
            .knows(Some(new.kid()))
    );
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn known_keys_serve_on_while_the_issuer_is_down_for_a_day_at_most() {
    let key = new_key();
    let issuer = Issuer::start(&[&key]).await;
    let keys = issuer.keys();
    keys.for_kid(Some(key.kid())).await.unwrap();
    issuer.tell(|told| told.status = Some(503));
    for _ in 0..4 {
        later(20 * MINUTE).await;
        assert!(
            keys.for_kid(Some(key.kid()))
                .await
                .unwrap()
                .knows(Some(key.kid()))
        );
    }
    // What was never known cannot be judged meanwhile.
    later(MINUTE).await;
    assert!(matches!(
        keys.for_kid(Some("new")).await,
        Err(AttestKeysError::Status { status: 503, .. })
    ));
    later(24 * 60 * MINUTE).await;
    assert!(keys.for_kid(Some(key.kid())).await.is_err());
    issuer.tell(|told| told.status = None);
    later(MINUTE).await;
    assert!(keys.for_kid(Some(key.kid())).await.is_ok());
}

#[tokio::test]
async fn a_key_that_was_taken_away_is_not_believed_after_a_quiet_time() {
    let (leaked, new) = (new_key(), new_key());
    let issuer = Issuer::start(&[&leaked]).await;
    let keys = issuer.keys();
    keys.for_kid(Some(leaked.kid())).await.unwrap();
    issuer.publish(&[&new]);
    later(20 * MINUTE).await;
    let known = keys.for_kid(Some(leaked.kid())).await.unwrap();
    assert!(!known.knows(Some(leaked.kid())));
}

#[tokio::test]
async fn what_an_issuer_answers_wrong_is_told() {
    let key = new_key();
    let issuer = Issuer::start(&[&key]).await;
    let refused = async |change: &dyn Fn(&mut Told)| {
        issuer.tell(|told| {
            *told = Told {
                jwks: told.jwks.clone(),
                ..Told::default()
            }
        });
        issuer.publish(&[&key]);
        issuer.tell(change);
        let error = issuer.keys().for_kid(None).await.unwrap_err().to_string();
        error.replace(&issuer.url, "{issuer}")
    };
    insta::assert_snapshot!(refused(&|told| told.status = Some(302)).await, @"`{issuer}/.well-known/openid-configuration` answered 302 instead of 200");
    insta::assert_snapshot!(refused(&|told| told.jwks = "<html>".into()).await, @"`{issuer}/jwks` cannot be used: the text is not a JWK set: expected value at line 1 column 1");
    insta::assert_snapshot!(refused(&|told| told.jwks = r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.into()).await, @"`{issuer}/jwks` cannot be used: none of its 1 keys can verify RS256/384/512 or ES256/384/512");
    insta::assert_snapshot!(refused(&|told| told.jwks = " ".repeat(600_000)).await, @"`{issuer}/jwks` is larger than 524288 bytes");
    insta::assert_snapshot!(refused(&|told| told.discovery = Some(json!({ "issuer": "https://other.example", "jwks_uri": "https://other.example/jwks" }).to_string())).await, @"`{issuer}/.well-known/openid-configuration` cannot be used: it is the document of the issuer `https://other.example`");
    let url = issuer.url.clone();
    insta::assert_snapshot!(refused(&|told| told.discovery = Some(json!({ "issuer": url, "jwks_uri": "http://169.254.169.254/latest" }).to_string())).await, @"`{issuer}/.well-known/openid-configuration` cannot be used: its `jwks_uri` `http://169.254.169.254/latest` is not an `https` URL without query or fragment");
}

#[tokio::test]
async fn an_address_of_keys_needs_no_discovery_and_offline_keys_no_network() {
    let key = new_key();
    let issuer = Issuer::start(&[&key]).await;
    let by_url = issuer.trusted(json!({ "url": format!("{}/jwks", issuer.url) }));
    TrustedKeys::new(&by_url)
        .unwrap()
        .for_kid(None)
        .await
        .unwrap();
    assert_eq!(issuer.told.lock().unwrap().fetches, ["/cluster/jwks"]);

    let offline = issuer.trusted(json!({ "offline": { "keys": [key.public_jwk()] } }));
    let keys = TrustedKeys::new(&offline).unwrap();
    assert!(
        keys.for_kid(Some("unknown"))
            .await
            .unwrap()
            .knows(Some(key.kid()))
    );
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn all_who_trust_an_issuer_share_its_keys() {
    let key = new_key();
    let issuer = Issuer::start(&[&key]).await;
    let cache = KeyCache::default();
    let trusted = issuer.trusted(json!("discovery"));
    let (one, other) = (
        cache.keys_of(&trusted).unwrap(),
        cache.keys_of(&trusted).unwrap(),
    );
    one.for_kid(None).await.unwrap();
    other.for_kid(None).await.unwrap();
    cache.tidy();
    cache
        .keys_of(&trusted)
        .unwrap()
        .for_kid(None)
        .await
        .unwrap();
    assert_eq!(issuer.fetches(), 1);
    drop((one, other));
    cache.tidy();
    cache
        .keys_of(&trusted)
        .unwrap()
        .for_kid(None)
        .await
        .unwrap();
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn authorities_must_be_certificates() {
    let text =
        json!({ "name": "cluster", "issuer": "https://cluster.example", "authorities": "secret" });
    let text: TrustedIssuerText = serde_json::from_value(text).unwrap();
    let issuer = TrustedIssuer::read(&text, "https://acme.cubecloud.dev").unwrap();
    insta::assert_snapshot!(TrustedKeys::new(&issuer).unwrap_err(), @"the certificates for `https://cluster.example` cannot be used: there is no `-----BEGIN CERTIFICATE-----` in it");
}
