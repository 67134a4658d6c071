//! Authorities for client certificates, and which of them prove to be a workload.

use std::collections::HashMap;

use rolecall_attest::{CertificateError, CertificateRule, TrustBundle};

use super::Place;
use crate::{InstallationError, TenantDeclaration, WorkloadDeclaration};

pub(super) fn lower_bundles(
    at: &Place,
    tenant: &TenantDeclaration,
) -> Result<HashMap<String, TrustBundle>, InstallationError> {
    let mut bundles = HashMap::new();
    for (index, text) in tenant.trust_bundles.iter().enumerate() {
        let at = at.field(&format!("trust_bundles[{index}]"));
        let bundle = TrustBundle::read(text).map_err(|error| at.broken_certificate(error))?;
        if bundles.insert(text.name.clone(), bundle).is_some() {
            return Err(at.field("name").refuse(format!(
                "the trust bundle `{}` is declared twice",
                text.name
            )));
        }
    }
    Ok(bundles)
}

pub(super) fn lower_certificates(
    at: &Place,
    declared: &WorkloadDeclaration,
    bundles: &HashMap<String, TrustBundle>,
) -> Result<Vec<CertificateRule>, InstallationError> {
    let lower = |(index, text): (usize, &rolecall_attest::CertificateText)| {
        let at = at.field(&format!("certificates[{index}]"));
        let bundle = bundles.get(&text.from).ok_or_else(|| {
            let mut names: Vec<String> = bundles.keys().map(|name| format!("`{name}`")).collect();
            names.sort_unstable();
            at.field("from").refuse(format!(
                "the tenant has no trust bundle `{}`; it has {}",
                text.from,
                match names.as_slice() {
                    [] => "none".to_owned(),
                    names => names.join(", "),
                }
            ))
        })?;
        CertificateRule::read(text, bundle).map_err(|error| at.broken_certificate(error))
    };
    declared
        .certificates
        .iter()
        .enumerate()
        .map(lower)
        .collect()
}

impl Place {
    fn broken_certificate(&self, error: CertificateError) -> InstallationError {
        match error {
            CertificateError::Declared { field, why } => self.field(field).refuse(why),
            other => self.refuse(other.to_string()),
        }
    }
}
