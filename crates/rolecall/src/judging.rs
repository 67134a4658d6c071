//! A token judged as a verifier would that knows only the issuer's URL: discovery, JWKS,
//! signature, issuer, audience, times. The rules are AWS's (IAM user guide, "OIDC federation"):
//! the same claims are needed, but times are judged without AWS's five minutes of leeway, since a
//! token that lives on leeway is about to fail.

use jiff::Timestamp;
use rolecall_jose::{Compact, JwkSet, VerifyingKey};
use serde_json::{Map, Value};

use crate::commands::not_valid;
use crate::failure::{Exit, Failure};
use crate::issuer_address::{Addresses, unreachable};
use crate::style::{GOOD, HEAD};

/// What was checked, in the order in which it was, and what the token says.
pub struct Judged {
    checks: Vec<String>,
    header: Value,
    claims: Map<String, Value>,
    now: Timestamp,
}

/// Fetches the issuer's documents and judges.
///
/// # Errors
/// `TokenNotValid` for whatever is wrong with the token, `Unreachable` for the issuer.
pub async fn judge(
    token: &str,
    issuer: &str,
    audience: Option<&str>,
    addresses: &Addresses,
    http: &reqwest::Client,
    now: Timestamp,
) -> Result<Judged, Failure> {
    // What needs no network comes first: a truncated token is not the issuer's fault.
    let compact = Compact::parse(token).map_err(not_valid)?;
    let algorithm = compact.header().algorithm().map_err(not_valid)?;
    let claims = compact.claims().map_err(not_valid)?;
    let header = serde_json::from_slice(compact.header_json()).map_err(not_valid)?;
    judge_issuer(&claims, issuer)?;

    let discovery_url = format!("{issuer}/.well-known/openid-configuration");
    let discovery = fetch_json(
        http,
        addresses,
        "the issuer's discovery document",
        &discovery_url,
    )
    .await?;
    if discovery.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(not_valid(format_args!(
            "the discovery document at `{discovery_url}` names the issuer {}, not `{issuer}`",
            shown(discovery.get("issuer"))
        )));
    }
    let Some(jwks_uri) = discovery.get("jwks_uri").and_then(Value::as_str) else {
        return Err(not_valid(format_args!(
            "the discovery document at `{discovery_url}` has no `jwks_uri`"
        )));
    };
    let jwks = fetch_json(http, addresses, "the issuer's keys", jwks_uri).await?;
    let keys = JwkSet::parse(jwks.to_string().as_bytes()).map_err(not_valid)?;
    let jwk = keys.signing_key(compact.header().kid()).map_err(|error| {
        not_valid(error).hint(format_args!(
            "The issuer's keys are at {jwks_uri}; a token of an older key ends when the key is retired"
        ))
    })?;
    let key = VerifyingKey::from_jwk(jwk).map_err(not_valid)?;
    compact.verify(&key).map_err(not_valid)?;

    let mut checks = vec![
        format!("issuer is {issuer}, and its discovery document says so"),
        format!(
            "signature verifies with {algorithm} and key {}",
            jwk.kid.as_deref().unwrap_or("without a name")
        ),
    ];
    checks.extend(judge_claims(&claims, audience, now)?);
    Ok(Judged {
        checks,
        header,
        claims,
        now,
    })
}

impl Judged {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            text.push_str(&format!("{GOOD}ok{GOOD:#} {check}\n"));
        }
        text.push('\n');
        text.push_str(&described(&self.header, &self.claims, self.now));
        text
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "valid": true,
            "checks": self.checks,
            "header": self.header,
            "claims": self.claims,
        })
    }
}

/// Header and claims for people: one claim a line, times readable.
pub fn described(header: &Value, claims: &Map<String, Value>, now: Timestamp) -> String {
    let mut text = format!("{HEAD}header{HEAD:#}\n");
    for (name, value) in header.as_object().into_iter().flatten() {
        text.push_str(&format!("  {name:<10} {}\n", plain(value)));
    }
    text.push_str(&format!("{HEAD}claims{HEAD:#}\n"));
    for (name, value) in claims {
        let note = match name.as_str() {
            "exp" | "iat" | "nbf" => moment(value, now),
            _ => String::new(),
        };
        text.push_str(&format!("  {name:<10} {}{note}\n", plain(value)));
    }
    text
}

fn judge_issuer(claims: &Map<String, Value>, issuer: &str) -> Result<(), Failure> {
    match claims.get("iss") {
        Some(Value::String(found)) if found == issuer => Ok(()),
        Some(Value::String(found))
            if found.trim_end_matches('/') == issuer.trim_end_matches('/') =>
        {
            Err(not_valid(format_args!(
                "its issuer is `{found}`, which differs from `{issuer}` by the slash at the end"
            ))
            .hint("AWS compares issuers character by character"))
        }
        other => Err(not_valid(format_args!(
            "its issuer is {}, expected `{issuer}`",
            shown(other)
        ))),
    }
}

/// Judges what needs neither network nor keys. Returns what holds.
fn judge_claims(
    claims: &Map<String, Value>,
    audience: Option<&str>,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let mut checks = Vec::new();
    for name in ["sub", "aud", "iat", "exp"] {
        if !claims.contains_key(name) {
            return Err(not_valid(format_args!("the claim `{name}` is missing"))
                .hint("AWS needs `iss`, `sub`, `aud`, `iat` and `exp`"));
        }
    }
    if let Some(wanted) = audience {
        let matches = match claims.get("aud") {
            Some(Value::String(found)) => found == wanted,
            Some(Value::Array(found)) => found.iter().any(|one| one.as_str() == Some(wanted)),
            _ => false,
        };
        if !matches {
            return Err(not_valid(format_args!(
                "its audience is {}, expected `{wanted}`",
                shown(claims.get("aud"))
            )));
        }
        checks.push(format!("audience is {wanted}"));
    }
    let now = now.as_second();
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let Some(expires) = seconds("exp") else {
        return Err(not_valid("its `exp` is not a whole number of seconds"));
    };
    if expires <= now {
        return Err(not_valid(format_args!(
            "it expired {} ago, at {}",
            span(now - expires),
            at(expires)
        ))
        .hint("AWS takes it for five minutes longer; ask for a new one"));
    }
    for (name, meaning) in [("nbf", "is not valid before"), ("iat", "was issued at")] {
        if let Some(moment) = seconds(name)
            && moment > now
        {
            return Err(not_valid(format_args!(
                "it {meaning} {}, {} from now",
                at(moment),
                span(moment - now)
            ))
            .hint("Compare this machine's clock with the issuer's"));
        }
    }
    checks.push(format!("valid for another {}", span(expires - now)));
    Ok(checks)
}

async fn fetch_json(
    http: &reqwest::Client,
    addresses: &Addresses,
    what: &str,
    url: &str,
) -> Result<Value, Failure> {
    let response = addresses
        .request(http, reqwest::Method::GET, url)?
        .send()
        .await
        .map_err(|error| unreachable(what, url, &error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Failure::new(
            Exit::Unreachable,
            format_args!("{what} at `{url}` answered {status}"),
        )
        .hint("AWS would fail here too: it must be readable without authentication or redirect"));
    }
    let body = response
        .bytes()
        .await
        .map_err(|error| unreachable(what, url, &error))?;
    serde_json::from_slice(&body).map_err(|error| {
        Failure::new(
            Exit::Unreachable,
            format_args!("{what} at `{url}` is not JSON: {error}"),
        )
    })
}

fn moment(value: &Value, now: Timestamp) -> String {
    let Some(seconds) = value.as_i64() else {
        return String::new();
    };
    let away = seconds - now.as_second();
    if away >= 0 {
        format!("  ({}, in {})", at(seconds), span(away))
    } else {
        format!("  ({}, {} ago)", at(seconds), span(-away))
    }
}

fn at(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(
        || "missing".to_owned(),
        |value| format!("`{}`", plain(value)),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn claims(json: Value) -> Map<String, Value> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_expected() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let good = serde_json::json!({
            "iss": "https://a.example", "sub": "s", "aud": ["sts.amazonaws.com"],
            "iat": 999_000, "nbf": 999_000, "exp": 1_000_600
        });
        assert!(judge_claims(&claims(good.clone()), Some("sts.amazonaws.com"), now).is_ok());
        let judged = |name: &str, value: Value| {
            let mut changed = claims(good.clone());
            changed.insert(name.to_owned(), value);
            judge_claims(&changed, Some("sts.amazonaws.com"), now)
                .unwrap_err()
                .to_string()
        };
        assert!(judged("exp", 999_400.into()).contains("it expired 10 min ago"));
        assert!(judged("nbf", 1_000_060.into()).contains("60 s from now"));
        assert!(
            judged("aud", "other".into())
                .contains("audience is `other`, expected `sts.amazonaws.com`")
        );
        let issuer = |wanted: &str| {
            judge_issuer(&claims(good.clone()), wanted)
                .unwrap_err()
                .to_string()
        };
        assert!(issuer("https://a.example/").contains("by the slash at the end"));
        assert!(
            issuer("https://b.example")
                .contains("`https://a.example`, expected `https://b.example`")
        );
    }
}
