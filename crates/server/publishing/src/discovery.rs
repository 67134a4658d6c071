//! OpenID Provider Metadata (OpenID Connect Discovery 1.0 §3), as AWS needs it.

use serde_json::{Map, Value};

use crate::{Finding, Step};

/// Where the JWKS is, by a discovery document.
#[must_use]
pub fn jwks_uri(document: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(document).ok()?;
    document.get("jwks_uri")?.as_str().map(str::to_owned)
}

pub(crate) fn judge(issuer: &str, document: &[u8]) -> Vec<Finding> {
    let document: Map<String, Value> = match serde_json::from_slice(document) {
        Ok(document) => document,
        Err(error) => {
            return vec![
                Finding::failure(
                    Step::Discovery,
                    "discovery-json",
                    format!("the discovery document is no JSON object: {error}"),
                )
                .because("AWS reads `issuer` and `jwks_uri` from it")
                .so("See what is served there; a page for people, perhaps"),
            ];
        }
    };
    let mut findings = vec![named(issuer, &document), keys_at(issuer, &document)];
    let wants: Vec<&str> = REQUIRED
        .into_iter()
        .filter(|name| !document.get(*name).is_some_and(is_list))
        .collect();
    if !wants.is_empty() {
        findings.push(
            Finding::warning(
                Step::Discovery,
                "discovery-members",
                format!("the discovery document lacks {}", wants.join(", ")),
            )
            .because("OpenID Connect Discovery §3 requires them; AWS has been seen to do without")
            .so("Add them, each a list of texts"),
        );
    }
    if let Some(Value::Array(algorithms)) = document.get(ALGORITHMS) {
        let usable = algorithms
            .iter()
            .filter_map(Value::as_str)
            .any(|name| AWS_READS.contains(&name));
        if !usable {
            findings.push(
                Finding::failure(
                    Step::Discovery,
                    "discovery-algorithms",
                    format!("none of `{ALGORITHMS}` is an algorithm that AWS verifies"),
                )
                .because(format!("AWS verifies {}", AWS_READS.join(", ")))
                .so("Sign with RS256 or ES256"),
            );
        }
    }
    findings
}

fn named(issuer: &str, document: &Map<String, Value>) -> Finding {
    match document.get("issuer").and_then(Value::as_str) {
        Some(found) if found == issuer => Finding::good(
            Step::Discovery,
            "discovery-issuer",
            "`issuer` is the URL, character by character",
        ),
        Some(found) => Finding::failure(
            Step::Discovery,
            "discovery-issuer",
            format!(
                "`issuer` is `{}` and not `{issuer}`; {}",
                found.escape_debug(),
                difference(issuer, found)
            ),
        )
        .because("AWS compares them character by character")
        .so("Make the document, the `iss` claim and the provider's URL the same"),
        None => Finding::failure(
            Step::Discovery,
            "discovery-issuer",
            "the discovery document has no `issuer`",
        )
        .because("AWS compares it with the provider's URL")
        .so(format!("Add `\"issuer\": \"{issuer}\"`")),
    }
}

fn difference(wanted: &str, found: &str) -> String {
    if found.trim_end_matches('/') == wanted.trim_end_matches('/') {
        return "they differ in the slash at the end".to_owned();
    }
    if found.eq_ignore_ascii_case(wanted) {
        return "they differ in capitals".to_owned();
    }
    let at = wanted
        .chars()
        .zip(found.chars())
        .take_while(|(wanted, found)| wanted == found)
        .count();
    format!("they differ from character {} on", at + 1)
}

fn keys_at(issuer: &str, document: &Map<String, Value>) -> Finding {
    let plain = issuer.starts_with("http://");
    match document.get("jwks_uri").and_then(Value::as_str) {
        None => Finding::failure(
            Step::Discovery,
            "discovery-jwks-uri",
            "the discovery document has no `jwks_uri`",
        )
        .because("AWS finds the keys by it")
        .so("Add the https URL of the JWKS"),
        Some(uri) if uri.starts_with("https://") || (plain && uri.starts_with("http://")) => {
            Finding::good(
                Step::Discovery,
                "discovery-jwks-uri",
                format!("the keys are at `{}`", uri.escape_debug()),
            )
        }
        Some(uri) => Finding::failure(
            Step::Discovery,
            "discovery-jwks-uri",
            format!("`jwks_uri` is `{}`, which is not https", uri.escape_debug()),
        )
        .because("AWS fetches keys over https only")
        .so("Write the https URL of the JWKS"),
    }
}

fn is_list(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_string))
}

const ALGORITHMS: &str = "id_token_signing_alg_values_supported";

const REQUIRED: [&str; 3] = [
    "response_types_supported",
    "subject_types_supported",
    ALGORITHMS,
];

const AWS_READS: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
