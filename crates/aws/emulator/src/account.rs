//! What an account holds. All of it is kept in the state file as it stands here.

use std::collections::BTreeMap;

use rolecall_names::AccountId;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// One account's IAM.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    /// By stored URL: no scheme, path and trailing slash kept.
    pub(crate) providers: BTreeMap<String, Provider>,
    /// By name in lower case: names differ by more than case.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By name in lower case.
    pub(crate) users: BTreeMap<String, User>,
    /// By ARN.
    pub(crate) policies: BTreeMap<String, ManagedPolicy>,
    /// Access keys of the root user.
    #[serde(default)]
    pub(crate) root_keys: Vec<AccessKey>,
}

/// Tags in the order of their keys.
pub(crate) type Tags = BTreeMap<String, String>;

/// An OpenID Connect provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) client_ids: Vec<String>,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) tags: Tags,
    pub(crate) created: i64,
}

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) trust_policy: String,
    /// Seconds.
    pub(crate) max_session_duration: i32,
    pub(crate) permissions_boundary: Option<String>,
    /// Inline policies: name to text.
    pub(crate) inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub(crate) attached: Vec<String>,
    pub(crate) tags: Tags,
    pub(crate) created: i64,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) inline: BTreeMap<String, String>,
    pub(crate) attached: Vec<String>,
    pub(crate) keys: Vec<AccessKey>,
    pub(crate) tags: Tags,
    pub(crate) created: i64,
}

/// A long-lived key of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) active: bool,
    pub(crate) created: i64,
}

/// A policy that stands by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    /// Oldest first.
    pub(crate) versions: Vec<PolicyVersion>,
    pub(crate) default_version: String,
    pub(crate) tags: Tags,
    pub(crate) created: i64,
}

/// One version of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// `v1`, `v2` and so on.
    pub(crate) id: String,
    pub(crate) document: String,
    pub(crate) created: i64,
}

impl Role {
    pub(crate) fn arn(&self, account: &AccountId) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }
}

impl User {
    pub(crate) fn arn(&self, account: &AccountId) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

impl ManagedPolicy {
    pub(crate) fn document(&self) -> &str {
        self.versions
            .iter()
            .find(|version| version.id == self.default_version)
            .map_or("", |version| version.document.as_str())
    }
}

/// `arn:aws:iam::<account>:oidc-provider/<stored URL>`.
pub(crate) fn provider_arn(account: &AccountId, stored_url: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/{stored_url}")
}

impl Account {
    pub(crate) fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(&name.to_ascii_lowercase())
    }

    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(&name.to_ascii_lowercase())
    }

    /// The text of a managed policy. AWS's own are known by name where they decide something.
    pub(crate) fn managed_document(&self, arn: &str) -> Option<&str> {
        if let Some(policy) = self.policies.get(arn) {
            return Some(policy.document());
        }
        AWS_MANAGED
            .iter()
            .find(|(known, _)| *known == arn)
            .map(|(_, document)| *document)
    }
}

/// The policies of AWS's own that are known with their text; others attach and allow nothing.
const AWS_MANAGED: [(&str, &str); 3] = [
    (
        "arn:aws:iam::aws:policy/AdministratorAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ),
    (
        "arn:aws:iam::aws:policy/IAMFullAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#,
    ),
    (
        "arn:aws:iam::aws:policy/IAMReadOnlyAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"}]}"#,
    ),
];
