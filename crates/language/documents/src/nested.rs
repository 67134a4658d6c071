//! Text within text: a JSON document in a heredoc, in a block scalar, in an escaped string, behind
//! URL-encoding. What is read inside gets its places in the outer file.

use rolecall_source::{SourceText, Span};

use crate::{DocumentError, Kind, Member, Node, json};

/// A decoded text, and where each part of it stands in the outer file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nested {
    text: String,
    /// Decoded offset and outer offset of every run that is equal in both, in order.
    runs: Vec<(usize, usize)>,
    span: Span,
}

impl Nested {
    /// Lays a decoded text beside the way in which it is written: `span` of `outer`, quotes and
    /// markers included. Escapes, indentation and folded lines in between are passed over.
    pub(crate) fn align(outer: &str, span: Span, text: &str) -> Self {
        let written = outer.get(span.start..span.end).unwrap_or_default();
        let (mut runs, mut at) = (Vec::new(), start_of(written));
        let mut joined = false;
        for (offset, character) in text.char_indices() {
            let Some((begin, length)) = next(written, at, character) else {
                // What cannot be laid beside stands where the last part did.
                joined = false;
                continue;
            };
            let equal = written[begin..begin + length].starts_with(character);
            if !(joined && begin == at && equal) {
                runs.push((offset, span.start + begin));
            }
            joined = equal;
            at = begin + length;
        }
        let text = text.to_owned();
        Self { text, runs, span }
    }

    /// The same text decoded once more, URL-encoding taken away.
    pub(crate) fn url_decoded(&self) -> Option<Self> {
        let (mut bytes, mut origins) = (Vec::new(), Vec::new());
        let mut rest = self.text.bytes().enumerate();
        while let Some((offset, byte)) = rest.next() {
            origins.push(offset);
            bytes.push(match byte {
                b'%' => {
                    let high = char::from(rest.next()?.1).to_digit(16)?;
                    let low = char::from(rest.next()?.1).to_digit(16)?;
                    u8::try_from(high * 16 + low).ok()?
                }
                b'+' => b' ',
                byte => byte,
            });
        }
        let text = String::from_utf8(bytes).ok()?;
        let runs = origins
            .into_iter()
            .enumerate()
            .map(|(decoded, offset)| (decoded, self.outer(offset)))
            .collect();
        let span = self.span;
        Some(Self { text, runs, span })
    }

    /// Reads the text as JSON, places in the outer file.
    pub(crate) fn json(&self, outer: &SourceText) -> Result<Node, DocumentError> {
        let inner = SourceText::new(outer.name.clone(), self.text.clone());
        match json(&inner) {
            Ok(node) => Ok(self.placed(node)),
            Err(DocumentError::Syntax { mut diagnostic, .. }) => {
                diagnostic.span = diagnostic.span.map(|span| self.outer_span(span));
                Err(DocumentError::syntax(outer, *diagnostic))
            }
            Err(error) => Err(error),
        }
    }

    fn placed(&self, node: Node) -> Node {
        let kind = match node.kind {
            Kind::List(elements) => {
                Kind::List(elements.into_iter().map(|one| self.placed(one)).collect())
            }
            Kind::Map(members) => Kind::Map(
                members
                    .into_iter()
                    .map(|member| Member {
                        name: member.name,
                        name_span: self.outer_span(member.name_span),
                        value: self.placed(member.value),
                    })
                    .collect(),
            ),
            kind => kind,
        };
        Node::new(kind, self.outer_span(node.span))
    }

    fn outer_span(&self, span: Span) -> Span {
        let start = self.outer(span.start);
        // The end is one past the last byte's place: what follows may be an escape of its own.
        let end = match span.end.checked_sub(1) {
            Some(last) if last >= span.start => self.outer(last) + 1,
            _ => start,
        };
        Span::new(start, end.max(start))
    }

    fn outer(&self, offset: usize) -> usize {
        let run = self.runs.partition_point(|(decoded, _)| *decoded <= offset);
        match run.checked_sub(1).map(|index| self.runs[index]) {
            Some((decoded, outer)) => (outer + (offset - decoded)).min(self.span.end),
            None => self.span.start,
        }
    }
}

/// Where the text begins behind an opening quote, or behind the line of a heredoc or block marker.
fn start_of(written: &str) -> usize {
    match written.as_bytes().first() {
        Some(b'"' | b'\'') => 1,
        Some(b'|' | b'>' | b'<') => written.find('\n').map_or(0, |newline| newline + 1),
        _ => 0,
    }
}

/// Where the next decoded character is written at or behind `at`, and in how many bytes.
fn next(written: &str, mut at: usize, character: char) -> Option<(usize, usize)> {
    loop {
        let rest = written.get(at..)?;
        let first = rest.chars().next()?;
        if first == '\\' {
            // A backslash that stands for itself is one where no escape begins.
            match escape(rest) {
                Some((meant, length)) if meant == character => return Some((at, length)),
                Some((_, length)) if character != '\\' => {
                    at += length;
                    continue;
                }
                _ => {}
            }
        }
        if first == character {
            return Some((at, first.len_utf8()));
        }
        match first {
            // Indentation, folded lines, doubled quotes and doubled marks of templates.
            ' ' | '\t' | '\r' | '\n' | '\'' | '$' | '%' => at += first.len_utf8(),
            _ => return None,
        }
    }
}

/// What an escape of JSON, YAML or HCL stands for, and its length; `\0` for a line that goes on.
fn escape(rest: &str) -> Option<(char, usize)> {
    let kind = rest[1..].chars().next()?;
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        let high_surrogate = (0xd800..0xdc00).contains(&code);
        if !high_surrogate {
            return Some((char::from_u32(code)?, 2 + digits));
        }
        let low = u32::from_str_radix(rest.get(8..12)?, 16).ok()?;
        let code = 0x1_0000 + ((code - 0xd800) << 10) + low.checked_sub(0xdc00)?;
        Some((char::from_u32(code)?, 12))
    };
    match kind {
        'n' => Some(('\n', 2)),
        't' => Some(('\t', 2)),
        'r' => Some(('\r', 2)),
        'b' => Some(('\u{8}', 2)),
        'f' => Some(('\u{c}', 2)),
        'u' => hex(4),
        'U' => hex(8),
        'x' => hex(2),
        '\n' => Some(('\0', 2)),
        other => Some((other, 1 + other.len_utf8())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Every text inside is where its place says.
    fn checked(outer: &str, span: Span, text: &str, wanted: &str) {
        let source = SourceText::new("outer", outer);
        let node = Nested::align(outer, span, text).json(&source).unwrap();
        let value = node.get("a").unwrap();
        assert_eq!(value.text(), Some("x:y"), "{outer}");
        assert_eq!(source.slice(value.span), wanted, "{outer}");
    }

    #[test]
    fn escaped_strings_keep_their_places() {
        let outer = r#"{"doc": "{\n  \"b\": \"\u00e9\", \"a\": \"x:y\"}"}"#;
        let start = outer.find("\"{").unwrap();
        let text = "{\n  \"b\": \"é\", \"a\": \"x:y\"}";
        let span = Span::new(start, outer.len() - 1);
        checked(outer, span, text, "\\\"x:y\\");
    }

    #[test]
    fn blocks_keep_their_places() {
        let outer = "doc: |\n    {\n      \"a\":\n        \"x:y\"\n    }\nnext: 1\n";
        let span = Span::new(5, outer.find("next").unwrap());
        checked(outer, span, "{\n  \"a\":\n    \"x:y\"\n}\n", "\"x:y\"");
    }

    #[test]
    fn url_encoding_is_taken_away() {
        let outer = "\"%7B%22a%22%3A%20%22x%3Ay%22%7D\"";
        let span = Span::new(0, outer.len());
        let nested = Nested::align(outer, span, &outer[1..outer.len() - 1]);
        let decoded = nested.url_decoded().unwrap();
        assert_eq!(decoded.text, "{\"a\": \"x:y\"}");
        let source = SourceText::new("outer", outer);
        let node = decoded.json(&source).unwrap();
        assert!(
            source
                .slice(node.get("a").unwrap().span)
                .starts_with("%22x%3Ay")
        );
    }
}
