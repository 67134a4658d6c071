use jiff::Timestamp;
use rolecall_access::{Grant, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who asks, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The name in the audit trail.
    pub name: String,
    /// What may be done, and where.
    pub grants: Vec<Grant>,
}

/// Somebody with access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessView {
    /// Unique in its tenant, or in the installation.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// How it proves itself.
    pub proof: ProofKind,
    /// When its token ends (RFC 3339); none for never, and for passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends: Option<Timestamp>,
}

/// How somebody proves itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// By a token of its own.
    #[default]
    Token,
    /// By name and password, which open a session.
    Password,
}

/// Access to be given.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccess {
    /// 1 to 64 letters, digits and `._@-`.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// A password of at least 12 characters; without one a token is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// How long the token lives, in seconds: 60 to 34,560,000 (400 days); none for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_seconds: Option<i64>,
}

impl std::fmt::Debug for NewAccess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("NewAccess")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What was made, with the one secret that is shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Made {
    /// Who was given access.
    pub access: AccessView,
    /// Its token. It is not kept and cannot be shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A join token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJoinToken {
    /// The workload whose key may be registered with it; it was declared through this API.
    pub workload: String,
    /// How long it may be used, in seconds: 60 to 604,800 (7 days). An hour where nothing is said.
    #[serde(default = "an_hour")]
    pub lifetime_seconds: i64,
}

/// A join token, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownJoinToken {
    /// To be given to the new machine, and used once.
    pub token: String,
    /// The workload.
    pub workload: String,
    /// When it ends (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub ends: Timestamp,
}

/// Signing in by name and password, or with a token of the team's own OIDC provider.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum NewSession {
    /// By name and password.
    Password {
        /// The tenant; none for the installation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// With an ID token (OpenID Connect Core §2).
    Identity {
        /// The token.
        id_token: String,
    },
}

/// A session, to be sent as `Authorization: Bearer …`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownSession {
    /// The session's token.
    pub token: String,
    /// When it ends (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub ends: Timestamp,
    /// Whose it is.
    pub me: Me,
}

fn an_hour() -> i64 {
    3600
}

/// A client secret, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownSecret {
    /// To be given to the workload.
    pub secret: String,
    /// What is kept of it, as it stands in `secret_hashes`.
    pub hash: String,
}
