//! What an issuer publishes, and how requests find it.

use http::Method;
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::StoreOptions;
use serde_json::json;

use crate::site::{ISSUER, Site, answered, tenant};

#[tokio::test]
async fn the_discovery_document_says_what_aws_reads() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let answer = site
        .get("acme.example", "/.well-known/openid-configuration")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let document = answer.json();
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap(), @r#"
    {
      "claims_supported": [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "groups",
        "team"
      ],
      "grant_types_supported": [
        "client_credentials"
      ],
      "id_token_signing_alg_values_supported": [
        "RS256",
        "ES256"
      ],
      "issuer": "https://acme.example",
      "jwks_uri": "https://acme.example/.well-known/jwks.json",
      "response_types_supported": [
        "id_token"
      ],
      "subject_types_supported": [
        "public"
      ],
      "token_endpoint": "https://acme.example/oauth2/token",
      "token_endpoint_auth_methods_supported": [
        "private_key_jwt"
      ],
      "token_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "RS384",
        "RS512",
        "ES256",
        "ES384",
        "ES512"
      ]
    }
    "#);
}

#[tokio::test]
async fn the_key_set_is_minimal() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let answer = site.get("acme.example", "/.well-known/jwks.json").await;
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    let mut members: Vec<Vec<String>> = keys
        .iter()
        .map(|key| key.as_object().unwrap().keys().cloned().collect())
        .collect();
    members.sort();
    assert_eq!(
        members,
        [
            vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
            vec!["alg", "e", "kid", "kty", "n", "use"]
        ]
    );
    for key in &keys {
        assert_eq!(key["use"], "sig");
    }
}

#[tokio::test]
async fn documents_are_cached_by_their_tag() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let path = "/.well-known/jwks.json";
    let first = answered(site.request(Method::GET, path)).await;
    assert_eq!(first.headers["cache-control"], "public, max-age=300");
    let tag = first.headers["etag"].to_str().unwrap().to_owned();

    let again = answered(
        site.request(Method::GET, path)
            .header("if-none-match", &tag),
    )
    .await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.headers["etag"], tag.as_str());
    let other = answered(
        site.request(Method::GET, path)
            .header("if-none-match", "\"x\""),
    )
    .await;
    assert_eq!((other.status, other.text), (200, first.text.clone()));

    let head = answered(site.request(Method::HEAD, path)).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(
        head.headers["content-length"],
        first.text.len().to_string().as_str()
    );
}

#[tokio::test]
async fn tenants_are_found_by_host_and_by_path() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let issuers = [
        ISSUER,
        "https://shared.example/a",
        "https://shared.example/a/b",
    ];
    let tenants = [("acme", issuers[0]), ("a", issuers[1]), ("b", issuers[2])]
        .map(|(name, issuer)| tenant(name, issuer, &key));
    let site = Site::start_with(
        scratch.path(),
        key,
        tenants.to_vec(),
        &StoreOptions::default(),
    )
    .await;
    let mut kids = std::collections::HashSet::new();
    for issuer in issuers {
        for key in site.jwks(issuer).await.keys {
            assert!(kids.insert(key.kid), "two tenants share a key");
        }
        let token = site
            .ask_at(issuer, &[("token_config", "fast")])
            .await
            .token();
        let (_, claims) = site.verified(issuer, &token).await;
        assert_eq!(claims["iss"], issuer);
        // What is meant for one issuer is no evidence for another.
        for other in issuers.into_iter().filter(|other| *other != issuer) {
            let assertion = site.assertion(json!({ "aud": other }));
            let answer = site
                .send(issuer, &assertion, &[("token_config", "fast")])
                .await;
            assert_eq!(answer.status, 401, "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let at = async |host: &str, path: &str| site.get(host, path).await.error();
    insta::assert_snapshot!(at("other.example", "/.well-known/jwks.json").await, @"404 not_found: no issuer has the host `other.example`; it must be the host of the issuer URL, and a proxy in front must pass the Host header on unchanged");
    insta::assert_snapshot!(at("acme.example", "/.well-known/jwks").await, @"404 not_found: the issuer `https://acme.example` serves nothing at `/.well-known/jwks`; below it there are `/.well-known/openid-configuration`, `/.well-known/jwks.json` and `/oauth2/token`");
    insta::assert_snapshot!(at("acme.example", "/oauth2/token").await, @"405 invalid_request: tokens are asked for with POST");
    let put = answered(site.request(Method::PUT, "/.well-known/jwks.json")).await;
    assert_eq!(put.status, 405);
    assert_eq!(put.headers["allow"], "GET, HEAD");
}

#[tokio::test]
async fn health_answers_at_any_host() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(site.get("whatever", path).await.status, 200);
    }
    site.installation.close().await;
    assert_eq!(site.get("whatever", "/healthz").await.status, 200);
    assert_eq!(site.get("whatever", "/readyz").await.status, 503);
}

#[tokio::test]
async fn a_request_needs_one_host() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    for (head, status) in [
        ("GET /.well-known/jwks.json HTTP/1.1\r\n", "400"),
        (
            "GET /.well-known/jwks.json HTTP/1.1\r\nhost: acme.example\r\nhost: b\r\n",
            "400",
        ),
        (
            "GET http://acme.example/.well-known/jwks.json HTTP/1.1\r\nhost: b\r\n",
            "200",
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(site.address).await.unwrap();
        let request = format!("{head}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = rolecall_http_api::Server::bind("127.0.0.1:0")
        .await
        .unwrap();
    let listen = taken.address().to_string();
    let error = rolecall_http_api::Server::bind(&listen).await.unwrap_err();
    let text = error.to_string().replace(&listen, "ADDRESS");
    insta::assert_snapshot!(text, @"`ADDRESS` is in use by another program; stop it, or listen on another port (0 takes a free one)");
    for listen in ["nonsense", "127.0.0.1", "192.0.2.1:0"] {
        let error = rolecall_http_api::Server::bind(listen).await.unwrap_err();
        let address = matches!(error, rolecall_listening::ListeningError::Address { .. });
        assert!(address, "{error:?}");
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let scratch = tempfile::tempdir().unwrap();
    let site = std::sync::Arc::new(Site::start(scratch.path()).await);
    let asking = (0..8).map(|_| {
        let site = std::sync::Arc::clone(&site);
        tokio::spawn(async move { site.ask(&[("token_config", "aws")]).await.status })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), 200);
    }
    let site = std::sync::Arc::into_inner(site).unwrap();
    let address = site.address;
    site.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
