//! Providers and roles that are there from the start.

use std::collections::BTreeMap;

use rolecall_names::AccountId;
use serde::Deserialize;
use serde_json::Value;

use crate::account::Tags;
use crate::iam::{providers, roles};
use crate::principals;
use crate::wire::Fault;
use crate::world::World;
use crate::{EmulatorError, Messages};

/// A document of accounts with their providers and roles. What it holds passes the same checks as
/// calls of IAM; what is already there is left as it is, so that a seed and a state file agree.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    accounts: BTreeMap<AccountId, AccountSeed>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountSeed {
    #[serde(default)]
    oidc_providers: Vec<ProviderSeed>,
    #[serde(default)]
    roles: Vec<RoleSeed>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderSeed {
    url: String,
    #[serde(default)]
    client_ids: Vec<String>,
    #[serde(default)]
    thumbprints: Vec<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleSeed {
    name: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    max_session_duration: Option<i32>,
    #[serde(default)]
    description: Option<String>,
    /// An object, or its JSON text.
    trust_policy: Value,
    /// Inline policies by name, each an object or its JSON text.
    #[serde(default)]
    policies: BTreeMap<String, Value>,
    #[serde(default)]
    tags: Tags,
}

impl Seed {
    /// Reads a seed from JSON text. (It is also `Deserialize`, for other formats.)
    ///
    /// # Errors
    /// [`EmulatorError::SeedUnreadable`] with line and column.
    pub fn parse(json: &[u8]) -> Result<Self, EmulatorError> {
        serde_json::from_slice(json).map_err(|error| EmulatorError::SeedUnreadable {
            why: error.to_string(),
        })
    }

    /// The accounts that the seed names.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        self.accounts.keys()
    }

    /// Makes what is not there yet.
    pub(crate) fn plant(&self, world: &mut World, now: i64) -> Result<(), EmulatorError> {
        let mut planted = Vec::new();
        for (id, seed) in &self.accounts {
            for provider in &seed.oidc_providers {
                let new = providers::NewProvider {
                    url: provider.url.clone(),
                    client_ids: provider.client_ids.clone(),
                    thumbprints: provider.thumbprints.clone(),
                    tags: provider.tags.clone(),
                };
                let what = || format!("OIDC provider `{}` of account {id}", provider.url);
                let stored = new.check().map_err(|fault| refused(what(), &fault))?;
                let account = world.accounts.entry(id.clone()).or_default();
                if !account.providers.contains_key(&stored) {
                    new.create(account, now)
                        .map_err(|fault| refused(what(), &fault))?;
                }
            }
            for role in &seed.roles {
                let what = || format!("role `{}` of account {id}", role.name);
                let account = world.accounts.entry(id.clone()).or_default();
                if account.role(&role.name).is_some() {
                    continue;
                }
                let new = roles::NewRole {
                    name: role.name.clone(),
                    path: role.path.clone(),
                    description: role.description.clone(),
                    trust_policy: text(&role.trust_policy),
                    max_session_duration: role.max_session_duration,
                    permissions_boundary: None,
                    tags: role.tags.clone(),
                };
                new.create(account, now)
                    .map_err(|fault| refused(what(), &fault))?;
                planted.push((id, &role.name));
                for (name, policy) in &role.policies {
                    roles::put_inline(account, &role.name, name, &text(policy)).map_err(
                        |fault| refused(format!("policy `{name}` of {}", what()), &fault),
                    )?;
                }
            }
        }
        // Roles may trust roles that the seed names after them.
        for (id, name) in planted {
            let Some(role) = world.account(id).and_then(|account| account.role(name)) else {
                continue;
            };
            let kept = principals::kept(world, &role.trust_policy)
                .map_err(|fault| refused(format!("role `{name}` of account {id}"), &fault))?;
            let account = world.accounts.entry(id.clone()).or_default();
            if let Some(role) = account.roles.get_mut(&name.to_ascii_lowercase()) {
                role.trust_policy = kept;
            }
        }
        Ok(())
    }
}

fn text(policy: &Value) -> String {
    match policy {
        Value::String(text) => text.clone(),
        object => object.to_string(),
    }
}

fn refused(what: String, fault: &Fault) -> EmulatorError {
    EmulatorError::SeedRefused {
        what,
        why: format!(
            "{}: {}",
            fault.code().as_str(),
            fault.message(Messages::Newer)
        ),
    }
}
