//! Tokens and claims in a text. Tokens are read, not verified, and never repeated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_source::{SourceText, Span};
use serde::Serialize;
use serde_json::{Map, Value};

/// The claims of a token, and where they were read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenClaims {
    /// The claims.
    pub claims: Map<String, Value>,
    /// Where they come from: `the token on line 3`.
    pub origin: String,
    /// The token's key, where it had a header.
    pub kid: Option<String>,
    /// What is wrong with the token as a token, in words: cut short, unsigned.
    pub fault: Option<String>,
}

impl SeenClaims {
    /// Claims that were given as such; `origin` says where they come from.
    pub fn given(claims: Map<String, Value>, origin: impl Into<String>) -> Self {
        Self {
            claims,
            origin: origin.into(),
            kid: None,
            fault: None,
        }
    }

    /// A claim as text; lists joined by a comma.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.claims.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => Some(
                items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            other => Some(other.to_string()),
        }
    }

    /// A time in seconds.
    pub(crate) fn seconds(&self, name: &str) -> Option<i64> {
        let value = self.claims.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }
}

/// What a scan for tokens found.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) claims: Vec<SeenClaims>,
    /// Tokens whose claims cannot be read, in words.
    pub(crate) broken: Vec<String>,
    /// Where tokens stand.
    pub(crate) spans: Vec<Span>,
}

/// The tokens in a text, each once. Lines that a terminal or mail program broke are joined.
pub(crate) fn tokens_in(source: &SourceText) -> Tokens {
    let text = source.text.as_str();
    let mut tokens = Tokens::default();
    let mut from = 0;
    while let Some(found) = text[from..]
        .find("eyJ")
        .filter(|_| tokens.spans.len() < TOKENS)
    {
        let start = from + found;
        let (token, end) = run(text, start);
        from = end.max(start + 3);
        let starts = text[..start].chars().next_back().is_none_or(|c| !joins(c));
        if !starts || token.len() < SHORTEST {
            continue;
        }
        let line = source.position(start).line;
        let mut parts = token.split('.');
        let header = parts.next().and_then(decoded);
        let Some(header) =
            header.filter(|header| header.contains_key("alg") || header.contains_key("typ"))
        else {
            // A cookie or a page's state may begin so, too.
            if token.len() > 200 && !token.contains('.') {
                tokens.broken.push(format!(
                    "the token on line {line} is cut short: it has a header and no claims"
                ));
                tokens.spans.push(Span::new(start, end));
            }
            continue;
        };
        tokens.spans.push(Span::new(start, end));
        let payload = parts.next().unwrap_or_default();
        let signature = parts.next().unwrap_or_default();
        let named = |claims: &Map<String, Value>| {
            ["iss", "sub", "aud", "exp"]
                .iter()
                .any(|name| claims.contains_key(*name))
        };
        let Some(claims) = decoded(payload).filter(named) else {
            tokens.broken.push(match payload.is_empty() {
                true => {
                    format!("the token on line {line} is cut short: it has a header and no claims")
                }
                false => {
                    format!("the token on line {line} is cut short: its claims cannot be decoded")
                }
            });
            continue;
        };
        let fault = match signature.len() {
            0 => Some("it is cut short: the signature is missing".to_owned()),
            1..64 => Some("it is cut short: the signature is too short".to_owned()),
            _ => None,
        };
        let seen = SeenClaims {
            claims,
            origin: format!("the token on line {line} of {}", source.name),
            kid: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            fault,
        };
        if !tokens
            .claims
            .iter()
            .any(|other| other.claims == seen.claims)
        {
            tokens.claims.push(seen);
        }
    }
    tokens
}

/// Whether a JSON object has the look of claims.
pub(crate) fn is_claims(object: &Map<String, Value>) -> bool {
    let text = |name: &str| object.get(name).is_some_and(Value::is_string);
    let times = object.contains_key("exp") || object.contains_key("iat");
    text("sub") && (text("iss") || object.contains_key("aud") || times) || text("iss") && times
}

/// Claims written one a line, as `sub: …`, `"sub" = "…"` or in our own output.
pub(crate) fn listed_claims(source: &SourceText) -> Option<SeenClaims> {
    let mut claims = Map::new();
    let mut first = None;
    for (number, line) in source.text.lines().enumerate() {
        let line = line
            .trim()
            .trim_start_matches("presented:")
            .trim()
            .trim_end_matches([',', ';']);
        let line = line.trim_start_matches(['-', '*', '`', '|']).trim();
        let Some((name, value)) = line.split_once([' ', ':', '=']) else {
            continue;
        };
        let name = name
            .trim_matches(['"', '\'', '`', '*'])
            .to_ascii_lowercase();
        let name = match name.as_str() {
            "iss" | "issuer" => "iss",
            "aud" | "audience" => "aud",
            "sub" | "subject" => "sub",
            _ => continue,
        };
        let value = value.trim().trim_start_matches([':', '=', '|']).trim();
        let value = value.trim_matches(['"', '\'', '`']);
        if value.is_empty() || value.contains([' ', '{', '[', '<']) {
            continue;
        }
        first.get_or_insert(number + 1);
        claims.entry(name).or_insert_with(|| value.into());
    }
    let line = first?;
    (claims.contains_key("sub") && claims.len() > 1).then(|| SeenClaims {
        claims,
        origin: format!("the claims listed from line {line} of {}", source.name),
        kid: None,
        fault: None,
    })
}

/// The text with its tokens blanked out, so that nothing later repeats or misreads them.
pub(crate) fn without_tokens(source: &SourceText, spans: &[Span]) -> SourceText {
    let (mut text, mut done) = (String::with_capacity(source.text.len()), 0);
    for span in spans {
        text.push_str(&source.text[done..span.start]);
        let token = source.text[span.start..span.end].chars();
        text.extend(token.map(|character| if character == '\n' { '\n' } else { '_' }));
        done = span.end;
    }
    text.push_str(&source.text[done..]);
    SourceText::new(source.name.clone(), text)
}

/// The token that begins at a place, white space taken out, and its end.
fn run(text: &str, start: usize) -> (String, usize) {
    let (mut token, mut end) = (String::new(), start);
    loop {
        let rest = &text[end..];
        let length = rest.find(|c: char| !joins(c)).unwrap_or(rest.len());
        token.push_str(&rest[..length]);
        end += length;
        // It goes on on the next line where that holds nothing else.
        let Some(next) = text[end..]
            .strip_prefix("\r\n")
            .or_else(|| text[end..].strip_prefix('\n'))
        else {
            break;
        };
        let line = next.lines().next().unwrap_or_default();
        let body = line.trim();
        let whole =
            !body.is_empty() && body.chars().all(joins) && length >= 32 && !body.contains("eyJ");
        let parts = token.matches('.').count() + body.matches('.').count();
        if !whole || parts > 2 || body.len() < 4 {
            break;
        }
        end = text.len() - next.len() + (line.len() - line.trim_start().len());
    }
    (token, end)
}

fn joins(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-.=".contains(character)
}

fn decoded(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    match serde_json::from_slice(&bytes).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Tokens of a text that are read.
const TOKENS: usize = 64;
/// A header alone is longer.
const SHORTEST: usize = 16;
