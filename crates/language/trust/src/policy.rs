//! A policy as written: every element with its place, nothing interpreted yet.

use std::collections::HashSet;

use rolecall_source::{Diagnostic, SourceText, Span, nearest};

use crate::TrustError;
use crate::json::{Json, Kind, Member};
use crate::operator::Operator;

/// A policy document (IAM JSON policy grammar), read and with places, not yet compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) source: SourceText,
    pub(crate) variables: bool,
    pub(crate) statements: Vec<Statement>,
    pub(crate) warnings: Vec<Diagnostic>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principal: Option<Element<PrincipalEntry>>,
    pub(crate) action: Option<Element<Written>>,
    pub(crate) resource: Option<Element<Written>>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) span: Span,
}

/// `Allow` or `Deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Effect {
    /// The statement grants.
    Allow,
    /// The statement refuses, whatever others grant.
    Deny,
}

/// `Principal`, `Action` or `Resource`, or the `Not` form of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element<T> {
    pub(crate) not: bool,
    pub(crate) values: Vec<T>,
    pub(crate) span: Span,
}

/// A text and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrincipalEntry {
    pub(crate) kind: PrincipalKind,
    pub(crate) value: Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    /// `"Principal": "*"`.
    Everyone,
    Aws,
    Federated,
    Service,
    CanonicalUser,
}

impl PrincipalKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "*",
            Self::Aws => "AWS",
            Self::Federated => "Federated",
            Self::Service => "Service",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) operator_name: String,
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) values: Vec<Written>,
    /// From the key to the end of its values.
    pub(crate) span: Span,
}

impl Policy {
    /// Reads a policy. Lenient where deciding is well defined (an empty `Statement` list, unknown
    /// elements, repeated members: the last counts); see [`Policy::warnings`]. IAM itself is
    /// stricter when a policy is stored: see [`crate::write_time`].
    ///
    /// # Errors
    /// [`TrustError`], with the place, when the text is too large, not JSON, or has not the shape
    /// of a policy.
    pub fn parse(source: &SourceText) -> Result<Self, TrustError> {
        let json = Json::parse(source)?;
        let mut reader = Reader {
            warnings: Vec::new(),
        };
        let (variables, statements) = reader
            .document(&json)
            .map_err(|diagnostic| TrustError::shape(source, diagnostic))?;
        Ok(Self {
            source: source.clone(),
            variables,
            statements,
            warnings: reader.warnings,
        })
    }

    /// The text the policy was read from.
    pub fn source(&self) -> &SourceText {
        &self.source
    }

    /// The values of `AWS` principals in the order in which they stand, each with the place of its
    /// JSON text, quotes included.
    pub fn aws_principals(&self) -> impl Iterator<Item = (&str, Span)> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principal.as_ref())
            .flat_map(|principal| &principal.values)
            .filter(|entry| entry.kind == PrincipalKind::Aws)
            .map(|entry| (entry.value.text.as_str(), entry.value.span))
    }

    /// What was read and probably not meant: repeated members, unknown elements.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

struct Reader {
    warnings: Vec<Diagnostic>,
}

type Read<T> = Result<T, Diagnostic>;

impl Reader {
    fn document(&mut self, json: &Json) -> Read<(bool, Vec<Statement>)> {
        let members = json
            .members()
            .ok_or_else(|| shape("a policy must be a JSON object", json.span))?;
        self.look_over(members, &["Version", "Id", "Statement"]);
        let variables = match last(members, "Version") {
            None => false,
            Some(member) => match member.value.text() {
                Some("2012-10-17") => true,
                Some("2008-10-17") => false,
                _ => {
                    let message = "`Version` must be `2012-10-17` or `2008-10-17`";
                    return Err(shape(message, member.value.span));
                }
            },
        };
        let member =
            last(members, "Statement").ok_or_else(|| shape("`Statement` is missing", json.span))?;
        let statements = member
            .value
            .elements()
            .iter()
            .map(|value| self.statement(value))
            .collect::<Read<_>>()?;
        Ok((variables, statements))
    }

    fn statement(&mut self, json: &Json) -> Read<Statement> {
        let members = json
            .members()
            .ok_or_else(|| shape("a statement must be a JSON object", json.span))?;
        self.look_over(members, STATEMENT_ELEMENTS);
        let effect = last(members, "Effect")
            .ok_or_else(|| shape("`Effect` is missing", json.span))
            .and_then(|member| match member.value.text() {
                Some("Allow") => Ok(Effect::Allow),
                Some("Deny") => Ok(Effect::Deny),
                _ => Err(shape(
                    "`Effect` must be `Allow` or `Deny`, spelt so",
                    member.value.span,
                )),
            })?;
        let conditions = match last(members, "Condition") {
            Some(member) => self.conditions(&member.value)?,
            None => Vec::new(),
        };
        Ok(Statement {
            sid: last(members, "Sid")
                .and_then(|member| member.value.text())
                .map(str::to_owned),
            effect,
            principal: element(members, "Principal", "NotPrincipal", |value| {
                self.principals(value)
            })?,
            action: element(members, "Action", "NotAction", texts)?,
            resource: element(members, "Resource", "NotResource", texts)?,
            conditions,
            span: json.span,
        })
    }

    fn principals(&mut self, json: &Json) -> Read<Vec<PrincipalEntry>> {
        if json.text() == Some("*") {
            let value = Written {
                text: "*".to_owned(),
                span: json.span,
            };
            let kind = PrincipalKind::Everyone;
            return Ok(vec![PrincipalEntry { kind, value }]);
        }
        let members = json
            .members()
            .ok_or_else(|| shape("a principal must be an object or `*`", json.span))?;
        self.look_over(members, PRINCIPAL_KINDS);
        let mut entries = Vec::new();
        for member in members {
            let kind = match member.name.as_str() {
                "AWS" => PrincipalKind::Aws,
                "Federated" => PrincipalKind::Federated,
                "Service" => PrincipalKind::Service,
                "CanonicalUser" => PrincipalKind::CanonicalUser,
                _ => return Err(unknown(member, "principal kind", PRINCIPAL_KINDS)),
            };
            for value in texts(&member.value)? {
                entries.push(PrincipalEntry { kind, value });
            }
        }
        Ok(entries)
    }

    fn conditions(&mut self, json: &Json) -> Read<Vec<Condition>> {
        let operators = json
            .members()
            .ok_or_else(|| shape("`Condition` must be a JSON object", json.span))?;
        self.look_over(operators, &[]);
        let mut conditions = Vec::new();
        for member in effective(operators) {
            let Some(operator) = Operator::parse(&member.name) else {
                let names: Vec<&str> = Operator::names().collect();
                return Err(unknown(member, "condition operator", &names));
            };
            let keys = member.value.members().ok_or_else(|| {
                let message = "an operator takes an object of condition keys";
                shape(message, member.value.span)
            })?;
            self.look_over(keys, &[]);
            for key in effective(keys) {
                conditions.push(Condition {
                    operator,
                    operator_name: member.name.clone(),
                    key: key.name.clone(),
                    key_span: key.name_span,
                    values: scalars(&key.value)?,
                    span: Span::new(key.name_span.start, key.value.span.end),
                });
            }
        }
        Ok(conditions)
    }

    /// Notes repeated members and, when `known` lists any names, unknown ones.
    fn look_over(&mut self, members: &[Member], known: &[&str]) {
        let mut seen = HashSet::new();
        for member in members {
            if !seen.insert(member.name.as_str()) {
                let name = shortened(&member.name);
                let message = format!("`{name}` is repeated; only the last counts");
                let code = "repeated-member";
                self.warnings
                    .push(Diagnostic::warning(code, message, member.name_span));
            }
            if !known.is_empty() && !known.contains(&member.name.as_str()) {
                let mut warning = unknown(member, "element", known);
                warning.severity = rolecall_source::Severity::Warning;
                self.warnings.push(warning);
            }
        }
    }
}

/// The last member of that name: JSON readers, AWS's included, let it win.
pub(crate) fn last<'a>(members: &'a [Member], name: &str) -> Option<&'a Member> {
    members.iter().rev().find(|member| member.name == name)
}

/// The members that count, in order.
fn effective(members: &[Member]) -> Vec<&Member> {
    let mut seen = HashSet::new();
    let mut counting: Vec<&Member> = members
        .iter()
        .rev()
        .filter(|member| seen.insert(member.name.as_str()))
        .collect();
    counting.reverse();
    counting
}

fn element<T>(
    members: &[Member],
    name: &str,
    not_name: &str,
    read: impl FnOnce(&Json) -> Read<Vec<T>>,
) -> Read<Option<Element<T>>> {
    let (member, not) = match (last(members, name), last(members, not_name)) {
        (Some(_), Some(second)) => {
            let message = format!("`{name}` and `{not_name}` exclude each other");
            return Err(shape(message, second.name_span));
        }
        (Some(member), None) => (member, false),
        (None, Some(member)) => (member, true),
        (None, None) => return Ok(None),
    };
    Ok(Some(Element {
        not,
        values: read(&member.value)?,
        span: Span::new(member.name_span.start, member.value.span.end),
    }))
}

fn texts(json: &Json) -> Read<Vec<Written>> {
    written(json, |value| value.text().map(str::to_owned), "a text")
}

fn scalars(json: &Json) -> Read<Vec<Written>> {
    written(json, Json::scalar, "a text, number or boolean")
}

fn written(
    json: &Json,
    read: impl Fn(&Json) -> Option<String>,
    wanted: &str,
) -> Read<Vec<Written>> {
    json.elements()
        .iter()
        .map(|value| {
            let text = read(value).ok_or_else(|| {
                let message = format!("expected {wanted}, found {}", kind_name(&value.kind));
                shape(message, value.span)
            })?;
            let span = value.span;
            Ok(Written { text, span })
        })
        .collect()
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool(_) => "a boolean",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "a text",
        Kind::Array(_) => "a list",
        Kind::Object(_) => "an object",
    }
}

fn unknown(member: &Member, what: &str, known: &[&str]) -> Diagnostic {
    let message = format!("unknown {what} `{}`", shortened(&member.name));
    let diagnostic = Diagnostic::error("unknown-name", message, member.name_span);
    match nearest(&member.name, known.iter().copied()) {
        Some(name) => diagnostic.with_hint(format!("Did you mean `{name}`?")),
        None => diagnostic,
    }
}

/// A name as messages show it.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_LIMIT) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn shape(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("policy-shape", message, span)
}

pub(crate) const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
/// Characters of a name that a message shows, at most.
const NAME_LIMIT: usize = 80;
const PRINCIPAL_KINDS: &[&str] = &["AWS", "Federated", "Service", "CanonicalUser"];
