//! A value of one condition key that makes conditions on it hold or fail as wanted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::language::{Search, search};
use super::pattern::Pattern;
use super::predicate::{Constraint, Predicate, Shape};
use crate::literal::{self, Range};
use crate::operator::Set;
use crate::request::{Context, ContextValue};

/// What was found for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The key is left out.
    Absent,
    Value(ContextValue),
    /// Nothing can be.
    Nothing,
    /// Not settled, by the predicate of that index.
    Unsettled(usize),
}

/// A condition by its index, and whether it has to hold.
pub(super) type Literal = (usize, bool);

/// Looks for a value of `key`. Conditions that depend on more than the key are passed over: the
/// whole request has to be looked at afterwards.
pub(super) fn value(key: &str, literals: &[Literal], predicates: &[Predicate]) -> Found {
    let mut unsettled = None;
    let arity = arity(key);
    if arity != Arity::Multiple {
        match single(literals, predicates) {
            Text::Found(text) => return Found::Value(ContextValue::Single(text)),
            Text::Nothing => {}
            Text::Unsettled(at) => unsettled = Some(at),
        }
    }
    if arity != Arity::Single {
        match multiple(literals, predicates) {
            Ok(Some(values)) => return Found::Value(ContextValue::Multiple(values)),
            Ok(None) => {}
            Err(at) => unsettled = Some(at),
        }
    }
    let absent = Context::new();
    let left_out = literals.iter().all(|(at, wanted)| {
        let predicate = &predicates[*at];
        predicate.condition.holds(&absent) == *wanted
    });
    match (left_out, unsettled) {
        (true, _) => Found::Absent,
        (false, Some(at)) => Found::Unsettled(at),
        (false, None) => Found::Nothing,
    }
}

enum Text {
    Found(String),
    Nothing,
    Unsettled(usize),
}

fn single(literals: &[Literal], predicates: &[Predicate]) -> Text {
    let mut wanted = Vec::with_capacity(literals.len());
    for (at, holds) in literals {
        if let Shape::Presence = predicates[*at].shape {
            if present_holds(&predicates[*at]) != *holds {
                return Text::Nothing;
            }
        } else {
            wanted.push((*at, *holds));
        }
    }
    text(&wanted, predicates)
}

/// Values for a multivalued key: each value has to pass what must hold of all, and for each thing
/// that must hold of one there is one.
fn multiple(literals: &[Literal], predicates: &[Predicate]) -> Result<Option<Vec<String>>, usize> {
    let (mut every, mut some) = (Vec::new(), Vec::new());
    for (at, holds) in literals {
        let predicate = &predicates[*at];
        if let Shape::Presence = predicate.shape {
            if present_holds(predicate) != *holds {
                return Ok(None);
            }
            continue;
        }
        match (predicate.condition.operator.set, holds) {
            // A plain operator never holds for a multivalued key.
            (None, true) => return Ok(None),
            (None, false) => {}
            (Some(Set::All), true) | (Some(Set::Any), false) => every.push((*at, *holds)),
            (Some(Set::All), false) | (Some(Set::Any), true) => some.push((*at, *holds)),
        }
    }
    let goals: Vec<Option<Literal>> = match some.is_empty() {
        true => vec![None],
        false => some.into_iter().map(Some).collect(),
    };
    let mut values: Vec<String> = Vec::new();
    for goal in goals {
        let mut wanted = every.clone();
        wanted.extend(goal);
        match text(&wanted, predicates) {
            Text::Found(text) if values.contains(&text) => {}
            Text::Found(text) => values.push(text),
            Text::Nothing => return Ok(None),
            Text::Unsettled(at) => return Err(at),
        }
    }
    Ok(Some(values))
}

fn present_holds(predicate: &Predicate) -> bool {
    let mut context = Context::new();
    context.set(predicate.key(), "x");
    predicate.condition.holds(&context)
}

/// A text that the conditions accept or refuse as wanted.
fn text(wanted: &[Literal], predicates: &[Predicate]) -> Text {
    let seen: Vec<Literal> = wanted
        .iter()
        .copied()
        .filter(|(at, _)| predicates[*at].outside().is_none())
        .collect();
    let fits = |text: &str| {
        let context = Context::new();
        seen.iter()
            .all(|(at, accepted)| predicates[*at].condition.accepts(text, &context) == *accepted)
    };
    // Likely texts first: they make better reading than the shortest.
    let likely = likely(&seen, predicates);
    if let Some(text) = likely.iter().find(|text| fits(text)) {
        return Text::Found(text.clone());
    }
    let by_threshold: Vec<Literal> = seen
        .iter()
        .copied()
        .filter(|(at, _)| !matches!(predicates[*at].shape, Shape::Regular { .. }))
        .collect();
    if let Some((first, _)) = by_threshold.first() {
        let candidates = candidates(&by_threshold, predicates);
        if let Some(text) = candidates.iter().find(|text| fits(text)) {
            return Text::Found(text.clone());
        }
        let kind = std::mem::discriminant(&predicates[*first].shape);
        let one_kind = seen
            .iter()
            .all(|(at, _)| std::mem::discriminant(&predicates[*at].shape) == kind);
        if one_kind || has_only_texts(&seen, predicates) {
            return Text::Nothing;
        }
        return Text::Unsettled(*first);
    }
    by_patterns(&seen, predicates)
}

fn by_patterns(seen: &[Literal], predicates: &[Predicate]) -> Text {
    let mut ways: Vec<Vec<Constraint>> = vec![Vec::new()];
    for (at, accepted) in seen {
        let Some(own) = predicates[*at].ways(*accepted) else {
            return Text::Unsettled(*at);
        };
        ways = ways
            .iter()
            .flat_map(|before| {
                own.iter().map(move |way| {
                    let mut all = before.clone();
                    all.extend(way.iter().cloned());
                    all
                })
            })
            .collect();
        if ways.len() > WAY_LIMIT {
            return Text::Unsettled(*at);
        }
    }
    let mut exhausted = false;
    for way in &ways {
        let (mut within, mut outside): (Vec<&[Pattern]>, Vec<&Pattern>) = (Vec::new(), Vec::new());
        for constraint in way {
            match constraint {
                Constraint::In(patterns) if within.contains(&patterns.as_slice()) => {}
                Constraint::In(patterns) => within.push(patterns),
                Constraint::NotIn(patterns) => outside.extend(patterns),
            }
        }
        within.sort_by_key(|union| union.len());
        match search(&within, &outside) {
            Search::Found(text) => return Text::Found(text),
            Search::Empty => {}
            Search::Exhausted => exhausted = true,
        }
    }
    match (exhausted, seen.first()) {
        (true, Some((at, _))) => Text::Unsettled(*at),
        _ => Text::Nothing,
    }
}

/// Texts of the patterns that have to fit, with something short for each wildcard.
fn likely(seen: &[Literal], predicates: &[Predicate]) -> Vec<String> {
    let positive = seen
        .iter()
        .filter_map(|(at, accepted)| match &predicates[*at].shape {
            Shape::Regular {
                patterns,
                complement,
                ..
            } if accepted != complement => Some(patterns),
            _ => None,
        })
        .min_by_key(|patterns| patterns.len());
    let Some(patterns) = positive else {
        return vec!["x".to_owned()];
    };
    patterns
        .iter()
        .take(LIKELY_LIMIT)
        .filter_map(|pattern| pattern.filled("x"))
        .collect()
}

/// Whether one condition leaves only texts that have all been tried.
fn has_only_texts(seen: &[Literal], predicates: &[Predicate]) -> bool {
    seen.iter()
        .any(|(at, accepted)| match &predicates[*at].shape {
            Shape::Regular {
                patterns,
                complement,
                ..
            } => {
                accepted != complement
                    && patterns.len() <= LIKELY_LIMIT
                    && patterns.iter().all(Pattern::is_text)
            }
            _ => false,
        })
}

/// One text for each stretch in which no answer changes.
fn candidates(literals: &[Literal], predicates: &[Predicate]) -> Vec<String> {
    let mut texts = Vec::new();
    let (mut numbers, mut ranges) = (Vec::new(), Vec::new());
    let mut dates: Vec<i64> = Vec::new();
    for (at, _) in literals {
        match &predicates[*at].shape {
            Shape::Number(thresholds) => numbers.extend(thresholds.iter().map(String::as_str)),
            Shape::Date(thresholds) => dates.extend_from_slice(thresholds),
            Shape::Address(own) => ranges.extend(own),
            _ => {}
        }
    }
    if !numbers.is_empty() {
        texts.extend(around_numbers(&numbers));
    }
    let render = |milliseconds: i64| jiff::Timestamp::from_millisecond(milliseconds).ok();
    for date in dates {
        let near = [Some(date), date.checked_sub(1), date.checked_add(1)];
        let stamps = near.into_iter().flatten().filter_map(render);
        texts.extend(stamps.map(|stamp| stamp.to_string()));
    }
    if !ranges.is_empty() {
        texts.extend(around_ranges(&ranges));
    }
    // And what is no number, date or address.
    texts.push("x".to_owned());
    texts
}

fn around_numbers(thresholds: &[&str]) -> Vec<String> {
    // One digit more than any threshold has after its point.
    let digits = thresholds.iter().map(|text| text.len()).max().unwrap_or(0);
    let mut texts = Vec::new();
    for text in thresholds.iter().chain(&["0"]) {
        texts.push((*text).to_owned());
        let magnitude = text.trim_start_matches(['+', '-']);
        let point = if magnitude.contains('.') { "" } else { "." };
        let beyond = format!("{magnitude}{point}{}1", "0".repeat(digits));
        if !text.starts_with('-') {
            texts.push(beyond.clone());
        }
        let zero = literal::Decimal::parse(magnitude)
            .zip(literal::Decimal::parse("0"))
            .is_some_and(|(magnitude, zero)| magnitude.compare(&zero).is_eq());
        if zero {
            texts.push(beyond.clone());
        }
        if zero || text.starts_with('-') {
            texts.push(format!("-{beyond}"));
        }
    }
    texts
}

fn around_ranges(ranges: &[&Range]) -> Vec<String> {
    let mut fours = vec![0_u32];
    // Behind the block that stands for IPv4 addresses; a usual address of documentation.
    let mut sixes = vec![0_u128, 1 << 48, 0x2001_0db8 << 96];
    for range in ranges {
        match range {
            Range::V4 { network, mask } => {
                fours.push(*network);
                fours.extend((network | !mask).checked_add(1));
            }
            Range::V6 { network, mask } => {
                sixes.push(*network);
                sixes.extend((network | !mask).checked_add(1));
            }
        }
    }
    let fours = fours
        .into_iter()
        .map(|four| IpAddr::V4(Ipv4Addr::from(four)));
    let sixes = sixes.into_iter().map(|six| IpAddr::V6(Ipv6Addr::from(six)));
    fours
        .chain(sixes)
        .map(|address| address.to_string())
        .collect()
}

/// How many values a key has in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    Single,
    Multiple,
    /// Not known.
    Either,
}

/// Keys are single-valued but for those that AWS documents otherwise; of a name that is no key of
/// AWS nothing is known.
pub(super) fn arity(key: &str) -> Arity {
    if MULTIVALUED.contains(&key) || key.ends_with(":amr") {
        Arity::Multiple
    } else if key.contains(':') {
        Arity::Single
    } else {
        Arity::Either
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const MULTIVALUED: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "sts:transitivetagkeys",
];
/// Combinations of ways that are walked.
const WAY_LIMIT: usize = 256;
/// Patterns of which a likely text is tried.
const LIKELY_LIMIT: usize = 256;
