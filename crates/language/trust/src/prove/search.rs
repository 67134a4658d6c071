//! A request that makes some conditions hold and at least one fail in each of several groups.
//!
//! Every condition looks at one key, so a set of conditions can be met together when each key can
//! have a value of its own. The search takes what must hold, makes a request of it, looks which
//! groups still hold altogether, and lets one condition of such a group fail after another.

use std::collections::HashMap;

use super::predicate::{Predicate, Shape};
use super::value::{Found, Literal, value};
use crate::request::Context;
use crate::wildcard::Token;

/// A search over the conditions of two policies.
pub(super) struct Requests<'a> {
    predicates: &'a [Predicate],
    found: HashMap<(String, Vec<Literal>), Found>,
    /// Requests still to try.
    left: usize,
    /// Why something could not be settled; the first reason counts.
    pub(super) doubt: Option<Doubt>,
}

/// Why a search came to no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The predicate of that index is outside what can be decided.
    Outside(usize),
    /// The predicate of that index takes too many states.
    TooLarge(usize),
    /// Too many combinations of conditions.
    TooMany,
}

impl<'a> Requests<'a> {
    pub(super) fn new(predicates: &'a [Predicate]) -> Self {
        Self {
            predicates,
            found: HashMap::new(),
            left: REQUEST_LIMIT,
            doubt: None,
        }
    }

    /// A context in which every condition of `holding` holds, and in each of `failing` at least
    /// one does not. `None` where there is none, or none could be settled: see `doubt`.
    pub(super) fn find(&mut self, holding: &[usize], failing: &[Vec<usize>]) -> Option<Context> {
        let mut literals: Vec<Literal> = holding.iter().map(|at| (*at, true)).collect();
        self.solve(&mut literals, failing.to_vec())
    }

    fn solve(&mut self, literals: &mut Vec<Literal>, failing: Vec<Vec<usize>>) -> Option<Context> {
        let failing = propagate(literals, failing)?;
        if self.left == 0 {
            self.doubt.get_or_insert(Doubt::TooMany);
            return None;
        }
        self.left -= 1;
        let context = self.context(literals)?;
        let open = failing
            .iter()
            .filter(|group| {
                group
                    .iter()
                    .all(|at| self.holds(*at, &context) != Some(false))
            })
            .min_by_key(|group| group.len());
        let Some(open) = open.cloned() else {
            let doubtful = literals
                .iter()
                .find(|(at, wanted)| self.holds(*at, &context) != Some(*wanted));
            return match doubtful {
                None => Some(context),
                Some((at, wanted)) => {
                    let guessed = self.guessed(*at, *wanted, &context);
                    let fits = |context: &Context| {
                        let mut all = literals.iter();
                        all.all(|(at, wanted)| self.holds(*at, context) == Some(*wanted))
                            && failing.iter().all(|group| {
                                let mut group = group.iter();
                                group.any(|at| self.holds(*at, context) == Some(false))
                            })
                    };
                    if let Some(context) = guessed.into_iter().find(fits) {
                        return Some(context);
                    }
                    self.doubt.get_or_insert(Doubt::Outside(*at));
                    None
                }
            };
        };
        for (position, at) in open.iter().enumerate() {
            let mut further = literals.clone();
            // Those before were let fail already, so here they may hold.
            further.extend(open[..position].iter().map(|before| (*before, true)));
            further.push((*at, false));
            if let Some(context) = self.solve(&mut further, failing.clone()) {
                return Some(context);
            }
        }
        None
    }

    /// Requests in which a condition with policy variables may hold: the variables' keys are there,
    /// and the condition's key is what they make of one of its values.
    fn guessed(&self, at: usize, wanted: bool, context: &Context) -> Vec<Context> {
        let predicate = &self.predicates[at];
        let Shape::Variable(_, templates) = &predicate.shape else {
            return Vec::new();
        };
        if !wanted {
            return Vec::new();
        }
        let guessed = templates.iter().filter_map(|template| {
            let mut context = context.clone();
            for key in template.keys() {
                if context.value(key).is_none() {
                    context.set(key, "x");
                }
            }
            let tokens = template.expand(&context)?;
            let text: String = tokens
                .into_iter()
                .map(|token| match token {
                    Token::Char(char) => char,
                    Token::One | Token::Run => 'x',
                })
                .collect();
            context.set(predicate.key(), text);
            Some(context)
        });
        guessed.collect()
    }

    /// A value for each key that the literals speak of.
    fn context(&mut self, literals: &[Literal]) -> Option<Context> {
        let mut by_key: HashMap<&str, Vec<Literal>> = HashMap::new();
        for (at, wanted) in literals {
            let predicate = &self.predicates[*at];
            // What key that is, nobody knows.
            if matches!(&predicate.shape, Shape::Unknown(_)) {
                continue;
            }
            let own = by_key.entry(predicate.key()).or_default();
            own.push((*at, *wanted));
        }
        let mut context = Context::new();
        for (key, mut own) in by_key {
            own.sort_unstable();
            own.dedup();
            let predicates = self.predicates;
            let found = self
                .found
                .entry((key.to_owned(), own))
                .or_insert_with_key(|(key, own)| value(key, own, predicates));
            match found {
                Found::Absent => {}
                Found::Value(crate::ContextValue::Single(text)) => {
                    context.set(key, text.as_str());
                }
                Found::Value(crate::ContextValue::Multiple(texts)) => {
                    context.set_list(key, texts.clone());
                }
                Found::Nothing => return None,
                Found::Unsettled(at) => {
                    let doubt = Doubt::TooLarge(*at);
                    self.doubt.get_or_insert(doubt);
                    return None;
                }
            }
        }
        Some(context)
    }

    /// Whether a condition holds, where that can be told.
    fn holds(&self, at: usize, context: &Context) -> Option<bool> {
        let predicate = &self.predicates[at];
        match predicate.shape {
            Shape::Unknown(_) => None,
            _ => Some(predicate.condition.holds(context)),
        }
    }
}

/// Takes out of the groups what cannot fail, and the groups that fail already; a group of one
/// becomes a literal. `None` where a group cannot fail.
fn propagate(literals: &mut Vec<Literal>, mut failing: Vec<Vec<usize>>) -> Option<Vec<Vec<usize>>> {
    loop {
        let before = literals.len();
        let mut open = Vec::with_capacity(failing.len());
        for group in failing {
            if group.iter().any(|at| literals.contains(&(*at, false))) {
                continue;
            }
            let left: Vec<usize> = group
                .into_iter()
                .filter(|at| !literals.contains(&(*at, true)))
                .collect();
            match left[..] {
                [] => return None,
                [only] => literals.push((only, false)),
                _ => open.push(left),
            }
        }
        if literals.len() == before {
            return Some(open);
        }
        failing = open;
    }
}

/// Requests that one search tries.
const REQUEST_LIMIT: usize = 20_000;
