//! The claims that AWS gives a meaning to: session tags, source identity, roles.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use std::collections::{BTreeMap, BTreeSet};

use rolecall_names::{RoleArn, SourceIdentity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::claim_value::ClaimValue;
use crate::claims::push_json_text;
use crate::declared::DeclaredAttributes;
use crate::error::shown;
use crate::levers::Lever;
use crate::template::Placeholder;
use crate::trust_needs::TrustNeed;
use crate::{Attributes, FormatError, MintError};

mod tag_texts;

/// The AWS claims as they are written; values are texts with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AwsClaimsText {
    /// Session tags; numbers and truth values become texts, nothing becomes the empty text. The
    /// role's trust policy must then allow `sts:TagSession`.
    #[serde(deserialize_with = "tag_texts::deserialize")]
    pub session_tags: BTreeMap<String, String>,
    /// Keys of session tags that stay over further role hops.
    pub transitive_tag_keys: Vec<String>,
    /// Who stands behind the session. The trust policy must then allow `sts:SetSourceIdentity`.
    pub source_identity: Option<String>,
    /// Role ARNs that a token is bound to: STS refuses it for any other role. A request may narrow
    /// the token to one of them.
    pub roles: Vec<String>,
    /// By lever, the attribute that a workload must have, with the value `true`, for its tokens to
    /// carry the claim. A lever that is not here is on for every workload.
    pub opt_in: BTreeMap<Lever, String>,
}

/// Checked AWS claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsClaims {
    tags: Vec<(String, ClaimValue)>,
    transitive: Vec<String>,
    source_identity: Option<ClaimValue>,
    roles: Vec<RoleArn>,
    opt_in: BTreeMap<Lever, String>,
}

impl AwsClaims {
    /// Checks against the limits of STS: 50 tags, keys of 128 and values of 256 characters, keys
    /// unique without regard to case and not under `aws:`, transitive keys among the tags, source
    /// identity of 2 to 64 characters.
    ///
    /// # Errors
    /// `SessionTag`, `TooManySessionTags`, `Role`, `Format`; `Fixed` for a value without
    /// placeholders that STS would refuse.
    pub fn read(text: &AwsClaimsText) -> Result<Self, MintError> {
        if text.session_tags.len() > MOST_TAGS {
            return Err(MintError::TooManySessionTags {
                found: text.session_tags.len(),
                limit: MOST_TAGS,
            });
        }
        let mut seen = BTreeSet::new();
        let mut tags = Vec::with_capacity(text.session_tags.len());
        for (key, value) in &text.session_tags {
            check_tag_key(key)?;
            if !seen.insert(key.to_lowercase()) {
                return Err(MintError::SessionTag {
                    key: shown(key),
                    why: "is there twice; keys that differ in case only are the same tag"
                        .to_owned(),
                });
            }
            let value = ClaimValue::parse(format!("aws.session_tags.{key}"), value)?;
            if let Some(fixed) = value.fixed() {
                check_tag_value(fixed).map_err(|why| fixed_wrong(&value, why))?;
            }
            tags.push((key.clone(), value));
        }
        for key in &text.transitive_tag_keys {
            if !text.session_tags.contains_key(key) {
                return Err(MintError::SessionTag {
                    key: shown(key),
                    why: "is in `transitive_tag_keys` but not in `session_tags`".to_owned(),
                });
            }
        }
        let source_identity = text
            .source_identity
            .as_ref()
            .map(|text| ClaimValue::parse("aws.source_identity".to_owned(), text))
            .transpose()?;
        if let Some(value) = &source_identity
            && let Some(fixed) = value.fixed()
        {
            check_source_identity(fixed).map_err(|why| fixed_wrong(value, why))?;
        }
        let roles = text
            .roles
            .iter()
            .map(|role| role.parse().map_err(MintError::Role))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            tags,
            transitive: text.transitive_tag_keys.clone(),
            source_identity,
            roles,
            opt_in: text.opt_in.clone(),
        })
    }

    /// What the trust policy of a role must allow for these claims, as they come out for a
    /// workload.
    ///
    /// # Errors
    /// As minting.
    pub(crate) fn needs(&self, attributes: &Attributes) -> Result<Vec<TrustNeed>, MintError> {
        let mut needs = Vec::new();
        if self.has(Lever::SessionTags, attributes) {
            let tags = self.rendered_tags(attributes)?;
            let tags = tags.iter().map(|(key, value)| (*key, value.as_str()));
            needs.push(TrustNeed::tags(tags, &self.transitive));
        }
        if let Some(value) = &self.source_identity
            && self.has(Lever::SourceIdentity, attributes)
        {
            needs.push(TrustNeed::source_identity(&value.render(attributes)?));
        }
        if self.has(Lever::Roles, attributes) {
            needs.push(TrustNeed::roles());
        }
        Ok(needs)
    }

    /// How much of the room for tags and session policies the tags take, in percent, with a subject
    /// of `subject` bytes. AWS packs them in a form that it does not tell; this counts plain bytes
    /// over a base that was seen, so it errs on the safe side.
    ///
    /// # Errors
    /// As minting.
    pub(crate) fn packed_percent(
        &self,
        attributes: &Attributes,
        subject: usize,
    ) -> Result<usize, MintError> {
        let tags: usize = if self.has(Lever::SessionTags, attributes) {
            let tags = self.rendered_tags(attributes)?;
            tags.iter()
                .map(|(key, value)| key.len() + value.len())
                .sum()
        } else {
            0
        };
        Ok((PACKED_BASE + tags + subject) * 100 / PACKED_LIMIT)
    }

    fn rendered_tags(&self, attributes: &Attributes) -> Result<Vec<(&str, String)>, MintError> {
        self.tags
            .iter()
            .map(|(key, value)| Ok((key.as_str(), value.render(attributes)?)))
            .collect()
    }

    /// Whether tokens of a workload carry the claim.
    #[must_use]
    pub fn has(&self, lever: Lever, attributes: &Attributes) -> bool {
        let is_there = match lever {
            Lever::SessionTags => !self.tags.is_empty(),
            Lever::SourceIdentity => self.source_identity.is_some(),
            Lever::Roles => !self.roles.is_empty(),
        };
        is_there && lever.is_on(&self.opt_in, attributes)
    }

    /// The fields with placeholders.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = (&str, &Placeholder)> {
        self.tags
            .iter()
            .map(|(_, value)| value)
            .chain(&self.source_identity)
            .flat_map(|value| value.placeholders().map(|one| (value.field(), one)))
    }

    /// The roles that tokens are bound to; none if they are bound to no role.
    #[must_use]
    pub fn roles(&self) -> &[RoleArn] {
        &self.roles
    }

    pub(crate) fn bind(&mut self, declared: &DeclaredAttributes) -> Result<(), FormatError> {
        self.tags
            .iter_mut()
            .map(|(_, value)| value)
            .chain(&mut self.source_identity)
            .try_for_each(|value| value.bind(declared))
    }

    pub(crate) fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.tags
            .iter()
            .map(|(_, value)| value)
            .chain(&self.source_identity)
            .try_for_each(|value| value.check_known(known))
    }

    /// Appends the claims, each with a comma before it. `config` names the token config for errors.
    pub(crate) fn push(
        &self,
        config: &str,
        attributes: &Attributes,
        role: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<(), MintError> {
        self.push_tags(attributes, out)?;
        if let Some(value) = &self.source_identity
            && Lever::SourceIdentity.is_on(&self.opt_in, attributes)
        {
            let text = value.render(attributes)?;
            check_source_identity(&text).map_err(|why| rendered_wrong(value, why))?;
            out.extend_from_slice(br#","https://aws.amazon.com/source_identity":"#);
            push_json_text(&text, out);
        }
        if !Lever::Roles.is_on(&self.opt_in, attributes) {
            return Ok(());
        }
        self.push_roles(config, role, out)
    }

    fn push_tags(&self, attributes: &Attributes, out: &mut Vec<u8>) -> Result<(), MintError> {
        if !self.has(Lever::SessionTags, attributes) {
            return Ok(());
        }
        out.extend_from_slice(br#","https://aws.amazon.com/tags":{"principal_tags":{"#);
        for (at, (key, value)) in self.tags.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            push_json_text(key, out);
            // AWS refuses the nested form unless each value is an array of exactly one text.
            out.extend_from_slice(b":[");
            match value.fixed() {
                Some(text) => push_json_text(text, out),
                None => {
                    let text = value.render(attributes)?;
                    check_tag_value(&text).map_err(|why| rendered_wrong(value, why))?;
                    push_json_text(&text, out);
                }
            }
            out.push(b']');
        }
        out.push(b'}');
        if !self.transitive.is_empty() {
            out.extend_from_slice(br#","transitive_tag_keys":"#);
            push_list(self.transitive.iter().map(String::as_str), out);
        }
        out.push(b'}');
        Ok(())
    }

    fn push_roles(
        &self,
        config: &str,
        asked: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<(), MintError> {
        let offered = self.roles.iter().map(RoleArn::as_str);
        const NAME: &[u8] = br#","https://aws.amazon.com/roles":"#;
        match asked {
            None if self.roles.is_empty() => {}
            None => {
                out.extend_from_slice(NAME);
                push_list(offered, out);
            }
            Some(asked) => {
                let Some(role) = offered.clone().find(|offered| *offered == asked) else {
                    return Err(MintError::RoleNotOffered {
                        config: config.to_owned(),
                        role: shown(asked),
                        why: if self.roles.is_empty() {
                            "its `aws.roles` is empty, so its tokens are bound to no role; ask without one"
                        } else {
                            "it is not in `aws.roles`; ARNs are compared character by character"
                        },
                    });
                };
                out.extend_from_slice(NAME);
                push_list([role], out);
            }
        }
        Ok(())
    }
}

fn push_list<'t>(texts: impl IntoIterator<Item = &'t str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, text) in texts.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_json_text(text, out);
    }
    out.push(b']');
}

fn check_tag_key(key: &str) -> Result<(), MintError> {
    let refused = |why: String| {
        Err(MintError::SessionTag {
            key: shown(key),
            why,
        })
    };
    let length = key.chars().count();
    if !(1..=LONGEST_TAG_KEY).contains(&length) {
        return refused(format!(
            "has a key of {length} characters; 1 to {LONGEST_TAG_KEY} are possible"
        ));
    }
    if key.to_lowercase().starts_with("aws:") {
        return refused("has a key under `aws:`, which AWS reserves".to_owned());
    }
    match key.chars().find(|&character| !is_tag_character(character)) {
        Some(character) => refused(format!(
            "has `{}` in its key; {TAG_CHARACTERS} are possible",
            character.escape_debug()
        )),
        None => Ok(()),
    }
}

fn check_tag_value(value: &str) -> Result<(), String> {
    let length = value.chars().count();
    if length > LONGEST_TAG_VALUE {
        return Err(format!(
            "it has {length} characters; at most {LONGEST_TAG_VALUE} are possible"
        ));
    }
    match value
        .chars()
        .find(|&character| !is_tag_character(character))
    {
        Some(character) => Err(format!(
            "`{}` holds `{}`; {TAG_CHARACTERS} are possible",
            shown(value),
            character.escape_debug()
        )),
        None => Ok(()),
    }
}

fn check_source_identity(value: &str) -> Result<(), String> {
    value
        .parse::<SourceIdentity>()
        .map(drop)
        .map_err(|error| error.to_string())
}

fn fixed_wrong(value: &ClaimValue, why: String) -> MintError {
    MintError::Fixed {
        field: value.field().to_owned(),
        why,
    }
}

fn rendered_wrong(value: &ClaimValue, why: String) -> MintError {
    MintError::Rendered {
        field: value.field().to_owned(),
        why,
    }
}

/// The pattern of STS: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
fn is_tag_character(character: char) -> bool {
    character.is_alphabetic()
        || character.is_numeric()
        || (character.is_whitespace() && !character.is_control())
        || "_.:/=+-@".contains(character)
}

const MOST_TAGS: usize = 50;
const LONGEST_TAG_KEY: usize = 128;
const LONGEST_TAG_VALUE: usize = 256;
const TAG_CHARACTERS: &str = "letters, digits, blanks and `_.:/=+-@`";
/// Bytes that a session takes before its first tag, as seen in answers of STS.
const PACKED_BASE: usize = 900;
/// Bytes that session policies and tags may take in all.
const PACKED_LIMIT: usize = 4096;
