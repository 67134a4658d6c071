//! Changes as data, and the statements that carry them out. Pure.

use std::collections::BTreeSet;

use crate::sql::{Step, Value};
use crate::{Answered, AuditRecord, Document, ResourceKind, SealedKey, Source, StoreError};

/// What a change relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: what is there is replaced, what is not is made.
    Any,
    /// That nothing is there.
    Absent,
    /// That this version is there.
    Version(i64),
}

/// One change of what is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Makes or changes a tenant.
    PutTenant {
        /// Its name.
        name: String,
        /// Its exact issuer URL. A tenant that has keys keeps its issuer.
        issuer: String,
        /// The rest of it, as JSON.
        document: String,
        /// Who declares it.
        source: Source,
        /// What must be there.
        expect: Expect,
    },
    /// Takes a tenant out of service with all its documents. Its keys stay, for the day it is
    /// declared again.
    RemoveTenant {
        /// Its name.
        name: String,
        /// What must be there.
        expect: Expect,
    },
    /// Makes or changes a document.
    Put {
        /// The tenant, or `""`.
        tenant: String,
        /// What it is.
        kind: ResourceKind,
        /// Its name and text.
        document: Document,
        /// Who declares it.
        source: Source,
        /// What must be there.
        expect: Expect,
    },
    /// Takes a document away.
    Remove {
        /// The tenant, or `""`.
        tenant: String,
        /// What it is.
        kind: ResourceKind,
        /// Its name.
        name: String,
        /// What must be there.
        expect: Expect,
    },
    /// Holds everything back unless the tenant, with all that belongs to it, is as it was read.
    /// Whoever else changes it meanwhile waits.
    Guard {
        /// The tenant.
        tenant: String,
        /// The revision that was read.
        revision: i64,
    },
    /// Adds a signing key to a tenant that has none of its algorithm: of several processes that make
    /// a tenant's first keys, one has made them.
    FirstKey(SealedKey),
    /// Adds a signing key, or replaces its state, record and sealed bytes.
    PutKey(SealedKey),
    /// Takes a signing key away for good.
    RemoveKey {
        /// The tenant.
        tenant: String,
        /// The key.
        kid: String,
    },
}

/// Edits that hold together or not at all, with what the trail says of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// In order.
    pub edits: Vec<Edit>,
    /// Rows of the audit trail.
    pub records: Vec<AuditRecord>,
    /// The answer that is given again when the request comes again.
    pub answered: Option<Answered>,
    /// The time, in seconds since the epoch.
    pub now: i64,
}

/// A change ready to be carried out.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// The tenants that are served differently afterwards.
    pub(crate) touched: BTreeSet<String>,
}

pub(crate) fn plan(change: &Change) -> Plan {
    let (mut steps, mut touched) = (Vec::new(), BTreeSet::new());
    for edit in &change.edits {
        if !matches!(edit, Edit::Guard { .. }) {
            touched.insert(edit.tenant().to_owned());
        }
        steps.extend(edit.steps(change.now));
    }
    touched.remove("");
    for tenant in &touched {
        steps.push(Step::new(REVISE, [tenant.into()]));
    }
    if let Some(answered) = &change.answered {
        steps.push(Step::new(FORGET_ANSWERS, [change.now.into()]));
        steps.push(remember_answer(answered));
    }
    Plan { steps, touched }
}

impl Edit {
    fn tenant(&self) -> &str {
        match self {
            Self::PutTenant { name, .. } | Self::RemoveTenant { name, .. } => name,
            Self::Put { tenant, .. } | Self::Remove { tenant, .. } => tenant,
            Self::PutKey(key) | Self::FirstKey(key) => &key.tenant,
            Self::RemoveKey { tenant, .. } | Self::Guard { tenant, .. } => tenant,
        }
    }

    /// The tenant that is served differently afterwards, if any is.
    #[must_use]
    pub fn served(&self) -> Option<&str> {
        match self {
            Self::Guard { .. } => None,
            edit => Some(edit.tenant()).filter(|tenant| !tenant.is_empty()),
        }
    }

    fn steps(&self, now: i64) -> Vec<Step> {
        match self {
            Self::PutTenant {
                name,
                issuer,
                document,
                source,
                expect,
            } => vec![put_tenant(name, issuer, document, *source, *expect, now)],
            Self::RemoveTenant { name, expect } => remove_tenant(name, *expect, now),
            Self::Put {
                tenant,
                kind,
                document,
                source,
                expect,
            } => vec![put(tenant, *kind, document, *source, *expect, now)],
            Self::Remove {
                tenant,
                kind,
                name,
                expect,
            } => vec![remove(tenant, *kind, name, *expect)],
            Self::Guard { tenant, revision } => vec![
                Step::new(
                    "UPDATE tenant SET revision = revision WHERE name = $1 AND revision = $2",
                    [tenant.into(), (*revision).into()],
                )
                .or(StoreError::Stale {
                    what: format!("tenant `{tenant}`"),
                }),
            ],
            // The tenant's row first: whoever comes second waits there, and then sees the key.
            Self::FirstKey(key) => vec![
                Step::new(
                    "UPDATE tenant SET revision = revision WHERE name = $1",
                    [key.tenant.as_str().into()],
                ),
                Step::new(FIRST_KEY, columns(key)).or(StoreError::Stale {
                    what: format!("tenant `{}`", key.tenant),
                }),
            ],
            Self::PutKey(key) => vec![Step::new(PUT_KEY, columns(key))],
            Self::RemoveKey { tenant, kid } => vec![Step::new(
                "DELETE FROM signing_key WHERE tenant = $1 AND kid = $2",
                [tenant.into(), kid.into()],
            )],
        }
    }
}

fn put_tenant(
    name: &str,
    issuer: &str,
    document: &str,
    source: Source,
    expect: Expect,
    now: i64,
) -> Step {
    let mut values: Vec<Value> = vec![
        name.into(),
        issuer.into(),
        document.into(),
        source.as_str().into(),
        now.into(),
    ];
    let what = format!("tenant `{name}`");
    match expect {
        Expect::Any => Step::new(PUT_TENANT, values).or(StoreError::IssuerKept {
            tenant: name.to_owned(),
        }),
        Expect::Absent => Step::new(MAKE_TENANT, values).or(StoreError::Exists { what }),
        Expect::Version(version) => {
            values.push(version.into());
            Step::new(CHANGE_TENANT, values).or(StoreError::Stale { what })
        }
    }
}

fn remove_tenant(name: &str, expect: Expect, now: i64) -> Vec<Step> {
    let what = format!("tenant `{name}`");
    let first = match expect {
        Expect::Version(version) => Step::new(
            "UPDATE tenant SET declared = 0, version = version + 1, updated_at = $1
             WHERE name = $2 AND declared = 1 AND version = $3",
            [now.into(), name.into(), version.into()],
        )
        .or(StoreError::Stale { what }),
        Expect::Any | Expect::Absent => Step::new(
            "UPDATE tenant SET declared = 0, version = version + 1, updated_at = $1
             WHERE name = $2 AND declared = 1",
            [now.into(), name.into()],
        )
        .or(StoreError::Missing { what }),
    };
    vec![
        first,
        Step::new("DELETE FROM resource WHERE tenant = $1", [name.into()]),
    ]
}

fn put(
    tenant: &str,
    kind: ResourceKind,
    document: &Document,
    source: Source,
    expect: Expect,
    now: i64,
) -> Step {
    let mut values: Vec<Value> = vec![
        tenant.into(),
        kind.as_str().into(),
        document.name.as_str().into(),
        document.json.as_str().into(),
        source.as_str().into(),
        now.into(),
    ];
    let what = told(tenant, kind, &document.name);
    match expect {
        Expect::Any => Step::new(PUT, values),
        Expect::Absent => Step::new(MAKE, values).or(StoreError::Exists { what }),
        Expect::Version(version) => {
            values.push(version.into());
            Step::new(CHANGE, values).or(StoreError::Stale { what })
        }
    }
}

fn remove(tenant: &str, kind: ResourceKind, name: &str, expect: Expect) -> Step {
    let mut values: Vec<Value> = vec![tenant.into(), kind.as_str().into(), name.into()];
    let what = told(tenant, kind, name);
    match expect {
        Expect::Version(version) => {
            values.push(version.into());
            Step::new(
                "DELETE FROM resource WHERE tenant = $1 AND kind = $2 AND name = $3 AND version = $4",
                values,
            )
            .or(StoreError::Stale { what })
        }
        Expect::Any | Expect::Absent => Step::new(
            "DELETE FROM resource WHERE tenant = $1 AND kind = $2 AND name = $3",
            values,
        )
        .or(StoreError::Missing { what }),
    }
}

fn columns(key: &SealedKey) -> [Value; 8] {
    [
        key.tenant.as_str().into(),
        key.kid.as_str().into(),
        key.algorithm.as_str().into(),
        key.state.as_str().into(),
        key.record.as_str().into(),
        key.public.as_str().into(),
        key.sealed.clone().into(),
        key.created_at.into(),
    ]
}

fn remember_answer(answered: &Answered) -> Step {
    Step::new(
        REMEMBER_ANSWER,
        [
            (&answered.actor).into(),
            (&answered.mark).into(),
            (&answered.request).into(),
            i64::from(answered.status).into(),
            (&answered.body).into(),
            answered.expires.into(),
        ],
    )
    .or(StoreError::Exists {
        what: format!("an answer to the request marked `{}`", answered.mark),
    })
}

fn told(tenant: &str, kind: ResourceKind, name: &str) -> String {
    let kind = kind.as_str().replace('_', " ");
    match tenant {
        "" => format!("{kind} `{name}`"),
        tenant => format!("{kind} `{name}` of tenant `{tenant}`"),
    }
}

// A tenant with keys keeps its issuer: its tokens and the providers in AWS name it.
const PUT_TENANT: &str = "INSERT INTO tenant
    (name, issuer, document, source, declared, version, revision, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 1, 1, 1, $5, $5)
    ON CONFLICT (name) DO UPDATE SET issuer = excluded.issuer, document = excluded.document,
        source = excluded.source, declared = 1, version = tenant.version + 1,
        updated_at = excluded.updated_at
    WHERE tenant.issuer = excluded.issuer
       OR NOT EXISTS (SELECT 1 FROM signing_key WHERE signing_key.tenant = excluded.name)";
const MAKE_TENANT: &str = "INSERT INTO tenant
    (name, issuer, document, source, declared, version, revision, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 1, 1, 1, $5, $5)
    ON CONFLICT (name) DO UPDATE SET issuer = excluded.issuer, document = excluded.document,
        source = excluded.source, declared = 1, version = tenant.version + 1,
        updated_at = excluded.updated_at
    WHERE tenant.declared = 0
      AND (tenant.issuer = excluded.issuer
        OR NOT EXISTS (SELECT 1 FROM signing_key WHERE signing_key.tenant = excluded.name))";
const CHANGE_TENANT: &str = "UPDATE tenant SET document = $3, source = $4, version = version + 1,
        updated_at = $5
    WHERE name = $1 AND issuer = $2 AND declared = 1 AND version = $6";
const REVISE: &str = "UPDATE tenant SET revision = revision + 1 WHERE name = $1";

const PUT: &str = "INSERT INTO resource
    (tenant, kind, name, document, source, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 1, $6, $6)
    ON CONFLICT (tenant, kind, name) DO UPDATE SET document = excluded.document,
        source = excluded.source, version = resource.version + 1, updated_at = excluded.updated_at";
const MAKE: &str = "INSERT INTO resource
    (tenant, kind, name, document, source, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 1, $6, $6)
    ON CONFLICT (tenant, kind, name) DO NOTHING";
const CHANGE: &str = "UPDATE resource SET document = $4, source = $5, version = version + 1,
        updated_at = $6
    WHERE tenant = $1 AND kind = $2 AND name = $3 AND version = $7";

const FIRST_KEY: &str = "INSERT INTO signing_key
    (tenant, kid, algorithm, state, record, public, sealed, created_at)
    SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT),
        CAST($5 AS TEXT), CAST($6 AS TEXT), $7, CAST($8 AS BIGINT)
    WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE tenant = $1 AND algorithm = $3)";
const PUT_KEY: &str = "INSERT INTO signing_key
    (tenant, kid, algorithm, state, record, public, sealed, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant, kid) DO UPDATE SET state = excluded.state, record = excluded.record,
        public = excluded.public, sealed = excluded.sealed";

const FORGET_ANSWERS: &str = "DELETE FROM answered WHERE expires < $1";
const REMEMBER_ANSWER: &str = "INSERT INTO answered (actor, mark, request, status, body, expires)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (actor, mark) DO NOTHING";
