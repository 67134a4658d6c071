//! YAML 1.2, with the short forms of CloudFormation's functions written out: `!Ref x` is
//! `{"Ref": "x"}`, as in templates in JSON.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, StructureStyle};
use rolecall_source::{Diagnostic, SourceText, Span};

use crate::{DocumentError, Kind, Member, Node, Text};

/// Reads the documents of a YAML stream. Size, depth, and what aliases may repeat are bounded.
///
/// # Errors
/// [`DocumentError`], with the place, when it is too large, too deep or not YAML.
pub fn yaml(source: &SourceText) -> Result<Vec<Node>, DocumentError> {
    if source.text.len() > SIZE_LIMIT {
        return Err(DocumentError::TooLarge {
            name: source.name.clone(),
            size: source.text.len(),
            limit: SIZE_LIMIT,
        });
    }
    let mut options = Options::default();
    options.flow_nesting_limit = DEPTH_LIMIT;
    options.block_nesting_limit = DEPTH_LIMIT;
    options.set_emit_comments(false);
    let mut builder = Builder {
        source,
        documents: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    for next in Parser::new_from_str_with_options(&source.text, options) {
        let (event, span) = next.map_err(|error| {
            let at = error.marker().byte_offset().unwrap_or(source.text.len());
            let message = format!("not YAML: {}", error.kind());
            refused(source, "yaml-syntax", message, Span::new(at, at + 1))
        })?;
        let range = span.byte_range().unwrap_or_default();
        builder.take(event, Span::new(range.start, range.end))?;
    }
    Ok(builder.documents)
}

struct Builder<'s> {
    source: &'s SourceText,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A collection that is not closed yet.
struct Open {
    /// Written in brackets.
    flow: bool,
    anchor: usize,
    tag: Option<String>,
    start: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<Member>, Option<Node>),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), DocumentError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, span);
                self.finish(node, anchor, tag.map(|tag| tag.original()))
            }
            Event::SequenceStart(style, anchor, tag) => {
                let content = Content::List(Vec::new());
                self.open(span, style, anchor, tag.map(|tag| tag.original()), content)
            }
            Event::MappingStart(style, anchor, tag) => {
                let content = Content::Map(Vec::new(), None);
                self.open(span, style, anchor, tag.map(|tag| tag.original()), content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    let message = "an alias stands within its own anchor".to_owned();
                    return Err(refused(self.source, "yaml-alias", message, span));
                };
                self.count(size(&node), span)?;
                self.place(node);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        span: Span,
        style: StructureStyle,
        anchor: usize,
        tag: Option<String>,
        content: Content,
    ) -> Result<(), DocumentError> {
        if self.open.len() >= DEPTH_LIMIT {
            let message = format!("YAML nested more than {DEPTH_LIMIT} levels deep");
            return Err(refused(self.source, "yaml-depth", message, span));
        }
        self.open.push(Open {
            flow: style == StructureStyle::Flow,
            anchor,
            tag,
            start: span.start,
            content,
        });
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), DocumentError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        // A block ends where its last part does; only a bracket has a place of its own.
        let last = match &open.content {
            Content::List(elements) => elements.last().map(|node| node.span.end),
            Content::Map(members, _) => members.last().map(|member| member.value.span.end),
        };
        let bracket = open.flow.then_some(span.end);
        let end = bracket.or(last).unwrap_or(span.end).max(open.start);
        // A list that stands below its name without indentation begins at its first dash.
        let dash = match &open.content {
            Content::List(elements) if bracket.is_none() => elements
                .first()
                .and_then(|first| self.source.text.get(..first.span.start)?.rfind('-')),
            _ => None,
        };
        let start = dash.map_or(open.start, |dash| dash.min(open.start));
        let kind = match open.content {
            Content::List(elements) => Kind::List(elements),
            Content::Map(members, _) => Kind::Map(members),
        };
        self.finish(
            Node::new(kind, Span::new(start, end)),
            open.anchor,
            open.tag,
        )
    }

    fn finish(
        &mut self,
        node: Node,
        anchor: usize,
        tag: Option<String>,
    ) -> Result<(), DocumentError> {
        self.count(1, node.span)?;
        let node = match tag.as_deref().and_then(function) {
            Some(name) => {
                let span = node.span;
                let member = Member {
                    name: Text::known(name),
                    name_span: span,
                    value: node,
                };
                Node::new(Kind::Map(vec![member]), span)
            }
            None => node,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node);
        Ok(())
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.documents.push(node),
            Some(Content::List(elements)) => elements.push(node),
            Some(Content::Map(members, name)) => match name.take() {
                None => *name = Some(node),
                Some(key) => members.push(Member {
                    name: key.scalar().unwrap_or_default(),
                    name_span: key.span,
                    value: node,
                }),
            },
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), DocumentError> {
        self.nodes += nodes;
        if self.nodes <= NODE_LIMIT {
            return Ok(());
        }
        let message = format!("more than {NODE_LIMIT} values, aliases included");
        Err(refused(self.source, "yaml-size", message, span))
    }
}

fn refused(source: &SourceText, code: &str, message: String, span: Span) -> DocumentError {
    DocumentError::syntax(source, Diagnostic::error(code, message, span))
}

/// A scalar by YAML's core schema.
fn scalar(text: &str, style: ScalarStyle, span: Span) -> Node {
    let kind = match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Kind::Null,
        (ScalarStyle::Plain, "true" | "True" | "TRUE") => Kind::Bool(true),
        (ScalarStyle::Plain, "false" | "False" | "FALSE") => Kind::Bool(false),
        (ScalarStyle::Plain, number) if is_number(number) => Kind::Number(number.to_owned()),
        (_, text) => Kind::Text(Text::known(text)),
    };
    Node::new(kind, span)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.parse::<f64>().is_ok()
}

/// The long form of a CloudFormation function's tag.
fn function(tag: &str) -> Option<String> {
    let name = tag.strip_prefix('!')?;
    match name {
        "Ref" | "Condition" => Some(name.to_owned()),
        "Sub" | "Join" | "GetAtt" | "If" | "ImportValue" | "Select" | "Split" | "FindInMap"
        | "Base64" | "Transform" | "Equals" | "And" | "Or" | "Not" | "Cidr" | "GetAZs"
        | "Length" | "ToJsonString" => Some(format!("Fn::{name}")),
        _ => None,
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(elements) => elements.iter().map(size).sum(),
        Kind::Map(members) => members.iter().map(|member| size(&member.value)).sum(),
        _ => 0,
    }
}

/// Bytes of a document that are read, at most.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;
/// Levels of nesting, at most, as in JSON.
const DEPTH_LIMIT: usize = 64;
/// Values of a stream, at most, each alias counted as what it stands for.
const NODE_LIMIT: usize = 500_000;
