//! The issuers that a tenant trusts, with their keys and the workloads that take their tokens.

use std::collections::HashMap;
use std::sync::Arc;

use rolecall_attest::federated::{Takers, TrustedIssuer};
use rolecall_attest_keys::{AttestKeysError, KeyCache, TrustedKeys};

use crate::snapshot::Workload;

/// The trusted issuers of one tenant, by their exact URL.
#[derive(Debug, Default)]
pub(crate) struct Trusting(HashMap<String, Trusted>);

/// A trusted issuer, ready to be believed.
#[derive(Debug)]
pub(crate) struct Trusted {
    pub(crate) issuer: TrustedIssuer,
    pub(crate) keys: TrustedKeys,
    /// Workloads by name.
    pub(crate) takers: Takers<Arc<str>>,
}

impl Trusting {
    /// Joins issuers, their keys and the rules of `workloads` on their tokens.
    pub(crate) fn new(
        issuers: Vec<TrustedIssuer>,
        workloads: &HashMap<String, Workload>,
        keys: &KeyCache,
    ) -> Result<Self, AttestKeysError> {
        let mut rules: HashMap<&str, Vec<_>> = HashMap::new();
        for (name, workload) in workloads {
            let name: Arc<str> = Arc::from(name.as_str());
            for rule in &workload.evidence {
                let rules = rules.entry(rule.issuer()).or_default();
                rules.push((Arc::clone(&name), Arc::clone(rule)));
            }
        }
        let trusted = issuers
            .into_iter()
            .map(|issuer| {
                let trusted = Trusted {
                    keys: keys.keys_of(&issuer)?,
                    takers: Takers::new(rules.remove(issuer.name()).unwrap_or_default()),
                    issuer,
                };
                Ok((trusted.issuer.url().to_owned(), trusted))
            })
            .collect::<Result<_, AttestKeysError>>()?;
        Ok(Self(trusted))
    }

    /// The issuer with exactly this URL.
    pub(crate) fn find(&self, url: &str) -> Option<&Trusted> {
        self.0.get(url)
    }
}
