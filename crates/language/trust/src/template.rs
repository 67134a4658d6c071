//! Policy variables: `${key}`, `${key, 'default'}`, and the literals `${*}`, `${?}`, `${$}`.

use crate::request::{Context, ContextValue};
use crate::wildcard::{Token, token};

/// A policy value cut into literal text, wildcards and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Token(Token),
    Variable {
        key: String,
        default: Option<String>,
    },
}

impl Template {
    /// Reads a value. With `variables` off (policies of Version 2008-10-17, operators that take
    /// none) `${` is plain text. With `wildcards` off `*` and `?` are plain characters.
    pub(crate) fn new(text: &str, variables: bool, wildcards: bool) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            if variables
                && let Some(opened) = rest.strip_prefix("${")
                && let Some(end) = closing_brace(opened)
            {
                parts.push(variable(&opened[..end]));
                rest = &opened[end + 1..];
                continue;
            }
            let plain = if wildcards {
                token(char)
            } else {
                Token::Char(char)
            };
            parts.push(Part::Token(plain));
            rest = &rest[char.len_utf8()..];
        }
        Self { parts }
    }

    /// The tokens when nothing depends on the request.
    pub(crate) fn constant(&self) -> Option<Vec<Token>> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Token(token) => Some(*token),
                Part::Variable { .. } => None,
            })
            .collect()
    }

    /// The condition keys that the variables stand for, in lower case.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Token(_) => None,
            Part::Variable { key, .. } => Some(key.as_str()),
        })
    }

    /// The tokens with the request's values put in; they are never read as wildcards. `None` when
    /// a variable has no single value and no default, or stands for a multivalued key.
    pub(crate) fn expand(&self, context: &Context) -> Option<Vec<Token>> {
        let mut tokens = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            match part {
                Part::Token(token) => tokens.push(*token),
                Part::Variable { key, default } => {
                    let value = match context.lowered(key) {
                        Some(ContextValue::Single(value)) => value,
                        Some(ContextValue::Multiple(_)) => return None,
                        None => default.as_ref()?,
                    };
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens)
    }
}

/// The text of tokens, wildcards as they are written.
pub(crate) fn text_of(tokens: &[Token]) -> String {
    tokens
        .iter()
        .map(|token| match token {
            Token::Char(char) => *char,
            Token::One => '?',
            Token::Run => '*',
        })
        .collect()
}

/// The brace that ends a variable; one inside a quoted default does not.
fn closing_brace(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (offset, char) in text.char_indices() {
        match char {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Some(offset),
            _ => {}
        }
    }
    text.find('}')
}

fn variable(inside: &str) -> Part {
    if let "*" | "?" | "$" = inside
        && let Some(char) = inside.chars().next()
    {
        return Part::Token(Token::Char(char));
    }
    // AWS's page has one form: a comma, one space, single quotes. Anything else names a key that no
    // request has.
    let (key, default) = inside
        .split_once(", ")
        .and_then(|(key, rest)| {
            let default = rest.strip_prefix('\'')?.strip_suffix('\'')?;
            Some((key, Some(default.to_owned())))
        })
        .unwrap_or((inside, None));
    Part::Variable {
        key: key.trim().to_lowercase(),
        default,
    }
}
