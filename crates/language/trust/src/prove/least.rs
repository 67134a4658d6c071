//! The narrowest trust policy that admits given subjects, with the proof that it is.

use std::collections::BTreeMap;

use rolecall_source::SourceText;

use super::compare::{Answer, Undecided, Witness, reachable};
use crate::TrustError;
use crate::compiled::{CompiledPolicy, Decision};
use crate::policy::Policy;
use crate::request::Context;
use crate::web_identity::{WebIdentity, provider_prefix};
use crate::write_time::{WriteError, counted_size, validate_trust_policy_within};

/// How narrow a policy [`least`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Lists the subjects; admits nothing else.
    Exact,
    /// Patterns in the subjects' own format: what they have in common stands there, segments in
    /// which they differ are `*`.
    Pattern,
}

/// The narrowest policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Least {
    /// The policy's JSON text, indented.
    pub text: String,
    /// Characters that count against the quota of IAM.
    pub size: usize,
    /// The subjects or patterns that it names, `*` and `?` being wildcards where `patterns` is set.
    pub values: Vec<String>,
    /// Whether the values are patterns.
    pub patterns: bool,
    /// A token with another subject that enters too; `None` where it is proved that none does.
    pub admits_more: Option<Box<Witness>>,
}

/// Why there is no such policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeastError {
    /// There are no subjects: a policy for nobody is none.
    #[error("there are no subjects")]
    NoSubjects,
    /// It is longer than IAM takes.
    #[error(
        "the policy for {subjects} subjects has {size} characters, and IAM takes {quota} at most"
    )]
    TooLong {
        /// How many subjects there are.
        subjects: usize,
        /// The policy's size, in characters that count.
        size: usize,
        /// The most that IAM takes.
        quota: usize,
    },
    /// IAM would refuse it.
    #[error("IAM would refuse the policy: {0}")]
    Refused(#[from] WriteError),
    /// What was made does not read as a policy: a fault of ours.
    #[error(transparent)]
    Unreadable(#[from] TrustError),
    /// A subject is not admitted by what was made for it: a fault of ours.
    #[error("the policy that was made does not admit `{0}`")]
    NotAdmitted(String),
    /// The proof was not found: a fault of ours.
    #[error("it was not proved what else the policy admits: {}", .0.what)]
    Unproved(Undecided),
}

/// Makes the narrowest policy that admits tokens of `provider` (an ARN, or the host name of one
/// built into AWS) for `audience` with one of the subjects. `quota` is IAM's limit in characters
/// without whitespace outside of texts: 2048, or as it was raised.
///
/// # Errors
/// [`LeastError`], where IAM would not take the policy.
pub fn least(
    subjects: &[String],
    audience: &str,
    provider: &str,
    width: Width,
    quota: usize,
) -> Result<Least, LeastError> {
    let mut subjects = subjects.to_vec();
    subjects.sort_unstable();
    subjects.dedup();
    if subjects.is_empty() {
        return Err(LeastError::NoSubjects);
    }
    let values: Vec<Value> = match width {
        Width::Exact => subjects.iter().map(|text| Value::text(text)).collect(),
        Width::Pattern => patterns(&subjects),
    };
    let patterns = values.iter().any(|value| value.is_pattern);
    let spelt: Vec<String> = values
        .iter()
        .map(|value| match patterns {
            true => value.pattern.clone(),
            false => escaped(&value.text, false),
        })
        .collect();
    let text = written(&spelt, patterns, audience, provider, "");
    let size = counted_size(&text);
    if size > quota {
        return Err(LeastError::TooLong {
            subjects: subjects.len(),
            size,
            quota,
        });
    }
    validate_trust_policy_within(&text, quota)?;
    let compile = |text: &str| {
        let policy = Policy::parse(&SourceText::new("policy", text))?;
        Ok::<_, TrustError>(CompiledPolicy::compile(&policy))
    };
    let compiled = compile(&text)?;
    for subject in &subjects {
        let caller = WebIdentity::plain(provider, audience, subject);
        if caller.decide(&compiled, Context::new()) != Decision::Allow {
            return Err(LeastError::NotAdmitted(subject.clone()));
        }
    }
    // Whatever is left once the subjects are shut out enters beyond them.
    let shut_out: Vec<String> = subjects.iter().map(|text| escaped(text, false)).collect();
    let denied = denial(&shut_out, provider);
    let rest = compile(&written(&spelt, patterns, audience, provider, &denied))?;
    let admits_more = match reachable(&rest) {
        Answer::Nothing => None,
        Answer::More(witness) => Some(witness),
        Answer::Undecided(undecided) => return Err(LeastError::Unproved(undecided)),
    };
    Ok(Least {
        text,
        size,
        values: spelt,
        patterns,
        admits_more,
    })
}

impl WebIdentity {
    /// A token with nothing but a subject and an audience.
    pub fn plain(provider: &str, audience: &str, subject: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            prefix: provider_prefix(provider).to_owned(),
            audience: audience.to_owned(),
            original_audience: None,
            subject: subject.to_owned(),
            amr: Vec::new(),
            claims: serde_json::Map::new(),
            tags: BTreeMap::new(),
            transitive: Vec::new(),
            source_identity: None,
            role_authorized: false,
        }
    }
}

/// A value of the condition on the subject.
struct Value {
    text: String,
    pattern: String,
    is_pattern: bool,
}

impl Value {
    fn text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            pattern: escaped(text, true),
            is_pattern: false,
        }
    }
}

/// Patterns for subjects, one for those whose segments are divided alike and differ in one place.
fn patterns(subjects: &[String]) -> Vec<Value> {
    let mut forms: BTreeMap<String, Vec<Vec<&str>>> = BTreeMap::new();
    for subject in subjects {
        let separators = subject.chars().filter(|char| SEPARATORS.contains(char));
        let segments = subject.split(SEPARATORS).collect();
        let form = forms.entry(separators.collect()).or_default();
        form.push(segments);
    }
    let mut values = Vec::new();
    for (separators, members) in forms {
        generalise(&separators, &members, &mut values);
    }
    values
}

fn generalise(separators: &str, members: &[Vec<&str>], values: &mut Vec<Value>) {
    let Some(first) = members.first() else {
        return;
    };
    let distinct = |at: usize| {
        let mut texts: Vec<&str> = members.iter().map(|segments| segments[at]).collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    let varying: Vec<usize> = (0..first.len())
        .filter(|at| distinct(*at).len() > 1)
        .collect();
    let Some(few) = varying
        .iter()
        .min_by_key(|at| distinct(**at).len())
        .copied()
    else {
        values.push(Value::text(&joined(separators, first, &[], false)));
        return;
    };
    if varying.len() > 1 && distinct(few).len() <= SPLIT_LIMIT {
        for text in distinct(few) {
            let own: Vec<Vec<&str>> = members
                .iter()
                .filter(|segments| segments[few] == text)
                .cloned()
                .collect();
            generalise(separators, &own, values);
        }
        return;
    }
    values.push(Value {
        text: String::new(),
        pattern: joined(separators, first, &varying, true),
        is_pattern: true,
    });
}

/// Segments with their separators, `*` in some places.
fn joined(separators: &str, segments: &[&str], wild: &[usize], escape: bool) -> String {
    let mut text = String::new();
    let mut separators = separators.chars();
    for (at, segment) in segments.iter().enumerate() {
        match (wild.contains(&at), escape) {
            (true, _) => text.push('*'),
            (false, true) => text.push_str(&escaped(segment, true)),
            (false, false) => text.push_str(segment),
        }
        text.extend(separators.next());
    }
    text
}

/// A text in which nothing is a policy variable nor, for patterns, a wildcard.
fn escaped(text: &str, wildcards: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '$' if chars.peek() == Some(&'{') => escaped.push_str("${$}"),
            '*' | '?' if wildcards => {
                escaped.push_str("${");
                escaped.push(char);
                escaped.push('}');
            }
            char => escaped.push(char),
        }
    }
    escaped
}

/// The policy; `further` are statements that follow.
fn written(
    values: &[String],
    patterns: bool,
    audience: &str,
    provider: &str,
    further: &str,
) -> String {
    let prefix = provider_prefix(provider);
    let (aud, sub) = (
        json(&format!("{prefix}:aud")),
        json(&format!("{prefix}:sub")),
    );
    let audience = json(&escaped(audience, false));
    let values = list(values);
    let conditions = match patterns {
        false => format!(
            "\"StringEquals\": {{\n          {aud}: {audience},\n          {sub}: {values}\n        }}"
        ),
        true => format!(
            "\"StringEquals\": {{\n          {aud}: {audience}\n        }},\n        \
             \"StringLike\": {{\n          {sub}: {values}\n        }}"
        ),
    };
    format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {{\n      \"Effect\": \"Allow\",\n      \
         \"Principal\": {{\n        \"Federated\": {}\n      }},\n      \
         \"Action\": \"sts:AssumeRoleWithWebIdentity\",\n      \"Condition\": {{\n        {conditions}\n      }}\n    }}{further}\n  ]\n}}\n",
        json(provider)
    )
}

fn denial(subjects: &[String], provider: &str) -> String {
    let sub = json(&format!("{}:sub", provider_prefix(provider)));
    format!(
        ",\n    {{\"Effect\": \"Deny\", \"Principal\": {{\"Federated\": {}}}, \"Action\": \"sts:*\", \
         \"Condition\": {{\"StringEquals\": {{{sub}: {}}}}}}}",
        json(provider),
        list(subjects)
    )
}

fn list(values: &[String]) -> String {
    match values {
        [one] => json(one),
        many => {
            let items: Vec<String> = many
                .iter()
                .map(|value| format!("            {}", json(value)))
                .collect();
            format!("[\n{}\n          ]", items.join(",\n"))
        }
    }
}

/// A JSON text within the characters that IAM takes as they are.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let mut shown = String::with_capacity(quoted.len());
    for char in quoted.chars() {
        if ('\u{7f}'..='\u{9f}').contains(&char) || char > '\u{ff}' {
            for unit in char.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(char);
        }
    }
    shown
}

/// What divides the segments of subjects.
const SEPARATORS: [char; 2] = [':', '/'];
/// Values in one place that are kept apart where subjects differ in several.
const SPLIT_LIMIT: usize = 8;
