//! Conditions as the proofs read them: which texts a condition accepts, as patterns where that can
//! be told by patterns, else as the few values at which its answer can change.

use rolecall_source::Span;

use super::pattern::Pattern;
use crate::condition::CompiledCondition;
use crate::literal;
use crate::operator::Test;
use crate::policy::{Condition, Effect};
use crate::template::{Template, text_of};

/// A condition, and what is known of the values that it accepts.
#[derive(Debug, Clone)]
pub(super) struct Predicate {
    pub(super) condition: CompiledCondition,
    pub(super) shape: Shape,
    /// Where it stands, and in which of the two policies.
    pub(super) span: Span,
    pub(super) side: usize,
    identity: Identity,
}

/// Conditions of equal identity hold for the same requests.
type Identity = (String, crate::operator::Operator, Vec<String>, bool, bool);

/// How the texts that a condition accepts are told.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// By patterns.
    Regular {
        patterns: Vec<Pattern>,
        /// Accepted is what fits none of them.
        complement: bool,
        /// And is an ARN besides.
        arn: bool,
    },
    /// By thresholds: between two neighbours of these the answer never changes.
    Number(Vec<String>),
    /// Likewise, in milliseconds since the epoch.
    Date(Vec<i64>),
    /// Likewise, first and last addresses of ranges.
    Address(Vec<literal::Range>),
    /// Whether the key is there.
    Presence,
    /// Depends on other keys of the request. The words name the construct; the templates are the
    /// values.
    Variable(String, Vec<Template>),
    /// Depends on what only a template engine knows.
    Unknown(String),
}

/// What a text has to be.
#[derive(Debug, Clone)]
pub(super) enum Constraint {
    In(Vec<Pattern>),
    NotIn(Vec<Pattern>),
}

impl Predicate {
    /// `obscure` tells whether a key that only a template engine knows may be that of another
    /// condition.
    pub(super) fn new(
        condition: &Condition,
        compiled: &CompiledCondition,
        statement: (Effect, bool),
        obscure: bool,
        side: usize,
    ) -> Self {
        let (effect, variables) = statement;
        let mut values: Vec<String> = condition
            .values
            .iter()
            .map(|value| value.text.clone())
            .collect();
        values.sort_unstable();
        values.dedup();
        let takes_variables = variables && condition.operator.takes_variables();
        let denies = effect == Effect::Deny && condition.operator.test == Test::Arn;
        Self {
            shape: shape(condition, obscure, takes_variables, denies),
            condition: compiled.clone(),
            span: condition.span,
            side,
            identity: (
                compiled.key.clone(),
                condition.operator,
                values,
                takes_variables,
                denies,
            ),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    pub(super) fn key(&self) -> &str {
        &self.condition.key
    }

    /// What the proofs cannot see through, in words.
    pub(super) fn outside(&self) -> Option<&str> {
        match &self.shape {
            Shape::Variable(what, _) | Shape::Unknown(what) => Some(what),
            _ => None,
        }
    }

    /// Ways in which a text is accepted or, with `accepted` off, is not. `None` where patterns do
    /// not tell.
    pub(super) fn ways(&self, accepted: bool) -> Option<Vec<Vec<Constraint>>> {
        let Shape::Regular {
            patterns,
            complement,
            arn,
        } = &self.shape
        else {
            return None;
        };
        let inside = Constraint::In(patterns.clone());
        let outside = Constraint::NotIn(patterns.clone());
        let arns = vec![Pattern::any_arn()];
        Some(match (accepted != *complement, *arn) {
            (true, false) => vec![vec![inside]],
            (false, false) => vec![vec![outside]],
            // Accepted: an ARN that fits none. Refused: one that fits, or no ARN.
            (false, true) => vec![vec![Constraint::In(arns), outside]],
            (true, true) => vec![vec![inside], vec![Constraint::NotIn(arns)]],
        })
    }
}

fn shape(condition: &Condition, obscure: bool, variables: bool, denies: bool) -> Shape {
    if condition.key_symbolic && obscure {
        return Shape::Unknown(format!(
            "the condition key `{}`, which only a template engine knows",
            condition.key
        ));
    }
    if let Some(value) = condition.values.iter().find(|value| value.symbolic) {
        return Shape::Unknown(format!(
            "the value `{}`, which only a template engine knows",
            value.text
        ));
    }
    let operator = condition.operator;
    let texts = condition.values.iter().map(|value| value.text.as_str());
    let leaves_absent = operator.if_exists || operator.set.is_some();
    let by_thresholds = matches!(
        operator.test,
        Test::Null | Test::Numeric(_) | Test::Date(_) | Test::Ip
    );
    if condition.values.is_empty() && leaves_absent && !by_thresholds {
        return regular(Vec::new(), false);
    }
    match operator.test {
        Test::Null => Shape::Presence,
        Test::Numeric(_) => Shape::Number(
            texts
                .filter(|text| literal::Decimal::parse(text).is_some())
                .map(str::to_owned)
                .collect(),
        ),
        Test::Date(_) => Shape::Date(texts.filter_map(literal::date).collect()),
        Test::Ip => Shape::Address(texts.filter_map(literal::Range::parse).collect()),
        Test::Binary => {
            let bytes: Vec<Vec<u8>> = texts.filter_map(literal::binary).collect();
            let encoded = bytes.iter().map(|bytes| literal::encoded(bytes));
            regular(encoded.map(|text| Pattern::exactly(&text)).collect(), false)
        }
        Test::Bool => {
            let wanted: Vec<bool> = texts.filter_map(literal::boolean).collect();
            let spelt = vec![Pattern::folded("true")];
            match (wanted.contains(&true), wanted.contains(&false)) {
                (true, true) => regular(vec![Pattern::anything()], false),
                (true, false) => regular(spelt, false),
                (false, true) => regular(spelt, true),
                (false, false) => regular(Vec::new(), false),
            }
        }
        Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike | Test::Arn => {
            patterns(condition, variables, denies)
        }
    }
}

fn patterns(condition: &Condition, variables: bool, denies: bool) -> Shape {
    let operator = condition.operator;
    let wildcards = matches!(operator.test, Test::StringLike | Test::Arn);
    let mut patterns = Vec::new();
    let mut unreadable = false;
    let mut arns = false;
    for value in &condition.values {
        let Some(tokens) = Template::new(&value.text, variables, wildcards).constant() else {
            let all = condition.values.iter();
            let templates = all.map(|value| Template::new(&value.text, variables, wildcards));
            let what = format!("the policy variable in `{}`", value.text);
            return Shape::Variable(what, templates.collect());
        };
        match operator.test {
            Test::StringLike => patterns.push(Pattern::like(&tokens)),
            Test::Arn => {
                let parts = tokens
                    .iter()
                    .filter(|token| **token == crate::wildcard::Token::Char(':'));
                if parts.count() < 5 {
                    unreadable = true;
                } else {
                    arns = true;
                    patterns.extend(Pattern::arn(&tokens));
                }
            }
            Test::StringEqualsIgnoreCase => {
                let text = text_of(&tokens).to_lowercase();
                if !text.is_ascii() {
                    let what = format!(
                        "letters beyond ASCII without letter case in `{}`",
                        value.text
                    );
                    return Shape::Variable(what, Vec::new());
                }
                patterns.push(Pattern::folded(&text));
            }
            _ => patterns.push(Pattern::exactly(&text_of(&tokens))),
        }
    }
    if operator.test == Test::Arn && operator.negated {
        // An operand that is no ARN fails the condition, except in a Deny, where it is passed over.
        return match (unreadable && !denies, arns) {
            (true, _) => regular(Vec::new(), false),
            (false, true) => Shape::Regular {
                patterns,
                complement: true,
                arn: true,
            },
            (false, false) => regular(vec![Pattern::anything()], false),
        };
    }
    regular(patterns, operator.negated)
}

fn regular(patterns: Vec<Pattern>, complement: bool) -> Shape {
    Shape::Regular {
        patterns,
        complement,
        arn: false,
    }
}
