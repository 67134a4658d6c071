//! Causes that are not the trust policy's: what errors, registrations, events and the client's
//! surroundings tell.

use rolecall_source::nearest;

use super::catalogue as c;
use super::evidence::Evidence;
use super::finding::Finding;
use super::provider::{SeenProvider, bare};
use super::token::SeenClaims;

/// The findings that need no policy.
pub(crate) fn routed(
    evidence: &Evidence,
    presented: Option<&SeenClaims>,
    now: Option<i64>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for error in &evidence.errors {
        for (cause, score) in error.row.causes {
            let (message, score) = (error.row.leaves.trim_end_matches('.').to_owned(), *score);
            let message = format!("{}{}", message[..1].to_lowercase(), &message[1..]);
            let seen = format!("line {}: {}", error.line, error.text);
            findings.push(Finding::new(*cause, score, message, cause.mend()).seen(seen));
        }
        findings.extend(layer(
            &error.text,
            &format!("line {}: {}", error.line, error.text),
        ));
    }
    for event in &evidence.events {
        if let Some(message) = &event.error_message {
            findings.extend(layer(message, &format!("the CloudTrail event: {message}")));
        }
    }
    if let Some(claims) = presented {
        findings.extend(registration(evidence, claims));
        findings.extend(times(evidence, claims, now));
    }
    findings.extend(calls(evidence));
    findings.extend(token(evidence));
    if let Some(line) = evidence.surroundings.external_id {
        let message = "an external ID is passed beside a web identity";
        let score = if denied(evidence) { 30 } else { 92 };
        findings.push(
            Finding::new(
                c::EXTERNAL_ID_PARAMETER,
                score,
                message,
                c::EXTERNAL_ID_PARAMETER.mend(),
            )
            .seen(format!("line {line} passes it")),
        );
    }
    findings
}

/// Whether the exchange itself was denied: then the checks before the policy were passed.
pub(crate) fn denied(evidence: &Evidence) -> bool {
    evidence
        .errors
        .iter()
        .any(|error| error.is_exchange_denial() && error.is_exchange())
        || evidence.events.iter().any(|event| {
            event.name == "AssumeRoleWithWebIdentity"
                && event.error_code.as_deref() == Some("AccessDenied")
        })
}

/// The kind of policy that a message names as the one that refused.
fn layer(message: &str, seen: &str) -> Option<Finding> {
    let lower = message.to_ascii_lowercase();
    let layer = LAYERS.iter().find(|layer| lower.contains(**layer))?;
    let what = format!("the message names a {layer} as what refused the call");
    Some(Finding::new(c::ORGANISATION, 98, what, c::ORGANISATION.mend()).seen(seen))
}

/// The token against the provider's registration.
fn registration(evidence: &Evidence, claims: &SeenClaims) -> Vec<Finding> {
    let Some(issuer) = claims.text("iss") else {
        return Vec::new();
    };
    let url = bare(&issuer);
    let passed = denied(evidence);
    let told = |finding: Finding| {
        if passed {
            let note = "the error proves the contrary: the registration in the role's account is another than this one";
            finding.scored(25).seen(note)
        } else {
            finding
        }
    };
    let Some(provider) = evidence
        .providers
        .iter()
        .find(|provider| provider.url == url)
    else {
        return evidence
            .providers
            .first()
            .map(|_| told(unregistered(evidence, url)))
            .into_iter()
            .collect();
    };
    let audience = claims.text("azp").or_else(|| claims.text("aud"));
    match (&provider.client_ids, audience) {
        (Some(clients), Some(audience)) if !clients.contains(&audience) => {
            let message = format!(
                "the token's audience is `{audience}`, and the provider takes {}",
                listed(clients)
            );
            let mend = format!(
                "Add it: `aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ARN --client-id {audience}`; or have the token made for one that is there."
            );
            let near = nearest(&audience, clients.iter().map(String::as_str));
            let mut finding = Finding::new(c::CLIENT_ID, 99, message, mend)
                .seen(format!("registered: {}", provider.origin));
            if let Some(near) = near {
                finding = finding.seen(format!("`{near}` is nearly the same"));
            }
            vec![told(finding)]
        }
        _ => Vec::new(),
    }
}

fn unregistered(evidence: &Evidence, url: &str) -> Finding {
    let near: Option<(&SeenProvider, &str)> = evidence.providers.iter().find_map(|provider| {
        let (one, other) = (provider.url.as_str(), url);
        let how = if one.trim_end_matches('/') == other.trim_end_matches('/') {
            "by the slash at the end only"
        } else if one.eq_ignore_ascii_case(other) {
            "in letter case only"
        } else if one.trim_start_matches("http://") == other {
            "by the scheme"
        } else if one.split('/').next() == other.split('/').next() {
            "by the path"
        } else {
            return None;
        };
        Some((provider, how))
    });
    let (message, score) = match near {
        Some((provider, how)) => (
            format!(
                "the token's issuer is `https://{url}`, the provider is registered as `{}`: they differ {how}",
                provider.url
            ),
            99,
        ),
        None => {
            let known: Vec<String> = evidence
                .providers
                .iter()
                .map(|provider| provider.url.clone())
                .collect();
            (
                format!(
                    "the token's issuer is `https://{url}`, and what is registered is {}",
                    listed(&known)
                ),
                98,
            )
        }
    };
    let mend = format!(
        "Register `https://{url}` in the role's account, character by character: a provider's URL cannot be changed."
    );
    Finding::new(c::NO_PROVIDER, score, message, mend)
}

/// Expiry and the claims that STS needs.
fn times(evidence: &Evidence, claims: &SeenClaims, now: Option<i64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if denied(evidence) {
        return findings;
    }
    let stated = evidence
        .errors
        .iter()
        .any(|error| !error.row.causes.is_empty());
    let token = claims.origin.starts_with("the token");
    if let Some(now) = now
        && !stated
        && let Some(expires) = claims.seconds("exp")
        && expires + LEEWAY < now
    {
        let message = format!("the token expired {} ago", span(now - expires));
        findings.push(
            Finding::new(c::EXPIRED, 55, message, c::EXPIRED.mend())
                .seen(format!("exp is {expires}, {}", claims.origin)),
        );
    }
    let missing: Vec<&str> = ["iss", "sub", "aud", "iat", "exp"]
        .into_iter()
        .filter(|name| !claims.claims.contains_key(*name))
        .collect();
    if token && !missing.is_empty() {
        let message = format!(
            "the token has no {}",
            listed(
                &missing
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>()
            )
        );
        findings.push(
            Finding::new(c::CLAIMS, 97, message, c::CLAIMS.mend()).seen(claims.origin.clone()),
        );
    }
    findings
}

/// Calls that were not the exchange, and credentials that were not the token.
fn calls(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let exchange = evidence
        .events
        .iter()
        .any(|event| event.name == "AssumeRoleWithWebIdentity");
    for event in &evidence.events {
        let failed = event.error_code.is_some();
        let seen = format!(
            "CloudTrail: {} by {} {}",
            event.name,
            event.identity,
            event.caller.as_deref().unwrap_or_default()
        );
        let signed = ["IAMUser", "Root"].contains(&event.identity.as_str());
        if signed && !exchange {
            let message = format!(
                "the call {} was signed by {}, not by a session of the token",
                event.name,
                event.caller.as_deref().unwrap_or("a user")
            );
            findings.push(
                Finding::new(
                    c::OTHER_CREDENTIALS,
                    97,
                    message,
                    c::OTHER_CREDENTIALS.mend(),
                )
                .seen(seen),
            );
        } else if event.identity == "AssumedRole" && failed {
            let web = event.provider.is_some();
            let message = match web {
                true => format!(
                    "the exchange had worked: a session of it was denied {}",
                    event.name
                ),
                false => format!(
                    "a session was denied {}, and the session came from no token",
                    event.name
                ),
            };
            let (cause, score) = if web || event.name == "AssumeRole" {
                (c::OTHER_CALL, 97)
            } else {
                (c::OTHER_CREDENTIALS, 90)
            };
            findings.push(Finding::new(cause, score, message, cause.mend()).seen(seen));
        }
    }
    let surroundings = &evidence.surroundings;
    if let Some(line) = surroundings.static_keys {
        // An exchange that failed was made: the keys did not stand in its way.
        let made = evidence
            .errors
            .iter()
            .any(|error| error.is_exchange() && !error.row.code.is_empty());
        let score = if made || exchange { 15 } else { 96 };
        let message = "AWS_ACCESS_KEY_ID is set, and every SDK takes it before a web identity";
        findings.push(
            Finding::new(
                c::OTHER_CREDENTIALS,
                score,
                message,
                c::OTHER_CREDENTIALS.mend(),
            )
            .seen(format!("line {line} sets it")),
        );
    }
    if let Some(caller) = &surroundings.caller
        && (caller.contains(":user/")
            || caller.contains(":role/")
            || OWN_ROLES.iter().any(|mark| caller.contains(mark)))
    {
        let message = format!("the call was signed by {caller}: no token was exchanged");
        findings.push(
            Finding::new(
                c::OTHER_CREDENTIALS,
                98,
                message,
                c::OTHER_CREDENTIALS.mend(),
            )
            .seen("the error names the caller"),
        );
    }
    findings
}

/// Tokens that are none.
fn token(evidence: &Evidence) -> Vec<Finding> {
    let cut = evidence
        .claims
        .iter()
        .filter_map(|claims| Some(format!("{}: {}", claims.origin, claims.fault.as_ref()?)));
    let faults: Vec<String> = evidence
        .faults
        .iter()
        .filter(|fault| fault.contains("cut short"))
        .cloned()
        .chain(cut)
        .collect();
    let score = if denied(evidence) || !evidence.errors.is_empty() {
        20
    } else {
        62
    };
    faults
        .into_iter()
        .map(|fault| {
            Finding::new(c::NO_TOKEN, score, fault, c::NO_TOKEN.mend())
                .next("Give the token whole; it is read here and not repeated.")
        })
        .collect()
}

fn listed(texts: &[String]) -> String {
    match texts {
        [] => "none".to_owned(),
        texts => texts
            .iter()
            .map(|text| format!("`{text}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        0..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

const LAYERS: &[&str] = &[
    "resource control policy",
    "service control policy",
    "permissions boundary",
    "session policy",
    "vpc endpoint policy",
];
/// Sessions that machines have of their own.
const OWN_ROLES: &[&str] = &[
    "/i-",
    "aws-sdk",
    "NodeInstanceRole",
    "ecsInstanceRole",
    "eksctl-",
];
/// Seconds that AWS allows past the end.
const LEEWAY: i64 = 300;
