//! Which attributes a tenant's workloads have, so that a format is checked when it is written and
//! not when the first token fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::shown;
use crate::form::Form;
use crate::run_scope::{self, INPUTS};
use crate::{Attributes, MintError};

/// An attribute as a tenant declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeText {
    /// What it says about a workload, for people.
    pub description: String,
    /// A value that one could have, for people and previews.
    pub example: Option<String>,
    /// The values that it may have; any of its form where there are none.
    pub values: Vec<String>,
    /// Values that it must not have.
    pub not: Vec<String>,
    /// The form of its values.
    pub form: Form,
    /// What stands for it where a workload does not have it. Without one, a missing attribute is
    /// an error.
    pub stand_in: Option<String>,
    /// Whether `/`, `|`, `@` and `+` stay as they are inside its values, even where the subject
    /// format uses them between attributes. Possible for one attribute of a segment.
    pub plain: bool,
    /// What it is computed from. A workload cannot have such an attribute of its own.
    pub derived: Option<Derived>,
}

/// How an attribute is computed from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// `read` or `write`, from `runType`, `autodeploy` and `phase`, as Spacelift decides it.
    RunScope,
}

/// A checked declaration of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeRule {
    text: AttributeText,
}

/// The declared attributes of a tenant or a preset. Empty, anything is possible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredAttributes(BTreeMap<String, Arc<AttributeRule>>);

/// Where the value of a placeholder came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The workload has the attribute.
    Attribute,
    /// The workload does not have it; the declared stand-in was taken.
    StandIn,
    /// It was computed from other attributes.
    Derived,
}

/// Why a placeholder has no value.
pub(crate) enum Unresolved {
    /// The attribute of this name is missing.
    Missing(String),
    /// The value breaks a rule.
    Refused(String),
}

impl DeclaredAttributes {
    /// Checks declarations: names that a placeholder can have, stand-ins that no value can be
    /// mistaken for, allowed values and examples of the form that is declared.
    ///
    /// # Errors
    /// `Declared` with the attribute and the rule that it breaks.
    pub fn read(texts: &BTreeMap<String, AttributeText>) -> Result<Self, MintError> {
        let rules = texts.iter().map(|(name, text)| {
            check(name, text).map_err(|why| MintError::Declared {
                name: shown(name),
                why,
            })?;
            let rule = AttributeRule { text: text.clone() };
            Ok((name.clone(), Arc::new(rule)))
        });
        rules.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn of(rules: impl IntoIterator<Item = (String, Arc<AttributeRule>)>) -> Self {
        Self(rules.into_iter().collect())
    }

    /// These, with those of `other` in addition; where both declare one, the other's counts.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(
            other
                .0
                .iter()
                .map(|(name, rule)| (name.clone(), Arc::clone(rule))),
        );
        Self(all)
    }

    /// Whether nothing is declared, so that any attribute is possible.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The names with what is declared of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeRule)> {
        self.0.iter().map(|(name, rule)| (name.as_str(), &**rule))
    }

    /// What is declared of one.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&Arc<AttributeRule>> {
        self.0.get(name)
    }

    /// Refuses a value that a workload's attribute must not have. Attributes that are not declared
    /// may have any.
    ///
    /// # Errors
    /// What is wrong with the value, to be put after it.
    pub fn check_value(&self, name: &str, value: &str) -> Result<(), String> {
        let Some(rule) = self.rule(name) else {
            return Ok(());
        };
        if rule.text.derived.is_some() {
            return Err(format!(
                "is not for a workload to have: it is computed from {}",
                quoted(INPUTS)
            ));
        }
        rule.check(value)
    }
}

impl AttributeRule {
    pub(crate) fn of_form(form: Form) -> Arc<Self> {
        let text = AttributeText {
            form,
            ..AttributeText::default()
        };
        Arc::new(Self { text })
    }

    /// The declaration as it was written.
    #[must_use]
    pub fn text(&self) -> &AttributeText {
        &self.text
    }

    /// Whether a workload may be without it.
    #[must_use]
    pub fn has_stand_in(&self) -> bool {
        self.text.stand_in.is_some()
    }

    /// The attributes that it is computed from, of which a token may need each.
    #[must_use]
    pub fn inputs(&self) -> &'static [&'static str] {
        match self.text.derived {
            Some(Derived::RunScope) => INPUTS,
            None => &[],
        }
    }

    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        let values = &self.text.values;
        if !values.is_empty() {
            return if values.iter().any(|allowed| allowed == value) {
                Ok(())
            } else {
                let near = rolecall_source::nearest(value, values.iter().map(String::as_str));
                Err(format!(
                    "is `{}`; possible are {}{}",
                    shown(value),
                    quoted(values),
                    crate::error::did_you_mean(&near.map(str::to_owned))
                ))
            };
        }
        if self.text.not.iter().any(|refused| refused == value) {
            return Err(format!("must not be `{}`", shown(value)));
        }
        self.text.form.check(value)
    }
}

/// The value that a placeholder stands for, and where it comes from.
pub(crate) fn resolve<'a>(
    attributes: &'a Attributes,
    name: &str,
    rule: Option<&'a AttributeRule>,
) -> Result<(&'a str, Source), Unresolved> {
    let Some(rule) = rule else {
        return attributes
            .value(name)
            .map(|value| (value, Source::Attribute))
            .ok_or_else(|| Unresolved::Missing(name.to_owned()));
    };
    if let Some(Derived::RunScope) = rule.text.derived {
        return run_scope::of(attributes).map(|scope| (scope.as_str(), Source::Derived));
    }
    match (attributes.value(name), &rule.text.stand_in) {
        (Some(value), _) => match rule.check(value) {
            Ok(()) => Ok((value, Source::Attribute)),
            Err(why) => Err(Unresolved::Refused(why)),
        },
        (None, Some(stand_in)) => Ok((stand_in, Source::StandIn)),
        (None, None) => Err(Unresolved::Missing(name.to_owned())),
    }
}

fn check(name: &str, text: &AttributeText) -> Result<(), String> {
    crate::template::check_name(name).map_err(|(_, problem)| problem.to_string())?;
    if text.values.len() > MOST_VALUES {
        return Err(format!("at most {MOST_VALUES} values are possible"));
    }
    for value in &text.values {
        text.form
            .check(value)
            .map_err(|why| format!("one of its `values` {why}"))?;
    }
    if let Some(example) = &text.example {
        text.form
            .check(example)
            .map_err(|why| format!("its `example` {why}"))?;
    }
    if let Some(stand_in) = &text.stand_in {
        let fits = (1..=64).contains(&stand_in.len())
            && stand_in
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.<>-".contains(&b));
        if !fits {
            return Err(
                "its `stand_in` must be 1 to 64 letters, digits and `_.-<>`, so that it can stand in any subject".to_owned(),
            );
        }
    }
    if text.derived.is_some()
        && (text.stand_in.is_some() || !text.values.is_empty() || text.form != Form::Any)
    {
        return Err("what is `derived` has no `stand_in`, `values` or `form`".to_owned());
    }
    Ok(())
}

pub(crate) fn quoted<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect();
    words.join(", ")
}

const MOST_VALUES: usize = 100;
