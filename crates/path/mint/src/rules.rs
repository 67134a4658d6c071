//! What a tenant lays down for all of its token configs.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audience::AudienceKind;
use crate::declared::{AttributeText, DeclaredAttributes};
use crate::{MintError, TokenConfig};

/// A tenant's rules as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TenantRulesText {
    /// The attributes that its workloads have. With none declared, a format may name any, and only
    /// the workloads that use it are held against it.
    pub attributes: BTreeMap<String, AttributeText>,
    /// Beginnings of claim names that token configs must not add, such as `cube:`.
    pub reserved_claims: Vec<String>,
    /// The shortest lifetime of a token, in seconds.
    pub shortest_lifetime_seconds: Option<u32>,
    /// The longest lifetime of a token, in seconds.
    pub longest_lifetime_seconds: Option<u32>,
}

/// A tenant's checked rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRules {
    attributes: DeclaredAttributes,
    reserved_claims: Vec<String>,
    lifetimes: RangeInclusive<u32>,
}

impl Default for TenantRules {
    fn default() -> Self {
        Self {
            attributes: DeclaredAttributes::default(),
            reserved_claims: Vec::new(),
            lifetimes: SHORTEST_LIFETIME..=LONGEST_LIFETIME,
        }
    }
}

impl TenantRules {
    /// Checks rules.
    ///
    /// # Errors
    /// `Declared`, `Lifetimes`, `ReservedClaims`.
    pub fn read(text: &TenantRulesText) -> Result<Self, MintError> {
        for prefix in &text.reserved_claims {
            if prefix.is_empty() || prefix.len() > 128 || !prefix.is_ascii() {
                return Err(MintError::ReservedClaims {
                    given: crate::error::shown(prefix),
                });
            }
        }
        Ok(Self {
            attributes: DeclaredAttributes::read(&text.attributes)?,
            reserved_claims: text.reserved_claims.clone(),
            lifetimes: lifetimes(
                text.shortest_lifetime_seconds,
                text.longest_lifetime_seconds,
                SHORTEST_LIFETIME..=LONGEST_LIFETIME,
            )?,
        })
    }

    /// The declared attributes.
    #[must_use]
    pub fn attributes(&self) -> &DeclaredAttributes {
        &self.attributes
    }

    /// Beginnings of claim names that are not for token configs.
    #[must_use]
    pub fn reserved_claims(&self) -> &[String] {
        &self.reserved_claims
    }

    /// Possible lifetimes, in seconds.
    #[must_use]
    pub fn lifetimes(&self) -> &RangeInclusive<u32> {
        &self.lifetimes
    }

    /// Checks what token configs of one tenant must not have in common: a name, the kind `aws`,
    /// `azure` or `gcp`, a target variable.
    ///
    /// # Errors
    /// `Shared`.
    pub fn check_together<'c>(
        configs: impl IntoIterator<Item = &'c TokenConfig>,
    ) -> Result<(), MintError> {
        let mut names = BTreeMap::new();
        let mut kinds = BTreeMap::new();
        let mut variables = BTreeMap::new();
        for (index, config) in configs.into_iter().enumerate() {
            let shared = |field, what: String, other: &str| {
                let other = other.to_owned();
                Err(MintError::Shared {
                    index,
                    field,
                    what,
                    other,
                })
            };
            let name = config.name();
            if names.insert(name, index).is_some() {
                return shared("name", format!("the name `{name}`"), name);
            }
            let kind = config.kind();
            if kind != AudienceKind::Custom
                && let Some(other) = kinds.insert(kind, name)
            {
                let what = format!("the kind `{}`, of which a tenant has one,", kind.as_str());
                return shared("kind", what, other);
            }
            if let Some(variable) = config.target_variable()
                && let Some(other) = variables.insert(variable, name)
            {
                let what = format!("the target variable `{variable}`");
                return shared("target_variable", what, other);
            }
        }
        Ok(())
    }
}

/// The range from `shortest` to `longest`, within `bounds`.
pub(crate) fn lifetimes(
    shortest: Option<u32>,
    longest: Option<u32>,
    bounds: RangeInclusive<u32>,
) -> Result<RangeInclusive<u32>, MintError> {
    let first = shortest.unwrap_or(*bounds.start());
    let last = longest.unwrap_or(*bounds.end());
    if first > last || !bounds.contains(&first) || !bounds.contains(&last) {
        return Err(MintError::Lifetimes {
            shortest: first,
            longest: last,
            least: *bounds.start(),
            most: *bounds.end(),
        });
    }
    Ok(first..=last)
}

/// Of any token, in seconds.
pub const SHORTEST_LIFETIME: u32 = 300;
/// Of any token, in seconds: as long as AWS lets a session be.
pub const LONGEST_LIFETIME: u32 = 43_200;
