//! Patterns as the proofs walk them: one piece a UTF-16 unit, or a run of any length.

use crate::wildcard::Token;

/// A pattern of condition values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Pattern {
    /// No two runs stand beside each other.
    pub(super) pieces: Vec<Piece>,
}

/// A part of a pattern. `colon` tells whether a wildcard takes colons too; within the first parts
/// of an ARN none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Piece {
    Unit(u16),
    /// An ASCII letter, here in lower case, in either case.
    Fold(u8),
    One {
        colon: bool,
    },
    Run {
        colon: bool,
    },
}

impl Piece {
    pub(super) fn takes(self, unit: u16) -> bool {
        match self {
            Self::Unit(wanted) => wanted == unit,
            Self::Fold(letter) => fold(letter).contains(&unit),
            Self::One { colon } | Self::Run { colon } => colon || unit != COLON,
        }
    }

    pub(super) fn is_run(self) -> bool {
        matches!(self, Self::Run { .. })
    }

    /// Whether every unit that the other piece takes is taken here too.
    fn swallows(self, other: Self) -> bool {
        match other {
            Self::Unit(unit) => self.takes(unit),
            Self::Fold(letter) => fold(letter).iter().all(|unit| self.takes(*unit)),
            Self::One { colon } | Self::Run { colon } => match self {
                Self::One { colon: own } | Self::Run { colon: own } => own || !colon,
                Self::Unit(_) | Self::Fold(_) => false,
            },
        }
    }
}

impl Pattern {
    /// Everything.
    pub(super) fn anything() -> Self {
        Self {
            pieces: vec![Piece::Run { colon: true }],
        }
    }

    /// One text and no other.
    pub(super) fn exactly(text: &str) -> Self {
        Self {
            pieces: text.encode_utf16().map(Piece::Unit).collect(),
        }
    }

    /// An ASCII text in any letter case.
    pub(super) fn folded(text: &str) -> Self {
        let piece = |byte: u8| match byte.is_ascii_alphabetic() {
            true => Piece::Fold(byte.to_ascii_lowercase()),
            false => Piece::Unit(u16::from(byte)),
        };
        Self {
            pieces: text.bytes().map(piece).collect(),
        }
    }

    /// What `*` and `?` stand for in a text.
    pub(super) fn like(tokens: &[Token]) -> Self {
        let mut pattern = Self { pieces: Vec::new() };
        pattern.extend(tokens, true);
        pattern
    }

    /// Six parts between colons, as ARN operators read them; `None` where no ARN can fit.
    pub(super) fn arn(tokens: &[Token]) -> Option<Self> {
        let parts: Vec<&[Token]> = tokens
            .splitn(6, |token| *token == Token::Char(':'))
            .collect();
        let [scheme, rest @ ..] = parts.as_slice() else {
            return None;
        };
        if rest.len() < 5 || !crate::wildcard::Wildcard::from_tokens(scheme).matches("arn") {
            return None;
        }
        let mut pattern = Self::exactly("arn");
        for (index, part) in rest.iter().enumerate() {
            pattern.pieces.push(Piece::Unit(COLON));
            pattern.extend(part, index == 4);
        }
        Some(pattern)
    }

    /// Every text that ARN operators take for an ARN.
    pub(super) fn any_arn() -> Self {
        let mut pattern = Self::exactly("arn");
        for index in 0..5 {
            pattern.pieces.push(Piece::Unit(COLON));
            pattern.pieces.push(Piece::Run { colon: index == 4 });
        }
        pattern
    }

    /// What a text can be whose symbols, `${…}`, only a template engine knows.
    pub(super) fn loosely(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            if let Some(opened) = rest.strip_prefix("${") {
                tokens.push(Token::Run);
                rest = &opened[closing(opened)..];
            } else {
                tokens.push(Token::Char(char));
                rest = &rest[char.len_utf8()..];
            }
        }
        Self::like(&tokens)
    }

    fn extend(&mut self, tokens: &[Token], colon: bool) {
        for token in tokens {
            match token {
                Token::Char(char) => {
                    let mut buffer = [0; 2];
                    let units = char.encode_utf16(&mut buffer);
                    self.pieces.extend(units.iter().copied().map(Piece::Unit));
                }
                Token::One => self.pieces.push(Piece::One { colon }),
                Token::Run if self.pieces.last().is_some_and(|last| last.is_run()) => {}
                Token::Run => self.pieces.push(Piece::Run { colon }),
            }
        }
    }

    /// Whether the pattern has no wildcard and no folded letter.
    pub(super) fn is_text(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Unit(_)))
    }

    /// A text of the pattern: `fill` for every run, `x` for every single wildcard. `None` where
    /// that is not well-formed UTF-16.
    pub(super) fn filled(&self, fill: &str) -> Option<String> {
        let mut units = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Piece::Unit(unit) => units.push(*unit),
                Piece::Fold(letter) => units.push(u16::from(*letter)),
                Piece::One { .. } => units.push(u16::from(b'x')),
                Piece::Run { .. } => units.extend(fill.encode_utf16()),
            }
        }
        String::from_utf16(&units).ok()
    }

    /// Whether this pattern takes all that the other takes, judged by laying one over the other:
    /// a yes is always right, a no is right where this pattern has no `?`.
    pub(super) fn swallows(&self, other: &Self) -> bool {
        let (own, other) = (&self.pieces, &other.pieces);
        let (mut at, mut over) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while over < other.len() {
            match own.get(at) {
                Some(piece) if piece.is_run() => {
                    retry = Some((at, over));
                    at += 1;
                    continue;
                }
                Some(piece) if !other[over].is_run() && piece.swallows(other[over]) => {
                    at += 1;
                    over += 1;
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((run, from)) if own[run].swallows(other[from]) => {
                    retry = Some((run, from + 1));
                    (at, over) = (run + 1, from + 1);
                }
                _ => return false,
            }
        }
        own[at..].iter().all(|piece| piece.is_run())
    }
}

/// The place behind the brace that closes one opened before the text.
fn closing(text: &str) -> usize {
    let mut open = 1;
    for (at, char) in text.char_indices() {
        match char {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// The units that lower-case to an ASCII letter: both cases, and for `k` the Kelvin sign.
pub(super) fn fold(letter: u8) -> &'static [u16] {
    let at = usize::from(letter.to_ascii_lowercase().saturating_sub(b'a')).min(25);
    if at == usize::from(b'k' - b'a') {
        return &KELVIN;
    }
    &CASES[at]
}

const KELVIN: [u16; 3] = [b'k' as u16, b'K' as u16, 0x212A];
const CASES: [[u16; 2]; 26] = {
    let mut cases = [[0; 2]; 26];
    let mut at = 0;
    while at < 26 {
        cases[at] = [b'a' as u16 + at as u16, b'A' as u16 + at as u16];
        at += 1;
    }
    cases
};
const COLON: u16 = b':' as u16;
