//! What a statement allows, held against whom it names and what it asks for.

use super::{Findings, View};
use crate::policy::{Effect, PrincipalKind};
use crate::wildcard::Wildcard;

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let Some(action) = view.statement.action.as_ref() else {
        return;
    };
    if action.not || view.statement.effect == Effect::Deny {
        return;
    }
    let allows = |name: &str| {
        action.values.iter().any(|value| {
            value.symbolic || Wildcard::new(&value.text.to_ascii_lowercase()).matches(name)
        })
    };
    let kinds: Vec<PrincipalKind> = view
        .statement
        .principal
        .iter()
        .flat_map(|one| &one.values)
        .map(|one| one.kind)
        .collect();
    let tokens = !view.providers.is_empty();
    let signed = kinds.iter().any(|kind| {
        matches!(
            kind,
            PrincipalKind::Aws | PrincipalKind::Service | PrincipalKind::Everyone
        )
    });
    let saml = kinds.contains(&PrincipalKind::Federated) && !tokens;
    let (web, assume) = (
        allows("sts:assumerolewithwebidentity"),
        allows("sts:assumerole"),
    );
    let span = action.span;
    if tokens && !web {
        let elsewhere = !allows("sts:tagsession") && !allows("sts:setsourceidentity") || assume;
        if elsewhere {
            findings.at(
                "RC2008",
                view,
                span,
                "an OIDC provider is trusted, and `sts:AssumeRoleWithWebIdentity` is not allowed"
                    .to_owned(),
                "Allow `sts:AssumeRoleWithWebIdentity`.".to_owned(),
            );
        }
    } else if web && !tokens && !saml && signed {
        findings.at(
            "RC2008",
            view,
            span,
            "`sts:AssumeRoleWithWebIdentity` is for OIDC providers, and none is named".to_owned(),
            "Name the provider under `Federated`, or allow `sts:AssumeRole`.".to_owned(),
        );
    } else if tokens && assume && !signed && !allows("sts:assumerolewithsaml") {
        findings.at("RC2008", view, span, "`sts:AssumeRole` is for callers who sign; a token asks for `sts:AssumeRoleWithWebIdentity`".to_owned(), "Remove `sts:AssumeRole` here.".to_owned());
    }
    // Another statement for the same principal may allow the companion.
    let companions = |name: &str| {
        view.policy.statements.iter().any(|statement| {
            statement.effect == Effect::Allow
                && statement.action.as_ref().is_some_and(|action| {
                    !action.not
                        && action.values.iter().any(|value| {
                            value.symbolic
                                || Wildcard::new(&value.text.to_ascii_lowercase()).matches(name)
                        })
                })
        })
    };
    for condition in &view.statement.conditions {
        let key = condition.key.to_lowercase();
        let tags = key.starts_with("aws:requesttag/")
            || key == "aws:tagkeys"
            || key == "sts:transitivetagkeys";
        if tags && super::narrows(condition) && !companions("sts:tagsession") {
            let message = format!(
                "`{}` is asked for, and `sts:TagSession` is not allowed",
                condition.key
            );
            findings.at(
                "RC2009",
                view,
                condition.key_span,
                message,
                "Add `sts:TagSession` to the actions.".to_owned(),
            );
        }
        if key == "sts:sourceidentity"
            && super::narrows(condition)
            && !companions("sts:setsourceidentity")
        {
            let message = format!(
                "`{}` is asked for, and `sts:SetSourceIdentity` is not allowed",
                condition.key
            );
            findings.at(
                "RC2010",
                view,
                condition.key_span,
                message,
                "Add `sts:SetSourceIdentity` to the actions.".to_owned(),
            );
        }
    }
}
