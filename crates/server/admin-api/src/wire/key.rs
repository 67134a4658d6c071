use rolecall_jose::{Algorithm, Jwk};
use rolecall_signing_keys::{Order, Slot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A signing key: its public part and where it is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its key id.
    pub kid: String,
    /// What it signs.
    pub algorithm: Algorithm,
    /// Where it is in its life.
    pub slot: Slot,
    /// What holds it: `software`, or a backend of the configuration.
    pub backend: String,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
    /// When it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<i64>,
    /// When it was first seen where verifiers fetch it, if somebody else shows it to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<i64>,
    /// When it began to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<i64>,
    /// When it signed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<i64>,
    /// What was ordered of it and is not done yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Its public part.
    pub public: Jwk,
}

/// What is to happen to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderKey {
    /// The order; the server carries it out.
    pub order: Order,
}
