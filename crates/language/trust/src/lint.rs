//! What is wrong, dangerous or odd in a policy, told without any token: findings with stable codes.
//!
//! Each rule is a row of one table ([`RULES`]); the checks are grouped by what they look at. A value
//! that only a template engine knows is never found fault with.

mod action;
mod audience;
mod document;
mod keys;
mod permission;
mod principal;
mod report;
mod rules;
mod subject;
mod suppression;

use rolecall_documents::{Found, FoundPolicy};
use rolecall_source::{SourceText, Span};
use serde::Serialize;

use crate::operator::{Operator, Test};
use crate::policy::{Condition, Effect, Policy, PrincipalKind, Statement, Written};
use crate::web_identity::provider_prefix;

pub use report::{json, sarif, text};
pub use rules::{RULES, Rule};
pub use suppression::{Ignore, IgnoreError};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The policy never works, or IAM refuses it.
    Error,
    /// It lets in whom it should not.
    Security,
    /// Probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Security => "security",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A rule that a policy breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How grave this case of it is.
    pub severity: Severity,
    /// What is wrong here, in one clause: lower case, no full stop.
    pub message: String,
    /// What to do about it here, as one sentence.
    pub mend: String,
    /// The place in the file.
    pub span: Span,
    /// The statement's number, from 0.
    pub statement: Option<usize>,
    /// Why it is not to count, where somebody has said so.
    pub ignored: Option<String>,
}

/// All findings of one file's policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFindings<'f> {
    /// The file.
    pub source: &'f SourceText,
    /// What was found, statement by statement.
    pub findings: Vec<Finding>,
}

/// Looks through all policies that were found in files, and through the comments about findings.
/// Files come back in their order, those without policies too.
pub fn lint_files<'f>(files: &'f [SourceText], found: &Found) -> Vec<FileFindings<'f>> {
    let mut all: Vec<FileFindings<'f>> = files
        .iter()
        .map(|source| FileFindings {
            source,
            findings: Vec::new(),
        })
        .collect();
    for policy in &found.policies {
        let file = &mut all[policy.file];
        file.findings.extend(lint(file.source, policy));
    }
    for (index, problem) in &found.problems {
        let mut findings = Findings::default();
        let diagnostic = problem.diagnostic();
        findings.add(
            "RC9001",
            None,
            diagnostic.and_then(|one| one.span).unwrap_or_default(),
            diagnostic.map_or_else(|| problem.to_string(), |one| one.message.clone()),
            diagnostic
                .and_then(|one| one.hint.clone())
                .unwrap_or_else(|| "Mend the document, or leave it out.".to_owned()),
        );
        all[*index].findings.extend(findings.0);
    }
    for file in &mut all {
        suppression::comments(file.source, &mut file.findings);
    }
    all
}

/// Looks through a policy that was found in a file.
pub fn lint(source: &SourceText, found: &FoundPolicy) -> Vec<Finding> {
    let mut findings = Findings::default();
    let policy = match Policy::from_tree(source, &found.tree) {
        Ok(policy) => policy,
        Err(error) => {
            let diagnostic = error.diagnostic();
            let span = diagnostic.and_then(|one| one.span);
            findings.add(
                "RC9001",
                None,
                span.unwrap_or(found.tree.span),
                diagnostic.map_or_else(|| error.to_string(), |one| one.message.clone()),
                diagnostic
                    .and_then(|one| one.hint.clone())
                    .unwrap_or_else(|| "Write it as IAM's policy grammar has it.".to_owned()),
            );
            return findings.0;
        }
    };
    let trusts = policy.statements.iter().any(|one| one.principal.is_some());
    if trusts {
        document::check(&policy, found, &mut findings);
        for (index, statement) in policy.statements.iter().enumerate() {
            let view = View {
                policy: &policy,
                statement,
                index,
                providers: providers(statement),
            };
            principal::check(&view, &mut findings);
            action::check(&view, &mut findings);
            keys::check(&view, &mut findings);
            audience::check(&view, &mut findings);
            subject::check(&view, &mut findings);
        }
    } else {
        permission::check(&policy, &mut findings);
    }
    let mut findings = findings.0;
    findings.dedup();
    findings.sort_by_key(|finding| {
        (
            finding.statement.map_or(0, |index| index + 1),
            finding.severity,
            finding.span.start,
        )
    });
    findings.dedup_by(|one, other| {
        one.rule.code == other.rule.code && one.span == other.span && one.message == other.message
    });
    findings
}

/// A statement, and what the checks want to know of it.
struct View<'p> {
    policy: &'p Policy,
    statement: &'p Statement,
    index: usize,
    /// OIDC providers and built-in ones that it trusts, by the prefix of their keys.
    providers: Vec<&'p str>,
}

impl<'p> View<'p> {
    /// Whether it lets callers with a token in.
    fn grants_to_tokens(&self) -> bool {
        self.statement.effect == Effect::Allow && !self.providers.is_empty()
    }

    /// The conditions on a key of one of the providers, with the key behind its prefix.
    fn on<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'p Condition> + 'c {
        self.statement.conditions.iter().filter(move |condition| {
            self.providers.iter().any(|prefix| {
                condition
                    .key
                    .to_lowercase()
                    .strip_prefix(&prefix.to_lowercase())
                    .is_some_and(|rest| rest.strip_prefix(':') == Some(name))
            })
        })
    }
}

/// Whether a condition narrows: it fails where the key has none of its values, or is absent.
fn narrows(condition: &Condition) -> bool {
    let Operator {
        set,
        test,
        negated,
        if_exists,
    } = condition.operator;
    !negated
        && !if_exists
        && set != Some(crate::operator::Set::All)
        && test != Test::Null
        && !condition.values.is_empty()
}

fn providers(statement: &Statement) -> Vec<&str> {
    let principal = statement.principal.iter().filter(|one| !one.not);
    principal
        .flat_map(|one| &one.values)
        .filter(|one| one.kind == PrincipalKind::Federated)
        .map(|one| one.value.text.as_str())
        .filter(|text| !text.contains(":saml-provider/"))
        .map(provider_prefix)
        .collect()
}

/// Values that are known.
fn known(values: &[Written]) -> impl Iterator<Item = &Written> {
    values.iter().filter(|value| !value.symbolic)
}

/// What the checks find.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        code: &str,
        statement: Option<usize>,
        span: Span,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let Some(rule) = RULES.iter().find(|rule| rule.code == code) else {
            return;
        };
        self.0.push(Finding {
            rule,
            severity: rule.severity,
            message: message.into(),
            mend: mend.into(),
            span,
            statement,
            ignored: None,
        });
    }

    fn at(&mut self, code: &str, view: &View<'_>, span: Span, message: String, mend: String) {
        self.add(code, Some(view.index), span, message, mend);
    }
}

#[cfg(test)]
mod tests;
