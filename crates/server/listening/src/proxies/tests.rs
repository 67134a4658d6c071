#![allow(clippy::unwrap_used)]

use axum::body::Body;
use proptest::prelude::*;

use super::*;
use ForwardedHeader::{Forwarded, XForwardedFor, XForwardedHost, XForwardedProto};

const X: &[ForwardedHeader] = &[XForwardedFor, XForwardedProto, XForwardedHost];

fn rules(heeded: &[ForwardedHeader]) -> ProxyRules {
    let proxies = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"];
    let proxies = proxies.map(|text| Proxies::parse(text).unwrap());
    ProxyRules::new(proxies.into_iter().collect(), heeded.to_vec())
}

fn request(peer: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::new(Body::empty());
    request
        .headers_mut()
        .insert(HOST, "asked.example".parse().unwrap());
    for (name, value) in headers {
        let name = http::HeaderName::try_from(*name).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
    request.extensions_mut().insert(ClientAddress(peer));
    request.extensions_mut().insert(ConnectedFrom(peer));
    let certificate = PeerCertificate::new(vec![vec![1]]);
    request.extensions_mut().insert(certificate);
    request
}

/// What the router sees: client, host, whether plain, whether the handshake's certificate counts.
fn seen(heeded: &[ForwardedHeader], peer: &str, headers: &[(&str, &str)]) -> String {
    let mut request = request(peer, headers);
    rules(heeded).apply(&mut request);
    let extensions = request.extensions();
    format!(
        "{} {} {} {}",
        extensions.get::<ClientAddress>().unwrap().0.ip(),
        request.headers()[HOST].to_str().unwrap(),
        if extensions.get::<AskedInPlain>().is_some() {
            "plain"
        } else {
            "-"
        },
        if extensions.get::<PeerCertificate>().is_some() {
            "certificate"
        } else {
            "-"
        },
    )
}

#[test]
fn a_proxy_is_believed_as_far_back_as_there_are_proxies() {
    for (chain, client) in [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:5000", "203.0.113.7"),
        ("203.0.113.7, 10.2.0.1", "203.0.113.7"),
        // The client wrote the first one itself.
        ("198.51.100.1, 203.0.113.7, 10.2.0.1", "203.0.113.7"),
        ("10.9.9.9, 203.0.113.7", "203.0.113.7"),
        ("10.9.9.9", "10.9.9.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:80, fd00::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("nonsense, 203.0.113.7", "203.0.113.7"),
        // What cannot be read ends the way back.
        ("203.0.113.7, unknown, 10.2.0.1", "10.2.0.1"),
    ] {
        let told = seen(X, "10.0.0.1", &[("x-forwarded-for", chain)]);
        assert_eq!(told, format!("{client} asked.example - -"), "{chain}");
    }
    let lines = [
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(
        seen(X, "::ffff:10.0.0.1", &lines),
        "203.0.113.7 asked.example - -"
    );
}

#[test]
fn scheme_and_host_stand_beside_the_client() {
    let told = |headers: &[(&str, &str)]| seen(X, "127.0.0.1", headers);
    let host = ("x-forwarded-host", "told.example");
    assert_eq!(told(&[host]), "127.0.0.1 told.example - -");
    assert_eq!(
        told(&[("x-forwarded-proto", "http")]),
        "127.0.0.1 asked.example plain -"
    );
    assert_eq!(
        told(&[("x-forwarded-proto", "https")]),
        "127.0.0.1 asked.example - -"
    );
    let chain = ("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.2.0.1");
    assert_eq!(
        told(&[chain, ("x-forwarded-proto", "https, http, https")]),
        "203.0.113.7 asked.example plain -"
    );
    // Only the nearest wrote one.
    assert_eq!(
        told(&[chain, ("x-forwarded-proto", "http")]),
        "203.0.113.7 asked.example plain -"
    );
    for broken in ["two hosts", "", "a.example/path", "a.example, "] {
        assert!(
            told(&[("x-forwarded-host", broken)]).contains("asked.example"),
            "{broken}"
        );
    }
}

#[test]
fn the_standard_header_is_read_by_itself() {
    let told = |value: &str| seen(&[Forwarded], "10.0.0.1", &[("forwarded", value)]);
    assert_eq!(
        told("for=203.0.113.7;proto=http;host=told.example"),
        "203.0.113.7 told.example plain -"
    );
    assert_eq!(
        told(r#"For="[2001:db8::1]:4711";Host="told.example""#),
        "2001:db8::1 told.example - -"
    );
    assert_eq!(
        told(
            r#"for=198.51.100.1;host=evil.example, for=203.0.113.7;host=told.example, for="10.2.0.1";proto=http"#
        ),
        "203.0.113.7 told.example - -"
    );
    assert_eq!(
        told("for=_hidden;proto=http"),
        "10.0.0.1 asked.example plain -"
    );
    let both = [
        ("forwarded", "for=203.0.113.7"),
        ("x-forwarded-for", "198.51.100.1"),
    ];
    assert_eq!(
        seen(&[Forwarded], "10.0.0.1", &both),
        "203.0.113.7 asked.example - -"
    );
    assert_eq!(seen(X, "10.0.0.1", &both), "198.51.100.1 asked.example - -");
}

#[test]
fn headers_that_are_not_heeded_change_nothing() {
    let headers = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "for=198.51.100.1;host=evil.example;proto=http"),
    ];
    let told = seen(&[XForwardedFor, XForwardedProto], "10.0.0.1", &headers);
    assert_eq!(told, "10.0.0.1 asked.example - certificate");
}

#[test]
fn networks_are_written_as_they_are() {
    assert_eq!(
        Proxies::parse("10.1.2.3").unwrap().to_string(),
        "10.1.2.3/32"
    );
    let told = |text: &str| Proxies::parse(text).unwrap_err();
    insta::assert_snapshot!(told("proxy.example"), @"`proxy.example` is no address and no network: expected `10.1.2.3` or `10.1.0.0/16`");
    insta::assert_snapshot!(told("10.1.2.3/8"), @"`10.1.2.3/8` has bits behind its prefix; the network is `10.0.0.0/8`");
    insta::assert_snapshot!(told("0.0.0.0/0"), @"`0.0.0.0/0` is everybody, and then anybody could say to be anybody; name the networks of the proxies");
    insta::assert_snapshot!(told("::/0"), @"`::/0` is everybody, and then anybody could say to be anybody; name the networks of the proxies");
}

proptest! {
    /// Whatever anybody else writes, the router sees what it would without.
    #[test]
    fn nobody_else_is_believed(
        peer in "(203\\.0\\.113\\.[1-9]|2001:db8::[1-9])",
        values in proptest::collection::vec("[ -~]{0,40}", 4),
        all in any::<bool>(),
    ) {
        let names = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
        let headers: Vec<_> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
        let heeded = if all { X } else { &[Forwarded][..] };
        prop_assert_eq!(seen(heeded, &peer, &headers), seen(heeded, &peer, &[]));
    }

    /// The client is an address that a proxy saw: itself, or one of the entries; never one that
    /// stands before an address that is no proxy's.
    #[test]
    fn no_one_reaches_past_the_first_stranger(before in "[ -~]{0,40}", hops in 0_usize..4) {
        let hops: String = (0..hops).map(|hop| format!(", 10.0.0.{}", hop + 1)).collect();
        let chain = format!("{before}, 203.0.113.7{hops}");
        let told = seen(X, "10.0.0.9", &[("x-forwarded-for", &chain)]);
        prop_assert!(told.starts_with("203.0.113.7 "), "{}", told);
    }
}
