//! Private keys as files hold them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_jose::{Algorithm, JoseError, KeyKind, SigningKey};
use secrecy::ExposeSecret as _;

use crate::keys::{P256, RSA};

#[test]
fn pkcs8_pem_and_der_give_the_same_key_back() {
    for key in [&*RSA, &*P256] {
        let pem = key.to_pem().unwrap();
        let text = pem.expose_secret();
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert!(text.ends_with("\n-----END PRIVATE KEY-----\n"));
        assert!(text.lines().all(|line| line.len() <= 64));
        let again = SigningKey::from_pem(&pem).unwrap();
        assert_eq!(again.kid(), key.kid());
        assert_eq!(again.algorithm(), key.algorithm());
        let der = key.to_pkcs8_der().unwrap();
        let again = SigningKey::from_pkcs8_der(der.expose_secret()).unwrap();
        assert_eq!(again.public_jwk(), key.public_jwk());
    }
}

#[test]
fn windows_line_ends_and_text_around_are_read() {
    let pem = P256.to_pem().unwrap();
    let text = format!("a comment\r\n{}", pem.expose_secret().replace('\n', "\r\n"));
    assert_eq!(
        SigningKey::from_pem(&text.into()).unwrap().kid(),
        P256.kid()
    );
}

#[test]
fn the_older_forms_are_read() {
    // PKCS#8 wraps the older form in an octet string behind a header of fixed length.
    for (key, header, label) in [(&*RSA, 26, "RSA"), (&*P256, 29, "EC")] {
        let der = key.to_pkcs8_der().unwrap();
        let inner = STANDARD.encode(&der.expose_secret()[header..]);
        let text = format!(
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n\
             -----BEGIN {label} PRIVATE KEY-----\n{inner}\n-----END {label} PRIVATE KEY-----\n"
        );
        assert_eq!(SigningKey::from_pem(&text.into()).unwrap().kid(), key.kid());
    }
}

#[test]
fn the_larger_rsa_sizes_are_made_and_sign() {
    for (kind, bytes) in [(KeyKind::Rsa3072, 384), (KeyKind::Rsa4096, 512)] {
        let key = SigningKey::generate(kind).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Rs256);
        assert_eq!(key.signature_len(), bytes);
        assert_eq!(key.sign(b"x").unwrap().len(), bytes);
        let der = key.to_pkcs8_der().unwrap();
        let again = SigningKey::from_pkcs8_der(der.expose_secret()).unwrap();
        assert_eq!(again.kid(), key.kid());
    }
}

#[test]
fn wrong_files_are_told_apart() {
    let error = |text: &str| SigningKey::from_pem(&text.into()).unwrap_err();
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert!(matches!(error(""), JoseError::Pem { .. }));
    assert!(matches!(error("{\"kty\":\"EC\"}"), JoseError::Pem { .. }));
    assert_eq!(
        error(&block("PUBLIC KEY")),
        JoseError::PemLabel {
            label: "PUBLIC KEY".to_owned()
        }
    );
    assert_eq!(
        error(&block("ENCRYPTED PRIVATE KEY")),
        JoseError::PrivateKeyEncrypted
    );
    assert_eq!(error(&block("PRIVATE KEY")), JoseError::PrivateKeyRefused);
    let whole = P256.to_pem().unwrap();
    let cut = &whole.expose_secret()[..100];
    assert!(error(cut).to_string().contains("truncated"));
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    assert_eq!(error(legacy), JoseError::PrivateKeyEncrypted);
}

#[test]
fn damaged_private_keys_never_panic_and_never_load_as_another() {
    let der = P256.to_pkcs8_der().unwrap();
    let whole = der.expose_secret();
    for at in 0..whole.len() {
        let mut damaged = whole.to_vec();
        damaged[at] ^= 0x01;
        if let Ok(key) = SigningKey::from_pkcs8_der(&damaged) {
            assert_eq!(key.kid(), P256.kid(), "byte {at}");
        }
        assert!(SigningKey::from_pkcs8_der(&whole[..at]).is_err());
    }
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", *P256);
    assert!(shown.contains(P256.kid()));
    let der = P256.to_pkcs8_der().unwrap();
    assert_eq!(format!("{der:?}"), "SecretBox<[u8]>([REDACTED])");
    assert!(shown.len() < 120, "{shown}");
}
