//! A denial as a person needs to see it: what was presented, what STS said, why, and the mend.
//!
//! AWS says only that it denied. The emulated account keeps the proof of each decision by request
//! id and gives it out; nothing else of Rolecall depends on it.

use std::collections::BTreeMap;
use std::time::Duration;

use rolecall_chain::{ChainError, Plan};
use rolecall_exchange::ExchangeError;
use rolecall_jose::Compact;
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// The claims of the token that STS was shown.
#[derive(Debug, Clone)]
pub struct Presented {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `sub`.
    pub subject: String,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Which of them go on to the next role of a chain.
    pub transitive: Vec<String>,
    /// The source identity, where the token has one.
    pub source_identity: Option<String>,
}

impl Presented {
    /// Reads them from a token that we minted; what cannot be read stays empty.
    pub fn read(token: &SecretString) -> Self {
        let claims = Compact::parse(token.expose_secret())
            .and_then(|compact| compact.claims())
            .unwrap_or_default();
        let text = |name: &str| match claims.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let identity = rolecall_trust::WebIdentity::read("", &claims).ok();
        let (tags, transitive, source_identity) = identity.map_or_else(Default::default, |read| {
            (read.tags, read.transitive, read.source_identity)
        });
        Self {
            issuer: text("iss"),
            audience: text("aud"),
            subject: text("sub"),
            tags,
            transitive,
            source_identity,
        }
    }

    fn to_text(&self) -> String {
        format!(
            "presented: iss {}\n           aud {}\n           sub {}",
            self.issuer, self.audience, self.subject
        )
    }
}

/// The failure of a chain, explained as far as it can be.
pub async fn explained(plan: &Plan, error: &ChainError, presented: Presented) -> Failure {
    let Some(cause) = error.exchange() else {
        return Failure::from_error(Exit::Configuration, error);
    };
    let exit = exit(cause);
    let mut failure = Failure::new(
        exit,
        format_args!("the connection `{}` failed at {error}", plan.connection()),
    );
    if exit == Exit::DeniedByAws {
        failure = failure.note(presented.to_text());
    }
    if let Some(id) = cause
        .refusal()
        .and_then(|refusal| refusal.request_id.as_deref())
        && let Some(proof) = decision(plan.address().endpoint().as_str(), id).await
    {
        return add_proof(failure, &proof);
    }
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The exit code that tells whose fault an error of STS's is.
pub fn exit(error: &ExchangeError) -> Exit {
    match error {
        ExchangeError::Denied(_) | ExchangeError::InvalidParameter(_) => Exit::DeniedByAws,
        ExchangeError::Environment { .. } => Exit::Configuration,
        ExchangeError::Token { .. } => Exit::TokenNotValid,
        _ => Exit::Unreachable,
    }
}

/// What STS checked for a call, and what it found, where it is one that keeps it.
pub async fn decision(endpoint: &str, request_id: &str) -> Option<Value> {
    let host = url::Url::parse(endpoint).ok()?.host_str()?.to_owned();
    if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") {
        return None;
    }
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .ok()?;
    let url = format!(
        "{}/_rolecall/decisions/{request_id}",
        endpoint.trim_end_matches('/')
    );
    let response = http.get(url).send().await.ok()?.error_for_status().ok()?;
    response.json().await.ok()
}

/// Adds what the decision says of the reason: what failed, expected against actual, and the mend.
fn add_proof(failure: Failure, decision: &Value) -> Failure {
    let failed = failed_check(decision);
    let mut failure = failure;
    let explained = failed.is_some_and(|failed| failed["detail"]["reason"].is_object());
    if let Some(failed) = failed {
        let check = failed["check"].as_str().unwrap_or_default();
        let detail = &failed["detail"];
        failure = match (detail.get("reason"), detail["why"].as_str()) {
            (Some(reason), _) if reason.is_object() => failure.note(reason_text(check, reason)),
            (_, Some(why)) => failure.note(format_args!("failed: {}: {why}", words(check))),
            _ => failure.note(format_args!("failed: {}", words(check))),
        };
    }
    if let Some(note) = decision["error"]["note"].as_str().filter(|_| !explained) {
        failure = failure.note(note);
    }
    match decision["mend"].as_str() {
        Some(mend) => failure.hint(mend),
        None => failure,
    }
}

/// The check of a decision at which it was denied.
pub fn failed_check(decision: &Value) -> Option<&Value> {
    let checks = decision.get("checks")?.as_array()?;
    checks.iter().rfind(|check| check["passed"] == false)
}

/// A trust policy's reason (`rolecall_trust::Reason` as JSON): the failing part, expected against
/// actual, and a mark below the segment that differs.
pub fn reason_text(check: &str, reason: &Value) -> String {
    let mut text = format!(
        "why: {}\n",
        reason["message"]
            .as_str()
            .unwrap_or("the policy does not allow it")
    );
    let place = match (reason["statement"].as_u64(), reason["sid"].as_str()) {
        (Some(_), Some(sid)) => format!("statement `{sid}`"),
        (Some(index), None) => format!("statement {}", index + 1),
        (None, _) => "no statement".to_owned(),
    };
    text.push_str(&format!(
        "  {}: {place}, {}\n",
        words(check),
        reason["part"].as_str().unwrap_or_default()
    ));
    let list = |name: &str| -> Vec<&str> {
        let values = reason[name].as_array();
        values
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    };
    let (expected, actual) = (list("expected"), list("actual"));
    for value in &expected {
        text.push_str(&format!("    expected  {value}\n"));
    }
    if actual.is_empty() {
        text.push_str("    actual    nothing: the request has no such key\n");
    }
    for value in &actual {
        text.push_str(&format!("    actual    {value}\n"));
    }
    if let [actual] = actual[..]
        && let Some((start, length)) = marked(actual, &reason["difference"])
    {
        text.push_str(&format!(
            "              {}{}\n",
            " ".repeat(start),
            "^".repeat(length)
        ));
    }
    for also in list("also") {
        text.push_str(&format!("  also: {also}\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

/// Start and length, in characters, of the segment of `actual` that differs.
fn marked(actual: &str, difference: &Value) -> Option<(usize, usize)> {
    let segment = difference["actual"]
        .as_str()
        .filter(|text| !text.is_empty())?;
    let behind = match difference["label"].as_str() {
        Some(label) => format!("{label}:{segment}"),
        None => segment.to_owned(),
    };
    let at = actual.find(&behind)? + behind.len() - segment.len();
    Some((actual[..at].chars().count(), segment.chars().count()))
}

/// `trust_policy sts:AssumeRole` as a person says it.
pub fn words(check: &str) -> String {
    check.replace('_', " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_differing_segment_is_marked() {
        let reason = serde_json::json!({
            "statement": 0, "sid": null, "part": "StringLike oidc.example:sub",
            "message": "segment 5 is `cube_store`, the policy wants `cube_api`",
            "expected": ["cube:deployment:42:component:cube_api"],
            "actual": ["cube:deployment:42:component:cube_store"],
            "difference": { "label": "component", "actual": "cube_store" },
            "also": [],
        });
        insta::assert_snapshot!(reason_text("trust_policy sts:AssumeRoleWithWebIdentity", &reason), @r"
        why: segment 5 is `cube_store`, the policy wants `cube_api`
          trust policy sts:AssumeRoleWithWebIdentity: statement 1, StringLike oidc.example:sub
            expected  cube:deployment:42:component:cube_api
            actual    cube:deployment:42:component:cube_store
                                                   ^^^^^^^^^^
        ");
    }

    #[test]
    fn what_is_absent_is_said_to_be() {
        let reason = serde_json::json!({
            "statement": 1, "sid": "Deploy", "part": "StringEquals sts:ExternalId",
            "message": "web identity carries no external ID",
            "expected": ["x"], "actual": [], "also": ["`aud` differs too"],
        });
        insta::assert_snapshot!(reason_text("trust_policy sts:AssumeRoleWithWebIdentity", &reason), @r"
        why: web identity carries no external ID
          trust policy sts:AssumeRoleWithWebIdentity: statement `Deploy`, StringEquals sts:ExternalId
            expected  x
            actual    nothing: the request has no such key
          also: `aud` differs too
        ");
    }
}
