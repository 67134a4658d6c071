//! The claims with a meaning of AWS's own: session tags, source identity, roles.

use serde_json::{Map, Value};

use crate::account::Tags;
use crate::wire::{Fault, catalogue, shape};

/// What a token asks for beyond a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AwsClaims {
    pub(crate) tags: Tags,
    pub(crate) transitive: Vec<String>,
    pub(crate) source_identity: Option<String>,
}

/// What the roles claim says about the role that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RolesClaim {
    Absent,
    Listed,
    NotListed,
}

impl AwsClaims {
    /// Reads tags in the nested and the flattened form, and the source identity.
    pub(crate) fn read(claims: &Map<String, Value>) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::new(&catalogue::TAGS_FORMAT).noted(why);
        let mut read = Self::default();
        match claims.get(TAGS) {
            None | Some(Value::Null) => {}
            Some(Value::Object(nested)) => {
                match nested.get("principal_tags") {
                    None | Some(Value::Null) => {}
                    Some(Value::Object(tags)) => {
                        for (key, value) in tags {
                            let [Value::String(value)] = value
                                .as_array()
                                .map(Vec::as_slice)
                                .ok_or_else(|| wrong("a tag's value is not an array"))?
                            else {
                                return Err(wrong("a tag's value is not an array of one text"));
                            };
                            read.tags.insert(key.clone(), value.clone());
                        }
                    }
                    Some(_) => return Err(wrong("`principal_tags` is not an object")),
                }
                read.transitive = keys(nested.get("transitive_tag_keys"), wrong)?;
            }
            Some(_) => return Err(wrong("the tags claim is not an object")),
        }
        let flattened = format!("{TAGS}/principal_tags/");
        for (claim, value) in claims {
            if let Some(key) = claim.strip_prefix(&flattened) {
                let Value::String(value) = value else {
                    return Err(wrong("a flattened tag's value is not text"));
                };
                read.tags.insert(key.to_owned(), value.clone());
            }
        }
        for key in keys(claims.get(&format!("{TAGS}/transitive_tag_keys")), wrong)? {
            if !read.transitive.contains(&key) {
                read.transitive.push(key);
            }
        }
        check_tags(&read.tags, &read.transitive).map_err(|why| wrong(&why))?;
        read.source_identity = match claims.get(SOURCE_IDENTITY) {
            None | Some(Value::Null) => None,
            Some(Value::String(text))
                if (2..=64).contains(&text.chars().count())
                    && text.chars().all(shape::NAME.takes) =>
            {
                Some(text.clone())
            }
            Some(_) => {
                return Err(Fault::new(&catalogue::NOT_A_JWT)
                    .noted("the source identity is not 2 to 64 characters of `[\\w+=,.@-]`"));
            }
        };
        Ok(read)
    }
}

/// Whether the roles claim names `role_arn`: one text, texts separated by `;`, or an array.
pub(crate) fn roles_claim(claims: &Map<String, Value>, role_arn: &str) -> RolesClaim {
    let names = |text: &str| text.split(';').any(|entry| entry.trim() == role_arn);
    let listed = match claims.get(ROLES) {
        None | Some(Value::Null) => return RolesClaim::Absent,
        Some(Value::String(text)) => names(text),
        // An entry of an array is one ARN; what is no text is skipped.
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .any(|entry| entry.trim() == role_arn),
        Some(_) => false,
    };
    if listed {
        RolesClaim::Listed
    } else {
        RolesClaim::NotListed
    }
}

/// AWS's rules for session tags; the error is a sentence.
pub(crate) fn check_tags(tags: &Tags, transitive: &[String]) -> Result<(), String> {
    if tags.len() > 50 || transitive.len() > 50 {
        return Err("there are more than 50 session tags".to_owned());
    }
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) || !key.chars().all(shape::TAG.takes) {
            return Err(format!("`{}` is not a tag key", key.escape_debug()));
        }
        if value.chars().count() > 256 || !value.chars().all(shape::TAG.takes) {
            return Err(format!(
                "the value of tag `{key}` is longer than 256 characters or has one that tags cannot"
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(format!(
                "the tag key `{key}` has the reserved prefix `aws:`"
            ));
        }
        if tags
            .keys()
            .any(|other| other != key && other.to_lowercase() == key.to_lowercase())
        {
            return Err(format!(
                "the tag key `{key}` stands twice but for letter case"
            ));
        }
    }
    Ok(())
}

fn keys(value: Option<&Value>, wrong: impl Fn(&str) -> Fault) -> Result<Vec<String>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("a transitive tag key is not text")),
        Some(_) => Err(wrong("`transitive_tag_keys` is not an array")),
    }
}

const TAGS: &str = "https://aws.amazon.com/tags";

const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

const ROLES: &str = "https://aws.amazon.com/roles";

#[cfg(test)]
mod tests;
