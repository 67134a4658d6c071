//! A JWKS (RFC 7517 §5), as AWS reads it. Most of these rules were observed and are not documented.

use std::collections::HashMap;

use rolecall_jose::{Jwk, JwkSet, VerifyingKey};

use crate::{Finding, Step};

pub(crate) fn judge(document: &[u8]) -> Vec<Finding> {
    let set = match JwkSet::parse(document) {
        Ok(set) => set,
        Err(error) => {
            return vec![
                Finding::failure(
                    Step::Jwks,
                    "jwks-form",
                    format!("the JWKS cannot be read: {error}"),
                )
                .because("AWS reads an object with a list `keys`")
                .so("See what is served at `jwks_uri`"),
            ];
        }
    };
    let mut findings = Vec::new();
    let signing: Vec<&Jwk> = set
        .keys
        .iter()
        .filter(|key| key.is_for_signatures())
        .collect();
    if signing.is_empty() {
        findings.push(
            Finding::failure(Step::Jwks, "jwks-empty", "the JWKS has no key that signs")
                .because(
                    "AWS finds no key for any token, and says `Couldn't retrieve verification key`",
                )
                .so("Publish the key that signs"),
        );
        return findings;
    }
    for kind in ["RSA", "EC"] {
        let count = signing.iter().filter(|key| key.kty == kind).count();
        if count > MOST_OF_A_KIND {
            findings.push(
                Finding::failure(
                    Step::Jwks,
                    "jwks-many",
                    format!("the JWKS has {count} {kind} keys"),
                )
                .because(format!(
                    "AWS reads {MOST_OF_A_KIND} of a kind, and refuses all tokens of that kind beyond it"
                ))
                .so("Take retired keys away; a key belongs to an issuer, not to a replica"),
            );
        }
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (at, key) in signing.iter().enumerate() {
        if let Some(kid) = key.kid.as_deref() {
            *seen.entry(kid).or_default() += 1;
        }
        findings.extend(one(key, &shown(key, at)));
    }
    let mut twice: Vec<_> = seen.into_iter().filter(|(_, count)| *count > 1).collect();
    twice.sort_unstable();
    for (kid, count) in twice {
        findings.push(
            Finding::failure(
                Step::Jwks,
                "jwks-kid-twice",
                format!("{count} keys have the kid `{}`", kid.escape_debug()),
            )
            .because("AWS takes the last of them, and refuses the others' tokens")
            .so("Name each key by its thumbprint (RFC 7638)"),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::good(
            Step::Jwks,
            "jwks",
            format!(
                "{} signing {}, each as AWS reads it",
                signing.len(),
                if signing.len() == 1 { "key" } else { "keys" }
            ),
        ));
    }
    findings
}

fn one(key: &Jwk, name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if key.private {
        findings.push(
            Finding::failure(
                Step::Jwks,
                "jwks-private",
                format!("{name} is published with its PRIVATE half"),
            )
            .because("anybody can now sign tokens that AWS accepts")
            .so("Take the key away at once, rotate, and look through CloudTrail for sessions that nobody here asked for"),
        );
    }
    if key.kid.as_deref().unwrap_or_default().is_empty() {
        findings.push(
            Finding::failure(Step::Jwks, "jwks-kid", format!("{name} has no `kid`"))
                .because("AWS finds a key by the `kid` of the token's header")
                .so("Name each key, by its thumbprint for instance (RFC 7638)"),
        );
    }
    if key.key_ops.is_some() {
        findings.push(
            Finding::failure(
                Step::Jwks,
                "jwks-key-ops",
                format!("{name} carries `key_ops`"),
            )
            .because("AWS was seen to refuse such a key, even with `[\"verify\"]`")
            .so("Leave `key_ops` away; `\"use\": \"sig\"` says as much"),
        );
    }
    if !matches!(key.kty.as_str(), "RSA" | "EC") {
        findings.push(
            Finding::warning(
                Step::Jwks,
                "jwks-kind",
                format!("{name} is of the kind `{}`", key.kty.escape_debug()),
            )
            .because("AWS verifies RSA keys and EC keys only")
            .so("Sign with RS256 or ES256"),
        );
        return findings;
    }
    if key.agrees_with_certificate() == Some(false) {
        findings.push(
            Finding::failure(
                Step::Jwks,
                "jwks-x5c",
                format!("the certificate in `x5c` of {name} holds another key"),
            )
            .because("AWS was seen to compare the two")
            .so("Leave `x5c` away, or make the certificate again"),
        );
    }
    if let Err(error) = VerifyingKey::from_jwk(key) {
        findings.push(
            Finding::failure(
                Step::Jwks,
                "jwks-key",
                format!("{name} cannot be used: {error}"),
            )
            .because("its tokens verify nowhere")
            .so("Use RSA of 2048 bits or more, or the curves P-256, P-384 and P-521"),
        );
    }
    findings
}

fn shown(key: &Jwk, at: usize) -> String {
    match key.kid.as_deref() {
        Some(kid) if !kid.is_empty() => format!("the key `{}`", kid.escape_debug()),
        _ => format!("key {}", at + 1),
    }
}

const MOST_OF_A_KIND: usize = 100;
