//! Many subjects and patterns, looked up by subject.
//!
//! Whole subjects are found by hash. A pattern hangs in a tree of bytes at the end of the text
//! before its first wildcard or, where that is longer, of the text behind its last wildcard read
//! backwards; with neither it is tried for every subject.

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
    forward: Tree,
    backward: Tree,
    floating: Vec<usize>,
}

/// A pattern that hangs in a tree.
struct Hung {
    tokens: Vec<Token>,
    /// `None` where whatever gets to the pattern's place in the tree fits.
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

    /// Hangs the patterns into the trees. Nothing can be added afterwards.
    pub(super) fn build(&mut self) {
        for (at, pattern) in self.patterns.iter_mut().enumerate() {
            let plain = |token: &&Token| matches!(token, Token::Char(_));
            let first: Vec<Token> = pattern.tokens.iter().take_while(plain).copied().collect();
            let last: Vec<Token> = pattern
                .tokens
                .iter()
                .rev()
                .take_while(plain)
                .copied()
                .collect();
            let wild = pattern.tokens.len() - first.len() - last.len();
            let one_run = wild == 1 && pattern.tokens[first.len()] == Token::Run;
            let is_text_and_run = one_run && (first.is_empty() || last.is_empty());
            if is_text_and_run {
                pattern.rest = None;
            }
            let suffix: Vec<Token> = last.iter().rev().copied().collect();
            if first.is_empty() && last.is_empty() {
                self.floating.push(at);
            } else if first.len() >= last.len() {
                self.forward.hang(text_of(&first).bytes(), at);
            } else {
                self.backward.hang(text_of(&suffix).bytes().rev(), at);
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
        self.forward.walk(subject.bytes(), &mut take);
        self.backward.walk(subject.bytes().rev(), &mut take);
        self.floating.iter().copied().for_each(take);
        found
    }
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
