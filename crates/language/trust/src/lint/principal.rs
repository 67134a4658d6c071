//! Whom a statement names.

use super::{Findings, View, known};
use crate::policy::{Effect, PrincipalKind};
use crate::reason::placeholder;
use crate::request::BUILT_IN_PROVIDERS;

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let Some(principal) = view.statement.principal.as_ref() else {
        return;
    };
    for entry in &principal.values {
        let (text, span) = (entry.value.text.as_str(), entry.value.span);
        if !entry.value.symbolic
            && let Some(found) = placeholder(text)
        {
            let message = format!("`{found}` was left in the principal");
            findings.at(
                "RC2012",
                view,
                span,
                message,
                "Write the real value in its place.".to_owned(),
            );
            continue;
        }
        match entry.kind {
            PrincipalKind::Federated if !entry.value.symbolic => {
                federated(view, text, span, findings)
            }
            PrincipalKind::Everyone | PrincipalKind::Aws
                if text == "*" && view.statement.effect == Effect::Allow && !principal.not =>
            {
                let bounded = view.statement.conditions.iter().any(|one| {
                    super::narrows(one)
                        && [
                            "aws:principalaccount",
                            "aws:principalorgid",
                            "aws:principalarn",
                            "aws:sourceaccount",
                            "aws:principalorgpaths",
                        ]
                        .contains(&one.key.to_lowercase().as_str())
                });
                if !bounded {
                    findings.at(
                        "RC1012",
                        view,
                        span,
                        "every AWS caller of every account may ask".to_owned(),
                        "Name the accounts or roles, or add a condition on `aws:PrincipalAccount`."
                            .to_owned(),
                    );
                }
            }
            PrincipalKind::Aws if text.contains(":oidc-provider/") => {
                findings.at(
                    "RC2011",
                    view,
                    span,
                    "an OIDC provider stands under `AWS`".to_owned(),
                    "Put it under `Federated`.".to_owned(),
                );
            }
            _ => {}
        }
    }
    for condition in &view.statement.conditions {
        for value in known(&condition.values) {
            if let Some(found) = placeholder(&value.text) {
                let message = format!("`{found}` was left in the value of `{}`", condition.key);
                findings.at(
                    "RC2012",
                    view,
                    value.span,
                    message,
                    "Write the real value in its place.".to_owned(),
                );
            }
        }
        if !condition.key_symbolic
            && let Some(found) = placeholder(&condition.key)
        {
            let message = format!("`{found}` was left in a condition key");
            findings.at(
                "RC2012",
                view,
                condition.key_span,
                message,
                "Write the real value in its place.".to_owned(),
            );
        }
    }
}

fn federated(view: &View<'_>, text: &str, span: rolecall_source::Span, findings: &mut Findings) {
    if BUILT_IN_PROVIDERS.contains(&text) || text.contains(":saml-provider/") {
        return;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let why = match parts[..] {
        ["arn", partition, "iam", "", account, resource] => {
            let url = resource.strip_prefix("oidc-provider/");
            if !["aws", "aws-cn", "aws-us-gov"].contains(&partition) {
                Some(format!("`{partition}` is no partition"))
            } else if account.len() != 12 || !account.bytes().all(|one| one.is_ascii_digit()) {
                Some(format!("`{account}` is no account: it has twelve digits"))
            } else {
                match url {
                    None => Some("the ARN is not one of an OIDC provider".to_owned()),
                    Some(url) if url.contains("://") => {
                        Some("the ARN has the scheme in it".to_owned())
                    }
                    Some(url) if url.ends_with('/') => Some("the ARN ends in a slash".to_owned()),
                    Some("") => Some("the ARN names no URL".to_owned()),
                    Some(_) => None,
                }
            }
        }
        _ if text.starts_with("https://") => Some("a URL stands in the place of an ARN".to_owned()),
        _ => Some(format!("`{text}` is no ARN of a provider")),
    };
    if let Some(why) = why {
        findings.at(
            "RC2011",
            view,
            span,
            why,
            "Write the ARN that `aws iam list-open-id-connect-providers` prints.".to_owned(),
        );
    }
}
