//! Which of several policies is the one in question.

use super::evidence::{Evidence, SeenPolicy};
use super::provider::bare;
use super::token::SeenClaims;
use crate::Policy;
use crate::web_identity::provider_prefix;

/// The policies that could be the role's: those of the role that the call names, else all.
pub(crate) fn chosen<'p>(
    evidence: &Evidence,
    policies: &'p [SeenPolicy],
) -> Vec<(usize, &'p SeenPolicy)> {
    let all: Vec<(usize, &SeenPolicy)> = policies.iter().enumerate().collect();
    let named: Vec<(usize, &SeenPolicy)> = all
        .iter()
        .filter(|(_, policy)| {
            policy.found.role.as_ref().is_some_and(|role| {
                evidence
                    .roles
                    .iter()
                    .any(|arn| arn == role || name_of(arn) == name_of(role))
            })
        })
        .copied()
        .collect();
    if named.is_empty() { all } else { named }
}

/// Of several policies, those that trust the token's issuer, if any does: roles of other callers
/// stand in the same files.
pub(crate) fn trusting<'p>(
    chosen: Vec<(usize, &'p SeenPolicy)>,
    presented: Option<&SeenClaims>,
) -> Vec<(usize, &'p SeenPolicy)> {
    let Some(issuer) = presented
        .and_then(|claims| claims.text("iss"))
        .filter(|_| chosen.len() > 1)
    else {
        return chosen;
    };
    let own: Vec<(usize, &SeenPolicy)> = chosen
        .iter()
        .filter(|(_, policy)| {
            Policy::from_tree(&policy.source, &policy.found.tree).is_ok_and(|policy| {
                policy
                    .federated_principals()
                    .iter()
                    .any(|arn| provider_prefix(arn) == bare(&issuer))
            })
        })
        .copied()
        .collect();
    if own.is_empty() { chosen } else { own }
}

/// Of several policies in a paste, the one that the error is told of: the last one before it.
pub(crate) fn told_of(evidence: &Evidence, chosen: &[(usize, &SeenPolicy)]) -> Option<usize> {
    let error = evidence.errors.first()?;
    if chosen.len() < 2 {
        return None;
    }
    let line = |policy: &SeenPolicy| policy.source.position(policy.found.tree.span.start).line;
    chosen
        .iter()
        .filter(|(_, policy)| policy.source.name == error.document && line(policy) < error.line)
        .max_by_key(|(_, policy)| line(policy))
        .map(|(index, _)| *index)
}

/// The last part of a role's ARN, name or Terraform address.
pub(crate) fn name_of(role: &str) -> &str {
    let name = role.rsplit('/').next().unwrap_or(role);
    match role.starts_with("arn:") {
        true => name,
        false => name.rsplit('.').next().unwrap_or(name),
    }
}
