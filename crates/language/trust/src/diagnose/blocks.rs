//! The parts of a pasted text that are documents: fenced blocks, brackets that match, indented YAML.

use rolecall_documents::{Kind, Member, Node};
use rolecall_source::{SourceText, Span};

/// A part of a text that could be a document by itself, in the language that it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) span: Span,
    pub(crate) language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Json,
    Hcl,
    Yaml,
}

impl Language {
    /// The ending of files in that language.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Json => ".json",
            Self::Hcl => ".tf",
            Self::Yaml => ".yaml",
        }
    }
}

/// The blocks of a text, outer ones before those within them.
pub(crate) fn blocks_in(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Brackets that never close are looked after for a while, not for ever.
    let mut left = WORK_LIMIT;
    for (offset, line) in lines(text) {
        if blocks.len() >= BLOCK_LIMIT {
            break;
        }
        let body = line.trim_start();
        let start = offset + line.len() - body.len();
        let inside = |language: Language| {
            blocks.iter().any(|block: &Block| {
                block.language == language && block.span.start < start && start < block.span.end
            })
        };
        if HCL_STARTS.iter().any(|mark| body.starts_with(mark)) && !inside(Language::Hcl) {
            if let Some(end) = brackets_end(text, start, true, &mut left) {
                blocks.push(Block {
                    span: Span::new(start, end),
                    language: Language::Hcl,
                });
            }
        } else if YAML_STARTS
            .iter()
            .any(|mark| body.trim_start_matches("- ").starts_with(mark))
            && !inside(Language::Yaml)
            && !inside(Language::Json)
        {
            let end = yaml_end(text, offset, line.len() - body.len());
            blocks.push(Block {
                span: Span::new(offset, end),
                language: Language::Yaml,
            });
        }
    }
    let mut from = 0;
    while let Some(found) = text[from..].find(['{', '[']) {
        let start = from + found;
        from = start + 1;
        if blocks.len() >= BLOCK_LIMIT {
            break;
        }
        let next = text[from..].trim_start();
        // Placeholders and plain brackets in prose are no documents.
        let opens = next.starts_with(['"', '\'', '\u{201c}', '\u{201d}', '}'])
            || next.starts_with('{') && text[start..].starts_with('[');
        let object = text[start..].starts_with('{') && is_assignment(next);
        if !opens && !object {
            continue;
        }
        let inside = |block: &Block| block.span.start <= start && start < block.span.end;
        if object
            && blocks
                .iter()
                .any(|block| block.language == Language::Hcl && inside(block))
        {
            continue;
        }
        if let Some(end) = brackets_end(text, start, false, &mut left) {
            blocks.push(Block {
                span: Span::new(start, end),
                language: if object {
                    Language::Hcl
                } else {
                    Language::Json
                },
            });
            from = end;
        }
    }
    blocks
}

/// A block as a document of its own: what has to stand around it for a reader to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    pub(crate) document: SourceText,
    /// Bytes of the document before the block.
    pub(crate) before: usize,
}

/// The documents that a block could be, the likeliest first.
pub(crate) fn wrapped(source: &SourceText, block: Block) -> Vec<Wrapped> {
    let text = &source.text[block.span.start..block.span.end];
    let name = match source.name.ends_with(block.language.extension()) {
        true => source.name.clone(),
        false => format!("{}{}", source.name, block.language.extension()),
    };
    let one = |before: &str, after: &str| Wrapped {
        document: SourceText::new(name.clone(), format!("{before}{text}{after}")),
        before: before.len(),
    };
    if block.language != Language::Hcl {
        return vec![one("", "")];
    }
    if text.starts_with("assume_role_policy") {
        return vec![one(&format!("{ROLE}\n"), "\n}\n")];
    }
    if text.starts_with("jsonencode(") {
        return vec![one(&format!("{ROLE}\nassume_role_policy = "), "\n}\n")];
    }
    if text.starts_with('{') {
        return vec![one(
            &format!("{ROLE}\nassume_role_policy = jsonencode("),
            ")\n}\n",
        )];
    }
    let document = text
        .strip_prefix("data \"aws_iam_policy_document\" \"")
        .and_then(|rest| rest.split_once('"'));
    match document {
        Some((data, _)) => {
            let role = format!(
                "\n{ROLE}\nassume_role_policy = data.aws_iam_policy_document.{data}.json\n}}\n"
            );
            vec![one("", ""), one("", &role)]
        }
        None => vec![one("", "")],
    }
}

/// The tree with its places moved.
pub(crate) fn moved(tree: &Node, place: &impl Fn(Span) -> Span) -> Node {
    let kind = match &tree.kind {
        Kind::List(items) => Kind::List(items.iter().map(|item| moved(item, place)).collect()),
        Kind::Map(members) => Kind::Map(
            members
                .iter()
                .map(|member| Member {
                    name: member.name.clone(),
                    name_span: place(member.name_span),
                    value: moved(&member.value, place),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node::new(kind, place(tree.span))
}

/// Where the brackets that open at or after `start` close. Texts in quotes, comments and heredocs
/// are passed over; `statement` goes on over everything before the first bracket on its line.
fn brackets_end(text: &str, start: usize, statement: bool, left: &mut usize) -> Option<usize> {
    let limit = (start + LENGTH_LIMIT.min(*left)).min(text.len());
    let (reached, end) = closing(text, start, limit, statement);
    *left = left.saturating_sub(reached - start + 1);
    end
}

/// How far was looked, and where it closes.
fn closing(text: &str, start: usize, limit: usize, statement: bool) -> (usize, Option<usize>) {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, start);
    while at < limit {
        match bytes[at] {
            b'"' => at = quoted_end(bytes, at, limit),
            b'#' if statement => at = line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/')
                && bytes.get(at.wrapping_sub(1)) != Some(&b':') =>
            {
                at = line_end(bytes, at);
            }
            b'<' if statement && text[at..].starts_with("<<") => match heredoc_end(text, at, limit)
            {
                Some(end) if depth == 0 => return (end, Some(end)),
                Some(end) => at = end,
                None => {}
            },
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => match depth.checked_sub(1) {
                None => return (at, None),
                Some(0) => return (at, Some(at + 1)),
                Some(less) => depth = less,
            },
            // An expression may begin on the next line after `=` or `(` only.
            b'\n'
                if statement && depth == 0 && !text[start..at].trim_end().ends_with(['=', '(']) =>
            {
                return (at, None);
            }
            _ => {}
        }
        at += 1;
    }
    (limit.max(start), None)
}

/// Where the heredoc that opens at a place ends: behind its mark.
fn heredoc_end(text: &str, start: usize, limit: usize) -> Option<usize> {
    let rest = text[start..].trim_start_matches(['<', '-']);
    let length = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let mark = &rest[..length];
    let mut line = line_end(text.as_bytes(), start);
    while !mark.is_empty() && line < limit {
        let next = line_end(text.as_bytes(), line + 1);
        if text.get(line + 1..next)?.trim() == mark {
            return Some(next);
        }
        line = next;
    }
    None
}

fn quoted_end(bytes: &[u8], start: usize, limit: usize) -> usize {
    let mut at = start + 1;
    while at < limit {
        match bytes[at] {
            b'\\' => at += 1,
            // A quote that is never closed ends with its line.
            b'"' | b'\n' => return at,
            _ => {}
        }
        at += 1;
    }
    limit
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    let from = from.min(bytes.len());
    bytes[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| from + length)
}

/// Where the YAML that begins at a line ends: at a line of less indentation, or at prose.
fn yaml_end(text: &str, start: usize, indentation: usize) -> usize {
    let mut end = start;
    for (offset, line) in lines(&text[start..]) {
        let body = line.trim();
        let indented = line.len() - line.trim_start().len();
        let first = offset == 0;
        if !body.is_empty() && !first {
            let yaml = body.starts_with(['-', '#', '"', '\''])
                || body.contains(':')
                || body.starts_with(['{', '}', '[', ']'])
                || indented > indentation + 1;
            let other = indented == indentation && body.starts_with(['{', '[']);
            if indented < indentation || body.starts_with("```") || !yaml || other {
                break;
            }
            let key = body
                .trim_start_matches("- ")
                .split(':')
                .next()
                .unwrap_or_default();
            if indented == indentation && key.trim().contains(' ') {
                break;
            }
        }
        end = start + offset + line.len();
    }
    end
}

/// Whether a text begins as HCL's objects do: a name, then `=`.
fn is_assignment(text: &str) -> bool {
    let name = text.trim_start_matches('"');
    let length = name
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(name.len());
    length > 0
        && name[length..]
            .trim_start_matches('"')
            .trim_start()
            .starts_with('=')
        && !name[length..].trim_start().starts_with("==")
}

/// The lines of a text with the byte at which each begins; line ends are left out.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split('\n').map(move |line| {
        let start = offset;
        offset += line.len() + 1;
        (start, line)
    })
}

const HCL_STARTS: &[&str] = &[
    "resource \"",
    "data \"",
    "assume_role_policy",
    "locals {",
    "variable \"",
    "module \"",
    "jsonencode(",
];
const YAML_STARTS: &[&str] = &[
    "AssumeRolePolicyDocument:",
    "Resources:",
    "AWSTemplateFormatVersion:",
    "Version: ",
    "Statement:",
    "PolicyDocument:",
];
/// What makes an attribute a role's.
const ROLE: &str = "resource \"aws_iam_role\" \"pasted\" {";
/// Blocks of a text that are looked at.
const BLOCK_LIMIT: usize = 256;
/// Bytes of a block, at most.
const LENGTH_LIMIT: usize = 1 << 18;
/// Bytes that are looked at, over all blocks.
const WORK_LIMIT: usize = 1 << 25;
