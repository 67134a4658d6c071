//! Text with `{placeholders}`: the one grammar behind subjects, claims and tags.

use std::ops::Range;
use std::sync::Arc;

use crate::declared::{AttributeRule, DeclaredAttributes, Source, Unresolved, resolve};
use crate::error::nearest;
use crate::{Attributes, FormatError, FormatProblem, MintError};

/// A parsed text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Placeholder(Placeholder),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placeholder {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    /// What is declared of the attribute, if anything.
    pub(crate) rule: Option<Arc<AttributeRule>>,
}

/// What a template of one kind may hold.
pub(crate) struct Grammar {
    /// Longest text, in characters.
    pub(crate) longest: usize,
    /// Whether the text may be empty.
    pub(crate) may_be_empty: bool,
    /// Whether a character may stand outside placeholders.
    pub(crate) literal: fn(char) -> bool,
    /// The same in words.
    pub(crate) literals: &'static str,
    /// Whether `{{` and `}}` stand for the braces themselves.
    pub(crate) doubled_braces: bool,
}

impl Template {
    pub(crate) fn parse(field: &str, text: &str, grammar: &Grammar) -> Result<Self, FormatError> {
        let wrong = |span: Range<usize>, problem| FormatError {
            field: field.to_owned(),
            text: text.to_owned(),
            span,
            problem,
        };
        let length = text.chars().count();
        if length > grammar.longest {
            let limit = grammar.longest;
            let at = text.char_indices().nth(limit).map_or(0, |(at, _)| at);
            return Err(wrong(
                at..text.len(),
                FormatProblem::TooLong { length, limit },
            ));
        }
        if text.is_empty() && !grammar.may_be_empty {
            return Err(wrong(0..0, FormatProblem::Empty));
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let next = at + character.len_utf8();
            let doubled = grammar.doubled_braces && text[next..].starts_with(character);
            match character {
                '{' | '}' if doubled => {
                    push_literal(&mut pieces, character);
                    at = next + 1;
                }
                '{' => {
                    let end = text[next..]
                        .find('}')
                        .map(|length| next + length)
                        .filter(|&end| !text[next..end].contains('{'))
                        .ok_or_else(|| wrong(at..next, FormatProblem::Unclosed))?;
                    let name = &text[next..end];
                    check_name(name).map_err(|(inside, problem)| {
                        let span = match problem {
                            FormatProblem::NameCharacter { .. } => {
                                next + inside.start..next + inside.end
                            }
                            _ => at..end + 1,
                        };
                        wrong(span, problem)
                    })?;
                    if matches!(pieces.last(), Some(Piece::Placeholder(_))) {
                        return Err(wrong(at..end + 1, FormatProblem::Adjacent));
                    }
                    pieces.push(Piece::Placeholder(Placeholder {
                        name: name.to_owned(),
                        span: at..end + 1,
                        rule: None,
                    }));
                    at = end + 1;
                }
                '}' => return Err(wrong(at..next, FormatProblem::Unopened)),
                _ if !(grammar.literal)(character) => {
                    return Err(wrong(
                        at..next,
                        FormatProblem::Character {
                            character,
                            allowed: grammar.literals,
                        },
                    ));
                }
                _ => {
                    push_literal(&mut pieces, character);
                    at = next;
                }
            }
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// The placeholders, in order, repeated where they are.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(placeholder),
            Piece::Literal(_) => None,
        })
    }

    /// Holds each placeholder to what `declared` says of its attribute.
    ///
    /// # Errors
    /// The first placeholder that is not declared, where anything is.
    pub(crate) fn bind(
        &mut self,
        field: &str,
        declared: &DeclaredAttributes,
    ) -> Result<(), FormatError> {
        for piece in &mut self.pieces {
            let Piece::Placeholder(placeholder) = piece else {
                continue;
            };
            placeholder.rule = declared.rule(&placeholder.name).cloned();
            if placeholder.rule.is_none() && !declared.is_empty() {
                return Err(FormatError {
                    field: field.to_owned(),
                    text: self.text.clone(),
                    span: placeholder.span.clone(),
                    problem: FormatProblem::Undeclared {
                        name: placeholder.name.clone(),
                        nearest: nearest(&placeholder.name, declared.names()),
                    },
                });
            }
        }
        Ok(())
    }

    /// Refuses the first placeholder for which a workload with the `known` attributes would have
    /// no value.
    pub(crate) fn check_known(&self, field: &str, known: &[&str]) -> Result<(), FormatError> {
        for Placeholder { name, span, rule } in self.placeholders() {
            let needed = match rule.as_deref() {
                Some(rule) if rule.has_stand_in() => continue,
                Some(rule) => rule.inputs().first().copied().unwrap_or(name),
                None => name,
            };
            if !known.contains(&needed) {
                return Err(FormatError {
                    field: field.to_owned(),
                    text: self.text.clone(),
                    span: span.clone(),
                    problem: FormatProblem::Unknown {
                        name: needed.to_owned(),
                        nearest: nearest(needed, known.iter().copied()),
                    },
                });
            }
        }
        Ok(())
    }
}

impl Placeholder {
    /// Whether a workload has nothing that it could stand for. A value that is wrong is none.
    pub(crate) fn is_missing(&self, attributes: &Attributes) -> bool {
        matches!(
            resolve(attributes, &self.name, self.rule.as_deref()),
            Err(Unresolved::Missing(_))
        )
    }

    /// Its value for a workload, and where that comes from.
    pub(crate) fn value<'a>(
        &'a self,
        field: &str,
        attributes: &'a Attributes,
    ) -> Result<(&'a str, Source), MintError> {
        resolve(attributes, &self.name, self.rule.as_deref()).map_err(|unresolved| match unresolved
        {
            Unresolved::Missing(name) => MintError::AttributeMissing {
                field: field.to_owned(),
                nearest: nearest(&name, attributes.names()),
                name,
            },
            Unresolved::Refused(why) => MintError::AttributeValue {
                field: field.to_owned(),
                name: self.name.clone(),
                why,
            },
        })
    }
}

fn push_literal(pieces: &mut Vec<Piece>, character: char) {
    match pieces.last_mut() {
        Some(Piece::Literal(literal)) => literal.push(character),
        _ => pieces.push(Piece::Literal(character.to_string())),
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), (Range<usize>, FormatProblem)> {
    if name.is_empty() {
        return Err((0..0, FormatProblem::NoName));
    }
    for (at, character) in name.char_indices() {
        let fits = character.is_ascii_alphabetic()
            || (at > 0 && (character.is_ascii_digit() || "_-.:".contains(character)));
        if !fits {
            return Err((
                at..at + character.len_utf8(),
                FormatProblem::NameCharacter { character },
            ));
        }
    }
    if name.len() > LONGEST_NAME {
        return Err((0..0, FormatProblem::NameTooLong));
    }
    Ok(())
}

const LONGEST_NAME: usize = 64;
