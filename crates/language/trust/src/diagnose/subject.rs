//! How two segments of subjects are related: the same thing spelt otherwise, another context, or
//! simply something else.

use crate::reason::Difference;

/// What the difference between two segments means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kin {
    /// The same thing in another spelling; how, in words.
    Spelling(&'static str),
    /// Another context: what kind, in a word.
    Context(String),
    /// Neither.
    Other,
}

/// How the segments of a difference are related.
pub(crate) fn kin(found: &Difference) -> Kin {
    let (Some(expected), Some(actual)) = (found.expected.as_deref(), found.actual.as_deref())
    else {
        return Kin::Other;
    };
    if expected.trim() == actual.trim() {
        return Kin::Spelling("in white space only");
    }
    if expected.eq_ignore_ascii_case(actual) {
        return Kin::Spelling("in letter case only");
    }
    if without_ids(expected) == without_ids(actual) {
        return Kin::Spelling("in the immutable IDs behind the names");
    }
    let label = found.label.as_deref().unwrap_or_default();
    if SUBSTITUTES.contains(&actual) || SUBSTITUTES.contains(&expected) {
        return Kin::Context("context: it stands for no single one".to_owned());
    }
    let known = |text: &str| {
        CONTEXT_VALUES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(text))
    };
    if known(expected) && known(actual) {
        let what = if CONTEXT_LABELS.contains(&label) {
            label
        } else {
            "trigger"
        };
        return Kin::Context(what.to_owned());
    }
    if CONTEXT_LABELS.contains(&label) && !near(expected, actual) && !expected.contains(['*', '?'])
    {
        return Kin::Context(label.to_owned());
    }
    let (short, long) = if expected.len() < actual.len() {
        (expected, actual)
    } else {
        (actual, expected)
    };
    let rest = long.strip_prefix(short).unwrap_or_default();
    if rest.len() > 6 && rest.starts_with(['-', '@', '_', '.']) && looks_like_id(&rest[1..]) {
        return Kin::Spelling("in the ID behind the name");
    }
    let named = |text: &str| !text.bytes().any(|byte| byte.is_ascii_digit());
    let unique = |text: &str| text.len() >= 26 && looks_like_id(text);
    if named(expected) && unique(actual) || named(actual) && unique(expected) {
        return Kin::Spelling("as a name does from an ID");
    }
    Kin::Other
}

/// A text without the `@123` that GitHub puts behind names.
pub(crate) fn without_ids(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        clean.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    clean.push_str(rest);
    clean
}

/// Whether a segment is a number, UUID or ULID rather than a name.
fn looks_like_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = !text.is_empty() && digits == text.len();
    let uuid = text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4;
    let ulid = text.len() == 26
        && digits > 0
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    number || uuid || ulid
}

/// Whether one is probably a slip of the other.
fn near(one: &str, other: &str) -> bool {
    rolecall_source::nearest(one, std::iter::once(other)).is_some()
}

/// What issuers write where there is no single deployment or region.
const SUBSTITUTES: &[&str] = &["global", "control-plane"];
const CONTEXT_LABELS: &[&str] = &[
    "component",
    "region",
    "scope",
    "run_phase",
    "run_type",
    "ref",
    "environment",
    "ref_type",
    "caller_type",
    "step",
    "pull_request",
];
const CONTEXT_VALUES: &[&str] = &[
    "cube_api",
    "cube_store",
    "ai_engineer",
    "plan",
    "apply",
    "read",
    "write",
    "PROPOSED",
    "TRACKED",
    "TASK",
    "TESTING",
    "DESTROY",
    "pull_request",
    "environment",
    "ref",
    "branch",
    "tag",
];
