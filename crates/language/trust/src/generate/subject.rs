//! Subjects from a format and a choice: which parts are pinned, and which are open.

use std::collections::BTreeMap;

use rolecall_source::nearest;

use super::GenerateError;
use crate::reason::placeholder;

/// How an issuer makes subjects, such as `cube:deployment:{deployment_id}:component:{component}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectFormat {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Placeholder(String),
}

/// What is chosen for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// These values and no others.
    Values(Vec<String>),
    /// Values of these patterns, `*` and `?` being wildcards.
    Patterns(Vec<String>),
    /// Any value.
    Any,
}

/// What is chosen, by the names of placeholders.
pub type Scope = BTreeMap<String, Choice>;

/// The subjects that a policy lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// Subjects or patterns.
    pub values: Vec<String>,
    /// Whether they are patterns.
    pub patterns: bool,
}

/// How values are spelt in a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As Rolecall's issuer spells them: `:`, `%` and what else divides the format are
    /// percent-encoded, so that no value can add a segment.
    Encoded,
    /// As they stand in the token; a value that would add a segment is refused.
    AsGiven,
}

impl SubjectFormat {
    /// Reads a format. Placeholders stand in braces.
    ///
    /// # Errors
    /// [`GenerateError::Format`] with the column.
    pub fn parse(text: &str) -> Result<Self, GenerateError> {
        let wrong = |at: usize, why| GenerateError::Format {
            format: text.to_owned(),
            column: text[..at].chars().count() + 1,
            why,
        };
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(inside) = rest.strip_prefix('{') {
                let end = inside
                    .find('}')
                    .ok_or_else(|| wrong(at, "the brace is never closed"))?;
                let name = &inside[..end];
                let fits = name.starts_with(|char: char| char.is_ascii_alphabetic())
                    && name
                        .chars()
                        .all(|char| char.is_ascii_alphanumeric() || "_-.:".contains(char));
                if !fits {
                    return Err(wrong(
                        at,
                        "a name of letters, digits and `_-.:` belongs in braces",
                    ));
                }
                if matches!(pieces.last(), Some(Piece::Placeholder(_))) {
                    return Err(wrong(at, "nothing divides it from the placeholder before"));
                }
                pieces.push(Piece::Placeholder(name.to_owned()));
                at += end + 2;
                continue;
            }
            let end = rest.find('{').unwrap_or(rest.len());
            let literal = &rest[..end];
            let stray = |char: char| !(char.is_ascii_alphanumeric() || ":_-/|.@+=".contains(char));
            if let Some(found) = literal.find(stray) {
                return Err(wrong(
                    at + found,
                    "letters, digits, `:_-/|.@+=` and placeholders are possible",
                ));
            }
            pieces.push(Piece::Literal(literal.to_owned()));
            at += end;
        }
        if pieces.is_empty() {
            return Err(wrong(0, "it is empty"));
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// The format as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the placeholders, in order, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for piece in &self.pieces {
            if let Piece::Placeholder(name) = piece
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }

    /// The subjects of a scope, as an issuer of Rolecall's makes them. `:`, `%` and what else
    /// divides the format between the same two colons are percent-encoded in values.
    ///
    /// # Errors
    /// [`GenerateError`] where a placeholder is neither pinned nor open, or a value cannot stand.
    pub fn subjects(&self, scope: &Scope) -> Result<Subjects, GenerateError> {
        let names = self.names();
        for name in scope.keys() {
            if !names.contains(&name.as_str()) {
                return Err(unknown(name, &names));
            }
        }
        self.spelt(scope, Spelling::Encoded, &|_| None)
    }

    /// `meaning` tells what a placeholder stands for.
    pub(super) fn spelt(
        &self,
        scope: &Scope,
        spelling: Spelling,
        meaning: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<Subjects, GenerateError> {
        let (mut patterns, mut pinned) = (false, false);
        let mut total = 1_usize;
        let mut chosen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for name in self.names() {
            let spell = |value: &String, wild: bool| {
                checked(name, value, wild)?;
                self.value(name, value, spelling)
            };
            let texts: Vec<String> = match scope.get(name) {
                Some(Choice::Values(values)) if !values.is_empty() => {
                    pinned = true;
                    values
                        .iter()
                        .map(|value| spell(value, false))
                        .collect::<Result<_, _>>()?
                }
                Some(Choice::Patterns(values)) if !values.is_empty() => {
                    patterns = true;
                    pinned |= values
                        .iter()
                        .all(|value| value.contains(|char| !"*?".contains(char)));
                    values
                        .iter()
                        .map(|value| spell(value, true))
                        .collect::<Result<_, _>>()?
                }
                Some(Choice::Any) => {
                    patterns = true;
                    vec!["*".to_owned()]
                }
                _ => {
                    return Err(GenerateError::Unpinned {
                        name: name.to_owned(),
                        meaning: meaning(name).unwrap_or("a part of the subject").to_owned(),
                        may_be_open: true,
                    });
                }
            };
            total = total.saturating_mul(texts.len());
            if total > MOST_SUBJECTS {
                return Err(GenerateError::TooMany(total));
            }
            chosen.insert(name, texts);
        }
        if !pinned && !self.names().is_empty() {
            return Err(GenerateError::NothingPinned);
        }
        let names = self.names();
        // One subject for every combination of values.
        let mut subjects = Vec::with_capacity(total);
        for number in 0..total {
            let mut stride = total;
            let mut at: BTreeMap<&str, &str> = BTreeMap::new();
            for name in &names {
                let texts = &chosen[name];
                stride /= texts.len();
                at.insert(name, &texts[number / stride % texts.len()]);
            }
            let mut subject = String::new();
            for piece in &self.pieces {
                match piece {
                    Piece::Literal(literal) => subject.push_str(literal),
                    Piece::Placeholder(name) => subject.push_str(at[name.as_str()]),
                }
            }
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        Ok(Subjects {
            values: subjects,
            patterns,
        })
    }

    /// The literals that stand with a placeholder between the same two colons: their separators
    /// are what its values must not hold.
    fn segment(&self, name: &str) -> String {
        let (mut segment, mut found) = (String::new(), false);
        for piece in &self.pieces {
            match piece {
                Piece::Placeholder(own) => found |= own == name,
                Piece::Literal(text) => {
                    for (number, part) in text.split(':').enumerate() {
                        if number > 0 && found {
                            return segment;
                        }
                        if number > 0 {
                            segment.clear();
                        }
                        segment.push_str(part);
                    }
                }
            }
        }
        segment
    }

    fn value(&self, name: &str, value: &str, spelling: Spelling) -> Result<String, GenerateError> {
        let literal = |char: char| {
            self.pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Literal(text) if text.contains(char)))
        };
        if spelling == Spelling::AsGiven {
            if value.contains(':') && literal(':') {
                return Err(GenerateError::Value {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    why: "`:` divides the subject; give the value as the token has it, `%3A` for instance".to_owned(),
                });
            }
            return Ok(value.to_owned());
        }
        let mut spelt = String::with_capacity(value.len());
        for char in value.chars() {
            match char {
                ':' | '%' => spelt.push_str(&format!("%{:02X}", u32::from(char))),
                '/' | '|' | '@' | '+' if self.segment(name).contains(char) => {
                    spelt.push_str(&format!("%{:02X}", u32::from(char)));
                }
                char => spelt.push(char),
            }
        }
        Ok(spelt)
    }
}

/// A text with its placeholders filled in, of a preset's issuer or audience.
pub(super) fn filled(
    template: &str,
    scope: &Scope,
    meaning: &dyn Fn(&str) -> Option<&'static str>,
) -> Result<String, GenerateError> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        match scope.get(name) {
            Some(Choice::Values(values)) => match values.as_slice() {
                [one] => {
                    checked(name, one, false)?;
                    text.push_str(one);
                }
                _ => return Err(GenerateError::OneValue(name.to_owned())),
            },
            Some(_) => {
                return Err(GenerateError::NotInSubject {
                    name: name.to_owned(),
                });
            }
            None => {
                return Err(GenerateError::Unpinned {
                    name: name.to_owned(),
                    meaning: meaning(name)
                        .unwrap_or("a part of the issuer's URL")
                        .to_owned(),
                    may_be_open: false,
                });
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    Ok(text)
}

/// The names in a template's braces.
pub(super) fn names_in(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|part| Some(part.split_once('}')?.0))
}

/// A name that nothing has.
pub(super) fn unknown(name: &str, names: &[&str]) -> GenerateError {
    GenerateError::UnknownName {
        name: name.to_owned(),
        nearest: nearest(name, names.iter().copied()).map(str::to_owned),
        known: names.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// Refuses what cannot be the value of a placeholder.
fn checked(name: &str, value: &str, wild: bool) -> Result<(), GenerateError> {
    let refused = |why: String| {
        Err(GenerateError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            why,
        })
    };
    if value.is_empty() {
        return refused("it is empty".to_owned());
    }
    if let Some(left) = placeholder(value) {
        return refused(format!("`{left}` is a placeholder, or damage of pasting"));
    }
    if !wild && value.contains(['*', '?']) {
        return refused(
            "a wildcard is no part of a value; patterns are a choice of their own".to_owned(),
        );
    }
    let possible =
        |char: char| char.is_ascii_alphanumeric() || " _-.@+/|:%=,~#!&();'*?".contains(char);
    match value.chars().find(|&char| !possible(char)) {
        Some(char) => refused(format!("it holds `{}`", char.escape_debug())),
        None if value.trim() != value => refused("it begins or ends with a space".to_owned()),
        None => Ok(()),
    }
}

/// Subjects of a policy, at most: IAM's quota has room for far fewer.
const MOST_SUBJECTS: usize = 512;
