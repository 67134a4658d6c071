//! Keys that are held elsewhere: their public halves, their signatures, and tokens put together.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair,
};
use proptest::prelude::*;
use rolecall_jose::{
    Algorithm, Compact, JoseError, Jwk, SigningKey, Unsigned, VerifyingKey, es256_from_der,
    es256_to_der,
};
use secrecy::ExposeSecret as _;

use crate::keys::{P256, RSA, public};

fn spki(key: &SigningKey) -> Vec<u8> {
    let der = key.to_pkcs8_der().unwrap();
    let spki: PublicKeyX509Der<'_> = match key.algorithm() {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(der.expose_secret()).unwrap();
            pair.public_key().as_der().unwrap()
        }
        _ => {
            let signing = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let pair = EcdsaKeyPair::from_pkcs8(signing, der.expose_secret()).unwrap();
            pair.public_key().as_der().unwrap()
        }
    };
    spki.as_ref().to_vec()
}

#[test]
fn a_public_key_is_read_into_the_form_in_which_it_is_published() {
    for key in [&*RSA, &*P256] {
        let spki = spki(key);
        assert_eq!(&Jwk::from_spki_der(&spki).unwrap(), key.public_jwk());
        for cut in 0..spki.len() {
            assert_eq!(
                Jwk::from_spki_der(&spki[..cut]),
                Err(JoseError::PublicKeyRefused)
            );
        }
        let longer = [spki.as_slice(), &[0]].concat();
        assert_eq!(
            Jwk::from_spki_der(&longer),
            Err(JoseError::PublicKeyRefused)
        );
    }
    assert!(Jwk::es256(&[4; 64]).is_err());
    assert!(Jwk::es256(&[4; 65]).is_err(), "not on the curve");
    assert!(Jwk::rs256(&[0xff; 128], &[1, 0, 1]).is_err(), "1024 bits");
}

#[test]
fn a_certificate_is_written_only_when_given_on_purpose() {
    let jwk = P256.public_jwk().clone().with_certificate(b"abc");
    let written = serde_json::to_value(&jwk).unwrap();
    assert_eq!(written["x5c"], serde_json::json!(["YWJj"]));
    let read = Jwk::parse(written.to_string().as_bytes()).unwrap();
    assert_eq!(read.x5c, jwk.x5c);
    assert!(serde_json::to_value(&read).unwrap().get("x5c").is_none());
    assert_eq!(
        serde_json::to_value(read.publishing_certificate()).unwrap(),
        written
    );
}

#[test]
fn a_token_takes_a_signature_from_elsewhere_and_no_wrong_one() {
    for key in [&*RSA, &*P256] {
        let unsigned = || Unsigned::jwt(key.algorithm(), key.kid(), br#"{"sub":"x"}"#);
        let signature = key.sign(unsigned().message()).unwrap();
        let token = unsigned().signed(&signature, &public(key)).unwrap();
        let token = Compact::parse(token.expose_secret()).unwrap();
        token.verify(&public(key)).unwrap();
        assert_eq!(token.header().kid(), Some(key.kid()));
        assert_eq!(token.header().typ(), Some("JWT"));
        let other = key.sign(b"something else").unwrap();
        let refused = unsigned().signed(&other, &public(key));
        assert!(matches!(refused, Err(JoseError::SignatureInvalid)));
    }
}

#[test]
fn what_the_library_signs_as_der_verifies_as_jws() {
    let der = P256.to_pkcs8_der().unwrap();
    let signing = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let pair = EcdsaKeyPair::from_pkcs8(signing, der.expose_secret()).unwrap();
    let key = VerifyingKey::from_jwk(P256.public_jwk()).unwrap();
    // Enough to meet numbers with leading zeros and with the top bit set.
    for _ in 0..600 {
        let signature = pair
            .sign(&aws_lc_rs::rand::SystemRandom::new(), b"message")
            .unwrap();
        let fixed = es256_from_der(signature.as_ref()).unwrap();
        key.verify(Algorithm::Es256, b"message", &fixed).unwrap();
        assert_eq!(es256_to_der(&fixed).unwrap(), signature.as_ref());
    }
}

proptest! {
    #[test]
    fn both_forms_of_a_signature_say_the_same(fixed in prop::collection::vec(any::<u8>(), 64), zeros in 0..32usize) {
        let mut fixed = fixed;
        fixed[..zeros].fill(0);
        let der = es256_to_der(&fixed).unwrap();
        prop_assert_eq!(es256_from_der(&der).unwrap(), fixed);
    }

    #[test]
    fn arbitrary_bytes_are_no_key_and_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = es256_from_der(&bytes);
        let _ = Jwk::from_spki_der(&bytes);
        prop_assert!(bytes.len() == 64 || es256_to_der(&bytes).is_err());
    }
}
