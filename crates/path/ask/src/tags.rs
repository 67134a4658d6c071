use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rolecall_names::SourceIdentity;

use crate::{AskError, Asker, Template, text_deserialize};

/// Session tags of a hop. Values are templates over the asker; keys in `transitive` are kept by
/// the hops behind.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    values: BTreeMap<String, Template>,
    transitive: Vec<String>,
    field: String,
}

impl Tags {
    /// Takes tags as a form holds them; `field` is the path of the step that they stand in.
    ///
    /// # Errors
    /// More than 50, keys that AWS refuses or that differ only in case, or a transitive key that
    /// is no tag.
    pub fn new(
        values: BTreeMap<String, Template>,
        transitive: Vec<String>,
        field: &str,
    ) -> Result<Self, AskError> {
        let wrong = |at: String, why: String| AskError::Field {
            field: format!("{field}.{at}"),
            why,
        };
        if values.len() > MOST_TAGS {
            return Err(wrong(
                "tags".to_owned(),
                format!("{} tags are given, AWS takes {MOST_TAGS}", values.len()),
            ));
        }
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for key in values.keys() {
            let at = format!("tags.{key}");
            if !(1..=LONGEST_KEY).contains(&key.chars().count()) {
                return Err(wrong(
                    at,
                    format!("a tag's key has 1 to {LONGEST_KEY} characters"),
                ));
            }
            if let Some(character) = key.chars().find(|character| !allowed(*character)) {
                return Err(wrong(at, refused_character(character, "key")));
            }
            if key.to_lowercase().starts_with("aws:") {
                return Err(wrong(
                    at,
                    "keys beginning with `aws:` are AWS's own".to_owned(),
                ));
            }
            if let Some(other) = seen.insert(key.to_lowercase(), key) {
                return Err(wrong(
                    at,
                    format!("`{key}` and `{other}` are one key to AWS, which ignores case"),
                ));
            }
        }
        for (at, key) in transitive.iter().enumerate() {
            if !seen.contains_key(&key.to_lowercase()) {
                return Err(wrong(
                    format!("transitive_tag_keys[{at}]"),
                    format!(
                        "`{key}` is not among the step's `tags`, so it has no value to pass on"
                    ),
                ));
            }
        }
        Ok(Self {
            values,
            transitive,
            field: field.to_owned(),
        })
    }

    /// Key and value of each tag for this asker.
    ///
    /// # Errors
    /// A missing attribute, or a value that AWS refuses.
    pub fn render(&self, asker: &Asker) -> Result<BTreeMap<String, String>, AskError> {
        self.values
            .iter()
            .map(|(key, template)| {
                let value = template.render(asker)?;
                let wrong = |why: String| AskError::Field {
                    field: format!("{}.tags.{key}", self.field),
                    why,
                };
                let length = value.chars().count();
                if length > LONGEST_VALUE {
                    return Err(wrong(format!(
                        "the value has {length} characters, AWS takes {LONGEST_VALUE}"
                    )));
                }
                if let Some(character) = value.chars().find(|character| !allowed(*character)) {
                    return Err(wrong(refused_character(character, "value")));
                }
                Ok((key.clone(), value))
            })
            .collect()
    }

    /// The keys that further hops keep.
    pub fn transitive(&self) -> &[String] {
        &self.transitive
    }

    /// Whether there are none, in which case the trust policy need not allow `sts:TagSession`.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Who stands behind a hop's session, as a template over the asker. Once set, AWS lets no later
/// hop change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceIdentityTemplate(Template);

impl SourceIdentityTemplate {
    /// The source identity for this asker. Nothing is replaced or cut in it: a name that AWS
    /// would read as somebody else's is worse than an error.
    ///
    /// # Errors
    /// A missing attribute, or a text that AWS refuses.
    pub fn render(&self, asker: &Asker) -> Result<SourceIdentity, AskError> {
        self.0
            .render(asker)?
            .parse()
            .map_err(|error| AskError::Rendered {
                template: self.0.as_str().to_owned(),
                error,
            })
    }
}

impl FromStr for SourceIdentityTemplate {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for SourceIdentityTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

text_deserialize!(SourceIdentityTemplate);

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, as nearly as `std` knows the classes.
fn allowed(character: char) -> bool {
    let separator = character == ' '
        || (!character.is_ascii() && character.is_whitespace() && !character.is_control());
    character.is_alphanumeric() || separator || "_.:/=+-@".contains(character)
}

fn refused_character(character: char, what: &str) -> String {
    format!(
        "`{}` cannot stand in a tag's {what}, which takes letters, digits, spaces and `_.:/=+-@`",
        character.escape_debug()
    )
}

const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
