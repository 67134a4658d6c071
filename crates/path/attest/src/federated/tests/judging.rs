use proptest::prelude::*;
use rolecall_jose::JoseError;

use super::*;

#[test]
fn what_the_issuer_signed_is_taken_with_either_of_its_keys() {
    for key in [&*RSA, &*P256] {
        let token = signed(key, &claims(json!({})));
        let evidence = judge(&token, &issuer(json!({}))).unwrap();
        assert_eq!(evidence.issuer(), "cluster");
        assert_eq!(evidence.claims()["jti"], "id-1");
    }
}

#[test]
fn claims_that_do_not_fit_are_told_apart() {
    let refused = |changes| judged(changes).unwrap_err().to_string();
    insta::assert_snapshot!(refused(json!({ "aud": "https://other.example" })), @"the evidence is not meant for this issuer: its `aud` must be `https://acme.cubecloud.dev`");
    insta::assert_snapshot!(refused(json!({ "aud": null })), @"the evidence has no `aud`");
    insta::assert_snapshot!(refused(json!({ "iss": "https://oidc.cluster.example/" })), @"the evidence is of the issuer `https://oidc.cluster.example/`, which is not trusted here; issuers are compared character by character");
    insta::assert_snapshot!(refused(json!({ "exp": NOW - 60 })), @"the evidence expired 60 s ago");
    insta::assert_snapshot!(refused(json!({ "exp": "soon" })), @"the `exp` of the evidence must be a number of seconds since 1970");
    insta::assert_snapshot!(refused(json!({ "iat": null })), @"the evidence has no `iat`");
    insta::assert_snapshot!(refused(json!({ "iat": NOW - 3660 })), @"the evidence was made 3660 s ago; at most 3600 s are accepted of its issuer");
    insta::assert_snapshot!(refused(json!({ "nbf": NOW + 61 })), @"the `nbf` of the evidence is 61 s in the future; compare the clocks");
    insta::assert_snapshot!(refused(json!({ "iat": NOW + 61 })), @"the `iat` of the evidence is 61 s in the future; compare the clocks");
    insta::assert_snapshot!(refused(json!({ "jti": 7 })), @"the `jti` of the evidence must be a text of 1 to 512 characters");
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    assert!(judged(json!({ "exp": NOW - 59 })).is_ok());
    assert!(judged(json!({ "nbf": NOW + 60 })).is_ok());
    let strict = issuer(json!({ "leeway_seconds": 0 }));
    let at = |changes| judge(&signed(&RSA, &claims(changes)), &strict);
    assert!(at(json!({ "exp": NOW + 1 })).is_ok());
    assert!(at(json!({ "exp": NOW })).is_err());
    assert!(at(json!({ "nbf": NOW + 1 })).is_err());
}

#[test]
fn a_token_cannot_choose_how_it_is_verified() {
    let good = claims(json!({}));
    let kid = RSA.kid();
    let header = |more: Value| merged(json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }), more);
    let refused = |token: String| judge(&token, &issuer(json!({}))).unwrap_err();

    let none = header(json!({ "alg": "none" }));
    for empty in ["", "AAAA"] {
        let token = format!("{}.{}.{empty}", part(&none), part(&good));
        assert_eq!(
            refused(token),
            EvidenceError::Jose(JoseError::AlgorithmNone)
        );
    }

    // The public key, which everybody knows, as the secret of an HMAC.
    let secret = serde_json::to_vec(RSA.public_jwk()).unwrap();
    let text = format!(
        "{}.{}",
        part(&header(json!({ "alg": "HS256" }))),
        part(&good)
    );
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    let tag = aws_lc_rs::hmac::sign(&key, text.as_bytes());
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag));
    assert!(matches!(
        refused(token),
        EvidenceError::Jose(JoseError::AlgorithmSymmetric { .. })
    ));

    // An RSA key that is asked to verify as another kind.
    let crossed = with_header(&RSA, &header(json!({ "alg": "ES256" })), &good);
    assert!(matches!(refused(crossed), EvidenceError::UnknownKey { .. }));
    let other_hash = with_header(&RSA, &header(json!({ "alg": "RS512" })), &good);
    assert!(matches!(
        refused(other_hash),
        EvidenceError::Algorithm { .. }
    ));

    // A key of the attacker's own, brought along in every way there is.
    let attacker = SigningKey::generate(KeyKind::Rsa2048).unwrap();
    let own = serde_json::to_value(attacker.public_jwk()).unwrap();
    for (member, value) in [
        ("jwk", own.clone()),
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/chain")),
        ("x5c", json!(["MIIB"])),
    ] {
        for signer in [&attacker, &*RSA] {
            let token = with_header(signer, &header(json!({ member: value.clone() })), &good);
            assert_eq!(refused(token), EvidenceError::OwnKey { member });
        }
    }
    let forged = with_header(&attacker, &header(json!({})), &good);
    assert_eq!(
        refused(forged),
        EvidenceError::Jose(JoseError::SignatureInvalid)
    );

    let critical = header(json!({ "crit": ["b64"], "b64": false }));
    assert!(matches!(
        refused(with_header(&RSA, &critical, &good)),
        EvidenceError::Jose(JoseError::Critical { .. })
    ));
    let logout = header(json!({ "typ": "logout+jwt" }));
    insta::assert_snapshot!(
        refused(with_header(&RSA, &logout, &good)),
        @"the evidence is a token of type `logout+jwt`, which proves nothing about a workload"
    );
}

#[test]
fn only_published_keys_for_signatures_count() {
    let token = signed(&RSA, &claims(json!({})));
    let with_keys = |changes: Value| {
        let set =
            json!({ "keys": [merged(serde_json::to_value(RSA.public_jwk()).unwrap(), changes)] });
        let keys = IssuerKeys::new(&JwkSet::parse(set.to_string().as_bytes()).unwrap());
        let read = Presented::read(&token).unwrap();
        (
            keys.knows(read.kid()),
            read.judge(&issuer(json!({})), &keys, NOW).is_ok(),
        )
    };
    assert_eq!(with_keys(json!({})), (true, true));
    assert_eq!(with_keys(json!({ "use": "enc" })), (false, false));
    assert_eq!(with_keys(json!({ "alg": "RS512" })), (true, false));
    assert_eq!(with_keys(json!({ "kid": "other" })), (false, false));
    assert_eq!(with_keys(json!({ "d": "AQAB" })), (false, false));
}

#[test]
fn a_token_without_kid_needs_an_issuer_with_one_key_of_its_kind() {
    let token = with_header(&RSA, &json!({ "alg": "RS256" }), &claims(json!({})));
    assert!(judge(&token, &issuer(json!({}))).is_ok());
    let other = SigningKey::generate(KeyKind::Rsa2048).unwrap();
    let two = IssuerKeys::new(&JwkSet::new(vec![
        RSA.public_jwk().clone(),
        other.public_jwk().clone(),
    ]));
    let refused = Presented::read(&token)
        .unwrap()
        .judge(&issuer(json!({})), &two, NOW);
    assert_eq!(refused.unwrap_err(), EvidenceError::KidMissing { keys: 2 });
}

#[test]
fn a_huge_token_is_refused_by_its_length() {
    let token = "a".repeat(LONGEST_EVIDENCE + 1);
    insta::assert_snapshot!(Presented::read(&token).unwrap_err(), @"the evidence has 24577 bytes; at most 24576 are looked at");
}

#[test]
fn a_token_is_known_again_by_its_jti_or_by_what_was_signed() {
    let evidence = judged(json!({})).unwrap();
    let used = evidence.used_once().unwrap();
    assert_eq!(used.id, "jti id-1");
    assert_eq!(used.until, NOW + 590 + 60);

    // Refused as stale before it is refused as expired.
    let long = judged(json!({ "exp": NOW + 86_400 })).unwrap();
    assert_eq!(long.used_once().unwrap().until, NOW - 10 + 3600 + 60);

    // Two ECDSA signatures over the same text are one piece of evidence.
    let nameless = claims(json!({ "jti": null }));
    let header = json!({ "alg": "ES256", "kid": P256.kid() });
    let digest = |token: String| {
        judge(&token, &issuer(json!({})))
            .unwrap()
            .used_once()
            .cloned()
    };
    let (first, second) = (
        with_header(&P256, &header, &nameless),
        with_header(&P256, &header, &nameless),
    );
    assert_ne!(first, second);
    assert_eq!(digest(first), digest(second));

    let demanded = issuer(json!({ "jti_required": true }));
    assert_eq!(
        judge(&signed(&RSA, &nameless), &demanded)
            .unwrap_err()
            .to_string(),
        "the evidence has no `jti`"
    );
    let reusable = issuer(json!({ "one_use": false }));
    assert_eq!(
        judge(&signed(&RSA, &nameless), &reusable)
            .unwrap()
            .used_once(),
        None
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn noise_is_refused_and_never_panics(noise in "\\PC{0,200}", a in "[A-Za-z0-9_-]{0,60}", b in "[A-Za-z0-9_-]{0,60}") {
        prop_assert!(Presented::read(&noise).is_err());
        let three_parts = format!("{a}.{b}.{a}");
        prop_assert!(Presented::read(&three_parts).is_err());
    }

    #[test]
    fn no_changed_character_survives(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let token = signed(&P256, &claims(json!({})));
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != token);
        let judged = judge(&changed, &issuer(json!({})));
        prop_assert!(judged.is_err());
    }
}
