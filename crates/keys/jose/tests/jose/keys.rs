//! Keys and token builders for the other modules.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_jose::{KeyKind, SigningKey, VerifyingKey, sign_compact};
use secrecy::ExposeSecret as _;

pub static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeyKind::Rsa2048).unwrap());
pub static P256: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeyKind::P256).unwrap());

pub fn public(key: &SigningKey) -> VerifyingKey {
    VerifyingKey::from_jwk(key.public_jwk()).unwrap()
}

pub fn token(key: &SigningKey) -> String {
    sign_compact(
        key,
        "JWT",
        br#"{"iss":"https://issuer.example","sub":"a:b"}"#,
    )
    .unwrap()
    .expose_secret()
    .to_owned()
}

pub fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with this header, correctly signed by `key` over exactly this text.
pub fn token_with_header(key: &SigningKey, header: &str) -> String {
    let signed = format!("{}.{}", b64(header.as_bytes()), b64(br#"{"sub":"a"}"#));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", b64(&signature))
}
