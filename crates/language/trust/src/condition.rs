//! Conditions: one operator, one key, the values that are allowed.

use crate::arn::ArnPattern;
use crate::literal::{self, Decimal, Range};
use crate::operator::{Operator, Set, Test};
use crate::policy::{Condition, Effect};
use crate::request::{Context, ContextValue};
use crate::template::{Template, text_of};
use crate::wildcard::Wildcard;

/// A condition with its key lower-cased and its values read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompiledCondition {
    pub(crate) operator: Operator,
    pub(crate) key: String,
    operands: Vec<Operand>,
    /// A condition of a Deny: an ARN that cannot be read counts there.
    denies: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Text(String),
    Like(Wildcard),
    Arn(Option<ArnPattern>),
    /// Depends on the request.
    Variable(Template),
    Number(Decimal),
    Date(i64),
    Bool(bool),
    Binary(Vec<u8>),
    Ip(Range),
    /// Cannot be read as its operator needs it: equals nothing.
    Unreadable,
    /// Known to a template engine only: no condition with it holds.
    Unknown,
}

/// One request value against one policy value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// Fails the condition, negated or not.
    Never,
}

impl CompiledCondition {
    pub(crate) fn compile(condition: &Condition, effect: Effect, variables: bool) -> Self {
        let operator = condition.operator;
        Self {
            operator,
            key: condition.key.to_lowercase(),
            operands: condition
                .values
                .iter()
                .map(|value| match value.symbolic {
                    true => Operand::Unknown,
                    false => Operand::read(operator, &value.text, variables),
                })
                .collect(),
            denies: effect == Effect::Deny,
        }
    }

    /// Whether the condition holds for a request.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        let found = context.lowered(&self.key);
        if self.operator.test == Test::Null {
            // AWS's policy checks call a set prefix before Null constant.
            if let Some(set) = self.operator.set {
                return set == Set::All;
            }
            let absent = Operand::Bool(found.is_none());
            return self.operands.contains(&absent);
        }
        let Some(found) = found else {
            return match self.operator.set {
                _ if self.operator.if_exists => true,
                Some(Set::All) => true,
                Some(Set::Any) => false,
                None => self.operator.negated,
            };
        };
        match (self.operator.set, found) {
            (None, ContextValue::Single(value)) => self.accepts(value, context),
            (None, ContextValue::Multiple(_)) => false,
            (Some(Set::All), _) => found
                .values()
                .iter()
                .all(|value| self.accepts(value, context)),
            (Some(Set::Any), _) => found
                .values()
                .iter()
                .any(|value| self.accepts(value, context)),
        }
    }

    /// Whether one request value passes: one policy value fits or, negated, none does.
    pub(crate) fn accepts(&self, value: &str, context: &Context) -> bool {
        let lowered = match self.operator.test {
            Test::StringEqualsIgnoreCase => Some(value.to_lowercase()),
            _ => None,
        };
        let value = lowered.as_deref().unwrap_or(value);
        // With no values, IfExists and the set operators leave only the absent key.
        if self.operands.is_empty() && (self.operator.if_exists || self.operator.set.is_some()) {
            return false;
        }
        let mut fits = self
            .operands
            .iter()
            .map(|operand| self.fit(operand, value, context));
        if self.operator.negated {
            fits.all(|fit| fit == Fit::No)
        } else {
            fits.any(|fit| fit == Fit::Yes)
        }
    }

    fn fit(&self, operand: &Operand, value: &str, context: &Context) -> Fit {
        match operand {
            Operand::Text(wanted) => yes(wanted == value),
            Operand::Like(pattern) => yes(pattern.matches(value)),
            Operand::Arn(pattern) => self.arn(pattern.as_ref(), value),
            Operand::Variable(template) => {
                let Some(tokens) = template.expand(context) else {
                    return Fit::No;
                };
                match self.operator.test {
                    Test::StringLike => yes(Wildcard::from_tokens(&tokens).matches(value)),
                    Test::Arn => self.arn(ArnPattern::from_tokens(&tokens).as_ref(), value),
                    Test::StringEqualsIgnoreCase => yes(text_of(&tokens).to_lowercase() == value),
                    _ => yes(text_of(&tokens) == value),
                }
            }
            Operand::Number(wanted) => match (Decimal::parse(value), self.operator.test) {
                (Some(number), Test::Numeric(order)) => yes(order.holds(number.compare(wanted))),
                _ => Fit::No,
            },
            Operand::Date(wanted) => match (literal::date(value), self.operator.test) {
                (Some(date), Test::Date(order)) => yes(order.holds(date.cmp(wanted))),
                _ => Fit::No,
            },
            Operand::Bool(wanted) => yes(value.eq_ignore_ascii_case("true") == *wanted),
            Operand::Binary(wanted) => yes(literal::binary(value).as_ref() == Some(wanted)),
            Operand::Ip(range) => {
                literal::address(value).map_or(Fit::Never, |address| yes(range.contains(address)))
            }
            Operand::Unreadable => Fit::No,
            Operand::Unknown => Fit::Never,
        }
    }

    fn arn(&self, pattern: Option<&ArnPattern>, value: &str) -> Fit {
        match pattern {
            Some(pattern) => pattern.matches(value).map_or(Fit::Never, yes),
            None if self.denies => Fit::No,
            None => Fit::Never,
        }
    }
}

impl Operand {
    fn read(operator: Operator, text: &str, variables: bool) -> Self {
        let parsed = match operator.test {
            Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike | Test::Arn => {
                return Self::pattern(operator, text, variables);
            }
            Test::Numeric(_) => Decimal::parse(text).map(Self::Number),
            Test::Date(_) => literal::date(text).map(Self::Date),
            Test::Bool | Test::Null => literal::boolean(text).map(Self::Bool),
            Test::Binary => literal::binary(text).map(Self::Binary),
            Test::Ip => Range::parse(text).map(Self::Ip),
        };
        parsed.unwrap_or(Self::Unreadable)
    }

    fn pattern(operator: Operator, text: &str, variables: bool) -> Self {
        let wildcards = matches!(operator.test, Test::StringLike | Test::Arn);
        let template = Template::new(text, variables && operator.takes_variables(), wildcards);
        let Some(tokens) = template.constant() else {
            return Self::Variable(template);
        };
        match operator.test {
            Test::StringLike => Self::Like(Wildcard::from_tokens(&tokens)),
            Test::Arn => Self::Arn(ArnPattern::from_tokens(&tokens)),
            Test::StringEqualsIgnoreCase => Self::Text(text_of(&tokens).to_lowercase()),
            _ => Self::Text(text_of(&tokens)),
        }
    }
}

fn yes(fits: bool) -> Fit {
    if fits { Fit::Yes } else { Fit::No }
}
