#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use proptest::prelude::*;

use super::{Found, Routes};

fn routes() -> Routes<&'static str> {
    let issuers = [
        "https://acme.example",
        "https://shared.example/a",
        "https://shared.example/a/b",
        "https://shared.example/A",
        "http://127.0.0.1:4000/acme",
    ];
    Routes::new(issuers.map(|issuer| {
        let jwks = match issuer {
            "https://shared.example/A" => "/.well-known/jwks",
            _ => "/.well-known/jwks.json",
        };
        (issuer.parse().unwrap(), jwks.to_owned(), Arc::new(issuer))
    }))
}

fn found(authority: &str, path: &str) -> String {
    match routes().find(authority, path) {
        Found::Endpoint(target, endpoint) => format!("{target} {endpoint:?}"),
        Found::Issuer(target) => format!("{target} has no such endpoint"),
        Found::Host => "no issuer with that path".to_owned(),
        Found::Nowhere => "no issuer with that host".to_owned(),
    }
}

#[test]
fn host_and_path_find_the_issuer() {
    for (authority, path, expected) in [
        (
            "acme.example",
            "/oauth2/token",
            "https://acme.example Token",
        ),
        (
            "ACME.example:443",
            "/.well-known/jwks.json",
            "https://acme.example Jwks",
        ),
        (
            "acme.example:80",
            "/.well-known/jwks.json",
            "https://acme.example Jwks",
        ),
        (
            "acme.example:8443",
            "/oauth2/token",
            "no issuer with that host",
        ),
        ("other.example", "/oauth2/token", "no issuer with that host"),
        ("", "/oauth2/token", "no issuer with that host"),
        (
            "acme.example",
            "/a/oauth2/token",
            "https://acme.example has no such endpoint",
        ),
        (
            "shared.example",
            "/a/oauth2/token",
            "https://shared.example/a Token",
        ),
        (
            "shared.example",
            "/A/oauth2/token",
            "https://shared.example/A Token",
        ),
        (
            "shared.example",
            "/a/b/.well-known/openid-configuration",
            "https://shared.example/a/b Discovery",
        ),
        (
            "shared.example",
            "/a/b/c/oauth2/token",
            "https://shared.example/a/b has no such endpoint",
        ),
        (
            "shared.example",
            "/ab/oauth2/token",
            "no issuer with that path",
        ),
        (
            "shared.example",
            "/%61/oauth2/token",
            "no issuer with that path",
        ),
        (
            "shared.example",
            "/a//oauth2/token",
            "https://shared.example/a has no such endpoint",
        ),
        (
            "shared.example",
            "/oauth2/token",
            "no issuer with that path",
        ),
        (
            "127.0.0.1:4000",
            "/acme/oauth2/token",
            "http://127.0.0.1:4000/acme Token",
        ),
        (
            "127.0.0.1",
            "/acme/oauth2/token",
            "no issuer with that host",
        ),
    ] {
        assert_eq!(found(authority, path), expected, "{authority} {path}");
    }
}

proptest! {
    /// A path leads to an endpoint exactly if it is an issuer's path followed by the endpoint's.
    #[test]
    fn only_exact_paths_lead_to_an_endpoint(path in "(/a|/b|/A|/oauth2|/token|/){0,5}") {
        let leads = matches!(routes().find("shared.example", &path), Found::Endpoint(..));
        let exact = ["/a/oauth2/token", "/a/b/oauth2/token", "/A/oauth2/token"];
        prop_assert_eq!(leads, exact.contains(&path.as_str()));
    }
}
