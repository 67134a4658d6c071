use rolecall_http_api::TenantDeclaration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What is to be declared, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Under which name the server remembers what was applied, so that several teams can each apply
    /// their own. What one set applied no other changes.
    #[serde(default = "default_set")]
    pub set: String,
    /// The tenants with all that they declare. Documents of these tenants that the set never
    /// applied are left alone.
    pub tenants: Vec<TenantDeclaration>,
    /// Whether what the set applied before and does not hold any more is removed.
    #[serde(default)]
    pub prune: bool,
    /// Whether workloads may be locked out of subscribed roles.
    #[serde(default)]
    pub force: bool,
    /// Whether only the plan is wanted: nothing is changed.
    #[serde(default)]
    pub dry_run: bool,
    /// The digest of the plan that was agreed to: where the plan is another by now, nothing is
    /// changed and the answer is 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

/// What was planned, and whether it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// The plan.
    pub plan: Plan,
    /// Whether it was carried out.
    pub applied: bool,
}

/// What has to change for the set to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Of the changes and of everything that they rely on.
    pub digest: String,
    /// In the order in which they are made; empty where everything is as it should be.
    pub changes: Vec<PlannedChange>,
    /// What the set applied before and does not hold any more, and stays, since nothing is pruned.
    pub left: Vec<PlannedChange>,
}

/// One document that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedChange {
    /// What happens to it.
    pub action: PlannedAction,
    /// The tenant.
    pub tenant: String,
    /// `tenant`, `token_config`, `trusted_issuer` or `workload`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether somebody else changed it since the set was applied last.
    pub drifted: bool,
    /// The members that change, with what they are and what they will be.
    pub fields: Vec<FieldChange>,
}

/// What happens to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// It is made.
    Create,
    /// It is changed.
    Change,
    /// It is as it should be, was made by hand, and belongs to the set from now on.
    Adopt,
    /// It is taken away.
    Remove,
}

/// A member that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Where it is, such as `subject` or `claims.team`.
    pub path: String,
    /// What it is; none where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it will be; none where it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

fn default_set() -> String {
    "default".to_owned()
}
