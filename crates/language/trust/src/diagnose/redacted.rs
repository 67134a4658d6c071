//! What people black out before they show a policy: unknown, and no mistake.

use rolecall_documents::{Kind, Member, Node, Text};

/// The tree with blacked-out parts of its texts as symbols.
pub(crate) fn as_symbols(tree: &Node) -> Node {
    let kind = match &tree.kind {
        Kind::Text(text) => Kind::Text(symbolic(text)),
        Kind::List(items) => Kind::List(items.iter().map(as_symbols).collect()),
        Kind::Map(members) => Kind::Map(
            members
                .iter()
                .map(|member| Member {
                    name: symbolic(&member.name),
                    name_span: member.name_span,
                    value: as_symbols(&member.value),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node::new(kind, tree.span)
}

fn symbolic(text: &Text) -> Text {
    if !text.symbols.is_empty() {
        return text.clone();
    }
    let (mut marked, mut rest) = (Text::default(), text.value.as_str());
    while let Some((start, end)) = blacked(rest) {
        marked.push_str(&rest[..start]);
        marked.push_symbol(&rest[start..end]);
        rest = &rest[end..];
    }
    marked.push_str(rest);
    marked
}

/// The first blacked-out part: `[REDACTED…]`, `<redacted>`, `REDACTED`, `XXXXXXXX`, `********`.
fn blacked(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    if let Some(at) = lower.find("redacted") {
        let before = &text[..at];
        let part = |c: char| c.is_ascii_alphanumeric() || "_- ".contains(c);
        let start = before.len()
            - before
                .chars()
                .rev()
                .take_while(|c| "_-".contains(*c))
                .count();
        let start = match before[..start].chars().next_back() {
            Some('[' | '<' | '{' | '(') => start - 1,
            _ => start,
        };
        let after = &text[at..];
        let end = at + after.find(|c: char| !part(c)).unwrap_or(after.len());
        let closed = text[end..].starts_with([']', '>', '}', ')'])
            && text[start..].starts_with(['[', '<', '{', '(']);
        return Some((start, end + usize::from(closed)));
    }
    for mark in ["XXXX", "xxxx", "****", "••••"] {
        if let Some(start) = text.find(mark) {
            let of = mark.chars().next()?;
            let length = text[start..]
                .chars()
                .take_while(|c| *c == of || *c == '-')
                .map(char::len_utf8)
                .sum::<usize>();
            return Some((start, start + length));
        }
    }
    None
}
