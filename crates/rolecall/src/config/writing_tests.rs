#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rolecall_http_api::TenantDeclaration;
use serde_json::{Value, json};

use super::{Written, yaml};
use crate::config::Loaded;

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    proptest::option::of(value)
}

/// Texts that YAML could take for something else.
fn text() -> impl Strategy<Value = Value> {
    let odd = [
        "42",
        "0x1f",
        "1e3",
        "true",
        "no",
        "null",
        "~",
        "",
        "- a",
        "a: b",
        "# a",
        "'",
        "\"",
        "a\nb",
        "2026-11-23",
        "1_000",
        "{a}",
        "[a]",
        "*a",
        "&a",
        "!a",
        "%a",
        "é",
        " a ",
        "0o7",
        ".5",
    ];
    prop_oneof![
        proptest::sample::select(odd.to_vec()).prop_map(Value::from),
        "[a-z{}:/ ]{0,12}".prop_map(Value::from),
    ]
}

fn seconds() -> impl Strategy<Value = Value> {
    prop_oneof![1..=86_400u32, Just(3600), Just(5400), Just(90)].prop_map(Value::from)
}

fn token_config() -> impl Strategy<Value = Value> {
    (
        text(),
        maybe(seconds()),
        maybe(seconds()),
        proptest::sample::select(vec!["RS256", "ES256"]),
        proptest::sample::select(vec!["aws", "azure", "gcp", "custom"]),
        proptest::collection::btree_map("[a-z]{1,5}", text(), 0..3),
        maybe(text()),
        proptest::collection::btree_map("[a-z]{1,5}", text(), 0..3),
    )
        .prop_map(
            |(subject, lifetime, longest, algorithm, kind, claims, identity, tags)| {
                json!({
                    "name": "config", "subject": subject, "lifetime_seconds": lifetime,
                    "longest_lifetime_seconds": longest, "algorithm": algorithm, "kind": kind,
                    "claims": claims,
                    "aws": {"source_identity": identity, "session_tags": tags},
                })
            },
        )
}

fn trusted_issuer() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        Just(json!("discovery")),
        Just(json!({"url": "https://keys.example/jwks"})),
        Just(json!({"offline": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}})),
    ];
    (
        keys,
        any::<bool>(),
        any::<bool>(),
        maybe(seconds()),
        0..=300u32,
        maybe(Just(json!(
            "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
        ))),
        proptest::sample::select(vec![
            "oidc",
            "kubernetes",
            "github-actions",
            "gitlab",
            "aws",
        ]),
    )
        .prop_map(|(keys, one_use, jti, age, leeway, authorities, preset)| {
            json!({
                "name": "issuer", "issuer": "https://issuer.example", "audiences": ["us"],
                "keys": keys, "one_use": one_use, "jti_required": jti,
                "maximum_age_seconds": age, "leeway_seconds": leeway, "authorities": authorities,
                "preset": preset,
            })
        })
}

fn workload() -> impl Strategy<Value = Value> {
    (
        proptest::collection::btree_map("[a-z]{1,5}", text(), 0..3),
        proptest::collection::btree_map(
            "[a-z]{1,5}",
            proptest::collection::vec(text(), 1..3),
            0..2,
        ),
        any::<bool>(),
        any::<bool>(),
        text(),
    )
        .prop_map(|(attributes, may_claim, enrols, forks, expected)| {
            let keys = if enrols {
                json!([])
            } else {
                json!([{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}])
            };
            json!({
                "name": "job", "attributes": attributes, "may_claim": may_claim,
                "token_configs": ["config"], "enrols": enrols, "keys": keys,
                "secret_hashes": ["$argon2id$v=19$m=19456,t=2,p=1$AA$AA"],
                "certificates": [{"from": "ours", "uri": {"like": "spiffe://*"}}],
                "evidence": [{
                    "from": "issuer", "where": {"sub": expected, "n": [1, true, "x"]},
                    "attributes": {"team": {"claim": "team", "only": ["a", "42"]}},
                    "allow": {"forks": forks},
                }],
            })
        })
}

fn tenant() -> impl Strategy<Value = Value> {
    let policy = (
        maybe((1..400i64).prop_map(|days| json!(days * 86_400))),
        3_600..200_000i64,
        any::<bool>(),
    );
    (
        proptest::collection::vec(token_config(), 0..2),
        proptest::collection::vec(trusted_issuer(), 0..2),
        proptest::collection::vec(workload(), 0..2),
        policy,
        any::<bool>(),
        proptest::sample::select(vec![2048, 3072, 4096]),
        maybe(seconds()),
        text(),
    )
        .prop_map(
            |(
                configs,
                issuers,
                workloads,
                (period, ahead, standby),
                issuance,
                bits,
                longest,
                told,
            )| {
                json!({
                    "name": "acme", "issuer": "https://acme.example", "rsa_bits": bits,
                    "issuance": issuance,
                    "keys": {
                        "period": period, "publish_ahead": ahead, "standby": standby,
                        "backend": "software", "publishing": if standby { "own" } else { "external" },
                    },
                    "jwks": {"members": "with_x5c", "first": "ES256"},
                    "federation": {"jwks_path": "/keys"},
                    "limits": {"workload": {"per_second": 5, "burst": 9}},
                    "rules": {
                        "attributes": {"team": {"description": told, "values": ["42", "x"]}},
                        "reserved_claims": ["a:"], "longest_lifetime_seconds": longest,
                    },
                    "trust_bundles": [{"name": "ours", "authorities": "PEM\nPEM\n"}],
                    "trust_subscriptions": [{"name": "r", "role": "arn:aws:iam::1:role/r", "policy": "{\n \"a\": 1}\n"}],
                    "token_configs": configs, "trusted_issuers": issuers, "workloads": workloads,
                })
            },
        )
}

proptest! {
    /// What is written as a file is read from it again.
    #[test]
    fn what_is_exported_is_what_is_applied(tenant in tenant()) {
        let declared: TenantDeclaration = serde_json::from_value(tenant).unwrap();
        let text = yaml(&json!({ "tenants": [declared.written()] })).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.yaml");
        std::fs::write(&path, &text).unwrap();
        let loaded = Loaded::read(&path).map_err(|failure| failure.told() + &text).unwrap();
        let read = loaded.tenants(([0, 0, 0, 0], 0).into());
        let read = read.map_err(|failure| failure.told() + &text).unwrap();
        prop_assert_eq!(&read, &vec![declared], "{}", text);
    }
}
