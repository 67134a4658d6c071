//! What has to change for a set of declarations to hold. Pure.
//!
//! The server remembers, per set and tenant, which documents the set applied and in which form. That
//! tells drift (somebody else changed one since) from a change of the set, and what may be pruned:
//! only what the set applied itself.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_attest::federated::TrustedIssuerText;
use rolecall_http_api::{TenantDeclaration, TrustSubscriptionText, WorkloadDeclaration};
use rolecall_mint::TokenConfigText;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::Piece;
use crate::wire::{FieldChange, PlannedAction, PlannedChange, TenantSettings};

/// What a set applied of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Memory {
    /// Digests by kind and name: `workload/cube-api`.
    pub(crate) documents: BTreeMap<String, String>,
}

/// One tenant's part of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) changes: Vec<PlannedChange>,
    pub(crate) left: Vec<PlannedChange>,
    /// What the set has applied once this is done.
    pub(crate) memory: Memory,
    /// What another set applied and this one would change: kind and name, and the set.
    pub(crate) taken: Vec<(String, String)>,
}

/// A document by kind and name.
type Documents = BTreeMap<(&'static str, String), Value>;

/// What has to change in a tenant, and what it declares afterwards.
pub(crate) fn part(
    before: Option<&TenantDeclaration>,
    wanted: &TenantDeclaration,
    memory: &Memory,
    others: &BTreeMap<String, String>,
    prune: bool,
) -> (Part, TenantDeclaration) {
    let wanted = &with_enrolled_keys(before, wanted);
    let now = before.map(documents).unwrap_or_default();
    let then = documents(wanted);
    let mut part = Part::default();
    for ((kind, name), document) in &then {
        let key = format!("{kind}/{name}");
        let digest = lasting_digest(document);
        let current = now.get(&(*kind, name.clone()));
        let current_digest = current.map(lasting_digest);
        let remembered = memory.documents.get(&key);
        part.memory.documents.insert(key.clone(), digest.clone());
        let action = match &current_digest {
            None => PlannedAction::Create,
            Some(current) if *current != digest => PlannedAction::Change,
            Some(_) if remembered.is_none() => PlannedAction::Adopt,
            Some(_) => continue,
        };
        if let Some(set) = others.get(&key) {
            part.taken.push((key, set.clone()));
        }
        part.changes.push(PlannedChange {
            action,
            tenant: wanted.name.clone(),
            kind: (*kind).to_owned(),
            name: name.clone(),
            drifted: remembered.is_some() && remembered != current_digest.as_ref(),
            fields: match action {
                PlannedAction::Adopt => Vec::new(),
                _ => fields(current, Some(document)),
            },
        });
    }
    let mut after = merged(before, wanted);
    for ((kind, name), document) in &now {
        let key = format!("{kind}/{name}");
        let Some(remembered) = memory.documents.get(&key) else {
            continue;
        };
        if then.contains_key(&(*kind, name.clone())) {
            continue;
        }
        let gone = PlannedChange {
            action: PlannedAction::Remove,
            tenant: wanted.name.clone(),
            kind: (*kind).to_owned(),
            name: name.clone(),
            drifted: *remembered != lasting_digest(document),
            fields: fields(Some(document), None),
        };
        if prune {
            drop_piece(&mut after, kind, name);
            part.changes.push(gone);
        } else {
            // It is still the set's, and may be pruned another time.
            part.memory.documents.insert(key, remembered.clone());
            part.left.push(gone);
        }
    }
    // What makes something possible comes first, and what takes it away last.
    let rank = |change: &PlannedChange| {
        let kind = KINDS.iter().position(|kind| *kind == change.kind);
        let kind = kind.unwrap_or(KINDS.len());
        match change.action {
            PlannedAction::Remove => (1, KINDS.len() - kind),
            _ => (0, kind),
        }
    };
    part.changes
        .sort_by(|one, other| rank(one).cmp(&rank(other)).then(one.name.cmp(&other.name)));
    (part, after)
}

/// The removal of a whole tenant that the set does not hold any more, with all that goes with it.
pub(crate) fn gone(before: &TenantDeclaration, memory: &Memory) -> Vec<PlannedChange> {
    let mut changes: Vec<PlannedChange> = documents(before)
        .iter()
        .map(|((kind, name), document)| {
            let remembered = memory.documents.get(&format!("{kind}/{name}"));
            PlannedChange {
                action: PlannedAction::Remove,
                tenant: before.name.clone(),
                kind: (*kind).to_owned(),
                name: name.clone(),
                drifted: remembered != Some(&lasting_digest(document)),
                fields: fields(Some(document), None),
            }
        })
        .collect();
    changes.sort_by_key(|change| {
        KINDS.len()
            - KINDS
                .iter()
                .position(|kind| *kind == change.kind)
                .unwrap_or(0)
    });
    changes
}

/// A digest of a plan and of the revisions of the tenants it was made from.
pub(crate) fn digest_of_plan(
    changes: &[PlannedChange],
    left: &[PlannedChange],
    revisions: &[(String, i64)],
) -> String {
    digest_of(&serde_json::json!([changes, left, revisions]))
}

/// A workload whose machine registers its key itself says nothing of keys: it keeps those that it
/// has.
fn with_enrolled_keys(
    before: Option<&TenantDeclaration>,
    wanted: &TenantDeclaration,
) -> TenantDeclaration {
    let mut wanted = wanted.clone();
    let there = before.map(|before| before.workloads.as_slice());
    let there: BTreeMap<&str, &WorkloadDeclaration> = (there.unwrap_or_default().iter())
        .map(|workload| (workload.name.as_str(), workload))
        .collect();
    for workload in wanted.workloads.iter_mut().filter(|one| enrols(one)) {
        if let Some(there) = there.get(workload.name.as_str()) {
            workload.keys.clone_from(&there.keys);
        }
    }
    wanted
}

fn enrols(workload: &WorkloadDeclaration) -> bool {
    workload.enrols && workload.keys.is_empty()
}

fn documents(tenant: &TenantDeclaration) -> Documents {
    let mut documents = Documents::new();
    let mut add = |kind: &'static str, name: &str, document: Result<Value, serde_json::Error>| {
        // What came as JSON can be written as JSON.
        documents.insert((kind, name.to_owned()), document.unwrap_or(Value::Null));
    };
    let settings = TenantSettings::of(tenant);
    add(TENANT, &tenant.name, serde_json::to_value(&settings));
    for one in &tenant.token_configs {
        add(
            TokenConfigText::KIND.as_str(),
            &one.name,
            serde_json::to_value(one),
        );
    }
    for one in &tenant.trusted_issuers {
        add(
            TrustedIssuerText::KIND.as_str(),
            &one.name,
            serde_json::to_value(one),
        );
    }
    for one in &tenant.trust_subscriptions {
        add(
            TrustSubscriptionText::KIND.as_str(),
            &one.name,
            serde_json::to_value(one),
        );
    }
    for one in &tenant.workloads {
        add(
            WorkloadDeclaration::KIND.as_str(),
            &one.name,
            serde_json::to_value(one),
        );
    }
    documents
}

/// What is there with what is wanted in place of it.
fn merged(before: Option<&TenantDeclaration>, wanted: &TenantDeclaration) -> TenantDeclaration {
    let Some(before) = before else {
        return wanted.clone();
    };
    let mut after = before.clone();
    TenantSettings::of(wanted).settle(&mut after);
    let mut wanted = wanted.clone();
    merge::<TokenConfigText>(&mut after, &mut wanted);
    merge::<TrustedIssuerText>(&mut after, &mut wanted);
    merge::<TrustSubscriptionText>(&mut after, &mut wanted);
    merge::<WorkloadDeclaration>(&mut after, &mut wanted);
    after
}

fn merge<T: Piece>(after: &mut TenantDeclaration, wanted: &mut TenantDeclaration) {
    let list = T::list(after);
    let mut at: BTreeMap<String, usize> = (list.iter().enumerate())
        .map(|(at, one)| (one.name().to_owned(), at))
        .collect();
    for one in T::list(wanted).drain(..) {
        match at.get(one.name()) {
            Some(&at) => list[at] = one,
            None => {
                at.insert(one.name().to_owned(), list.len());
                list.push(one);
            }
        }
    }
}

fn drop_piece(tenant: &mut TenantDeclaration, kind: &str, name: &str) {
    if kind == TokenConfigText::KIND.as_str() {
        tenant.token_configs.retain(|one| one.name != name);
    } else if kind == TrustedIssuerText::KIND.as_str() {
        tenant.trusted_issuers.retain(|one| one.name != name);
    } else if kind == TrustSubscriptionText::KIND.as_str() {
        tenant.trust_subscriptions.retain(|one| one.name != name);
    } else if kind == WorkloadDeclaration::KIND.as_str() {
        tenant.workloads.retain(|one| one.name != name);
    }
}

/// The members in which two documents differ. Objects are entered, lists are compared as a whole.
fn fields(before: Option<&Value>, after: Option<&Value>) -> Vec<FieldChange> {
    let (mut flat_before, mut flat_after) = (Map::new(), Map::new());
    if let Some(before) = before {
        flatten("", before, &mut flat_before);
    }
    if let Some(after) = after {
        flatten("", after, &mut flat_after);
    }
    let paths: BTreeSet<&String> = flat_before.keys().chain(flat_after.keys()).collect();
    let change = |path: &&String| {
        let (before, after) = (flat_before.get(*path), flat_after.get(*path));
        (before != after && *path != "name").then(|| FieldChange {
            path: (*path).clone(),
            before: before.map(|value| shown(path, value)),
            after: after.map(|value| shown(path, value)),
        })
    };
    paths.iter().filter_map(change).collect()
}

fn flatten(path: &str, value: &Value, into: &mut Map<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                flatten(&path, value, into);
            }
        }
        // What is not set is as good as not there.
        Value::Null => {}
        Value::Object(_) => {}
        Value::Array(items) if items.is_empty() => {}
        value => {
            into.insert(path.to_owned(), value.clone());
        }
    }
}

/// Hashes of client secrets are counted, not shown.
fn shown(path: &str, value: &Value) -> Value {
    match (path, value) {
        ("secret_hashes", Value::Array(hashes)) => {
            Value::String(format!("{} client secrets", hashes.len()))
        }
        (_, value) => value.clone(),
    }
}

/// A digest of what somebody declares: not of the keys that machines register themselves.
fn lasting_digest(document: &Value) -> String {
    match document.get("enrols") {
        Some(Value::Bool(true)) => {
            let mut document = document.clone();
            if let Some(members) = document.as_object_mut() {
                members.remove("keys");
            }
            digest_of(&document)
        }
        _ => digest_of(document),
    }
}

fn digest_of(document: &Value) -> String {
    let json = document.to_string();
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, json.as_bytes()))
}

const TENANT: &str = "tenant";
const KINDS: [&str; 5] = [
    TENANT,
    "trust_subscription",
    "trusted_issuer",
    "token_config",
    "workload",
];
