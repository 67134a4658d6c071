//! Roles that rely on a tenant's subjects: a change of what tokens say must not lock out who is
//! let in now. Pure.
//!
//! For every registered workload and each of its token configs the tokens of before and of
//! afterwards are made as claims, without a signature, and the trust policy decides on both.

use rolecall_mint::{Attributes, IssuerUrl, TokenConfig, mint};
use rolecall_source::SourceText;
use rolecall_trust::{CompiledPolicy, Context, Decision, Policy, WebIdentity, web_identity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::lowering::CheckedTenant;
use crate::snapshot::Workload;

/// A role whose trust policy names subjects of this tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustSubscriptionText {
    /// Unique in its tenant.
    pub name: String,
    /// The role's ARN.
    pub role: String,
    /// Its trust policy, as JSON text, as it is in AWS now.
    pub policy: String,
}

/// Somebody who is let in now and would not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedOut {
    /// The subscription.
    pub subscription: String,
    /// The role.
    pub role: String,
    /// The workload.
    pub workload: String,
    /// The token config.
    pub token_config: String,
    /// The subject that is let in.
    pub now: String,
    /// The subject that would be denied.
    pub then: String,
}

/// A subscription, ready to decide.
#[derive(Debug)]
pub(crate) struct Subscription {
    name: String,
    role: String,
    policy: CompiledPolicy,
    providers: Vec<String>,
}

impl Subscription {
    /// Reads one; the member that is wrong, and why.
    pub(crate) fn read(text: &TrustSubscriptionText) -> Result<Self, (&'static str, String)> {
        let fits = (1..=64).contains(&text.name.len())
            && text
                .name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !fits {
            return Err((
                "name",
                format!(
                    "`{}` cannot be the name of a subscription: use 1 to 64 letters, digits and `-_.`",
                    text.name.escape_debug()
                ),
            ));
        }
        if !text.role.starts_with("arn:") || !text.role.contains(":role/") {
            return Err(("role", format!("`{}` is not a role's ARN", text.role)));
        }
        let source = SourceText::new("policy", text.policy.clone());
        let policy = Policy::parse(&source).map_err(|error| ("policy", error.to_string()))?;
        Ok(Self {
            name: text.name.clone(),
            role: text.role.clone(),
            providers: (policy.federated_principals().into_iter())
                .map(str::to_owned)
                .collect(),
            policy: CompiledPolicy::compile(&policy),
        })
    }

    fn admits(&self, issuer: &IssuerUrl, claims: &Map<String, Value>) -> bool {
        let own =
            |provider: &&String| web_identity::provider_prefix(provider) == issuer.key_prefix();
        self.providers.iter().filter(own).any(|provider| {
            WebIdentity::read(provider, claims).is_ok_and(|mut identity| {
                identity.role_authorized = names_role(claims, &self.role);
                identity.decide(&self.policy, Context::new()) == Decision::Allow
            })
        })
    }
}

/// Whom the change from `before` to `after` would lock out, at most [`MOST_TOLD`]. What `after`
/// subscribes to counts: a policy that was widened first is widened there.
pub(crate) fn locked_out(before: &CheckedTenant, after: &CheckedTenant) -> Vec<LockedOut> {
    let mut found = Vec::new();
    if after.subscriptions.is_empty() {
        return found;
    }
    let mut names: Vec<&String> = before.workloads.keys().collect();
    names.sort_unstable();
    for name in names {
        // Who is not registered any more is not locked out by a format.
        let Some(then) = after.workloads.get(name) else {
            continue;
        };
        let now = &before.workloads[name];
        for config in &now.token_configs {
            let same = |one: &&std::sync::Arc<TokenConfig>| one.name() == config.name();
            let Some(changed) = then.token_configs.iter().find(same) else {
                continue;
            };
            for (chosen_now, chosen_then) in choices(now, then) {
                let says_now = claims(config, &chosen_now, &before.federation.issuer);
                let Some(says_now) = says_now else { continue };
                let says_then = claims(changed, &chosen_then, &after.federation.issuer);
                for subscription in &after.subscriptions {
                    if !subscription.admits(&before.federation.issuer, &says_now) {
                        continue;
                    }
                    let stays = says_then.as_ref().is_some_and(|claims| {
                        subscription.admits(&after.federation.issuer, claims)
                    });
                    if !stays {
                        found.push(LockedOut {
                            subscription: subscription.name.clone(),
                            role: subscription.role.clone(),
                            workload: name.clone(),
                            token_config: config.name().to_owned(),
                            now: subject(&says_now),
                            then: says_then.as_ref().map(subject).unwrap_or_default(),
                        });
                        if found.len() == MOST_TOLD {
                            return found;
                        }
                    }
                }
            }
        }
    }
    found
}

/// What the workload may choose, in pairs of before and afterwards; the first of each attribute's
/// values where there are too many to try all.
fn choices(now: &Workload, then: &Workload) -> Vec<(Attributes, Attributes)> {
    let mut pairs = vec![(now.attributes.clone(), then.attributes.clone())];
    for (name, values) in &now.may_claim {
        let all = pairs.len().saturating_mul(values.len());
        let tried = if all > MOST_TRIED { 1 } else { values.len() };
        pairs = pairs
            .iter()
            .flat_map(|(now, then)| {
                values.iter().take(tried).map(move |value| {
                    let (mut now, mut then) = (now.clone(), then.clone());
                    now.set(name.clone(), value.clone());
                    then.set(name.clone(), value.clone());
                    (now, then)
                })
            })
            .collect();
    }
    pairs
}

/// What a token would say; nothing where attributes are missing that only evidence brings.
fn claims(
    config: &TokenConfig,
    attributes: &Attributes,
    issuer: &IssuerUrl,
) -> Option<Map<String, Value>> {
    let minted = mint(config, attributes, issuer, 0, "preview", None).ok()?;
    serde_json::from_slice(minted.json()).ok()
}

fn subject(claims: &Map<String, Value>) -> String {
    let subject = claims.get("sub").and_then(Value::as_str);
    subject.unwrap_or_default().to_owned()
}

/// Whether the token's roles claim names the role.
fn names_role(claims: &Map<String, Value>, role: &str) -> bool {
    let roles = claims.get(ROLES).and_then(Value::as_array);
    roles.is_some_and(|roles| roles.iter().any(|one| one.as_str() == Some(role)))
}

const ROLES: &str = "https://aws.amazon.com/roles";
/// How many are told.
const MOST_TOLD: usize = 20;
/// How many choices of a workload are tried.
const MOST_TRIED: usize = 1_000;
