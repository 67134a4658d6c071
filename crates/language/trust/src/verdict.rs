//! A decision with its proof: what every statement looked at, and what came of it.

use rolecall_source::{SourceText, Span};
use serde::Serialize;

use crate::compiled::{CompiledPolicy, CompiledStatement, Decision};
use crate::observed;
use crate::policy::{
    Condition, Effect, Element, Policy, PrincipalEntry, PrincipalKind, Statement, Written,
};
use crate::principal::Cover;
use crate::request::{ContextValue, Principal, Request};

/// A decision and the whole way to it. Serialises to JSON with members in camel case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What the policy says.
    pub decision: Decision,
    /// The policy's name.
    pub policy: String,
    /// The action that was asked for.
    pub action: String,
    /// The kind of the caller, as policies spell it: `AWS`, `Federated`, `Service`, or `anonymous`.
    pub principal_kind: String,
    /// The caller.
    pub principal: String,
    /// One proof a statement, in the policy's order.
    pub statements: Vec<StatementProof>,
    /// The [`crate::OBSERVED`] rules without which the decision could be another one, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<&'static str>,
}

/// What one statement says about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementProof {
    /// The statement's number, from 0.
    pub index: usize,
    /// Its `Sid`, when it has one.
    pub sid: Option<String>,
    /// Its effect.
    pub effect: Effect,
    /// Whether every part holds, so that the effect applies.
    pub matched: bool,
    /// The `Principal` or `NotPrincipal` element; `None` in identity policies.
    pub principal: Option<ElementProof>,
    /// The `Action` or `NotAction` element; a statement without one applies to nothing.
    pub action: Option<ElementProof>,
    /// The `Resource` or `NotResource` element; `None` in trust policies.
    pub resource: Option<ElementProof>,
    /// Every condition, in the policy's order.
    pub conditions: Vec<ConditionProof>,
    /// Where the statement stands.
    pub place: Place,
}

impl StatementProof {
    /// How many of the statement's parts do not hold.
    pub fn misses(&self) -> usize {
        let elements = [&self.principal, &self.resource];
        elements
            .into_iter()
            .flatten()
            .filter(|element| !element.holds)
            .count()
            + usize::from(!self.action.as_ref().is_some_and(|action| action.holds))
            + self
                .conditions
                .iter()
                .filter(|condition| !condition.holds)
                .count()
    }
}

/// How an element of a statement fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ElementProof {
    /// The element's name, such as `Principal` or `NotAction`.
    pub element: String,
    /// Whether it covers the request.
    pub holds: bool,
    /// Its values as written; principals are prefixed by their kind, as in `Federated: arn:…`.
    pub expected: Vec<String>,
    /// What the request has.
    pub actual: String,
    /// Covers the caller only through its account.
    pub through_account: bool,
    /// The [`crate::OBSERVED`] rules by which it covers the request or does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<&'static str>,
    /// Where it stands.
    pub place: Place,
}

/// How a condition fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionProof {
    /// The operator as written, such as `ForAnyValue:StringLike`.
    pub operator: String,
    /// The condition key as written.
    pub key: String,
    /// The policy's values as written.
    pub expected: Vec<String>,
    /// The request's values; `None` when the request has no such key.
    pub actual: Option<Vec<String>>,
    /// Whether the request's key is multivalued.
    pub multivalued: bool,
    /// Whether the condition holds.
    pub holds: bool,
    /// The [`crate::OBSERVED`] rules by which it holds or does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<&'static str>,
    /// Where it stands: the key and its values.
    pub place: Place,
}

/// A place in the policy's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    pub(crate) fn new(source: &SourceText, span: Span) -> Self {
        let position = source.position(span.start);
        Self {
            start: span.start,
            end: span.end,
            line: position.line,
            column: position.column,
        }
    }

    /// The bytes, for rendering with a `Diagnostic`.
    pub fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

impl CompiledPolicy {
    /// Decides as [`CompiledPolicy::decide`], and tells how: every part of every statement is
    /// looked at, also after the answer is known.
    pub fn explain(&self, request: &Request) -> Verdict {
        let source = &self.policy.source;
        let statements: Vec<StatementProof> = self
            .policy
            .statements
            .iter()
            .zip(&self.statements)
            .enumerate()
            .map(|(index, (written, compiled))| {
                prove(&self.policy, index, written, compiled, request)
            })
            .collect();
        let applies = |effect| {
            statements
                .iter()
                .any(|proof| proof.matched && proof.effect == effect)
        };
        let decision = if applies(Effect::Deny) {
            Decision::ExplicitDeny
        } else if applies(Effect::Allow) {
            Decision::Allow
        } else {
            Decision::ImplicitDeny
        };
        Verdict {
            decision,
            policy: source.name.clone(),
            action: request.action.clone(),
            principal_kind: kind(&request.principal).to_owned(),
            principal: request.principal.name().to_owned(),
            rests_on: observed::verdict(decision, &statements),
            statements,
        }
    }
}

fn prove(
    policy: &Policy,
    index: usize,
    written: &Statement,
    compiled: &CompiledStatement,
    request: &Request,
) -> StatementProof {
    let source: &SourceText = &policy.source;
    let cover = compiled.covers(request);
    let principal = written.principal.as_ref().map(|element| ElementProof {
        expected: element.values.iter().map(principal_text).collect(),
        through_account: cover == Cover::Account,
        rests_on: observed::of_principal(written, request),
        ..proof(
            source,
            "Principal",
            element,
            cover != Cover::None,
            &format!("{}: {}", kind(&request.principal), request.principal.name()),
        )
    });
    let action = written.action.as_ref().map(|element| ElementProof {
        expected: texts(element),
        rests_on: observed::of_action(written),
        ..proof(
            source,
            "Action",
            element,
            compiled.takes_action(&request.action.to_ascii_lowercase()),
            &request.action,
        )
    });
    let resource = written.resource.as_ref().map(|element| ElementProof {
        expected: texts(element),
        ..proof(
            source,
            "Resource",
            element,
            compiled.takes_resource(request),
            request.resource.as_deref().unwrap_or_default(),
        )
    });
    let conditions = written
        .conditions
        .iter()
        .zip(&compiled.conditions)
        .map(|(one, compiled)| ConditionProof {
            rests_on: observed::of_condition(
                one,
                written.effect,
                policy.variables,
                &request.context,
            ),
            ..condition(source, one, request, compiled.holds(&request.context))
        })
        .collect();
    let mut proof = StatementProof {
        index,
        sid: written.sid.clone(),
        effect: written.effect,
        matched: false,
        principal,
        action,
        resource,
        conditions,
        place: Place::new(source, written.span),
    };
    proof.matched = proof.misses() == 0;
    proof
}

fn proof<T>(
    source: &SourceText,
    name: &str,
    element: &Element<T>,
    holds: bool,
    actual: &str,
) -> ElementProof {
    let not = if element.not { "Not" } else { "" };
    ElementProof {
        element: format!("{not}{name}"),
        holds,
        expected: Vec::new(),
        actual: actual.to_owned(),
        through_account: false,
        rests_on: Vec::new(),
        place: Place::new(source, element.span),
    }
}

fn condition(
    source: &SourceText,
    written: &Condition,
    request: &Request,
    holds: bool,
) -> ConditionProof {
    let found = request.context.value(&written.key);
    ConditionProof {
        operator: written.operator_name.clone(),
        key: written.key.clone(),
        expected: written
            .values
            .iter()
            .map(|value| value.text.clone())
            .collect(),
        actual: found.map(|value| value.values().to_vec()),
        multivalued: matches!(found, Some(ContextValue::Multiple(_))),
        holds,
        rests_on: Vec::new(),
        place: Place::new(source, written.span),
    }
}

fn principal_text(entry: &PrincipalEntry) -> String {
    match entry.kind {
        PrincipalKind::Everyone => "*".to_owned(),
        kind => format!("{}: {}", kind.as_str(), entry.value.text),
    }
}

fn texts(element: &Element<Written>) -> Vec<String> {
    element
        .values
        .iter()
        .map(|value| value.text.clone())
        .collect()
}

pub(crate) fn kind(principal: &Principal) -> &'static str {
    match principal {
        Principal::Federated(_) => "Federated",
        Principal::Aws { .. } => "AWS",
        Principal::Service(_) => "Service",
        Principal::Anonymous => "anonymous",
    }
}
