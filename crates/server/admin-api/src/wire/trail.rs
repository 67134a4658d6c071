use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A row of the audit trail. Holds names and identifiers, never a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrailRow {
    /// Its number in the chain.
    pub id: i64,
    /// When it happened (RFC 3339).
    pub at: String,
    /// What was asked for: `mint`, `change`, `sign_in`, `enrolment`, `signing_key`.
    pub kind: String,
    /// How it ended: `granted`, `refused`, `failed`.
    pub outcome: String,
    /// The tenant; empty for what belongs to none.
    pub tenant: String,
    /// Everything else that was recorded: `actor`, `workload`, `evidence`, `token_config`,
    /// `subject`, `audience`, `lifetime`, `jti`, `kid`, `role`, `target`, `reason`, `client`.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}
