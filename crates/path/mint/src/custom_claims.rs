//! Claims that an operator adds to a token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::claim_value::ClaimValue;
use crate::claims::push_json_text;
use crate::declared::DeclaredAttributes;
use crate::error::shown;
use crate::template::Placeholder;
use crate::{Attributes, FormatError, MintError};

/// The value of a custom claim as it is written: a text or a list of texts, each with placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ClaimText {
    /// One text. Commas make it a list, a comma at its end a list of one entry; `\\,` stands for
    /// the comma itself. What attributes put in never makes a list.
    One(String),
    /// A list; stays a JSON array even with one entry, and commas stay commas.
    Many(Vec<String>),
}

impl From<&str> for ClaimText {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

/// Checked custom claims.
///
/// Reserved are `iss sub aud exp iat nbf jti`, what the tenant or its preset reserves (`cube:`),
/// and everything under `https://aws.amazon.com/`, which gives a session tags and roles; also
/// `azp`, which AWS takes instead of `aud`. At most 50 claims of 128 characters, with values of
/// 1024 characters and lists of 50.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomClaims(Vec<Claim>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    name: String,
    values: Vec<ClaimValue>,
    is_list: bool,
    /// Left out where the workload does not have its attributes.
    optional: bool,
}

impl CustomClaims {
    /// Checks and parses. `reserved` are beginnings of names that are not for claims.
    ///
    /// # Errors
    /// `ClaimName`, `ClaimValue`, `TooManyClaims`, `Format`.
    pub fn read(
        claims: &BTreeMap<String, ClaimText>,
        reserved: &[String],
    ) -> Result<Self, MintError> {
        if claims.len() > MOST {
            return Err(MintError::TooManyClaims {
                found: claims.len(),
                limit: MOST,
            });
        }
        let read = claims.iter().map(|(name, text)| {
            check_name(name, reserved)?;
            Claim::read(name, text)
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// Adds a claim that is the issuer's own to add, unless there is one of that name.
    pub(crate) fn add(&mut self, name: &str, text: &str, optional: bool) -> Result<(), MintError> {
        if self.names().all(|own| own != name) {
            let text = ClaimText::Many(vec![text.to_owned()]);
            let claim = Claim::read(name, &text)?;
            self.0.push(Claim {
                is_list: false,
                optional,
                ..claim
            });
        }
        Ok(())
    }

    pub(crate) fn bind(&mut self, declared: &DeclaredAttributes) -> Result<(), FormatError> {
        self.0
            .iter_mut()
            .flat_map(|claim| &mut claim.values)
            .try_for_each(|value| value.bind(declared))
    }

    /// The placeholders of all claims, each with its claim's field and whether it may be missing.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = (&str, &Placeholder, bool)> {
        self.0.iter().flat_map(|claim| {
            claim.values.iter().flat_map(|value| {
                value
                    .placeholders()
                    .map(|placeholder| (value.field(), placeholder, claim.optional))
            })
        })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|claim| claim.name.as_str())
    }

    pub(crate) fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.0
            .iter()
            .filter(|claim| !claim.optional)
            .flat_map(|claim| &claim.values)
            .try_for_each(|value| value.check_known(known))
    }

    /// Appends `,"name":value` for each.
    pub(crate) fn push(&self, attributes: &Attributes, out: &mut Vec<u8>) -> Result<(), MintError> {
        for claim in &self.0 {
            if claim.optional && !claim.is_known(attributes) {
                continue;
            }
            out.push(b',');
            push_json_text(&claim.name, out);
            out.push(b':');
            if claim.is_list {
                out.push(b'[');
            }
            for (at, value) in claim.values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                match value.fixed() {
                    Some(text) => push_json_text(text, out),
                    None => push_json_text(&value.render(attributes)?, out),
                }
            }
            if claim.is_list {
                out.push(b']');
            }
        }
        Ok(())
    }
}

impl Claim {
    fn read(name: &str, text: &ClaimText) -> Result<Self, MintError> {
        let (texts, is_list) = match text {
            ClaimText::One(text) => split(text),
            ClaimText::Many(texts) => (texts.clone(), true),
        };
        let field = format!("claims.{name}");
        if texts.len() > MOST {
            return Err(MintError::ClaimValue {
                field,
                why: format!("has {} entries; at most {MOST} are possible", texts.len()),
            });
        }
        let values = texts
            .iter()
            .map(|text| ClaimValue::parse(field.clone(), text))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: name.to_owned(),
            values,
            is_list,
            optional: false,
        })
    }

    fn is_known(&self, attributes: &Attributes) -> bool {
        self.values
            .iter()
            .flat_map(ClaimValue::placeholders)
            .all(|placeholder| !placeholder.is_missing(attributes))
    }
}

/// The entries of a text, and whether they are a list.
fn split(text: &str) -> (Vec<String>, bool) {
    let mut entries = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next_if_eq(&',').is_some() => {
                if let Some(entry) = entries.last_mut() {
                    entry.push(',');
                }
            }
            ',' => entries.push(String::new()),
            other => {
                if let Some(entry) = entries.last_mut() {
                    entry.push(other);
                }
            }
        }
    }
    if entries.len() == 1 {
        return (entries, false);
    }
    let mut entries: Vec<String> = entries
        .iter()
        .map(|entry| entry.trim().to_owned())
        .collect();
    if entries.last().is_some_and(String::is_empty) {
        entries.pop();
    }
    (entries, true)
}

fn check_name(name: &str, reserved: &[String]) -> Result<(), MintError> {
    let refused = |why| {
        Err(MintError::ClaimName {
            name: shown(name),
            why,
        })
    };
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return refused("a name has 1 to 128 characters");
    }
    if name.contains(char::is_control) {
        return refused("it holds a control character");
    }
    if REGISTERED.contains(&lower.as_str()) {
        return refused("Rolecall sets this claim itself");
    }
    if lower == "azp" {
        return refused("AWS would take it in place of `aud`");
    }
    if reserved
        .iter()
        .any(|prefix| lower.starts_with(&prefix.to_ascii_lowercase()))
    {
        return refused("the tenant or its preset reserves names that begin like this");
    }
    if lower.starts_with("https://aws.amazon.com/") {
        return refused(
            "AWS gives this claim a meaning; use the `aws` section of the token config",
        );
    }
    Ok(())
}

const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"];
const MOST: usize = 50;
const LONGEST_NAME: usize = 128;
