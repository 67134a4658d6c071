use std::fmt;
use std::str::FromStr;

use rolecall_names::ExternalId;

use crate::template::Part;
use crate::{AskError, Asker, Template, text_deserialize};

/// What a hop's trust policy expects in `sts:ExternalId`: one value, or a template over the asker,
/// as Spacelift composes `account@integration@stack@scope`.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalIdTemplate(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Given(ExternalId),
    Composed {
        template: Template,
        /// The characters between the values.
        separators: String,
    },
}

impl ExternalIdTemplate {
    /// The external ID for this asker. Nothing is replaced or cut in it: the role's owner was told
    /// another one then.
    ///
    /// # Errors
    /// A missing attribute; a value with a character that separates the values, by which one asker
    /// could have another's external ID; a text that AWS refuses.
    pub fn render(&self, asker: &Asker) -> Result<ExternalId, AskError> {
        let (template, separators) = match &self.0 {
            Form::Given(id) => return Ok(id.clone()),
            Form::Composed {
                template,
                separators,
            } => (template, separators),
        };
        for part in template.parts() {
            let Part::Placeholder(name) = part else {
                continue;
            };
            let value = asker.value(name).unwrap_or_default();
            if let Some(separator) = value.chars().find(|one| separators.contains(*one)) {
                return Err(AskError::Separator {
                    template: template.as_str().to_owned(),
                    attribute: name.clone(),
                    separator,
                });
            }
        }
        template
            .render(asker)?
            .parse()
            .map_err(|error| AskError::Rendered {
                template: template.as_str().to_owned(),
                error,
            })
    }
}

impl FromStr for ExternalIdTemplate {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Braces are no characters of an external ID: a text without one is meant as it stands.
        if !text.contains(['{', '}']) {
            let id = text
                .parse()
                .map_err(|error| AskError::ExternalId { error })?;
            return Ok(Self(Form::Given(id)));
        }
        let template = text.parse::<Template>()?.with_literals(
            allowed,
            "an external ID",
            "letters, digits and `_+=,.@:/-`",
        )?;
        let mut separators = String::new();
        let mut beside = false;
        for part in template.parts() {
            match part {
                Part::Literal { text: literal, .. } => {
                    let between: String = literal
                        .chars()
                        .filter(|one| !one.is_alphanumeric())
                        .collect();
                    beside &= between.is_empty();
                    separators.push_str(&between);
                }
                Part::Placeholder(name) if beside => {
                    return Err(AskError::Template {
                        given: text.to_owned(),
                        column: 1,
                        why: format!(
                            "nothing separates `{{{name}}}` from the value before it: two askers could have one external ID"
                        ),
                    });
                }
                Part::Placeholder(_) => beside = true,
            }
        }
        Ok(Self(Form::Composed {
            template,
            separators,
        }))
    }
}

/// An external ID is not shown: where it is all that a role asks for, it is as good as a secret.
impl fmt::Debug for ExternalIdTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.0 {
            Form::Given(_) => "ExternalIdTemplate(given)",
            Form::Composed { .. } => "ExternalIdTemplate(composed)",
        })
    }
}

text_deserialize!(ExternalIdTemplate);

fn allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character)
}
