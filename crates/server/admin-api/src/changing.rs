//! One way in which everything that a tenant declares is changed: read, decided, judged as a whole,
//! and written unless somebody else changed the tenant meanwhile; then it is decided anew.

use http::StatusCode;
use rolecall_http_api::{InstallationError, Standing, TenantDeclaration};
use rolecall_store::{AuditRecord, Change, Edit, StoreError};

use crate::api::AdminApi;
use crate::asked::{Asked, Mark};
use crate::once::Kept;
use crate::refused::Refused;
use crate::reply::Reply;

/// What a tenant becomes.
pub(crate) struct Amended {
    pub(crate) after: TenantDeclaration,
    pub(crate) edits: Vec<Edit>,
    /// What the answer will be.
    pub(crate) status: StatusCode,
}

/// A change of something that is looked at afterwards.
pub(crate) struct Amending<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) mark: Option<&'a Mark>,
    pub(crate) insists: bool,
    pub(crate) tenant: &'a str,
    /// What is changed, as it is stored: kind and name.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl Amending<'_> {
    fn target(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    fn kept(&self, status: StatusCode) -> Kept {
        match status {
            StatusCode::NO_CONTENT => Kept::Nothing,
            _ => Kept::Place {
                tenant: self.tenant.to_owned(),
                kind: self.kind.to_owned(),
                name: self.name.to_owned(),
            },
        }
    }
}

impl AdminApi {
    /// Changes something of a tenant that is there.
    pub(crate) async fn amend(
        &self,
        change: Amending<'_>,
        decide: impl Fn(&Standing) -> Result<Amended, Refused>,
    ) -> Result<Reply, Refused> {
        let trying = self.try_amend(&change, decide);
        self.once(change.asked, change.mark, trying).await
    }

    pub(crate) async fn try_amend(
        &self,
        change: &Amending<'_>,
        decide: impl Fn(&Standing) -> Result<Amended, Refused>,
    ) -> Result<Reply, Refused> {
        let tenant = change.tenant;
        for _ in 0..TRIES {
            let standing = (self.installation().standing(tenant).await?)
                .ok_or_else(|| Refused::not_found(&format!("tenant `{tenant}`")))?;
            let Amended {
                after,
                edits: decided,
                status,
            } = decide(&standing)?;
            if !decided.is_empty() {
                (self.installation())
                    .judge(Some(&standing.declaration), &after, change.insists)
                    .await?;
            }
            let mut edits = vec![guard(&standing)];
            edits.extend(decided);
            let row = change.asked.row(self, tenant, &change.target());
            let written = self
                .write(change, edits, vec![row], status, &change.kept(status))
                .await;
            match written {
                Ok(()) if status == StatusCode::NO_CONTENT => return Ok(Reply::nothing()),
                Ok(()) => {
                    let reply = self.at_place(tenant, change.kind, change.name).await?;
                    return Ok(Reply { status, ..reply });
                }
                Err(Written::Again) => {}
                Err(Written::Refused(refused)) => return Err(refused),
            }
        }
        Err(Refused::changed_meanwhile(format!(
            "tenant `{tenant}` is being changed all the time"
        )))
    }

    /// Writes a change with its rows and the answer to remember.
    pub(crate) async fn write(
        &self,
        change: &Amending<'_>,
        edits: Vec<Edit>,
        records: Vec<AuditRecord>,
        status: StatusCode,
        kept: &Kept,
    ) -> Result<(), Written> {
        let answered = self
            .remember(change.asked, change.mark, status, kept)
            .map_err(Written::Refused)?;
        let change = Change {
            edits,
            records,
            answered,
            now: self.now(),
        };
        match self.installation().carry_out(change).await {
            Ok(()) => Ok(()),
            Err(InstallationError::Store(StoreError::Stale { .. })) => Err(Written::Again),
            Err(error) => Err(Written::Refused(error.into())),
        }
    }
}

/// Why something was not written.
pub(crate) enum Written {
    /// Somebody else changed the tenant meanwhile.
    Again,
    Refused(Refused),
}

/// Holds a change back where the tenant is not as it was read.
pub(crate) fn guard(standing: &Standing) -> Edit {
    Edit::Guard {
        tenant: standing.stored.entry.name.clone(),
        revision: standing.stored.entry.revision,
    }
}

pub(crate) const TRIES: usize = 8;
