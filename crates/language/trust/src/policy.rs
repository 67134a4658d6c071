//! A policy as written: every element with its place, nothing interpreted yet.

use std::collections::HashSet;
use std::sync::Arc;

use rolecall_documents::{Member, Node, Text, json};
use rolecall_source::{Diagnostic, SourceText, Span, nearest};

use crate::TrustError;
use crate::operator::Operator;

/// A policy document (IAM JSON policy grammar), read and with places, not yet compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) source: Arc<SourceText>,
    pub(crate) variables: bool,
    pub(crate) statements: Vec<Statement>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) symbols: Vec<String>,
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
    /// Parts of it are known to a template engine only; they stand in the text as `${name}`.
    pub(crate) symbolic: bool,
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
    pub(crate) operator_span: Span,
    pub(crate) key: String,
    /// Parts of the key are known to a template engine only.
    pub(crate) key_symbolic: bool,
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
        Self::from_tree(source, &json(source)?)
    }

    /// Reads a policy that a reader of documents has found, in whatever language the document is
    /// written. The tree's places are places in `source`.
    ///
    /// # Errors
    /// [`TrustError::Shape`], with the place, when it has not the shape of a policy.
    pub fn from_tree(source: &SourceText, tree: &Node) -> Result<Self, TrustError> {
        Self::from_shared(&Arc::new(source.clone()), tree)
    }

    /// As [`Self::from_tree`], for one of many policies in the same document, which is kept once.
    ///
    /// # Errors
    /// [`TrustError::Shape`], with the place, when it has not the shape of a policy.
    pub fn from_shared(source: &Arc<SourceText>, tree: &Node) -> Result<Self, TrustError> {
        let mut reader = Reader {
            warnings: Vec::new(),
        };
        let (variables, statements) = reader
            .document(tree)
            .map_err(|diagnostic| TrustError::shape(source, diagnostic))?;
        Ok(Self {
            source: Arc::clone(source),
            variables,
            statements,
            warnings: reader.warnings,
            symbols: tree.symbols().into_iter().map(str::to_owned).collect(),
        })
    }

    /// The parts of the policy that only a template engine knows, each once. Where there are any,
    /// decisions hold for what is known: a value with such a part equals nothing.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
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

    /// The values of `Federated` principals in the order in which they stand.
    pub fn federated_principals(&self) -> Vec<&str> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principal.as_ref())
            .flat_map(|principal| &principal.values)
            .filter(|entry| entry.kind == PrincipalKind::Federated)
            .map(|entry| entry.value.text.as_str())
            .collect()
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
    fn document(&mut self, json: &Node) -> Read<(bool, Vec<Statement>)> {
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

    fn statement(&mut self, json: &Node) -> Read<Statement> {
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

    fn principals(&mut self, json: &Node) -> Read<Vec<PrincipalEntry>> {
        if json.text() == Some("*") {
            let value = Written {
                text: "*".to_owned(),
                symbolic: false,
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
            let kind = match member.name() {
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

    fn conditions(&mut self, json: &Node) -> Read<Vec<Condition>> {
        let operators = json
            .members()
            .ok_or_else(|| shape("`Condition` must be a JSON object", json.span))?;
        self.look_over(operators, &[]);
        let mut conditions = Vec::new();
        for member in effective(operators) {
            let Some(operator) = Operator::parse(member.name()) else {
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
                    operator_name: member.name().to_owned(),
                    operator_span: member.name_span,
                    key: key.name().to_owned(),
                    key_symbolic: !key.name.symbols.is_empty(),
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
            if !seen.insert(member.name()) {
                let name = shortened(member.name());
                let message = format!("`{name}` is repeated; only the last counts");
                let code = "repeated-member";
                self.warnings
                    .push(Diagnostic::warning(code, message, member.name_span));
            }
            if !known.is_empty() && !known.contains(&member.name()) {
                let mut warning = unknown(member, "element", known);
                warning.severity = rolecall_source::Severity::Warning;
                self.warnings.push(warning);
            }
        }
    }
}

/// The last member of that name: JSON readers, AWS's included, let it win.
pub(crate) fn last<'a>(members: &'a [Member], name: &str) -> Option<&'a Member> {
    members.iter().rev().find(|member| member.name() == name)
}

/// The members that count, in order.
fn effective(members: &[Member]) -> Vec<&Member> {
    let mut seen = HashSet::new();
    let mut counting: Vec<&Member> = members
        .iter()
        .rev()
        .filter(|member| seen.insert(member.name()))
        .collect();
    counting.reverse();
    counting
}

fn element<T>(
    members: &[Member],
    name: &str,
    not_name: &str,
    read: impl FnOnce(&Node) -> Read<Vec<T>>,
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

fn texts(json: &Node) -> Read<Vec<Written>> {
    let text = |value: &Node| value.text().and(value.scalar());
    written(json, text, "a text")
}

fn scalars(json: &Node) -> Read<Vec<Written>> {
    written(json, Node::scalar, "a text, number or boolean")
}

fn written(json: &Node, read: impl Fn(&Node) -> Option<Text>, wanted: &str) -> Read<Vec<Written>> {
    json.elements()
        .iter()
        .map(|value| {
            let text = read(value).ok_or_else(|| {
                let message = format!("expected {wanted}, found {}", value.kind_name());
                shape(message, value.span)
            })?;
            Ok(Written {
                symbolic: !text.symbols.is_empty(),
                text: text.value,
                span: value.span,
            })
        })
        .collect()
}

fn unknown(member: &Member, what: &str, known: &[&str]) -> Diagnostic {
    let message = format!("unknown {what} `{}`", shortened(member.name()));
    let diagnostic = Diagnostic::error("unknown-name", message, member.name_span);
    match nearest(member.name(), known.iter().copied()) {
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
