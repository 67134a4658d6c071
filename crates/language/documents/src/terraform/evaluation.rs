//! Terraform's expressions, as far as the files of the module tell what they give.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::template::{Element, Template};
use rolecall_source::Span;

use super::{Module, Policy, null, span};
use crate::found::Form;
use crate::nested::Nested;
use crate::{DocumentError, Kind, Member, Node, Text};

impl Module<'_> {
    /// What an expression gives. What the module does not tell is a symbol, named as written.
    pub(super) fn evaluate(&self, file: usize, expression: &Expression, depth: usize) -> Node {
        let place = span(expression.span());
        let Some(depth) = depth.checked_sub(1) else {
            return self.unknown(file, place);
        };
        let kind = match expression {
            Expression::Null(_) => Kind::Null,
            Expression::Bool(value) => Kind::Bool(*value.value()),
            Expression::Number(number) => Kind::Number(number.value().to_string()),
            Expression::String(text) => Kind::Text(Text::known(text.value().as_str())),
            Expression::StringTemplate(template) => Kind::Text(self.filled(file, template, depth)),
            Expression::HeredocTemplate(heredoc) => {
                Kind::Text(self.filled(file, &heredoc.template, depth))
            }
            Expression::Array(array) => {
                let elements = array.iter();
                Kind::List(
                    elements
                        .map(|one| self.evaluate(file, one, depth))
                        .collect(),
                )
            }
            Expression::Object(object) => Kind::Map(
                object
                    .iter()
                    .map(|(key, value)| {
                        let (name, name_span) = self.key(file, key, depth);
                        Member {
                            name,
                            name_span,
                            value: self.evaluate(file, value.expr(), depth),
                        }
                    })
                    .collect(),
            ),
            Expression::Parenthesis(inner) => return self.evaluate(file, inner.inner(), depth),
            Expression::FuncCall(call) => {
                return self
                    .called(file, call, place, depth)
                    .unwrap_or_else(|| self.unknown(file, place));
            }
            Expression::Traversal(traversal) => {
                return self
                    .referred(file, traversal, place, depth)
                    .unwrap_or_else(|| self.unknown(file, place));
            }
            _ => return self.unknown(file, place),
        };
        Node::new(kind, place)
    }

    /// The policy that an expression leads to, in the file where it is written.
    pub(super) fn policy(
        &self,
        file: usize,
        expression: &Expression,
        depth: usize,
    ) -> Result<Option<Policy>, (usize, DocumentError)> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(None);
        };
        let place = span(expression.span());
        match expression {
            Expression::Parenthesis(inner) => self.policy(file, inner.inner(), depth),
            Expression::FuncCall(call) if call.name.name.as_str() == "jsonencode" => {
                let argument = call.args.iter().next();
                let tree = argument.map(|argument| self.evaluate(file, argument, depth));
                let is_map = |tree: &Node| tree.members().is_some();
                Ok(tree
                    .filter(is_map)
                    .map(|tree| Policy::new(file, Form::TerraformJsonencode, tree)))
            }
            Expression::String(_)
            | Expression::StringTemplate(_)
            | Expression::HeredocTemplate(_) => {
                let node = self.evaluate(file, expression, depth);
                let Kind::Text(text) = &node.kind else {
                    return Ok(None);
                };
                let source = self.files[file].source;
                let nested = Nested::align(&source.text, place, &text.value);
                let tree = nested
                    .json(source)
                    .map_err(|problem| (self.files[file].index, problem))?;
                let tree = with_symbols(tree, text);
                Ok(Some(Policy::new(file, Form::TerraformHeredoc, tree)))
            }
            Expression::Traversal(traversal) => {
                let address = address(traversal);
                let names: Vec<&str> = address.iter().map(String::as_str).collect();
                match names[..] {
                    ["data", "aws_iam_policy_document", name, ..] => Ok(self.document(name, depth)),
                    ["local" | "var", name] => {
                        let key = format!("{}.{name}", names[0]);
                        match self.values.get(&key) {
                            Some((file, value)) => self.policy(*file, value, depth),
                            None => Ok(None),
                        }
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn key(&self, file: usize, key: &ObjectKey, depth: usize) -> (Text, Span) {
        match key {
            ObjectKey::Ident(ident) => (Text::known(ident.as_str()), span(ident.span())),
            ObjectKey::Expression(expression) => {
                let node = self.evaluate(file, expression, depth);
                let name = node.scalar().unwrap_or_default();
                (name, node.span)
            }
        }
    }

    fn filled(&self, file: usize, template: &Template, depth: usize) -> Text {
        let mut text = Text::default();
        for element in template {
            match element {
                Element::Literal(literal) => text.push_str(literal.value()),
                Element::Interpolation(interpolation) => {
                    let node = self.evaluate(file, &interpolation.expr, depth);
                    match node.scalar() {
                        Some(part) => text.push(&part),
                        None => text.push_symbol(self.written(file, node.span)),
                    }
                }
                Element::Directive(_) => text.push_symbol("%{…}"),
            }
        }
        text
    }

    fn called(&self, file: usize, call: &FuncCall, place: Span, depth: usize) -> Option<Node> {
        let arguments: Vec<Node> = call
            .args
            .iter()
            .map(|argument| self.evaluate(file, argument, depth))
            .collect();
        let text = |index: usize| arguments.get(index).and_then(Node::scalar);
        let known = |index: usize| text(index).filter(|text| text.symbols.is_empty());
        let kind = match (call.name.name.as_str(), arguments.len()) {
            ("jsonencode" | "tolist" | "toset" | "tostring" | "sensitive" | "nonsensitive", 1) => {
                let mut node = arguments.into_iter().next()?;
                node.span = place;
                return Some(node);
            }
            ("concat", _) => Kind::List(
                arguments
                    .iter()
                    .map(|one| match &one.kind {
                        Kind::List(elements) => Some(elements.clone()),
                        Kind::Text(_) => Some(vec![one.clone()]),
                        _ => None,
                    })
                    .collect::<Option<Vec<_>>>()?
                    .concat(),
            ),
            ("replace", 3) => {
                let (of, with) = (known(1)?.value, known(2)?.value);
                // Between slashes it is a regular expression.
                if of.len() > 1 && of.starts_with('/') && of.ends_with('/') {
                    return None;
                }
                let text = text(0)?;
                if of == "https://" && with.is_empty() {
                    Kind::Text(crate::cloudformation::without_scheme(&text))
                } else {
                    Kind::Text(Text::known(known(0)?.value.replace(&of, &with)))
                }
            }
            ("trimprefix", 2) => {
                let (text, prefix) = (known(0)?.value, known(1)?.value);
                Kind::Text(Text::known(text.strip_prefix(&prefix).unwrap_or(&text)))
            }
            ("lower", 1) => Kind::Text(Text::known(known(0)?.value.to_lowercase())),
            ("upper", 1) => Kind::Text(Text::known(known(0)?.value.to_uppercase())),
            ("join", 2) => {
                let (separator, mut joined) = (known(0)?.value, Text::default());
                for (index, part) in arguments[1].elements().iter().enumerate() {
                    if index > 0 {
                        joined.push_str(&separator);
                    }
                    joined.push(&part.scalar()?);
                }
                Kind::Text(joined)
            }
            ("format", _) => {
                let (format, mut text, mut next) = (known(0)?.value, Text::default(), 1);
                let mut rest = format.as_str();
                while let Some((before, behind)) = rest.split_once('%') {
                    text.push_str(before);
                    rest = behind.strip_prefix(['s', 'd', 'v'])?;
                    text.push(&arguments.get(next).and_then(Node::scalar)?);
                    next += 1;
                }
                text.push_str(rest);
                Kind::Text(text)
            }
            _ => return None,
        };
        Some(Node::new(kind, place))
    }

    fn referred(
        &self,
        file: usize,
        traversal: &Traversal,
        place: Span,
        depth: usize,
    ) -> Option<Node> {
        let address = address(traversal);
        let names: Vec<&str> = address.iter().map(String::as_str).collect();
        let text = |text: Text| Some(Node::new(Kind::Text(text), place));
        match names[..] {
            ["local" | "var", name] => {
                let (other, value) = self.values.get(&format!("{}.{name}", names[0]))?;
                let mut node = self.evaluate(*other, value, depth);
                // A place in another file would be read as one in this.
                if *other != file {
                    relocate(&mut node, place);
                }
                (!matches!(node.kind, Kind::Null)).then_some(node)
            }
            ["aws_iam_openid_connect_provider", name, "arn"]
            | ["data", "aws_iam_openid_connect_provider", name, "arn"] => {
                text(self.provider_arn(name)?)
            }
            ["aws_iam_openid_connect_provider", name, "url"]
            | ["data", "aws_iam_openid_connect_provider", name, "url"] => {
                // IAM gives the URL back without its scheme.
                text(crate::cloudformation::without_scheme(
                    &self.provider_url(name)?,
                ))
            }
            _ => None,
        }
    }

    fn unknown(&self, file: usize, place: Span) -> Node {
        if place == Span::default() {
            return null(place);
        }
        Node::new(Kind::Text(Text::symbol(self.written(file, place))), place)
    }

    /// An expression as written, on one line and not too long.
    fn written(&self, file: usize, place: Span) -> String {
        let source = self.files[file].source;
        let words: Vec<&str> = source.slice(place).split_whitespace().collect();
        let written = words.join(" ");
        match written.char_indices().nth(NAME_LIMIT) {
            Some((end, _)) => format!("{}…", &written[..end]),
            None => written,
        }
    }
}

/// The names of `a.b["c"][0].d`; indices are left out.
fn address(traversal: &Traversal) -> Vec<String> {
    let mut names = Vec::new();
    if let Expression::Variable(name) = &traversal.expr {
        names.push(name.as_str().to_owned());
    }
    for operator in &traversal.operators {
        if let TraversalOperator::GetAttr(name) = operator.value() {
            names.push(name.as_str().to_owned());
        }
    }
    names
}

/// Gives a tree, and everything in it, one place.
fn relocate(node: &mut Node, place: Span) {
    node.span = place;
    match &mut node.kind {
        Kind::List(elements) => {
            for element in elements {
                relocate(element, place);
            }
        }
        Kind::Map(members) => {
            for member in members {
                member.name_span = place;
                relocate(&mut member.value, place);
            }
        }
        _ => {}
    }
}

/// The symbols of a text that was read as JSON stand in the texts of the tree as `${name}`: finds
/// them again.
pub(crate) fn with_symbols(node: Node, text: &Text) -> Node {
    if text.symbols.is_empty() {
        return node;
    }
    let kind = match node.kind {
        Kind::Text(inner) => Kind::Text(found_again(&inner, text)),
        Kind::List(elements) => Kind::List(
            elements
                .into_iter()
                .map(|one| with_symbols(one, text))
                .collect(),
        ),
        Kind::Map(members) => Kind::Map(
            members
                .into_iter()
                .map(|member| Member {
                    name: found_again(&member.name, text),
                    name_span: member.name_span,
                    value: with_symbols(member.value, text),
                })
                .collect(),
        ),
        kind => kind,
    };
    Node::new(kind, node.span)
}

fn found_again(inner: &Text, outer: &Text) -> Text {
    let mut text = Text::default();
    let mut rest = inner.value.as_str();
    'search: while let Some(at) = rest.find("${") {
        text.push_str(&rest[..at]);
        for symbol in &outer.symbols {
            let standing = format!("${{{}}}", symbol.name);
            if let Some(after) = rest[at..].strip_prefix(&standing) {
                text.push_symbol(symbol.name.clone());
                rest = after;
                continue 'search;
            }
        }
        text.push_str("${");
        rest = &rest[at + 2..];
    }
    text.push_str(rest);
    text
}

/// Characters of a symbol's name, at most.
const NAME_LIMIT: usize = 80;
