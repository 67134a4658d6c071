//! `trust_subscriptions:` of a tenant: roles that no change may lock its workloads out of.

use std::path::{Path, PathBuf};

use rolecall_http_api::TrustSubscriptionText;
use serde::Deserialize;
use serde_json::Value;

use super::Loaded;
use crate::failure::Failure;

/// One of `trust_subscriptions:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustSubscriptionSection {
    name: String,
    role: String,
    /// The trust policy, as a document or as JSON text.
    #[serde(default)]
    policy: Option<Value>,
    /// The file that holds it.
    #[serde(default)]
    policy_file: Option<PathBuf>,
}

impl Loaded {
    /// The subscription that a file holds.
    ///
    /// # Errors
    /// `Configuration` for what is none.
    pub fn declared_subscription(path: &Path) -> Result<TrustSubscriptionText, Failure> {
        let (loaded, section) = Self::section::<TrustSubscriptionSection>(path)?;
        loaded.trust_subscription("", &section)
    }

    /// A subscription with the policy that it names.
    ///
    /// # Errors
    /// `Configuration` where the file cannot be read, or no policy is given, or two are.
    pub(super) fn trust_subscription(
        &self,
        field: &str,
        section: &TrustSubscriptionSection,
    ) -> Result<TrustSubscriptionText, Failure> {
        let policy = match (&section.policy, &section.policy_file) {
            (Some(Value::String(text)), None) => text.clone(),
            (Some(document), None) => document.to_string(),
            (None, Some(file)) => {
                let path = self.resolve(file);
                std::fs::read_to_string(&path).map_err(|error| {
                    self.broken(
                        &format!("{field}.policy_file"),
                        format_args!("cannot read `{}`: {error}", path.display()),
                    )
                })?
            }
            _ => {
                return Err(self
                    .broken(
                        field,
                        format_args!(
                            "the subscription `{}` needs the role's trust policy, once",
                            section.name
                        ),
                    )
                    .hint("Write `policy_file`, or the document itself under `policy`"));
            }
        };
        Ok(TrustSubscriptionText {
            name: section.name.clone(),
            role: section.role.clone(),
            policy,
        })
    }
}
