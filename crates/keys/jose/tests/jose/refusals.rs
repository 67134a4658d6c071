//! Every token that must be refused, each with its own error, and none with a panic.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use jsonwebtoken::{EncodingKey, Header};
use proptest::prelude::*;
use rolecall_jose::{
    Algorithm, Compact, JoseError, JwkSet, KeyKind, MAX_TOKEN_LENGTH, Part, SigningKey,
};
use secrecy::ExposeSecret as _;

use crate::keys::{P256, RSA, b64, public, token, token_with_header};

#[test]
fn truncated_tokens() {
    for key in [&*RSA, &*P256] {
        let whole = token(key);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            let refused = Compact::parse(cut).and_then(|token| token.verify(&public(key)));
            let error = refused.unwrap_err();
            let expected = match cut.matches('.').count() {
                _ if length == 0 => matches!(error, JoseError::Empty),
                0 | 1 => matches!(error, JoseError::Segments { .. }),
                _ => matches!(
                    error,
                    JoseError::SignatureMissing
                        | JoseError::SignatureLength { .. }
                        | JoseError::SignatureIsDer { .. }
                        | JoseError::Base64 {
                            part: Part::Signature
                        }
                        | JoseError::NotCanonical {
                            part: Part::Signature
                        }
                ),
            };
            assert!(expected, "{length}: {error:?}");
        }
    }
}

#[test]
fn every_changed_character_is_noticed() {
    let whole = token(&P256);
    for at in 0..whole.len() {
        let mut changed = whole.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let refused = Compact::parse(&changed).and_then(|token| token.verify(&public(&P256)));
        assert!(refused.is_err(), "{at}");
    }
}

#[test]
fn unsigned_in_any_spelling() {
    for name in ["none", "None", "NONE", "nOnE"] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        for signature in ["", "AAAA"] {
            let text = format!("{}.{}.{signature}", b64(header.as_bytes()), b64(b"{}"));
            let refused = Compact::parse(&text).unwrap().verify(&public(&RSA));
            assert_eq!(refused, Err(JoseError::AlgorithmNone));
        }
    }
}

#[test]
fn hmac_with_the_public_key_as_the_secret() {
    let public_text = serde_json::to_vec(RSA.public_jwk()).unwrap();
    let forged = jsonwebtoken::encode(
        &Header::new(jsonwebtoken::Algorithm::HS256),
        &serde_json::json!({"sub": "admin"}),
        &EncodingKey::from_secret(&public_text),
    )
    .unwrap();
    assert_eq!(
        Compact::parse(&forged).unwrap().verify(&public(&RSA)),
        Err(JoseError::AlgorithmSymmetric {
            name: "HS256".to_owned()
        })
    );
}

#[test]
fn pss() {
    let pem = RSA.to_pem().unwrap();
    let signed = jsonwebtoken::encode(
        &Header::new(jsonwebtoken::Algorithm::PS256),
        &serde_json::json!({"sub": "x"}),
        &EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).unwrap(),
    )
    .unwrap();
    assert_eq!(
        Compact::parse(&signed).unwrap().verify(&public(&RSA)),
        Err(JoseError::AlgorithmPss {
            name: "PS256".to_owned()
        })
    );
}

#[test]
fn unknown_and_missing_algorithms() {
    let unknown = token_with_header(&RSA, r#"{"alg":"EdDSA"}"#);
    assert_eq!(
        Compact::parse(&unknown).unwrap().verify(&public(&RSA)),
        Err(JoseError::AlgorithmUnknown {
            name: "EdDSA".to_owned()
        })
    );
    let lower = token_with_header(&RSA, r#"{"alg":"rs256"}"#);
    assert!(matches!(
        Compact::parse(&lower).unwrap().verify(&public(&RSA)),
        Err(JoseError::AlgorithmUnknown { .. })
    ));
    let missing = token_with_header(&RSA, r#"{"typ":"JWT"}"#);
    assert_eq!(
        Compact::parse(&missing).unwrap_err(),
        JoseError::AlgorithmMissing
    );
    let number = token_with_header(&RSA, r#"{"alg":256}"#);
    assert_eq!(
        Compact::parse(&number).unwrap_err(),
        JoseError::HeaderMember {
            name: "alg",
            expected: "a string"
        }
    );
}

#[test]
fn algorithm_of_another_key() {
    let claims_rs = token_with_header(&P256, r#"{"alg":"RS256"}"#);
    assert_eq!(
        Compact::parse(&claims_rs).unwrap().verify(&public(&P256)),
        Err(JoseError::KeyMismatch {
            algorithm: Algorithm::Rs256,
            key: "EC P-256"
        })
    );
    let claims_384 = token_with_header(&P256, r#"{"alg":"ES384"}"#);
    assert!(matches!(
        Compact::parse(&claims_384).unwrap().verify(&public(&P256)),
        Err(JoseError::KeyMismatch { .. })
    ));
}

#[test]
fn another_key_of_the_same_kind() {
    let other = SigningKey::generate(KeyKind::P256).unwrap();
    assert_eq!(
        Compact::parse(&token(&other))
            .unwrap()
            .verify(&public(&P256)),
        Err(JoseError::SignatureInvalid)
    );
}

#[test]
fn critical_extensions() {
    let token = token_with_header(&RSA, r#"{"alg":"RS256","crit":["b64","exp"],"b64":false}"#);
    assert_eq!(
        Compact::parse(&token).unwrap().verify(&public(&RSA)),
        Err(JoseError::Critical {
            names: "`b64`, `exp`".to_owned()
        })
    );
    for crit in ["[]", "[1]", "\"exp\"", "null", "{}"] {
        let token = token_with_header(&RSA, &format!(r#"{{"alg":"RS256","crit":{crit}}}"#));
        assert!(
            matches!(
                Compact::parse(&token),
                Err(JoseError::HeaderMember { name: "crit", .. })
            ),
            "{crit}"
        );
    }
}

#[test]
fn a_missing_kid_is_served_only_by_a_single_key() {
    let token = token_with_header(&RSA, r#"{"alg":"RS256"}"#);
    let parsed = Compact::parse(&token).unwrap();
    assert_eq!(parsed.header().kid(), None);
    let one = JwkSet::new(vec![RSA.public_jwk().clone()]);
    assert!(one.signing_key(parsed.header().kid()).is_ok());
    let two = JwkSet::new(vec![RSA.public_jwk().clone(), P256.public_jwk().clone()]);
    assert_eq!(
        two.signing_key(parsed.header().kid()).unwrap_err(),
        JoseError::KidMissing { signing_keys: 2 }
    );
}

#[test]
fn keys_that_the_token_brings_are_never_trusted() {
    let attacker = SigningKey::generate(KeyKind::P256).unwrap();
    let jwk = serde_json::to_string(attacker.public_jwk()).unwrap();
    let header = format!(
        r#"{{"alg":"ES256","jwk":{jwk},"jku":"https://evil.example/keys","x5u":"https://evil.example/c","x5c":["AAAA"],"kid":"{}"}}"#,
        P256.kid()
    );
    let forged = token_with_header(&attacker, &header);
    assert_eq!(
        Compact::parse(&forged).unwrap().verify(&public(&P256)),
        Err(JoseError::SignatureInvalid)
    );
    // The same members on a token of the right key do no harm.
    let honest = token_with_header(&P256, &header);
    assert_eq!(
        Compact::parse(&honest).unwrap().verify(&public(&P256)),
        Ok(())
    );
}

#[test]
fn huge_tokens() {
    let huge = "A".repeat(MAX_TOKEN_LENGTH + 1);
    assert_eq!(
        Compact::parse(&huge).unwrap_err(),
        JoseError::TooLong {
            length: MAX_TOKEN_LENGTH + 1,
            limit: MAX_TOKEN_LENGTH
        }
    );
    let dots = ".".repeat(MAX_TOKEN_LENGTH);
    assert!(matches!(
        Compact::parse(&dots),
        Err(JoseError::Segments { .. })
    ));
}

#[test]
fn deeply_nested_json_is_refused_not_followed() {
    let deep = format!(r#"{{"alg":"RS256","x":{}"#, "[".repeat(30_000));
    let text = format!("{}.{}.AA", b64(deep.as_bytes()), b64(b"{}"));
    assert_eq!(
        Compact::parse(&text).unwrap_err(),
        JoseError::NotAnObject { part: Part::Header }
    );
}

#[test]
fn encrypted_tokens() {
    assert_eq!(
        Compact::parse("a.b.c.d.e").unwrap_err(),
        JoseError::Encrypted
    );
}

#[test]
fn base64_that_is_not_canonical_or_not_base64url() {
    let whole = token(&P256);
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    // 64 bytes leave four unused bits in the last of 86 characters.
    let last = signature.chars().last().unwrap();
    let next = char::from_u32(last as u32 + 1).unwrap();
    let padded_bits = format!("{signed}.{}{next}", &signature[..85]);
    assert_eq!(
        Compact::parse(&padded_bits).unwrap_err(),
        JoseError::NotCanonical {
            part: Part::Signature
        }
    );
    for bad in [
        format!("{whole}=="),
        format!("{whole}\n"),
        format!(" {whole}"),
        whole.replacen('e', "+", 1),
    ] {
        assert!(
            matches!(Compact::parse(&bad), Err(JoseError::Base64 { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn an_ecdsa_signature_in_der() {
    let pkcs8 = P256.to_pkcs8_der().unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.expose_secret()).unwrap();
    let signed = format!("{}.{}", b64(br#"{"alg":"ES256"}"#), b64(b"{}"));
    let der = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", b64(der.as_ref()));
    assert_eq!(
        Compact::parse(&token).unwrap().verify(&public(&P256)),
        Err(JoseError::SignatureIsDer {
            algorithm: Algorithm::Es256
        })
    );
}

#[test]
fn degenerate_ecdsa_signatures() {
    let signed = format!("{}.{}", b64(br#"{"alg":"ES256"}"#), b64(b"{}"));
    for bytes in [[0u8; 64], [0xff; 64]] {
        let token = format!("{signed}.{}", b64(&bytes));
        assert_eq!(
            Compact::parse(&token).unwrap().verify(&public(&P256)),
            Err(JoseError::SignatureInvalid)
        );
    }
}

#[test]
fn payloads_that_are_no_object_and_duplicate_members() {
    for payload in ["", "[]", "\"x\"", "null", "{", "{\"a\":1}x"] {
        let text = format!(
            "{}.{}.AA",
            b64(br#"{"alg":"RS256"}"#),
            b64(payload.as_bytes())
        );
        assert_eq!(
            Compact::parse(&text).unwrap().claims().unwrap_err(),
            JoseError::NotAnObject {
                part: Part::Payload
            },
            "{payload}"
        );
    }
    let twice = format!(
        "{}.{}.AA",
        b64(br#"{"alg":"none","alg":"RS256"}"#),
        b64(br#"{"sub":"first","sub":"last"}"#)
    );
    let parsed = Compact::parse(&twice).unwrap();
    assert_eq!(parsed.claims().unwrap()["sub"], "last");
    assert_eq!(parsed.header().algorithm(), Ok(Algorithm::Rs256));
}

#[test]
fn messages_quote_nothing_dangerous() {
    let name = "\u{1b}[31m\n".repeat(100);
    let header = serde_json::json!({ "alg": name }).to_string();
    let text = format!("{}.{}.AA", b64(header.as_bytes()), b64(b"{}"));
    let error = Compact::parse(&text).unwrap().verify(&public(&RSA));
    let message = error.unwrap_err().to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.chars().count() < 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        let _ = Compact::parse(&text);
        let _ = JwkSet::parse(text.as_bytes());
        let _ = SigningKey::from_pem(&text.into());
    }

    #[test]
    fn three_arbitrary_parts_never_verify(
        header in prop::collection::vec(any::<u8>(), 0..80),
        payload in prop::collection::vec(any::<u8>(), 0..80),
        signature in prop::collection::vec(any::<u8>(), 0..80),
        alg in prop_oneof![Just("RS256"), Just("ES256"), Just("none"), Just("HS256")],
    ) {
        let named = format!(r#"{{"alg":"{alg}"}}"#);
        for header in [header.as_slice(), named.as_bytes()] {
            let text = format!("{}.{}.{}", b64(header), b64(&payload), b64(&signature));
            for key in [&*RSA, &*P256] {
                let verified = Compact::parse(&text).and_then(|token| token.verify(&public(key)));
                prop_assert!(verified.is_err());
            }
        }
    }

    #[test]
    fn token_like_text_never_panics(text in "[A-Za-z0-9_=+/-]{0,40}(\\.[A-Za-z0-9_=+/-]{0,40}){0,5}") {
        let _ = Compact::parse(&text).map(|token| token.verify(&public(&RSA)));
    }
}
