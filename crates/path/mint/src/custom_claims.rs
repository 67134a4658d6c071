//! Claims that an operator adds to a token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::claim_value::ClaimValue;
use crate::claims::push_json_text;
use crate::error::shown;
use crate::{Attributes, FormatError, MintError};

/// The value of a custom claim as it is written: a text or a list of texts, each with placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClaimText {
    /// One text.
    One(String),
    /// A list; stays a JSON array even with one entry.
    Many(Vec<String>),
}

impl From<&str> for ClaimText {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

/// Checked custom claims.
///
/// Cube's rules: `iss sub aud exp iat nbf jti` and everything under `cube:` are reserved, as is
/// everything under `https://aws.amazon.com/`, which gives a session tags and roles; also `azp`,
/// which AWS takes instead of `aud`. At most 50 claims of 128 characters, with values of 1024
/// characters and lists of 50.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomClaims(Vec<Claim>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    name: String,
    values: Vec<ClaimValue>,
    is_list: bool,
}

impl CustomClaims {
    /// Checks and parses.
    ///
    /// # Errors
    /// `ClaimName`, `ClaimValue`, `TooManyClaims`, `Format`.
    pub fn read(claims: &BTreeMap<String, ClaimText>) -> Result<Self, MintError> {
        if claims.len() > MOST {
            return Err(MintError::TooManyClaims {
                found: claims.len(),
                limit: MOST,
            });
        }
        claims
            .iter()
            .map(|(name, text)| Claim::read(name, text))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|claim| claim.name.as_str())
    }

    pub(crate) fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.0
            .iter()
            .flat_map(|claim| &claim.values)
            .try_for_each(|value| value.check_known(known))
    }

    /// Appends `,"name":value` for each.
    pub(crate) fn push(&self, attributes: &Attributes, out: &mut Vec<u8>) -> Result<(), MintError> {
        for claim in &self.0 {
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
        check_name(name)?;
        let (texts, is_list) = match text {
            ClaimText::One(text) => (std::slice::from_ref(text), false),
            ClaimText::Many(texts) => (texts.as_slice(), true),
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
        })
    }
}

fn check_name(name: &str) -> Result<(), MintError> {
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
    if lower.starts_with("cube:") {
        return refused("names that begin with `cube:` are reserved");
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
