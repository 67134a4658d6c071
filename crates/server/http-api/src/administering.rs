//! What those who administer an installation need of it: a tenant as it stands, a change judged
//! before it is made, and made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rolecall_sealed::{SecretSlice, open, seal};
use rolecall_store::{
    AuditRecord, Change, Document, Edit, Expect, ResourceKind, Source, Store, StoreError,
    StoredTenant, TenantEntry,
};

use crate::federation::called;
use crate::first_start;
use crate::installation::Installation;
use crate::lowering::{CheckedTenant, check_change_of, lower_stored};
use crate::snapshot::Tenant;
use crate::stored::{declared, stored};
use crate::subscribing::locked_out;
use crate::{InstallationError, TenantDeclaration};

/// A tenant as it stands: what it declares, and what the store knows of that.
#[derive(Debug, Clone)]
pub struct Standing {
    /// All that it declares, by file and API.
    pub declaration: TenantDeclaration,
    /// Versions, origins and keys.
    pub stored: StoredTenant,
}

/// What a tenant that is to be changed becomes.
#[derive(Debug, Clone)]
pub struct Becoming {
    /// In order: what has to be written.
    pub edits: Vec<Edit>,
    /// What the trail says of it; of keys that are made, for instance.
    pub records: Vec<AuditRecord>,
}

impl Standing {
    /// What the store keeps, as a declaration.
    ///
    /// # Errors
    /// [`InstallationError::Stored`].
    pub fn of(stored: StoredTenant) -> Result<Self, InstallationError> {
        Ok(Self {
            declaration: declared(&stored)?,
            stored,
        })
    }

    /// A tenant alone, without what belongs to it.
    ///
    /// # Errors
    /// [`InstallationError::Stored`].
    pub fn alone(entry: TenantEntry) -> Result<Self, InstallationError> {
        Self::of(StoredTenant {
            entry,
            keys: Vec::new(),
            resources: Vec::new(),
        })
    }
}

impl Installation {
    /// The state.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// A tenant as it stands; `None` if it is not declared.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn standing(&self, name: &str) -> Result<Option<Standing>, InstallationError> {
        let found = self.shared.store.reader().tenant(name).await?;
        found.map(Standing::of).transpose()
    }

    /// Whether `after` may be served in place of `before`. Who `insists` may lock workloads out of
    /// subscribed roles. Nothing is written.
    ///
    /// # Errors
    /// The first rule that it breaks, with the field; another tenant has its issuer.
    pub async fn judge(
        &self,
        before: Option<&TenantDeclaration>,
        after: &TenantDeclaration,
        insists: bool,
    ) -> Result<(), InstallationError> {
        let checked = lower_stored(after)?;
        if let Some(before) = before {
            check_change_of(before, after)?;
            if !insists {
                keeps_in(before, after, &checked)?;
            }
        }
        let moved = before.is_none_or(|before| {
            before.issuer != after.issuer || before.federation != after.federation
        });
        if moved {
            let entries = self.shared.store.reader().directory("", None).await?;
            let name = checked.federation.issuer.to_string();
            alone_outside(&after.name, &[&after.issuer, &name], &entries)?;
        }
        Tenant::check(checked, &self.shared.means())
    }

    /// The first signing keys of a tenant that is to be declared and has none.
    ///
    /// # Errors
    /// A key cannot be made or sealed.
    pub async fn first_keys(
        &self,
        tenant: &TenantDeclaration,
    ) -> Result<Becoming, InstallationError> {
        let shared = &*self.shared;
        let nothing = Becoming {
            edits: Vec::new(),
            records: Vec::new(),
        };
        if !(shared.store.reader().keys_of(&tenant.name).await?).is_empty() {
            return Ok(nothing);
        }
        let checked = lower_stored(tenant)?;
        let (master, signers) = (&shared.master, &shared.signers);
        let (edits, records) =
            first_start::first_keys(&checked, master, signers, self.now()).await?;
        Ok(Becoming { edits, records })
    }

    /// Makes a change and serves what it changed: whoever asks afterwards finds it so.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn carry_out(&self, change: Change) -> Result<(), InstallationError> {
        let tenants: Vec<String> = (change.edits.iter())
            .filter_map(|edit| edit.served().map(str::to_owned))
            .collect();
        self.shared.store.change(change).await?;
        let mut last = "";
        for tenant in &tenants {
            if tenant != last {
                last = tenant;
                // It is written: that it cannot be read again at once changes nothing of that.
                if let Err(error) = self.refresh(tenant).await {
                    tracing::error!(tenant, %error, "a changed tenant is not served as it is yet");
                }
            }
        }
        Ok(())
    }

    /// Seals what is to be kept for `record` under the installation's master key.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn seal(&self, record: &str, secret: &[u8]) -> Result<Vec<u8>, InstallationError> {
        seal(&self.shared.master, record.as_bytes(), secret).map_err(|error| unsealed(&error))
    }

    /// Opens what [`Installation::seal`] sealed for the same record.
    ///
    /// # Errors
    /// It was sealed for another record, or under another master key.
    pub fn open(&self, record: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, InstallationError> {
        open(&self.shared.master, record.as_bytes(), sealed).map_err(|error| unsealed(&error))
    }
}

/// The edits that make `after` of `before`, as the word of the API.
///
/// # Errors
/// Something that would change is declared by the configuration file.
pub fn edits_between(
    before: Option<&Standing>,
    after: &TenantDeclaration,
) -> Result<Vec<Edit>, InstallationError> {
    let wanted = stored(after)?;
    let tenant = wanted.name.clone();
    let mut edits = Vec::new();
    let same = before.is_some_and(|before| {
        before.stored.entry.issuer == wanted.issuer
            && stored(&before.declaration).is_ok_and(|now| now.document == wanted.document)
    });
    if !same {
        if let Some(before) = before {
            of_the_api(before.stored.entry.source, &format!("tenant `{tenant}`"))?;
        }
        edits.push(Edit::PutTenant {
            name: tenant.clone(),
            issuer: wanted.issuer.clone(),
            document: wanted.document.clone(),
            source: Source::Api,
            expect: match before {
                None => Expect::Absent,
                Some(_) => Expect::Any,
            },
        });
    }
    let mut there = BTreeMap::new();
    if let Some(before) = before {
        for one in &before.stored.resources {
            there.insert((one.kind, one.document.name.as_str()), one);
        }
    }
    for (kind, document) in &wanted.resources {
        let found = there.remove(&(*kind, document.name.as_str()));
        if found.is_some_and(|found| found.document.json == document.json) {
            continue;
        }
        if let Some(found) = found {
            of_the_api(found.source, &told(*kind, &document.name))?;
        }
        edits.push(Edit::Put {
            tenant: tenant.clone(),
            kind: *kind,
            document: document.clone(),
            source: Source::Api,
            expect: match found {
                None => Expect::Absent,
                Some(_) => Expect::Any,
            },
        });
    }
    for ((kind, name), one) in there {
        // Only what a declaration tells of can be missing from it.
        if !matches!(
            kind,
            ResourceKind::TokenConfig
                | ResourceKind::TrustSubscription
                | ResourceKind::TrustedIssuer
                | ResourceKind::Workload
        ) {
            continue;
        }
        of_the_api(one.source, &told(kind, name))?;
        edits.push(Edit::Remove {
            tenant: tenant.clone(),
            kind,
            name: name.to_owned(),
            expect: Expect::Any,
        });
    }
    Ok(edits)
}

/// A document as the store keeps it.
///
/// # Errors
/// It cannot be written as JSON.
pub fn document<T: serde::Serialize>(name: &str, spec: &T) -> Result<Document, InstallationError> {
    let json = serde_json::to_value(spec).map_err(|error| InstallationError::Declaration {
        field: String::new(),
        message: error.to_string(),
    })?;
    Ok(Document {
        name: name.to_owned(),
        json: json.to_string(),
    })
}

/// Refuses to change what only the configuration file changes.
///
/// # Errors
/// [`InstallationError::OfTheFile`].
pub fn of_the_api(source: Source, what: &str) -> Result<(), InstallationError> {
    match source {
        Source::Api => Ok(()),
        Source::File => Err(InstallationError::OfTheFile {
            what: what.to_owned(),
        }),
    }
}

/// Refuses a change that locks workloads out of subscribed roles.
pub(crate) fn keeps_in(
    before: &TenantDeclaration,
    after: &TenantDeclaration,
    checked: &CheckedTenant,
) -> Result<(), InstallationError> {
    let says_the_same = before.issuer == after.issuer
        && before.federation == after.federation
        && before.rules == after.rules
        && before.token_configs == after.token_configs
        && before.workloads == after.workloads;
    if says_the_same || checked.subscriptions.is_empty() {
        return Ok(());
    }
    // What cannot be read of before lets nobody in that could be locked out.
    let Ok(before) = lower_stored(before) else {
        return Ok(());
    };
    match locked_out(&before, checked) {
        found if found.is_empty() => Ok(()),
        found => Err(InstallationError::LocksOut(found)),
    }
}

/// Refuses `names` that tokens of another tenant carry, or are fetched at: two tenants of one name
/// could speak for each other.
pub(crate) fn alone_outside(
    tenant: &str,
    names: &[&str],
    entries: &[TenantEntry],
) -> Result<(), InstallationError> {
    for entry in entries.iter().filter(|entry| entry.name != tenant) {
        let other = called(&entry.document);
        for name in names {
            if entry.issuer == *name || other.as_deref() == Some(*name) {
                return Err(InstallationError::Declaration {
                    field: "issuer".to_owned(),
                    message: format!(
                        "another tenant is called `{name}` already; each tenant needs its own issuer"
                    ),
                });
            }
        }
    }
    Ok(())
}

fn told(kind: ResourceKind, name: &str) -> String {
    format!("{} `{name}`", kind.as_str().replace('_', " "))
}

fn unsealed(error: &rolecall_sealed::SealedError) -> InstallationError {
    InstallationError::Store(StoreError::Odd {
        detail: error.to_string(),
    })
}
