//! `jsonwebtoken` reads what we sign, and we read what it signs.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use proptest::prelude::*;
use rolecall_jose::{Algorithm, Compact, Jwk, SigningKey, VerifyingKey, sign_compact};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use crate::keys::{P256, RSA, b64, public};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_verifies_and_reads_our_tokens(claims in claims()) {
        for key in [&*RSA, &*P256] {
            let payload = serde_json::to_vec(&claims).unwrap();
            let token = sign_compact(key, "JWT", &payload).unwrap();
            let read = jsonwebtoken::decode::<Map<String, Value>>(
                token.expose_secret(), &its_public(key), &lenient(its_algorithm(key.algorithm())),
            ).unwrap();
            prop_assert_eq!(&read.claims, &claims);
            prop_assert_eq!(read.header.kid.as_deref(), Some(key.kid()));
            prop_assert_eq!(read.header.typ.as_deref(), Some("JWT"));
        }
    }

    #[test]
    fn we_verify_and_read_its_tokens(claims in claims()) {
        for (key, algorithm) in [
            (&*RSA, Algorithm::Rs256), (&*RSA, Algorithm::Rs384), (&*RSA, Algorithm::Rs512),
            (&*P256, Algorithm::Es256),
        ] {
            let mut header = Header::new(its_algorithm(algorithm));
            header.kid = Some("a name".to_owned());
            let token = jsonwebtoken::encode(&header, &claims, &its_private(key)).unwrap();
            let parsed = Compact::parse(&token).unwrap();
            prop_assert_eq!(parsed.header().algorithm(), Ok(algorithm));
            prop_assert_eq!(parsed.header().kid(), Some("a name"));
            prop_assert_eq!(parsed.verify(&public(key)), Ok(()));
            prop_assert_eq!(parsed.claims().unwrap(), claims.clone());
        }
    }
}

#[test]
fn we_verify_es384_that_it_signed() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let token = jsonwebtoken::encode(
        &Header::new(jsonwebtoken::Algorithm::ES384),
        &serde_json::json!({"sub": "x"}),
        &EncodingKey::from_ec_der(pkcs8.as_ref()),
    )
    .unwrap();
    let key = ec_key("P-384", pair.public_key().as_ref());
    assert_eq!(Compact::parse(&token).unwrap().verify(&key), Ok(()));
}

#[test]
fn we_verify_es512_signed_by_the_crypto_library() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let signed = format!("{}.{}", b64(br#"{"alg":"ES512"}"#), b64(b"{}"));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", b64(signature.as_ref()));
    let key = ec_key("P-521", pair.public_key().as_ref());
    assert_eq!(Compact::parse(&token).unwrap().verify(&key), Ok(()));
}

#[test]
fn the_x509_form_of_an_rsa_key_holds_the_same_numbers() {
    // A second way from the private key to `n` and `e`, past our own DER reading.
    let pem = RSA.to_pem().unwrap();
    let its = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).unwrap();
    let token = jsonwebtoken::encode(
        &Header::new(jsonwebtoken::Algorithm::RS256),
        &serde_json::json!({}),
        &its,
    )
    .unwrap();
    let der = RSA.to_pkcs8_der().unwrap();
    let pair = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(der.expose_secret()).unwrap();
    let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let mut jwk = RSA.public_jwk().clone();
    jwk.x5c = Some(vec![base64_standard(spki.as_ref())]);
    assert_eq!(jwk.agrees_with_certificate(), Some(true));
    assert_eq!(
        Compact::parse(&token).unwrap().verify(&public(&RSA)),
        Ok(())
    );
}

fn base64_standard(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn ec_key(curve: &str, point: &[u8]) -> VerifyingKey {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    let jwk = serde_json::json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)});
    VerifyingKey::from_jwk(&Jwk::parse(jwk.to_string().as_bytes()).unwrap()).unwrap()
}

fn its_public(key: &SigningKey) -> DecodingKey {
    let jwk = key.public_jwk();
    match (&jwk.n, &jwk.e, &jwk.x, &jwk.y) {
        (Some(n), Some(e), ..) => DecodingKey::from_rsa_components(n, e).unwrap(),
        (_, _, Some(x), Some(y)) => DecodingKey::from_ec_components(x, y).unwrap(),
        _ => panic!("neither RSA nor EC"),
    }
}

fn its_private(key: &SigningKey) -> EncodingKey {
    let pem = key.to_pem().unwrap();
    let pem = pem.expose_secret().as_bytes();
    if key.algorithm().is_rsa() {
        EncodingKey::from_rsa_pem(pem).unwrap()
    } else {
        EncodingKey::from_ec_pem(pem).unwrap()
    }
}

fn its_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.as_str().parse().unwrap()
}

fn lenient(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        ".*".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::collection::vec(".{0,8}", 0..4).prop_map(Value::from),
    ];
    prop::collection::btree_map("x[a-z:/.]{1,12}", value, 0..6)
        .prop_map(|members| members.into_iter().collect())
}
