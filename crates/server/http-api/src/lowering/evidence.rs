//! Whose tokens a tenant trusts, and which of them its workloads take.

use std::collections::BTreeSet;
use std::sync::Arc;

use rolecall_attest::federated::{EvidenceError, EvidenceRule, TrustedIssuer};
use rolecall_attest_keys::TrustedKeys;

use super::{OWN_NAME, Place};
use crate::{InstallationError, TenantDeclaration, WorkloadDeclaration};

pub(super) fn lower_trusted(
    at: &Place,
    tenant: &TenantDeclaration,
) -> Result<Vec<TrustedIssuer>, InstallationError> {
    let mut trusted: Vec<TrustedIssuer> = Vec::with_capacity(tenant.trusted_issuers.len());
    for (index, text) in tenant.trusted_issuers.iter().enumerate() {
        let at = at.field(&format!("trusted_issuers[{index}]"));
        let issuer = TrustedIssuer::read(text, &tenant.issuer).map_err(|error| at.broken(error))?;
        if trusted.iter().any(|other| other.name() == issuer.name()) {
            return Err(at.field("name").refuse(format!(
                "the trusted issuer `{}` is declared twice",
                issuer.name()
            )));
        }
        if let Some(other) = trusted.iter().find(|other| other.url() == issuer.url()) {
            return Err(at.field("issuer").refuse(format!(
                "`{}` is trusted as `{}` already; give that one all audiences",
                issuer.url(),
                other.name()
            )));
        }
        // Certificates are read here, so that a broken configuration is refused as a whole.
        if issuer.authorities().is_some() {
            TrustedKeys::new(&issuer)
                .map_err(|error| at.field("ca_file").refuse(error.to_string()))?;
        }
        trusted.push(issuer);
    }
    Ok(trusted)
}

pub(super) fn lower_evidence(
    at: &Place,
    declared: &WorkloadDeclaration,
    trusted: &[TrustedIssuer],
) -> Result<Vec<Arc<EvidenceRule>>, InstallationError> {
    let lower = |(index, text): (usize, &rolecall_attest::federated::EvidenceText)| {
        let at = at.field(&format!("evidence[{index}]"));
        let issuer = trusted.iter().find(|one| one.name() == text.from);
        let issuer = issuer.ok_or_else(|| {
            let names: Vec<String> = trusted
                .iter()
                .map(|one| format!("`{}`", one.name()))
                .collect();
            at.field("from").refuse(format!(
                "the tenant trusts no issuer `{}`; it trusts {}",
                text.from,
                match names.as_slice() {
                    [] => "none".to_owned(),
                    names => names.join(", "),
                }
            ))
        })?;
        let rule = EvidenceRule::read(text, issuer).map_err(|error| at.broken(error))?;
        let choosable = rule.may_claim().unwrap_or(&declared.may_claim);
        // What evidence decides, nothing else may decide.
        for name in rule.attribute_names() {
            let decided = if name == OWN_NAME {
                "is the workload's own name"
            } else if declared.attributes.contains_key(name) {
                "is among the workload's fixed `attributes`"
            } else if choosable.contains_key(name) {
                "is among those in `may_claim`, so that the workload could name another's"
            } else {
                continue;
            };
            return Err(at.field(&format!("attributes.{name}")).refuse(format!(
                "the attribute `{name}` cannot be taken from a claim: it {decided}"
            )));
        }
        if choosable.contains_key(OWN_NAME) {
            return Err(at.field(&format!("may_claim.{OWN_NAME}")).refuse(format!(
                "the attribute `{OWN_NAME}` is the workload's own name and cannot be declared"
            )));
        }
        Ok(Arc::new(rule))
    };
    declared.evidence.iter().enumerate().map(lower).collect()
}

/// Attributes that come with some evidence. Asked for without it, a token must not fall back to
/// what stands in for a missing attribute.
pub(super) fn brought(evidence: &[Arc<EvidenceRule>]) -> BTreeSet<String> {
    evidence
        .iter()
        .flat_map(|rule| rule.attribute_names())
        .map(str::to_owned)
        .collect()
}

impl Place {
    fn broken(&self, error: EvidenceError) -> InstallationError {
        match error {
            EvidenceError::Declared { field, why } => self.field(&field).refuse(why),
            other => self.refuse(other.to_string()),
        }
    }
}
