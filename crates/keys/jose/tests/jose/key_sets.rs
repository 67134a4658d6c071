//! What is published, and what is read of others' sets.

use proptest::prelude::*;
use rolecall_jose::{JoseError, Jwk, JwkSet, VerifyingKey};
use serde_json::{Value, json};

use crate::keys::{P256, RSA};

#[test]
fn a_published_key_has_exactly_the_members_that_aws_wants() {
    let set = JwkSet::new(vec![RSA.public_jwk().clone(), P256.public_jwk().clone()]);
    let text = serde_json::to_string(&set).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let names = |at: usize| -> Vec<&str> {
        written["keys"][at]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    };
    let mut rsa = names(0);
    rsa.sort_unstable();
    assert_eq!(rsa, ["alg", "e", "kid", "kty", "n", "use"]);
    let mut ec = names(1);
    ec.sort_unstable();
    assert_eq!(ec, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(written["keys"][0]["use"], "sig");
    assert_eq!(written["keys"][0]["alg"], "RS256");
    assert_eq!(written["keys"][0]["e"], "AQAB");
    assert_eq!(written["keys"][1]["alg"], "ES256");
    assert!(
        text.starts_with(r#"{"keys":[{"kty":"RSA","kid":""#),
        "{text}"
    );
    assert_eq!(JwkSet::parse(text.as_bytes()).unwrap(), set);
}

#[test]
fn what_is_read_leniently_is_not_written_again() {
    let mut foreign = serde_json::to_value(P256.public_jwk()).unwrap();
    foreign["key_ops"] = json!(["verify"]);
    foreign["x5c"] = json!(["AAAA"]);
    foreign["x5t"] = json!("abc");
    let read = Jwk::parse(foreign.to_string().as_bytes()).unwrap();
    assert_eq!(read.key_ops.as_deref(), Some(&["verify".to_owned()][..]));
    assert_eq!(read.agrees_with_certificate(), Some(false));
    assert!(VerifyingKey::from_jwk(&read).is_ok());
    assert_eq!(
        serde_json::to_value(&read).unwrap(),
        serde_json::to_value(P256.public_jwk()).unwrap()
    );
}

#[test]
fn unreadable_entries_are_left_out_and_the_rest_is_kept() {
    let set = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kid": "no type"},
        17,
        {"kty": "RSA", "n": 5},
        P256.public_jwk(),
    ], "other": true});
    let read = JwkSet::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!(read.keys.len(), 2);
    assert_eq!(
        read.signing_key(Some(P256.kid())).unwrap(),
        P256.public_jwk()
    );
    for wrong in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert!(
            matches!(
                JwkSet::parse(wrong.as_bytes()),
                Err(JoseError::JwkSet { .. })
            ),
            "{wrong}"
        );
    }
}

#[test]
fn the_key_is_chosen_as_aws_does() {
    let named = |jwk: &Jwk, kid: &str, key_use: &str| {
        let mut jwk = jwk.clone();
        jwk.kid = Some(kid.to_owned());
        jwk.key_use = Some(key_use.to_owned());
        jwk
    };
    let set = JwkSet::new(vec![
        named(RSA.public_jwk(), "a", "sig"),
        named(P256.public_jwk(), "a", "sig"),
        named(RSA.public_jwk(), "a", "enc"),
        named(RSA.public_jwk(), "b", "enc"),
    ]);
    assert_eq!(set.signing_key(Some("a")).unwrap().kty, "EC");
    assert_eq!(
        set.signing_key(Some("b")).unwrap_err(),
        JoseError::KidUnknown {
            kid: "b".to_owned()
        }
    );
    let one = JwkSet::new(vec![
        named(RSA.public_jwk(), "a", "enc"),
        named(P256.public_jwk(), "b", "sig"),
    ]);
    assert_eq!(one.signing_key(None).unwrap().kty, "EC");
    assert_eq!(
        JwkSet::default().signing_key(None).unwrap_err(),
        JoseError::KidMissing { signing_keys: 0 }
    );
}

#[test]
fn a_private_half_is_noticed_and_not_kept() {
    let mut private = serde_json::to_value(P256.public_jwk()).unwrap();
    private["d"] = json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let read = Jwk::parse(private.to_string().as_bytes()).unwrap();
    assert!(read.private);
    assert!(!format!("{read:?}").contains("jpsQ"));
    assert!(!serde_json::to_string(&read).unwrap().contains("\"d\""));
}

#[test]
fn damaged_keys_are_refused_by_member() {
    let refused = |change: Value| {
        let mut jwk = serde_json::to_value(
            if change.get("x").is_some() || change.get("crv").is_some() {
                P256.public_jwk()
            } else {
                RSA.public_jwk()
            },
        )
        .unwrap();
        for (name, value) in change.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        VerifyingKey::from_jwk(&Jwk::parse(jwk.to_string().as_bytes()).unwrap()).unwrap_err()
    };
    let member = |error: JoseError| match error {
        JoseError::JwkMember { name, .. } | JoseError::JwkMemberMissing { name, .. } => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(member(refused(json!({"n": null}))), "n");
    assert_eq!(member(refused(json!({"n": "AQAB"}))), "n");
    assert_eq!(member(refused(json!({"n": "A=="}))), "n");
    assert_eq!(member(refused(json!({"n": "AAAA"}))), "n");
    for exponent in ["AQ", "Ag", "AA", "", "AQAA", "_________w"] {
        assert_eq!(member(refused(json!({"e": exponent}))), "e", "{exponent}");
    }
    assert_eq!(member(refused(json!({"x": "AQAB"}))), "x");
    let zeros = "A".repeat(43);
    assert_eq!(member(refused(json!({"x": zeros}))), "x");
    assert!(matches!(
        refused(json!({"crv": "secp256k1"})),
        JoseError::KeyType { .. }
    ));
    assert!(matches!(
        refused(json!({"kty": "oct"})),
        JoseError::KeyType { .. }
    ));
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(
        kty in prop_oneof![Just("RSA".to_owned()), Just("EC".to_owned()), ".*"],
        members in prop::collection::btree_map(
            prop_oneof![Just("n"), Just("e"), Just("crv"), Just("x"), Just("y"), Just("x5c"), Just("kid")],
            "[A-Za-z0-9_-]{0,400}", 0..7),
    ) {
        let mut jwk = json!({"kty": kty});
        for (name, value) in members {
            jwk[name] = if name == "x5c" { json!([value]) } else { json!(value) };
        }
        if let Ok(jwk) = Jwk::parse(jwk.to_string().as_bytes()) {
            let _ = VerifyingKey::from_jwk(&jwk);
            let _ = jwk.thumbprint();
            let _ = jwk.agrees_with_certificate();
        }
    }
}
