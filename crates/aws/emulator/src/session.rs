//! Temporary credentials and what they remember.

use rolecall_names::AccountId;
use serde::{Deserialize, Serialize};

use crate::account::Tags;
use crate::secret::Secret;

/// One set of temporary credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret: Secret,
    pub(crate) token: Secret,
    pub(crate) account: AccountId,
    pub(crate) of: SessionOf,
    /// Seconds since the epoch.
    pub(crate) created: i64,
    /// Seconds since the epoch; from then on every call with it is refused.
    pub(crate) expires: i64,
    /// The texts of session policies as they stood; more than none narrows what the role may.
    pub(crate) policies: Vec<String>,
    /// Session tags, those inherited from earlier hops among them.
    pub(crate) tags: Tags,
    /// The keys of those tags that the next hop inherits.
    pub(crate) transitive: Vec<String>,
    pub(crate) source_identity: Option<String>,
    /// How the chain began, when it began with a token.
    pub(crate) federated: Option<Federated>,
}

/// Whose credentials they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionOf {
    /// A role's, under a session name.
    Role {
        arn: String,
        id: String,
        name: String,
        session_name: String,
    },
    /// A user's, from GetSessionToken.
    User { name: String },
    /// The root user's, from GetSessionToken.
    Root,
}

/// The token behind a web-identity session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Federated {
    pub(crate) provider_arn: String,
    /// The provider's stored URL, the prefix of its condition keys.
    pub(crate) prefix: String,
    pub(crate) audience: String,
    pub(crate) subject: String,
}

/// `arn:aws:sts::<account>:assumed-role/<name>/<session>`: the role's path is dropped, as at AWS.
pub(crate) fn assumed_role_arn(account: &AccountId, role: &str, session_name: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session_name}")
}
