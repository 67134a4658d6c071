//! Subjects compared segment by segment, so that the answer is "the component differs" rather than
//! "the texts differ".

use serde::Serialize;

use crate::wildcard::Wildcard;

/// The first place where a value leaves the pattern that it came nearest to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The policy's value that was compared.
    pub pattern: String,
    /// The segment's number in the pattern, from 0.
    pub segment: usize,
    /// The segment before it when that names it, as `component` does in `component:cube_api`.
    pub label: Option<String>,
    /// What the pattern has there; `None` when the pattern has ended.
    pub expected: Option<String>,
    /// What the value has there; `None` when the value has ended.
    pub actual: Option<String>,
    /// The pattern with that place, and that alone, as the value has it.
    pub corrected: String,
    /// How many segments agree before it.
    #[serde(skip)]
    pub(crate) agreed: usize,
}

impl Difference {
    /// The pattern with every place that differs as the value has it: it fits the value.
    pub(crate) fn mended(&self, value: &str, wildcards: bool) -> String {
        let mut corrected = self.corrected.clone();
        for _ in 0..2 * SEGMENT_LIMIT {
            match difference(&corrected, value, wildcards) {
                Some(next) => corrected = next.corrected,
                None => break,
            }
        }
        corrected
    }
}

/// Compares a value with a pattern (`*` and `?` are wildcards when `wildcards` is set). `None` when
/// every segment fits, or there are too many to compare.
pub fn difference(pattern: &str, value: &str, wildcards: bool) -> Option<Difference> {
    let wanted: Vec<&str> = pattern.split(':').collect();
    let found: Vec<&str> = value.split(':').collect();
    if wanted.len() > SEGMENT_LIMIT || found.len() > SEGMENT_LIMIT {
        return None;
    }
    let (row, column) = furthest(&wanted, &found, wildcards);
    let expected = wanted.get(row).copied();
    let actual = found.get(column).copied();
    if expected.is_none() && actual.is_none() {
        return None;
    }
    let label = row
        .checked_sub(1)
        .and_then(|before| wanted.get(before))
        .filter(|label| !label.is_empty() && !label.contains(['*', '?']))
        .map(|label| (*label).to_owned());
    let corrected = match (expected, actual) {
        (Some(_), Some(actual)) => {
            let mut corrected = wanted.clone();
            corrected[row] = actual;
            corrected.join(":")
        }
        (None, _) => format!("{pattern}:*"),
        (Some(_), None) => wanted[..row].join(":"),
    };
    Some(Difference {
        pattern: pattern.to_owned(),
        segment: row,
        label,
        expected: expected.map(str::to_owned),
        actual: actual.map(str::to_owned),
        corrected,
        agreed: row,
    })
}

/// How many segments of the pattern fit, and up to which segment of the value. A segment `*` may
/// stand for several.
fn furthest(wanted: &[&str], found: &[&str], wildcards: bool) -> (usize, usize) {
    let mut reached = vec![vec![false; found.len() + 1]; wanted.len() + 1];
    reached[0][0] = true;
    let mut best = (0, 0);
    for row in 0..=wanted.len() {
        for column in 0..=found.len() {
            if !reached[row][column] {
                continue;
            }
            if row > best.0 || row == best.0 && row == wanted.len() {
                best = (row, column);
            }
            let (Some(want), Some(find)) = (wanted.get(row), found.get(column)) else {
                continue;
            };
            if wildcards && *want == "*" {
                reached[row + 1][column + 1..].fill(true);
            } else if want == find || wildcards && Wildcard::new(want).matches(find) {
                reached[row + 1][column + 1] = true;
            }
        }
    }
    best
}

const SEGMENT_LIMIT: usize = 64;
