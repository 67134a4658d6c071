//! Many subjects and patterns, looked up by subject.
//!
//! Whole subjects are found by hash, and patterns that are a text and then anything in a tree of
//! bytes. Any other pattern is filed under a few bytes in a row that it wants somewhere, those that
//! fewest others want; a subject is looked up under all of its rows of bytes. What wants no such
//! row is tried for every subject.

use std::collections::HashMap;

use crate::template::text_of;
use crate::wildcard::{Token, Wildcard};

/// A policy that admits what was looked up, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) policy: u32,
    /// It may admit it: the decision has to be made in full.
    pub(super) verify: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Index {
    everyone: Vec<Entry>,
    texts: HashMap<String, Vec<Entry>>,
    by_text: HashMap<String, usize>,
    patterns: Vec<Hung>,
    tree: Tree,
    rows: [HashMap<u64, Vec<usize>>; ROWS.len()],
    floating: Vec<usize>,
}

/// A pattern that is filed.
struct Hung {
    tokens: Vec<Token>,
    /// `None` where whatever gets to the pattern's place fits.
    rest: Option<Wildcard>,
    entries: Vec<Entry>,
}

impl Index {
    pub(super) fn everyone(&mut self, entry: Entry) {
        self.everyone.push(entry);
    }

    pub(super) fn text(&mut self, text: &str, entry: Entry) {
        match self.texts.get_mut(text) {
            Some(entries) => entries.push(entry),
            None => {
                self.texts.insert(text.to_owned(), vec![entry]);
            }
        }
    }

    pub(super) fn pattern(&mut self, tokens: &[Token], entry: Entry) {
        if tokens.iter().all(|token| matches!(token, Token::Char(_))) {
            return self.text(&text_of(tokens), entry);
        }
        // A literal star cannot be told from a wildcard in a text.
        let spelt = format!("{tokens:?}");
        let at = *self.by_text.entry(spelt).or_insert_with(|| {
            self.patterns.push(Hung {
                tokens: tokens.to_vec(),
                rest: Some(Wildcard::from_tokens(tokens)),
                entries: Vec::new(),
            });
            self.patterns.len() - 1
        });
        self.patterns[at].entries.push(entry);
    }

    /// Files the patterns. Nothing can be added afterwards.
    pub(super) fn build(&mut self) {
        let mut wanted: [HashMap<u64, usize>; ROWS.len()] = Default::default();
        for pattern in &self.patterns {
            for (length, wanted) in ROWS.iter().zip(&mut wanted) {
                for row in rows_of(&pattern.tokens, *length) {
                    *wanted.entry(row).or_default() += 1;
                }
            }
        }
        for (at, pattern) in self.patterns.iter_mut().enumerate() {
            let plain = |token: &&Token| matches!(token, Token::Char(_));
            let first: Vec<Token> = pattern.tokens.iter().take_while(plain).copied().collect();
            if pattern.tokens[first.len()..] == [Token::Run] {
                pattern.rest = None;
                self.tree.hang(text_of(&first).bytes(), at);
                continue;
            }
            let mut filed = ROWS.iter().zip(&wanted).zip(&mut self.rows);
            let filed = filed.find_map(|((length, wanted), filed)| {
                let rows = rows_of(&pattern.tokens, *length);
                let rarest = rows
                    .into_iter()
                    .min_by_key(|row| wanted.get(row).copied())?;
                filed.entry(rarest).or_default().push(at);
                Some(())
            });
            if filed.is_none() {
                self.floating.push(at);
            }
        }
        self.by_text.clear();
    }

    /// The policies that admit a subject, some perhaps more than once.
    pub(super) fn find(&self, subject: &str) -> Vec<Entry> {
        let mut found = self.everyone.clone();
        if let Some(entries) = self.texts.get(subject) {
            found.extend(entries);
        }
        let mut take = |at: usize| {
            let pattern = &self.patterns[at];
            let fits = pattern
                .rest
                .as_ref()
                .is_none_or(|rest| rest.matches(subject));
            if fits {
                found.extend(&pattern.entries);
            }
        };
        self.tree.walk(subject.bytes(), &mut take);
        for (length, filed) in ROWS.iter().zip(&self.rows) {
            if filed.is_empty() {
                continue;
            }
            for row in subject.as_bytes().windows(*length) {
                for pattern in filed.get(&number(row)).into_iter().flatten() {
                    take(*pattern);
                }
            }
        }
        self.floating.iter().copied().for_each(take);
        found
    }
}

/// The rows of bytes that a pattern wants in every text that fits, each once.
fn rows_of(tokens: &[Token], length: usize) -> Vec<u64> {
    let mut rows = Vec::new();
    for piece in tokens.split(|token| !matches!(token, Token::Char(_))) {
        let text = text_of(piece);
        rows.extend(text.as_bytes().windows(length).map(number));
    }
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Eight bytes at most, as a number.
fn number(row: &[u8]) -> u64 {
    row.iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A tree of bytes with patterns at its nodes.
#[derive(Default)]
struct Tree {
    children: HashMap<(u32, u8), u32>,
    hung: Vec<Vec<usize>>,
}

impl Tree {
    fn hang(&mut self, bytes: impl Iterator<Item = u8>, pattern: usize) {
        if self.hung.is_empty() {
            self.hung.push(Vec::new());
        }
        let mut node = 0;
        for byte in bytes {
            let fresh = self.hung.len() as u32;
            node = *self.children.entry((node, byte)).or_insert(fresh);
            if node == fresh {
                self.hung.push(Vec::new());
            }
        }
        self.hung[node as usize].push(pattern);
    }

    fn walk(&self, bytes: impl Iterator<Item = u8>, take: &mut impl FnMut(usize)) {
        if self.hung.is_empty() {
            return;
        }
        let mut node = 0;
        self.hung[0].iter().copied().for_each(&mut *take);
        for byte in bytes {
            let Some(next) = self.children.get(&(node, byte)) else {
                return;
            };
            node = *next;
            for pattern in &self.hung[node as usize] {
                take(*pattern);
            }
        }
    }
}

/// Lengths of rows of bytes, the better first.
const ROWS: [usize; 2] = [8, 4];
