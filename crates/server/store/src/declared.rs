use std::collections::HashSet;
use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::error::at;
use crate::{DeclaredTenant, SealedKey, StoreError};

/// Replaces the declared set by `tenants`, within one transaction.
///
/// A tenant that is not declared any more keeps its row and its keys but is no longer loaded.
pub(crate) fn replace(
    transaction: &Transaction<'_>,
    path: &Path,
    tenants: &[DeclaredTenant],
    now: i64,
) -> Result<(), StoreError> {
    refuse_duplicates(tenants)?;
    transaction
        .execute_batch(
            "DELETE FROM token_config; DELETE FROM workload; UPDATE tenant SET declared = 0;",
        )
        .map_err(at(path))?;
    for tenant in tenants {
        refuse_moved_issuer(transaction, path, tenant)?;
        transaction
            .execute(
                "INSERT INTO tenant (name, issuer, declared, created_at) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT (name) DO UPDATE SET issuer = excluded.issuer, declared = 1",
                params![tenant.name, tenant.issuer, now],
            )
            .map_err(at(path))?;
        for (table, documents) in [
            ("token_config", &tenant.token_configs),
            ("workload", &tenant.workloads),
        ] {
            let mut insert = transaction
                .prepare_cached(&format!(
                    "INSERT INTO {table} (tenant, name, document) VALUES (?1, ?2, ?3)"
                ))
                .map_err(at(path))?;
            for document in documents {
                insert
                    .execute(params![tenant.name, document.name, document.json])
                    .map_err(at(path))?;
            }
        }
    }
    Ok(())
}

/// Adds `keys`, within one transaction.
pub(crate) fn add_keys(
    transaction: &Transaction<'_>,
    path: &Path,
    keys: &[SealedKey],
) -> Result<(), StoreError> {
    for key in keys {
        transaction
            .execute(
                "INSERT INTO signing_key (tenant, kid, algorithm, sealed, created_at, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    key.tenant,
                    key.kid,
                    key.algorithm,
                    key.sealed,
                    key.created_at,
                    key.state.as_str()
                ],
            )
            .map_err(at(path))?;
    }
    Ok(())
}

fn refuse_duplicates(tenants: &[DeclaredTenant]) -> Result<(), StoreError> {
    let mut names = HashSet::new();
    let mut issuers = HashSet::new();
    for tenant in tenants {
        if !names.insert(&tenant.name) || !issuers.insert(&tenant.issuer) {
            return Err(StoreError::DuplicateTenant {
                tenant: tenant.name.clone(),
                issuer: tenant.issuer.clone(),
            });
        }
    }
    Ok(())
}

fn refuse_moved_issuer(
    transaction: &Transaction<'_>,
    path: &Path,
    tenant: &DeclaredTenant,
) -> Result<(), StoreError> {
    let stored: Option<String> = transaction
        .query_row(
            "SELECT issuer FROM tenant WHERE name = ?1
             AND EXISTS (SELECT 1 FROM signing_key WHERE signing_key.tenant = tenant.name)",
            [&tenant.name],
            |row| row.get(0),
        )
        .optional()
        .map_err(at(path))?;
    match stored {
        Some(stored) if stored != tenant.issuer => Err(StoreError::IssuerChanged {
            tenant: tenant.name.clone(),
            stored,
            declared: tenant.issuer.clone(),
        }),
        _ => Ok(()),
    }
}
