#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod declaring;
mod judging;
mod ruling;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_jose::{JwkSet, KeyKind, SigningKey, sign_compact};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;
const OWN: &str = "https://acme.cubecloud.dev";
const CLUSTER: &str = "https://oidc.cluster.example";

static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeyKind::Rsa2048).unwrap());
static P256: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(KeyKind::P256).unwrap());
static KEYS: LazyLock<IssuerKeys> = LazyLock::new(|| {
    IssuerKeys::new(&JwkSet::new(vec![
        RSA.public_jwk().clone(),
        P256.public_jwk().clone(),
    ]))
});

/// A declaration with changes, as it would be read from a file.
fn issuer_with(changes: Value) -> Result<TrustedIssuer, EvidenceError> {
    let text = merged(json!({ "name": "cluster", "issuer": CLUSTER }), changes);
    TrustedIssuer::read(&serde_json::from_value(text).unwrap(), OWN)
}

fn issuer(changes: Value) -> TrustedIssuer {
    issuer_with(changes).unwrap()
}

fn rule_with(preset: &str, text: Value) -> Result<EvidenceRule, EvidenceError> {
    let text = merged(json!({ "from": "cluster" }), text);
    EvidenceRule::read(
        &serde_json::from_value(text).unwrap(),
        &issuer(json!({ "preset": preset })),
    )
}

/// Good claims with changes; null leaves one out.
fn claims(changes: Value) -> Value {
    merged(
        json!({
            "iss": CLUSTER, "sub": "system:serviceaccount:data:cube-api", "aud": [OWN],
            "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 590, "jti": "id-1",
        }),
        changes,
    )
}

fn merged(mut base: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    let token = sign_compact(key, "JWT", claims.to_string().as_bytes()).unwrap();
    token.expose_secret().to_owned()
}

/// A token with exactly this header, signed by `key`, whatever the header says.
fn with_header(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn judge(token: &str, issuer: &TrustedIssuer) -> Result<Evidence, EvidenceError> {
    Presented::read(token)?.judge(issuer, &KEYS, NOW)
}

/// What a token with these changes to good claims is taken for by a plain issuer.
fn judged(changes: Value) -> Result<Evidence, EvidenceError> {
    judge(&signed(&RSA, &claims(changes)), &issuer(json!({})))
}

/// Evidence with exactly these further claims, from an issuer of this kind.
fn evidence(preset: &str, further: Value) -> Evidence {
    judge(
        &signed(&RSA, &claims(further)),
        &issuer(json!({ "preset": preset })),
    )
    .unwrap()
}
