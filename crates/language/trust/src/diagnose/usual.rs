//! Subjects as issuers document them: what a policy is held against while no token is there. Such
//! a finding is never certain: issuers change their formats, and many let their users set them.

use rolecall_documents::{Node, Step, TreeEdit, Value};
use rolecall_source::Span;

use super::catalogue as c;
use super::evidence::SeenPolicy;
use super::finding::{Alignment, Finding, Patch, Site};
use super::patch;
use super::without_token::keys;
use crate::reason::difference;

/// A documented format.
pub(crate) struct Usual {
    /// The issuer without its scheme; one that ends in `.` or `/` goes on by customer.
    issuer: &'static str,
    /// The subject; `*` is any one segment.
    pub(crate) subject: &'static str,
    /// Whether users cannot change it.
    fixed: bool,
    /// Its one audience, where it has one.
    audience: Option<&'static str>,
    source: &'static str,
    date: &'static str,
}

/// The policy's subjects held against the format that the issuer documents.
pub(crate) fn unusual(policy: &SeenPolicy, tree: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, key, text, span) in subjects(tree) {
        let Some(usual) = key.strip_suffix(":sub").and_then(usual) else {
            continue;
        };
        // The pattern's own wildcards and what it leaves open are not in question.
        let Some(found) = difference(usual.subject, &text, true) else {
            continue;
        };
        let (Some(wanted), Some(has)) = (found.expected.as_deref(), found.actual.as_deref()) else {
            continue;
        };
        if wanted.contains('*') || has.contains(['*', '?']) {
            continue;
        }
        let message = format!(
            "the policy has `{has}` where subjects of `{}` usually have `{wanted}`",
            usual.issuer
        );
        let mend =
            format!("See what the token has there; if it has the usual form, write `{wanted}`.");
        let mut finding =
            Finding::new(c::SEGMENT, if usual.fixed { 80 } else { 66 }, message, mend).seen(
                format!(
                    "subjects of this issuer usually look like `{}` ({}, {})",
                    usual.subject, usual.source, usual.date
                ),
            );
        finding.place = Some(Site::new(&policy.source, span, key.clone()));
        finding.alignment = Some(Alignment::usual(&text, found.segment, usual.subject));
        let segments: Vec<&str> = text.split(':').collect();
        let mut mended = segments.clone();
        if let Some(segment) = mended.get_mut(found.segment) {
            *segment = wanted;
        }
        let edits = vec![TreeEdit::Set {
            path,
            value: Value::Text(mended.join(":")),
        }];
        let written = patch::written(policy, tree, &edits);
        finding.patch = Some(Patch {
            diff: written.as_ref().map(|(_, diff)| diff.clone()),
            apply: patch::apply(policy),
            changed: written.map(|(text, _)| text),
            edits,
            complete: false,
            besides: vec!["there is no token to decide it with".to_owned()],
        });
        findings.push(finding);
    }
    findings
}

/// What is as the issuer documents it, in words: it is to stay as it is.
pub(crate) fn usual_parts(tree: &Node) -> Vec<String> {
    let mut kept = Vec::new();
    for (operator, key, values) in keys(tree) {
        let Some((issuer, "aud")) = key.rsplit_once(':') else {
            continue;
        };
        let usual = usual(issuer);
        let wanted = values.elements().first().and_then(Node::scalar);
        if let (Some(usual), Some(wanted)) = (usual, wanted)
            && usual.audience == Some(wanted.value.as_str())
        {
            kept.push(format!("the issuer's URL `https://{issuer}` is the one that it documents, path included ({}, {})", usual.source, usual.date));
            kept.push(format!(
                "`{operator}` on `{key}` is {}: the audience that the issuer documents",
                wanted.value
            ));
        }
    }
    kept
}

/// The documented format of an issuer.
fn usual(issuer: &str) -> Option<&'static Usual> {
    USUAL
        .iter()
        .find(|usual| match usual.issuer.ends_with(['.', '/']) {
            true => issuer.starts_with(usual.issuer),
            false => issuer == usual.issuer,
        })
}

/// Every value that a condition has for a subject: its path, key, text and place.
fn subjects(tree: &Node) -> Vec<(Vec<Step>, String, String, Span)> {
    let mut found = Vec::new();
    let name = |name: &str| Step::Name(name.to_owned());
    for (index, statement) in tree
        .get("Statement")
        .map(Node::elements)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let operators = statement
            .get("Condition")
            .and_then(Node::members)
            .unwrap_or_default();
        for operator in operators
            .iter()
            .filter(|operator| !operator.name().contains("Not"))
        {
            for key in operator.value.members().unwrap_or_default() {
                for (number, value) in key.value.elements().iter().enumerate() {
                    if let Some(text) = value.scalar().filter(|_| key.name().ends_with(":sub")) {
                        let path = vec![
                            name("Statement"),
                            Step::Index(index),
                            name("Condition"),
                            name(operator.name()),
                            name(key.name()),
                            Step::Index(number),
                        ];
                        found.push((path, key.name().to_owned(), text.value, value.span));
                    }
                }
            }
        }
    }
    found
}

const fn documented(issuer: &'static str, subject: &'static str, source: &'static str) -> Usual {
    Usual {
        issuer,
        subject,
        audience: None,
        fixed: false,
        source,
        date: "2026-06",
    }
}

const USUAL: &[Usual] = &[
    Usual {
        issuer: "api.prefect.cloud/oidc-provider",
        subject: "prefect:account:*",
        audience: Some("prefect-cloud"),
        fixed: true,
        source: "Prefect's guide to federation with AWS",
        date: "2026-03",
    },
    Usual {
        issuer: "app.terraform.io",
        subject: "organization:*:project:*:workspace:*:run_phase:*",
        audience: None,
        fixed: true,
        source: "HCP Terraform's documentation of workload identity",
        date: "2026-06",
    },
    Usual {
        issuer: "oidc.eks.",
        subject: "system:serviceaccount:*:*",
        audience: Some("sts.amazonaws.com"),
        fixed: true,
        source: "Kubernetes' documentation of service account tokens",
        date: "2026-06",
    },
    documented(
        "token.actions.githubusercontent.com",
        "repo:*",
        "GitHub's documentation of OIDC in Actions",
    ),
    documented(
        "gitlab.com",
        "project_path:*",
        "GitLab's documentation of ID tokens",
    ),
    documented(
        "agent.buildkite.com",
        "organization:*:pipeline:*",
        "Buildkite's documentation of OIDC",
    ),
    documented(
        "scalr.io",
        "account:*:environment:*:workspace:*",
        "Scalr's documentation of workload identity",
    ),
    documented(
        "oidc.vercel.com/",
        "owner:*:project:*:environment:*",
        "Vercel's documentation of OIDC",
    ),
];
