use std::fmt;
use std::str::FromStr;

use crate::{AskError, Asker, text_deserialize};

/// A text with placeholders: `{workload}` and any attribute of the asker by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A stretch of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Characters that stand for themselves.
    Literal {
        text: String,
        /// Where it begins, in characters, from 1.
        column: usize,
    },
    /// The name between two braces.
    Placeholder(String),
}

impl Template {
    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text for this asker.
    ///
    /// # Errors
    /// [`AskError::MissingAttribute`] where a placeholder names something that the asker lacks.
    pub fn render(&self, asker: &Asker) -> Result<String, AskError> {
        self.render_with(asker, str::to_owned)
    }

    /// Renders with every value (not the literals) passed through `fit`.
    pub(crate) fn render_with(
        &self,
        asker: &Asker,
        fit: impl Fn(&str) -> String,
    ) -> Result<String, AskError> {
        let mut rendered = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Literal { text, .. } => rendered.push_str(text),
                Part::Placeholder(name) => {
                    let value = asker
                        .value(name)
                        .ok_or_else(|| AskError::MissingAttribute {
                            template: self.text.clone(),
                            attribute: name.clone(),
                            workload: asker.workload().to_owned(),
                            known: asker.known(),
                        })?;
                    rendered.push_str(&fit(value));
                }
            }
        }
        Ok(rendered)
    }

    /// Refuses what stands for itself and cannot stand in `what`, which takes `taken`.
    pub(crate) fn with_literals(
        self,
        allowed: impl Fn(char) -> bool,
        what: &str,
        taken: &str,
    ) -> Result<Self, AskError> {
        for part in &self.parts {
            let Part::Literal { text, column } = part else {
                continue;
            };
            let wrong = text.chars().enumerate().find(|(_, one)| !allowed(*one));
            if let Some((at, character)) = wrong {
                return Err(AskError::Template {
                    given: self.text,
                    column: column + at,
                    why: format!(
                        "`{}` cannot stand in {what}, which takes {taken}",
                        character.escape_debug()
                    ),
                });
            }
        }
        Ok(self)
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl FromStr for Template {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |column: usize, why: String| AskError::Template {
            given: text.to_owned(),
            column,
            why,
        };
        let mut parts = Vec::new();
        let mut rest = text;
        let mut column = 1;
        while !rest.is_empty() {
            let brace = rest.find(['{', '}']).unwrap_or(rest.len());
            let (literal, behind) = rest.split_at(brace);
            if !literal.is_empty() {
                parts.push(Part::Literal {
                    text: literal.to_owned(),
                    column,
                });
                column += literal.chars().count();
            }
            rest = behind;
            if rest.starts_with('}') {
                return Err(wrong(column, "`}` closes nothing".to_owned()));
            }
            let Some(inside) = rest.strip_prefix('{') else {
                continue;
            };
            let Some(end) = inside.find('}') else {
                return Err(wrong(column, "`{` is never closed by `}`".to_owned()));
            };
            let name = &inside[..end];
            let well_formed = !name.is_empty()
                && name.chars().all(|character| {
                    character.is_ascii_alphanumeric() || "_-.".contains(character)
                });
            if !well_formed {
                return Err(wrong(
                    column + 1,
                    format!("`{name}` is not the name of an attribute"),
                ));
            }
            parts.push(Part::Placeholder(name.to_owned()));
            column += name.chars().count() + 2;
            rest = &inside[end + 1..];
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

text_deserialize!(Template);
