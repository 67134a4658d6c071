//! Whether a text exists that is in some languages and in none of others, and the shortest one.
//!
//! A language is a union of patterns. The walk goes breadth-first over the position in one pattern
//! of each language that the text must be in, together with the set of positions in all patterns
//! that it must avoid. Of those sets only minimal ones are kept (an antichain): what escapes from
//! more positions escapes from fewer. The alphabet is the characters that the patterns use and one
//! that none uses, which stands for all the rest.

use std::collections::HashMap;

use super::pattern::{Pattern, Piece, fold};

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Search {
    /// Such a text: the shortest of the first pattern that has any.
    Found(String),
    /// There is none.
    Empty,
    /// It would take more states than allowed.
    Exhausted,
}

/// Looks for a text that is in one pattern of each of `within` and in no pattern of `outside`.
pub(super) fn search(within: &[&[Pattern]], outside: &[&Pattern]) -> Search {
    let anything = [Pattern::anything()];
    let universe: [&[Pattern]; 1] = [&anything];
    let within = if within.is_empty() { &universe } else { within };
    let choices = within
        .iter()
        .try_fold(1_usize, |product, union| product.checked_mul(union.len()));
    match choices {
        Some(0) => return Search::Empty,
        Some(choices) if choices <= CHOICE_LIMIT => {}
        _ => return Search::Exhausted,
    }
    let mut walls: Option<Walls> = None;
    let mut states_left = STATE_LIMIT;
    let mut chosen = vec![0_usize; within.len()];
    loop {
        let patterns: Vec<&Pattern> = chosen
            .iter()
            .zip(within)
            .map(|(at, union)| &union[*at])
            .collect();
        // What swallows one of the patterns swallows what they have in common.
        let swallowed = outside
            .iter()
            .any(|wall| patterns.iter().any(|pattern| wall.swallows(pattern)));
        if !swallowed {
            let walls = walls.get_or_insert_with(|| Walls::new(within, outside));
            match walls.walk(&patterns, &mut states_left) {
                Search::Empty => {}
                found => return found,
            }
        }
        if !advance(&mut chosen, within) {
            return Search::Empty;
        }
    }
}

/// The next choice of one pattern a language.
fn advance(chosen: &mut [usize], within: &[&[Pattern]]) -> bool {
    for (at, union) in chosen.iter_mut().zip(within).rev() {
        *at += 1;
        if *at < union.len() {
            return true;
        }
        *at = 0;
    }
    false
}

/// The patterns to avoid, as one automaton over bit sets.
struct Walls {
    /// Characters that the walk tries, each as indexes of units.
    alphabet: Vec<(char, Vec<usize>)>,
    units: Vec<u16>,
    words: usize,
    start: Vec<u64>,
    /// Positions before a run.
    runs: Vec<u64>,
    /// Positions from which everything is taken.
    traps: Vec<u64>,
    /// Ends of patterns.
    ends: Vec<u64>,
    /// For each unit the positions that go one further, and those that stay.
    steps: Vec<(Vec<u64>, Vec<u64>)>,
}

/// A state that was reached.
struct Reached {
    positions: Vec<usize>,
    set: Vec<u64>,
    from: usize,
    by: usize,
}

impl Walls {
    fn new(within: &[&[Pattern]], outside: &[&Pattern]) -> Self {
        let used = within
            .iter()
            .flat_map(|union| union.iter())
            .chain(outside.iter().copied());
        let (alphabet, units) = alphabet(used);
        let bits: usize = outside.iter().map(|pattern| pattern.pieces.len() + 1).sum();
        let words = bits.div_ceil(64);
        let empty = vec![0; words];
        let mut walls = Self {
            alphabet,
            words,
            start: empty.clone(),
            runs: empty.clone(),
            traps: empty.clone(),
            ends: empty.clone(),
            steps: vec![(empty.clone(), empty); units.len()],
            units,
        };
        let mut first = 0;
        for pattern in outside {
            set_bit(&mut walls.start, first);
            for (index, piece) in pattern.pieces.iter().enumerate() {
                if piece.is_run() {
                    set_bit(&mut walls.runs, first + index);
                }
                if *piece == (Piece::Run { colon: true }) && index + 1 == pattern.pieces.len() {
                    set_bit(&mut walls.traps, first + index);
                }
                for (unit, (moves, stays)) in walls.units.iter().zip(&mut walls.steps) {
                    if piece.takes(*unit) {
                        let mask = if piece.is_run() { stays } else { moves };
                        set_bit(mask, first + index);
                    }
                }
            }
            first += pattern.pieces.len();
            set_bit(&mut walls.ends, first);
            first += 1;
        }
        let mut start = walls.start.clone();
        walls.close(&mut start);
        walls.start = start;
        walls
    }

    /// Adds what is reached without reading.
    fn close(&self, set: &mut [u64]) {
        let mut carry = 0;
        for (word, runs) in set.iter_mut().zip(&self.runs) {
            let open = *word & runs;
            *word |= open << 1 | carry;
            carry = open >> 63;
        }
    }

    fn step(&self, set: &[u64], unit: usize) -> Vec<u64> {
        let (moves, stays) = &self.steps[unit];
        let mut next = Vec::with_capacity(self.words);
        let mut carry = 0;
        for ((word, moves), stays) in set.iter().zip(moves).zip(stays) {
            let moved = word & moves;
            next.push(moved << 1 | carry | word & stays);
            carry = moved >> 63;
        }
        self.close(&mut next);
        next
    }

    fn walk(&self, patterns: &[&Pattern], states_left: &mut usize) -> Search {
        if meets(&self.start, &self.traps) {
            return Search::Empty;
        }
        let mut reached = vec![Reached {
            positions: vec![0; patterns.len()],
            set: self.start.clone(),
            from: 0,
            by: usize::MAX,
        }];
        let mut antichain: HashMap<Vec<usize>, Vec<usize>> = HashMap::new();
        antichain.insert(vec![0; patterns.len()], vec![0]);
        let mut next = 0;
        while next < reached.len() {
            let state = &reached[next];
            let ended = state
                .positions
                .iter()
                .zip(patterns)
                .all(|(at, pattern)| pattern.pieces[*at..].iter().all(|piece| piece.is_run()));
            if ended && !meets(&state.set, &self.ends) {
                return Search::Found(self.spelt(&reached, next));
            }
            for symbol in self.symbols(patterns, &state.positions) {
                let (_, units) = &self.alphabet[symbol];
                let mut places = vec![reached[next].positions.clone()];
                for unit in units {
                    places = onward(patterns, places, self.units[*unit]);
                }
                if places.is_empty() {
                    continue;
                }
                let mut set = self.step(&reached[next].set, units[0]);
                for unit in &units[1..] {
                    set = self.step(&set, *unit);
                }
                if meets(&set, &self.traps) {
                    continue;
                }
                for positions in places {
                    let known = antichain.entry(positions.clone()).or_default();
                    if known.iter().any(|other| within(&reached[*other].set, &set)) {
                        continue;
                    }
                    known.retain(|other| !within(&set, &reached[*other].set));
                    known.push(reached.len());
                    reached.push(Reached {
                        positions,
                        set: set.clone(),
                        from: next,
                        by: symbol,
                    });
                    if *states_left == 0 {
                        return Search::Exhausted;
                    }
                    *states_left -= 1;
                }
            }
            next += 1;
        }
        Search::Empty
    }

    /// The characters worth trying: where a pattern stands before a plain character, only that.
    fn symbols(&self, patterns: &[&Pattern], positions: &[usize]) -> Vec<usize> {
        let narrow = positions.iter().zip(patterns).find_map(|(at, pattern)| {
            match pattern.pieces.get(*at) {
                Some(Piece::Unit(unit)) => Some(Some(*unit)),
                None => Some(None),
                Some(_) => None,
            }
        });
        match narrow {
            None => (0..self.alphabet.len()).collect(),
            Some(None) => Vec::new(),
            Some(Some(unit)) => (0..self.alphabet.len())
                .filter(|symbol| self.units[self.alphabet[*symbol].1[0]] == unit)
                .collect(),
        }
    }

    fn spelt(&self, reached: &[Reached], mut at: usize) -> String {
        let mut symbols = Vec::new();
        while reached[at].by != usize::MAX {
            symbols.push(self.alphabet[reached[at].by].0);
            at = reached[at].from;
        }
        symbols.into_iter().rev().collect()
    }
}

/// Where the patterns can stand after one more unit.
fn onward(patterns: &[&Pattern], places: Vec<Vec<usize>>, unit: u16) -> Vec<Vec<usize>> {
    let mut reached: Vec<Vec<usize>> = Vec::new();
    for positions in places {
        let mut partial: Vec<Vec<usize>> = vec![Vec::with_capacity(positions.len())];
        for (at, pattern) in positions.iter().zip(patterns) {
            let mut options = Vec::with_capacity(2);
            let mut at = *at;
            if let Some(piece) = pattern.pieces.get(at)
                && piece.is_run()
            {
                if piece.takes(unit) {
                    options.push(at);
                }
                at += 1;
            }
            if pattern
                .pieces
                .get(at)
                .is_some_and(|piece| piece.takes(unit))
            {
                options.push(at + 1);
            }
            partial = partial
                .iter()
                .flat_map(|done| {
                    options.iter().map(move |option| {
                        let mut done = done.clone();
                        done.push(*option);
                        done
                    })
                })
                .collect();
        }
        for positions in partial {
            if !reached.contains(&positions) {
                reached.push(positions);
            }
        }
    }
    reached
}

/// The characters of patterns and one that is in none of them, letters first, with their units.
fn alphabet<'a>(
    patterns: impl Iterator<Item = &'a Pattern>,
) -> (Vec<(char, Vec<usize>)>, Vec<u16>) {
    let mut chars: Vec<char> = Vec::new();
    for pattern in patterns {
        let units = pattern.pieces.iter().map(|piece| match piece {
            Piece::Unit(unit) => *unit,
            // Half a surrogate pair is no character, and keeps its neighbours apart.
            _ => 0xD800,
        });
        chars.extend(char::decode_utf16(units).flatten());
        for piece in &pattern.pieces {
            if let Piece::Fold(letter) = piece {
                let cases = fold(*letter).iter().map(|unit| u32::from(*unit));
                chars.extend(cases.filter_map(char::from_u32));
            }
            if let Piece::One { colon: false } | Piece::Run { colon: false } = piece {
                chars.push(':');
            }
        }
    }
    let fresh = ('x'..='z')
        .chain('a'..='w')
        .chain('0'..='9')
        .chain('\u{4e00}'..='\u{9fff}')
        .find(|char| !chars.contains(char));
    chars.sort_unstable();
    chars.dedup();
    chars.sort_by_key(|char| !char.is_alphanumeric());
    let mut units: Vec<u16> = Vec::new();
    let alphabet = fresh
        .into_iter()
        .chain(chars)
        .map(|char| {
            let own = char.encode_utf16(&mut [0; 2]).to_vec();
            let indexes = own
                .into_iter()
                .map(|unit| match units.iter().position(|known| *known == unit) {
                    Some(index) => index,
                    None => {
                        units.push(unit);
                        units.len() - 1
                    }
                })
                .collect();
            (char, indexes)
        })
        .collect();
    (alphabet, units)
}

fn set_bit(set: &mut [u64], bit: usize) {
    set[bit / 64] |= 1 << (bit % 64);
}

fn meets(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

/// Whether every member of the first set is in the second.
fn within(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one & !other == 0)
}

/// States of one search, all choices together.
const STATE_LIMIT: usize = 200_000;
/// Choices of one pattern a language.
const CHOICE_LIMIT: usize = 20_000;
