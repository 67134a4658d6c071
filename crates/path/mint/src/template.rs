//! Text with `{placeholders}`: the one grammar behind subjects, claims and tags.

use std::ops::Range;

use crate::attributes::stand_in;
use crate::error::nearest;
use crate::{FormatError, FormatProblem};

/// A parsed text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Placeholder { name: String, span: Range<usize> },
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
                    if matches!(pieces.last(), Some(Piece::Placeholder { .. })) {
                        return Err(wrong(at..end + 1, FormatProblem::Adjacent));
                    }
                    pieces.push(Piece::Placeholder {
                        name: name.to_owned(),
                        span: at..end + 1,
                    });
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

    /// Names of the attributes that it needs, in order, repeated where they are.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder { name, .. } => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// Refuses the first placeholder that is neither among the known attributes nor stood in for.
    pub(crate) fn check_known(&self, field: &str, known: &[&str]) -> Result<(), FormatError> {
        for piece in &self.pieces {
            if let Piece::Placeholder { name, span } = piece
                && !known.contains(&name.as_str())
                && stand_in(name).is_none()
            {
                let candidates = known.iter().copied().chain(STOOD_IN);
                return Err(FormatError {
                    field: field.to_owned(),
                    text: self.text.clone(),
                    span: span.clone(),
                    problem: FormatProblem::Unknown {
                        name: name.clone(),
                        nearest: nearest(name, candidates),
                    },
                });
            }
        }
        Ok(())
    }
}

fn push_literal(pieces: &mut Vec<Piece>, character: char) {
    match pieces.last_mut() {
        Some(Piece::Literal(literal)) => literal.push(character),
        _ => pieces.push(Piece::Literal(character.to_string())),
    }
}

fn check_name(name: &str) -> Result<(), (Range<usize>, FormatProblem)> {
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
const STOOD_IN: [&str; 3] = ["component", "deployment_id", "region"];
