//! What a policy shows by itself, when no token is there to be asked: parts that no token could
//! meet.

use std::collections::BTreeMap;

use rolecall_documents::{Kind, Node};
use serde_json::Map;

use super::catalogue as c;
use super::cause;
use super::evidence::{Evidence, SeenPolicy};
use super::finding::{Finding, Site};
use super::judge::{Judged, judge};
use super::paste::damaged;
use super::question::Question;
use super::token::SeenClaims;
use super::usual::unusual;
use crate::reason::placeholder;
use crate::web_identity::provider_prefix;
use crate::{Policy, TrustError};

/// The findings that hold for every token of the provider that the policy seems to be meant for.
///
/// # Errors
/// [`TrustError`] where the document has not the shape of a policy.
pub(crate) fn alone(
    evidence: &Evidence,
    policy: &SeenPolicy,
    now: Option<i64>,
) -> Result<Vec<Finding>, TrustError> {
    let names: BTreeMap<String, String> = policy
        .found
        .tree
        .symbols()
        .into_iter()
        .map(|name| {
            (
                name.to_owned(),
                name.trim_matches(['[', ']', '<', '>']).to_owned(),
            )
        })
        .collect();
    let mut filled = policy.clone();
    filled.found.tree = filled
        .found
        .tree
        .filled(&|name| names.get(name).map(String::as_str));
    let mut findings = damage(policy, &policy.found.tree);
    findings.extend(wildcards(policy));
    findings.extend(unusual(policy, &filled.found.tree));
    let claims = fitting(evidence, &filled);
    let Ok(question) = Question::new(evidence, &filled, &claims, now) else {
        return Ok(findings);
    };
    let Judged {
        findings: judged,
        unknown,
        ..
    } = judge(&filled, &question)?;
    let pasted = findings.iter().any(|finding| finding.cause == c::PASTE);
    for finding in judged {
        // What follows from damage that is told already is not told again.
        if pasted && [c::PASTE, c::PROVIDER, c::KEY_PREFIX].contains(&finding.cause) {
            continue;
        }
        let score = finding.score.min(93);
        findings.push(
            finding
                .scored(score)
                .seen("no token of this provider could meet it"),
        );
    }
    if let Some(one) = unknown.first() {
        let message = format!("{one} hangs on what is not known of the request");
        findings.push(Finding::new(
            c::ABSENT_KEY,
            45,
            message,
            "Compare the condition with what the request has.",
        ));
    }
    Ok(findings)
}

/// Claims that fit the policy as far as any could: its provider, its values.
fn fitting(evidence: &Evidence, policy: &SeenPolicy) -> SeenClaims {
    let tree = &policy.found.tree;
    let issuer = evidence
        .providers
        .first()
        .map(|provider| provider.url.clone())
        .or_else(|| {
            let policy = Policy::from_tree(&policy.source, tree).ok()?;
            let provider = policy
                .federated_principals()
                .first()
                .map(|arn| provider_prefix(arn).to_owned());
            provider.filter(|url| !url.is_empty())
        });
    let mut claims = Map::new();
    let issuer = issuer.or_else(|| {
        keys(tree).find_map(|(_, key, _)| {
            Some(
                key.strip_suffix(":sub")
                    .or_else(|| key.strip_suffix(":aud"))?
                    .to_owned(),
            )
        })
    });
    claims.insert(
        "iss".to_owned(),
        format!(
            "https://{}",
            issuer.unwrap_or_else(|| "the-issuer.invalid".to_owned())
        )
        .into(),
    );
    for (claim, otherwise) in [("sub", "any subject"), ("aud", "sts.amazonaws.com")] {
        let wanted = keys(tree)
            .find(|(_, key, _)| key.ends_with(&format!(":{claim}")))
            .and_then(|(_, _, values)| values.elements().first()?.scalar());
        let value = wanted.map_or_else(|| otherwise.to_owned(), |text| text.value);
        claims.insert(claim.to_owned(), value.into());
    }
    SeenClaims {
        claims,
        origin: String::new(),
        kid: None,
        fault: None,
    }
}

/// Wildcards under operators that take them literally.
fn wildcards(policy: &SeenPolicy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (operator, key, values) in keys(&policy.found.tree) {
        if !operator.contains("Equals") || operator.contains("Not") || !operator.contains("String")
        {
            continue;
        }
        for value in values.elements() {
            let Some(text) = value.scalar().filter(|text| {
                text.value.contains(['*', '?']) && placeholder(&text.value).is_none()
            }) else {
                continue;
            };
            let like = operator
                .replace("EqualsIgnoreCase", "Like")
                .replace("Equals", "Like");
            let message = format!(
                "`{}` is taken letter for letter under `{operator}`: its wildcard matches nothing but itself",
                text.value
            );
            let mut finding = Finding::new(
                c::WILDCARD_UNDER_EQUALS,
                92,
                message,
                format!("Wildcards need `{like}`."),
            );
            finding.place = Some(Site::new(
                &policy.source,
                value.span,
                format!("{operator} {key}"),
            ));
            findings.push(finding);
        }
    }
    findings
}

/// Placeholders and paste damage in any text of the policy.
fn damage(policy: &SeenPolicy, tree: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut look = |text: &str, span| {
        let (message, mend) = if let Some((what, clean)) = damaged(text) {
            let mend = clean.map_or_else(
                || c::PASTE.mend().to_owned(),
                |clean| format!("It was probably `{clean}`."),
            );
            (
                format!("`{text}` was damaged when it was copied: {what}"),
                mend,
            )
        } else if let Some(mark) = placeholder(text) {
            (
                format!("`{text}` still has the placeholder `{mark}`"),
                format!("Replace `{mark}` by its value."),
            )
        } else if let Some(what) = cause::key_damage(text).filter(|_| !text.contains('*')) {
            (
                format!("the key `{text}` was damaged when it was copied: {what}"),
                "Write the key with the provider's URL and the claim.".to_owned(),
            )
        } else {
            return;
        };
        let mut finding = Finding::new(c::PASTE, 94, message, mend);
        finding.place = Some(Site::new(&policy.source, span, "a value".to_owned()));
        findings.push(finding);
    };
    texts(tree, &mut look);
    findings
}

fn texts(tree: &Node, look: &mut impl FnMut(&str, rolecall_source::Span)) {
    match &tree.kind {
        Kind::Text(text) if text.symbols.is_empty() => look(&text.value, tree.span),
        Kind::List(items) => items.iter().for_each(|item| texts(item, look)),
        Kind::Map(members) => {
            for member in members {
                if member.name.symbols.is_empty() && member.name().contains('.') {
                    look(member.name(), member.name_span);
                }
                texts(&member.value, look);
            }
        }
        _ => {}
    }
}

/// Operator, key and values of every condition of a statement that allows.
pub(crate) fn keys(tree: &Node) -> impl Iterator<Item = (&str, &str, &Node)> {
    let statements = tree
        .get("Statement")
        .map(Node::elements)
        .unwrap_or_default();
    statements
        .iter()
        .filter(|statement| statement.get("Effect").and_then(Node::text) != Some("Deny"))
        .filter_map(|statement| statement.get("Condition")?.members())
        .flatten()
        .filter_map(|operator| Some((operator.name(), operator.value.members()?)))
        .flat_map(|(operator, keys)| {
            keys.iter()
                .map(move |key| (operator, key.name(), &key.value))
        })
}
