//! Declarations as the store keeps them, and back.

use rolecall_store::{DeclaredTenant, Document, ResourceKind, StoredTenant};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{InstallationError, TenantDeclaration};

/// The members of a declaration that are documents of their own, and the kind of each.
const LISTS: [(&str, ResourceKind); 4] = [
    ("token_configs", ResourceKind::TokenConfig),
    ("trusted_issuers", ResourceKind::TrustedIssuer),
    ("trust_subscriptions", ResourceKind::TrustSubscription),
    ("workloads", ResourceKind::Workload),
];

/// What the store keeps of a declaration.
pub(crate) fn stored(tenant: &TenantDeclaration) -> Result<DeclaredTenant, InstallationError> {
    let mut members = match json(tenant)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.remove("name");
    members.remove("issuer");
    let mut resources = Vec::new();
    for (list, kind) in LISTS {
        if let Some(Value::Array(documents)) = members.remove(list) {
            for document in documents {
                let name = document.get("name").and_then(Value::as_str);
                resources.push((
                    kind,
                    Document {
                        name: name.unwrap_or_default().to_owned(),
                        json: document.to_string(),
                    },
                ));
            }
        }
    }
    Ok(DeclaredTenant {
        name: tenant.name.clone(),
        issuer: tenant.issuer.clone(),
        document: Value::Object(members).to_string(),
        resources,
    })
}

/// The declaration that the store keeps.
pub(crate) fn declared(tenant: &StoredTenant) -> Result<TenantDeclaration, InstallationError> {
    let entry = &tenant.entry;
    let mut members: Map<String, Value> = read(&entry.name, "the tenant", &entry.document)?;
    members.insert("name".to_owned(), Value::String(entry.name.clone()));
    members.insert("issuer".to_owned(), Value::String(entry.issuer.clone()));
    for (list, kind) in LISTS {
        let documents = tenant
            .resources
            .iter()
            .filter(|one| one.kind == kind)
            .map(|one| read(&entry.name, &one.document.name, &one.document.json))
            .collect::<Result<Vec<Value>, _>>()?;
        members.insert(list.to_owned(), Value::Array(documents));
    }
    serde_json::from_value(Value::Object(members)).map_err(|error| unreadable(&entry.name, &error))
}

fn json<T: Serialize>(declared: &T) -> Result<Value, InstallationError> {
    serde_json::to_value(declared).map_err(|error| InstallationError::Declaration {
        field: String::new(),
        message: format!("the declaration cannot be written as JSON: {error}"),
    })
}

fn read<T: DeserializeOwned>(tenant: &str, what: &str, json: &str) -> Result<T, InstallationError> {
    serde_json::from_str(json).map_err(|error| InstallationError::Stored {
        tenant: tenant.to_owned(),
        why: format!("`{what}`: {error}"),
    })
}

fn unreadable(tenant: &str, error: &serde_json::Error) -> InstallationError {
    InstallationError::Stored {
        tenant: tenant.to_owned(),
        why: error.to_string(),
    }
}
