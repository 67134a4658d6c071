//! A policy changed in the document where it stands: only what an edit is about is written anew,
//! in the document's own language and layout; every other byte stays.

mod blocks;
mod brackets;
mod layout;
mod quoting;
mod unified;

use rolecall_source::{Diagnostic, SourceText, Span};

use crate::edited::edited;
use crate::{Form, FoundPolicy, Kind, Node, Step, Text, TreeEdit, find};
use quoting::Dialect;

pub(crate) use quoting::json as quoted_json;
pub use unified::unified;

/// Why a policy cannot be changed in its document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendError {
    /// The document is an answer of AWS: to change it would change nothing.
    #[error("`{0}` is what AWS answered, not what the role is made from")]
    NotASource(String),
    /// The place is not one that can be written.
    #[error("{rendered}")]
    Place {
        /// The message and its place.
        diagnostic: Box<Diagnostic>,
        /// The message with the document's name, line, column and snippet.
        rendered: String,
    },
    /// An edit names a place that the policy does not have.
    #[error("the policy has no such place")]
    Missing,
    /// The changed document does not say what it should: nothing is to be written.
    #[error("the change cannot be written in `{0}`")]
    Differs(String),
}

/// A piece of text in place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    span: Span,
    text: String,
}

/// The document's text with a policy's edits made, one after the other. `policy` is one that
/// [`find`] found in `files`. The result has been read again: it says what was wanted.
///
/// # Errors
/// [`AmendError`] where the edits cannot be written; nothing is lost, the caller has the old text.
pub fn amended(
    files: &[SourceText],
    policy: &FoundPolicy,
    edits: &[TreeEdit],
) -> Result<String, AmendError> {
    let name = &files[policy.file].name;
    if policy.form == Form::GetRole {
        return Err(AmendError::NotASource(name.clone()));
    }
    let index = place_of(&find(files).policies, policy).ok_or(AmendError::Missing)?;
    let mut files = files.to_vec();
    for edit in edits {
        let now = find(&files).policies;
        let current = now.get(index).ok_or(AmendError::Missing)?;
        let wanted = edited(&current.tree, std::slice::from_ref(edit));
        let wanted = wanted.ok_or(AmendError::Missing)?;
        let splices = write(&files[policy.file], current, edit)?;
        files[policy.file].text = spliced(&files[policy.file].text, splices);
        let again = find(&files).policies;
        let differs = again.len() != now.len()
            || again
                .get(index)
                .is_none_or(|found| !same(&found.tree, &wanted));
        if differs {
            return Err(AmendError::Differs(name.clone()));
        }
    }
    Ok(files.swap_remove(policy.file).text)
}

/// Which of the policies is the same one.
fn place_of(policies: &[FoundPolicy], policy: &FoundPolicy) -> Option<usize> {
    policies.iter().position(|found| {
        found.file == policy.file
            && found.role == policy.role
            && found.tree.span == policy.tree.span
    })
}

fn write(
    source: &SourceText,
    policy: &FoundPolicy,
    edit: &TreeEdit,
) -> Result<Vec<Splice>, AmendError> {
    let place = Place {
        source,
        tree: &policy.tree,
        dialect: dialect(source, policy)?,
    };
    if policy.form == Form::TerraformPolicyDocument {
        return blocks::write(&place, edit);
    }
    layout::write(&place, edit)
}

/// What is edited, and how it is written.
pub(crate) struct Place<'p> {
    source: &'p SourceText,
    tree: &'p Node,
    dialect: Dialect,
}

impl Place<'_> {
    fn refused(&self, span: Span, message: &str, hint: &str) -> AmendError {
        refused(self.source, span, message, hint)
    }

    /// The value at a path.
    fn at(&self, path: &[Step]) -> Option<&Node> {
        at(self.tree, path)
    }

    /// A value that is known: one that a template fills in cannot be written over.
    fn known<'n>(&self, node: &'n Node) -> Result<&'n Node, AmendError> {
        match node.symbols().first() {
            None => Ok(node),
            Some(symbol) => Err(self.refused(
                node.span,
                &format!("`{symbol}` is filled in elsewhere"),
                "Change it where it is defined, or write the value here by hand.",
            )),
        }
    }
}

fn refused(source: &SourceText, span: Span, message: &str, hint: &str) -> AmendError {
    let diagnostic = Diagnostic::error("amend", message, span).with_hint(hint);
    AmendError::Place {
        rendered: diagnostic.render(source),
        diagnostic: Box::new(diagnostic),
    }
}

/// The value at a path, as [`crate::value_at`] finds it.
fn at<'n>(tree: &'n Node, path: &[Step]) -> Option<&'n Node> {
    let mut node = tree;
    for step in path {
        if *step == Step::Index(0) && !matches!(node.kind, Kind::List(_)) {
            continue;
        }
        node = match (step, &node.kind) {
            (Step::Name(name), Kind::Map(_)) => node.get(name)?,
            (Step::Index(index), Kind::List(items)) => items.get(*index)?,
            _ => return None,
        };
    }
    Some(node)
}

fn dialect(source: &SourceText, policy: &FoundPolicy) -> Result<Dialect, AmendError> {
    let written = source.slice(policy.tree.span);
    let is_json = || crate::json(&SourceText::new("", written)).is_ok();
    match policy.form {
        Form::TerraformJsonencode => Ok(Dialect::Hcl),
        Form::TerraformPolicyDocument => Ok(Dialect::Document),
        Form::TerraformHeredoc if is_json() => Ok(Dialect::Heredoc),
        Form::Json | Form::CloudFormationJson if is_json() => Ok(Dialect::Json),
        Form::Yaml | Form::CloudFormationYaml if in_block(source, policy) && is_json() => {
            Ok(Dialect::Json)
        }
        Form::Yaml | Form::CloudFormationYaml if !in_block(source, policy) => Ok(Dialect::Yaml),
        _ => Err(refused(
            source,
            policy.tree.span,
            "the policy is written as escaped text",
            "Write it as a heredoc or an object, or change it by hand.",
        )),
    }
}

/// Whether a policy in YAML is JSON text in a block scalar: its braces stand below the marker.
fn in_block(source: &SourceText, policy: &FoundPolicy) -> bool {
    let before = source.text[..policy.tree.span.start].trim_end();
    let marker = before.rsplit([' ', ':', '\n']).next().unwrap_or_default();
    source.slice(policy.tree.span).starts_with('{')
        && (marker.starts_with(['|', '>']) || before.ends_with(['"', '\'']))
}

fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
    let (mut result, mut done) = (String::with_capacity(text.len()), 0);
    for splice in splices {
        result.push_str(&text[done..splice.span.start.max(done)]);
        result.push_str(&splice.text);
        done = splice.span.end.max(done);
    }
    result.push_str(&text[done..]);
    result
}

/// Whether two trees say the same, places apart. One value, and a list of only it, do.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Map(one), Kind::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|member| {
                    let wanted = other.iter().find(|wanted| wanted.name == member.name);
                    wanted.is_some_and(|wanted| same(&member.value, &wanted.value))
                })
        }
        (Kind::List(_), _) | (_, Kind::List(_)) => {
            let (one, other) = (one.elements(), other.elements());
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (one, other) => scalar(one) == scalar(other),
    }
}

/// A scalar as condition values are read: `true` and `"true"` are one.
fn scalar(kind: &Kind) -> Option<Text> {
    Node::new(kind.clone(), Span::default()).scalar()
}

#[cfg(test)]
mod tests;
