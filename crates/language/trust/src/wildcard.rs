//! Matching with `*` (any run) and `?` (one UTF-16 unit), without exponential backtracking.
//!
//! A pattern is cut at its `*` into pieces, and each piece is taken at its first fit: no earlier
//! decision is ever revisited. Without `?` the pieces are found by substring search, in time linear
//! in the text; with `?` each piece is tried place by place, at most pattern × text steps.

/// A wildcard pattern, ready to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wildcard {
    pieces: Pieces,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pieces {
    /// No `?` anywhere: plain texts between the stars.
    Plain(Vec<String>),
    /// UTF-16 units between the stars; `None` is `?`.
    Units(Vec<Vec<Option<u16>>>),
}

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Run,
}

impl Wildcard {
    /// A pattern in which `*` and `?` are wildcards.
    pub(crate) fn new(pattern: &str) -> Self {
        let tokens: Vec<Token> = pattern.chars().map(token).collect();
        Self::from_tokens(&tokens)
    }

    pub(crate) fn from_tokens(tokens: &[Token]) -> Self {
        let between_stars = tokens.split(|token| *token == Token::Run);
        let pieces = if tokens.contains(&Token::One) {
            Pieces::Units(between_stars.map(units).collect())
        } else {
            Pieces::Plain(
                between_stars
                    .map(|piece| {
                        piece
                            .iter()
                            .filter_map(|token| match token {
                                Token::Char(char) => Some(*char),
                                Token::One | Token::Run => None,
                            })
                            .collect()
                    })
                    .collect(),
            )
        };
        Self { pieces }
    }

    /// Whether the whole text fits.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.pieces {
            Pieces::Plain(pieces) => plain(pieces, text),
            Pieces::Units(pieces) => {
                let text: Vec<u16> = text.encode_utf16().collect();
                with_single(pieces, &text)
            }
        }
    }
}

pub(crate) fn token(char: char) -> Token {
    match char {
        '*' => Token::Run,
        '?' => Token::One,
        other => Token::Char(other),
    }
}

fn units(piece: &[Token]) -> Vec<Option<u16>> {
    let mut units = Vec::with_capacity(piece.len());
    for token in piece {
        match token {
            Token::Char(char) => {
                units.extend(char.encode_utf16(&mut [0; 2]).iter().copied().map(Some));
            }
            Token::One => units.push(None),
            Token::Run => {}
        }
    }
    units
}

fn plain(pieces: &[String], text: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.iter().all(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some(inner) = rest.strip_suffix(last.as_str()) else {
        return false;
    };
    rest = inner;
    for piece in middle {
        let Some(at) = rest.find(piece.as_str()) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    true
}

fn with_single(pieces: &[Vec<Option<u16>>], text: &[u16]) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.iter().all(|only| fits(only, text));
    };
    if text.len() < first.len() + last.len() {
        return false;
    }
    let (head, rest) = text.split_at(first.len());
    let (mut rest, tail) = rest.split_at(rest.len() - last.len());
    if !fits(first, head) || !fits(last, tail) {
        return false;
    }
    for piece in middle.iter().filter(|piece| !piece.is_empty()) {
        let Some(at) = rest
            .windows(piece.len())
            .position(|window| fits(piece, window))
        else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    true
}

fn fits(piece: &[Option<u16>], text: &[u16]) -> bool {
    piece.len() == text.len()
        && piece
            .iter()
            .zip(text)
            .all(|(wanted, unit)| wanted.is_none_or(|wanted| wanted == *unit))
}
