use proptest::prelude::*;
use rolecall_mint::{Fault, IssuerUrl};

#[test]
fn issuers_are_kept_exactly() {
    for (text, host, authority, path) in [
        (
            "https://acme.cubecloud.dev",
            "acme.cubecloud.dev",
            "acme.cubecloud.dev",
            "",
        ),
        (
            "https://api.prefect.cloud/oidc-provider",
            "api.prefect.cloud",
            "api.prefect.cloud",
            "/oidc-provider",
        ),
        (
            "https://api.pulumi.com/oidc/v2",
            "api.pulumi.com",
            "api.pulumi.com",
            "/oidc/v2",
        ),
        (
            "https://oidc.fly.io/My_Org",
            "oidc.fly.io",
            "oidc.fly.io",
            "/My_Org",
        ),
        (
            "https://issuer.example:8443/a",
            "issuer.example",
            "issuer.example:8443",
            "/a",
        ),
        (
            "http://127.0.0.1:4000/acme",
            "127.0.0.1",
            "127.0.0.1:4000",
            "/acme",
        ),
        ("http://localhost:4000", "localhost", "localhost:4000", ""),
        ("http://[::1]:4000/x", "[::1]", "[::1]:4000", "/x"),
        ("http://127.8.9.10", "127.8.9.10", "127.8.9.10", ""),
    ] {
        let issuer: IssuerUrl = text.parse().unwrap();
        assert_eq!(issuer.as_str(), text);
        assert_eq!(issuer.to_string(), text);
        assert_eq!(issuer.host(), host);
        assert_eq!(issuer.authority(), authority);
        assert_eq!(issuer.path(), path);
        assert_eq!(issuer.key_prefix(), format!("{authority}{path}"));
        assert_eq!(issuer.is_plain(), text.starts_with("http:"));
        let json = serde_json::to_string(&issuer).unwrap();
        assert_eq!(serde_json::from_str::<IssuerUrl>(&json).unwrap(), issuer);
    }
}

#[test]
fn surprises_are_refused_with_their_reason() {
    for (text, part) in [
        ("", "must begin with `https://`"),
        ("acme.example", "must begin with `https://`"),
        ("HTTPS://acme.example", "must begin with `https://`"),
        ("ftp://acme.example", "must begin with `https://`"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://acme.example/", "ends in `/`"),
        ("https://acme.example/a/", "ends in `/`"),
        ("https://acme.example/a//b", "empty or dot segment"),
        ("https://acme.example/a/../b", "empty or dot segment"),
        ("https://acme.example/./b", "empty or dot segment"),
        ("https://acme.example?x=1", "query"),
        ("https://acme.example/a?x=1", "query"),
        ("https://acme.example/a#f", "fragment"),
        ("https://acme.example#f", "fragment"),
        ("https://user@acme.example", "user name"),
        ("https://user:pw@acme.example", "user name"),
        ("https://Acme.example/A", "write `acme.example`"),
        ("https://acme.example:443", "leave it out"),
        ("http://localhost:80", "leave it out"),
        ("https://acme.example:0", "from 1"),
        ("https://acme.example:0443", "leading zeros"),
        ("https://acme.example:+8", "leading zeros"),
        ("https://acme.example:99999", "65535"),
        ("https://acme.example:", "65535"),
        ("https://acme..example", "domain name"),
        ("https://-acme.example", "domain name"),
        ("https://acme_x.example", "domain name"),
        ("https://äcme.example", "domain name"),
        ("https://acme.example.", "domain name"),
        ("https://*.example", "domain name"),
        ("https://acme.example/*", "its path holds `*`"),
        ("https://acme.example/a%2Fb", "its path holds `%`"),
        ("https://acme.example/a b", "its path holds ` `"),
        ("https://acme.example/a\n", "its path holds `\\n`"),
        ("http://acme.example", "loopback"),
        ("http://127.0.0.1.example", "write `https://`"),
        ("http://localhost.example", "write `https://`"),
        ("http://192.168.0.1", "write `https://`"),
        ("https://[::1", "closing bracket"),
        ("https://[::1]x", "between address and port"),
        ("https://[0:0::1]", "must be written `[::1]`"),
        ("https://[zz]", "malformed"),
    ] {
        let error = text.parse::<IssuerUrl>().unwrap_err();
        assert_eq!(error.fault(), Fault::Operator);
        let message = error.to_string();
        let part = part.replace("loopback", "`127.0.0.0/8`");
        assert!(message.contains(&part), "{text:?}: {message}");
    }
    let long = format!("https://acme.example/{}", "a".repeat(240));
    assert!(
        long.parse::<IssuerUrl>()
            .unwrap_err()
            .to_string()
            .contains("255")
    );
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics_and_never_changes(text in "(https?://)?[\\[\\]A-Za-z0-9.:/@?#%_-]{0,40}") {
        if let Ok(issuer) = text.parse::<IssuerUrl>() {
            prop_assert_eq!(issuer.as_str(), text.as_str());
            prop_assert_eq!(format!("{}://{}", text.split(':').next().unwrap(), issuer.key_prefix()), text);
            prop_assert!(!issuer.path().ends_with('/'));
            prop_assert!(!issuer.host().is_empty());
        }
    }
}
