//! What has to change for the file's declarations to hold. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::kept::Resource;
use crate::{
    DeclaredTenant, Document, Edit, Expect, ResourceKind, Source, StoreError, TenantEntry,
};

/// What is declared at the moment.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) tenants: Vec<TenantEntry>,
    /// Issuers of tenants that have keys, declared or not.
    pub(crate) issuers: Vec<(String, String)>,
    /// Documents that come from the file.
    pub(crate) resources: Vec<Resource>,
}

/// The edits after which the file's tenants are exactly `wanted`. Tenants of the admin API stay.
pub(crate) fn edits(
    inventory: &Inventory,
    wanted: &[DeclaredTenant],
) -> Result<Vec<Edit>, StoreError> {
    let there: HashMap<&str, &TenantEntry> = inventory
        .tenants
        .iter()
        .map(|tenant| (tenant.name.as_str(), tenant))
        .collect();
    refuse(inventory, &there, wanted)?;
    let mut documents: BTreeMap<(&str, ResourceKind, &str), &Resource> = inventory
        .resources
        .iter()
        .map(|one| {
            let key = (one.tenant.as_str(), one.kind, one.document.name.as_str());
            (key, one)
        })
        .collect();
    let names: HashSet<&str> = wanted.iter().map(|tenant| tenant.name.as_str()).collect();
    let mut edits = Vec::new();
    for gone in &inventory.tenants {
        if gone.source == Source::File && !names.contains(gone.name.as_str()) {
            documents.retain(|(tenant, ..), _| *tenant != gone.name);
            edits.push(Edit::RemoveTenant {
                name: gone.name.clone(),
                expect: Expect::Any,
            });
        }
    }
    // Issuers may change hands among tenants without keys: first all are let go, then taken.
    for tenant in wanted {
        let moves = there
            .get(tenant.name.as_str())
            .is_some_and(|there| there.issuer != tenant.issuer);
        if moves {
            documents.retain(|(of, ..), _| *of != tenant.name);
            edits.push(Edit::RemoveTenant {
                name: tenant.name.clone(),
                expect: Expect::Any,
            });
        }
    }
    for tenant in wanted {
        let same = there.get(tenant.name.as_str()).is_some_and(|there| {
            there.issuer == tenant.issuer && there.document == tenant.document
        });
        if !same {
            edits.push(Edit::PutTenant {
                name: tenant.name.clone(),
                issuer: tenant.issuer.clone(),
                document: tenant.document.clone(),
                source: Source::File,
                expect: Expect::Any,
            });
        }
        for (kind, document) in &tenant.resources {
            let key = (tenant.name.as_str(), *kind, document.name.as_str());
            let before = documents.remove(&key);
            if before.is_none_or(|before| before.document.json != document.json) {
                edits.push(put(&tenant.name, *kind, document));
            }
        }
    }
    for ((tenant, kind, name), _) in documents {
        edits.push(Edit::Remove {
            tenant: tenant.to_owned(),
            kind,
            name: name.to_owned(),
            expect: Expect::Any,
        });
    }
    Ok(edits)
}

fn put(tenant: &str, kind: ResourceKind, document: &Document) -> Edit {
    Edit::Put {
        tenant: tenant.to_owned(),
        kind,
        document: document.clone(),
        source: Source::File,
        expect: Expect::Any,
    }
}

fn refuse(
    inventory: &Inventory,
    there: &HashMap<&str, &TenantEntry>,
    wanted: &[DeclaredTenant],
) -> Result<(), StoreError> {
    let kept: HashMap<&str, &str> = inventory
        .issuers
        .iter()
        .map(|(name, issuer)| (name.as_str(), issuer.as_str()))
        .collect();
    let (mut names, mut issuers) = (HashSet::new(), HashSet::new());
    for tenant in &inventory.tenants {
        if tenant.source == Source::Api {
            issuers.insert(tenant.issuer.as_str());
        }
    }
    for tenant in wanted {
        let by_the_api = there
            .get(tenant.name.as_str())
            .is_some_and(|there| there.source == Source::Api);
        if by_the_api || !names.insert(&tenant.name) || !issuers.insert(&tenant.issuer) {
            return Err(StoreError::DuplicateTenant {
                tenant: tenant.name.clone(),
                issuer: tenant.issuer.clone(),
            });
        }
        match kept.get(tenant.name.as_str()) {
            Some(stored) if *stored != tenant.issuer => {
                return Err(StoreError::IssuerChanged {
                    tenant: tenant.name.clone(),
                    stored: (*stored).to_owned(),
                    declared: tenant.issuer.clone(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}
