//! Conditions on the subject, held against the forms in which the issuer writes subjects.

use super::{Findings, View, known, narrows};
use crate::operator::Test;
use crate::policy::{Condition, Written};
use crate::shape::{IssuerShape, Part, SubjectTemplate, meet, shapes};

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    if !view.grants_to_tokens() {
        return;
    }
    let Some(action) = view.statement.action.as_ref() else {
        return;
    };
    let exchanges = action.values.iter().any(|value| {
        value.symbolic
            || crate::wildcard::Wildcard::new(&value.text.to_ascii_lowercase())
                .matches("sts:assumerolewithwebidentity")
    });
    if action.not || !exchanges {
        return;
    }
    let conditions: Vec<&Condition> = view.on("sub").filter(|one| narrows(one)).collect();
    let symbolic = view.statement.conditions.iter().any(|one| one.key_symbolic);
    let by_other_key = view.providers.iter().any(|prefix| identifies(view, prefix));
    if conditions.is_empty() && !by_other_key && !symbolic {
        let prefix = view.providers[0];
        let shared = shapes(prefix).any(|shape| shape.shared);
        let message = match shared {
            true => {
                format!("no condition narrows the subject: everybody's tokens of `{prefix}` get in")
            }
            false => format!("no condition narrows the subject: every token of `{prefix}` gets in"),
        };
        findings.at(
            "RC1001",
            view,
            view.statement.span,
            message,
            format!("Add a condition on `{prefix}:sub`."),
        );
        return;
    }
    for condition in conditions {
        for value in known(&condition.values) {
            if value.text.contains("${") {
                continue;
            }
            self::value(view, condition, value, findings);
        }
    }
}

/// Whether another key of the provider names who it is: a repository's identifier, an application.
fn identifies(view: &View<'_>, prefix: &str) -> bool {
    view.statement.conditions.iter().any(|condition| {
        let key = condition.key.to_lowercase();
        let name = key.strip_prefix(&format!("{}:", prefix.to_lowercase()));
        narrows(condition)
            && name.is_some_and(|name| IDENTIFYING.contains(&name))
            && condition.values.iter().all(|value| value.text != "*")
    })
}

fn value(view: &View<'_>, condition: &Condition, value: &Written, findings: &mut Findings) {
    let pattern = value.text.as_str();
    let wild = condition.operator.test == Test::StringLike && pattern.contains(['*', '?']);
    let issuer = view.providers.iter().find(|one| {
        let prefix = format!("{}:", one.to_lowercase());
        condition.key.to_lowercase().starts_with(&prefix)
    });
    let known: Vec<&IssuerShape> = issuer.map(|one| shapes(one).collect()).unwrap_or_default();
    let span = value.span;
    if wild && pattern.chars().all(|one| one == '*' || one == '?') {
        findings.at(
            "RC1005",
            view,
            span,
            format!("`{pattern}` fits every subject of the issuer"),
            "Name the subjects that are meant.".to_owned(),
        );
        return;
    }
    if wild && pattern.starts_with('*') {
        let message = format!(
            "`{pattern}` begins with `*`: what stands before the fixed part can hold anything"
        );
        findings.at(
            "RC1010",
            view,
            span,
            message,
            "Write the subject from its first segment on.".to_owned(),
        );
    }
    let Some(shape) = known.first() else {
        unknown_form(view, value, wild, findings);
        return;
    };
    // Letter case aside is another matter than the form.
    if condition.operator.test == Test::StringEqualsIgnoreCase {
        return;
    }
    let literal;
    let pattern = match wild {
        true => pattern,
        false if pattern.contains(['*', '?']) => return,
        false => {
            literal = pattern.to_owned();
            literal.as_str()
        }
    };
    let forms: Vec<SubjectTemplate> = shape
        .templates
        .iter()
        .filter_map(|text| SubjectTemplate::parse(text).ok())
        .collect();
    let reached: Vec<&SubjectTemplate> = forms
        .iter()
        .filter(|form| meet(pattern, &form.pattern(|_| None)))
        .collect();
    if reached.is_empty() {
        let message = format!("subjects of {} do not look like `{pattern}`", shape.name);
        let mend = format!(
            "They look like `{}` ({}, {}); compare a token.",
            shape.templates[0], shape.source, shape.date
        );
        findings.at("RC2003", view, span, message, mend);
        return;
    }
    if !wild {
        mutable(view, shape, pattern, span, findings);
        return;
    }
    let open = |names: &[&str], text: &str| {
        reached.iter().any(|form| {
            form.placeholders().any(|name| names.contains(&name))
                && meet(
                    pattern,
                    &form.pattern(|name| names.contains(&name).then_some(text)),
                )
        })
    };
    let all_open = reached
        .iter()
        .any(|form| meet(pattern, &form.pattern(|_| Some(STRANGER))));
    let tenant_open = open(shape.tenant, STRANGER);
    if tenant_open && shape.shared {
        let message = format!(
            "`{pattern}` leaves open whose subject it is: {} is shared by everybody",
            shape.name
        );
        findings.at(
            "RC1003",
            view,
            span,
            message,
            format!("Name the {} exactly.", shape.tenant.join(" and ")),
        );
    } else if all_open {
        let message = format!("`{pattern}` fits every subject of the issuer");
        findings.at(
            "RC1005",
            view,
            span,
            message,
            "Name at least one part of the subject.".to_owned(),
        );
    } else if shape.shared && tenant_goes_on(&reached, shape, pattern) {
        let message = format!(
            "`{pattern}` also fits every {} whose name begins so",
            shape.tenant.join(" or ")
        );
        findings.at(
            "RC1004",
            view,
            span,
            message,
            "Put the separator before the `*`, or write the name out.".to_owned(),
        );
    } else if prefix_without_separator(pattern) {
        unknown_form(view, value, wild, findings);
    }
    if !tenant_open
        && !all_open
        && !shape.phase.is_empty()
        && reached.len() + usize::from(open(shape.phase, STRANGER)) > 1
        && open(shape.phase, STRANGER)
    {
        let message = format!(
            "`{pattern}` leaves open what the run does: {}",
            phases(shape)
        );
        findings.at(
            "RC1006",
            view,
            span,
            message,
            format!("Name the {}.", shape.phase.join(", ")),
        );
    }
    mutable(view, shape, pattern, span, findings);
}

/// Whether the tenant's name begins with known text and goes on with a wildcard before it ends.
fn tenant_goes_on(forms: &[&SubjectTemplate], shape: &IssuerShape, pattern: &str) -> bool {
    forms.iter().any(|form| {
        let [Part::Literal(before), Part::Placeholder(name), ..] = form.parts() else {
            return false;
        };
        let Some(rest) = pattern.strip_prefix(before.as_str()) else {
            return false;
        };
        let end = rest.find([':', '/', '@']).unwrap_or(rest.len());
        shape.tenant.contains(&name.as_str()) && rest[..end].find('*').is_some_and(|star| star > 0)
    })
}

fn phases(shape: &IssuerShape) -> String {
    match shape.name {
        "GitHub Actions" => "pull requests get in as well as the main branch".to_owned(),
        "HCP Terraform" => "a plan gets what an apply gets".to_owned(),
        _ => format!("any {} gets in", shape.phase.join(" or ")),
    }
}

/// Names where the issuer also offers identifiers.
fn mutable(
    view: &View<'_>,
    shape: &IssuerShape,
    pattern: &str,
    span: rolecall_source::Span,
    findings: &mut Findings,
) {
    let Some(immutable) = shape.immutable else {
        return;
    };
    if pattern.contains('@') || pattern.starts_with('*') {
        return;
    }
    let message = format!(
        "`{pattern}` goes by names; repositories created, renamed or moved since 2026-07-15 send identifiers beside them"
    );
    findings.at(
        "RC1014",
        view,
        span,
        message,
        format!("Use `{immutable}` where the repository sends it."),
    );
}

/// An issuer whose subjects are not known: only the pattern itself tells.
fn unknown_form(view: &View<'_>, value: &Written, wild: bool, findings: &mut Findings) {
    if wild && prefix_without_separator(&value.text) {
        let message = format!(
            "`{}` also fits longer names: nothing separates the `*` from the name before it",
            value.text
        );
        findings.at(
            "RC1004",
            view,
            value.span,
            message,
            "Put the separator before the `*`, or write the name out.".to_owned(),
        );
    }
}

/// Whether a `*` at the end, or before a separator, follows a letter or digit.
fn prefix_without_separator(pattern: &str) -> bool {
    let before = pattern
        .find('*')
        .and_then(|star| pattern[..star].chars().last());
    before.is_some_and(char::is_alphanumeric)
}

/// A name that no pattern has in it by chance.
const STRANGER: &str = "\u{1}stranger\u{1}";
/// Keys of named providers that tell who it is.
const IDENTIFYING: &[&str] = &[
    "repository",
    "repository_id",
    "repository_owner_id",
    "job_workflow_ref",
    "project_id",
    "namespace_id",
    "oidc.circleci.com/project-id",
    "organization_id",
    "pipeline_id",
    "pipeline_slug",
    "organization_slug",
    "amr",
    "id",
    "user_id",
    "rpst_id",
];
