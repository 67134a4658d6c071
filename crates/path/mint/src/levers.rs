//! Which of AWS's claims a workload's tokens carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Attributes;

/// A claim that AWS gives a meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lever {
    /// Session tags, and which of them are transitive.
    SessionTags,
    /// The source identity.
    SourceIdentity,
    /// The roles that the token is bound to.
    Roles,
}

impl Lever {
    /// Whether tokens of this workload carry the claim. Where the config names an attribute for
    /// the lever, the workload must have it with the value `true`; otherwise all carry it.
    pub(crate) fn is_on(self, opt_in: &BTreeMap<Self, String>, attributes: &Attributes) -> bool {
        opt_in
            .get(&self)
            .is_none_or(|attribute| attributes.value(attribute) == Some("true"))
    }
}
