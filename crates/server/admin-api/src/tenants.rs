//! Tenants as a whole: their settings, and all that they declare.

use axum::extract::State;
use http::StatusCode;
use rolecall_access::{Decision, Deed, Scope};
use rolecall_http_api::{Standing, edits_between, of_the_api};
use rolecall_store::{Edit, Expect, TenantEntry};

use crate::api::AdminApi;
use crate::asked::{Asked, Write};
use crate::changing::{Amended, Amending, Written};
use crate::document::origin;
use crate::named::{Asking, Named};
use crate::once::Kept;
use crate::paging::{Paging, page, time};
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{Declared, TenantSettings};

pub(crate) async fn list(
    State(api): State<AdminApi>,
    Asking(paging): Asking<Paging>,
    asked: Asked,
) -> Result<Reply, Refused> {
    let limit = paging.limit()?;
    let reader = api.installation().store().reader();
    let entries = match asked.asker.sees() {
        None => reader.directory(&paging.after, Some(limit + 1)).await?,
        Some(names) => {
            let mut entries = Vec::new();
            for name in names.into_iter().filter(|name| **name > *paging.after) {
                entries.extend(reader.entry(name).await?);
            }
            entries
        }
    };
    let items = entries
        .into_iter()
        .map(view)
        .collect::<Result<Vec<_>, _>>()?;
    Reply::ok(&page(items, limit, |one| one.spec.name.clone()))
}

pub(crate) async fn show(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    asked: Asked,
) -> Result<Reply, Refused> {
    asked.require(&api, Deed::See, &tenant, "tenant")?;
    api.tenant_view(&tenant).await
}

/// All that a tenant declares, in one piece.
pub(crate) async fn declaration(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    asked: Asked,
) -> Result<Reply, Refused> {
    asked.require(&api, Deed::See, &tenant, "tenant")?;
    let standing = (api.installation().standing(&tenant).await?)
        .ok_or_else(|| Refused::not_found(&format!("tenant `{tenant}`")))?;
    let mut declaration = standing.declaration;
    let may = |deed| asked.asker.may(deed, &Scope::of(&tenant)) == Decision::Allowed;
    if !may(Deed::RegisterWorkloads) {
        for workload in &mut declaration.workloads {
            workload.secret_hashes.clear();
        }
    }
    Reply::ok(&declaration)
}

pub(crate) async fn make(
    State(api): State<AdminApi>,
    write: Write<TenantSettings>,
) -> Result<Reply, Refused> {
    let name = write.body.name.clone();
    let target = format!("tenant/{name}");
    write.asked.require(&api, Deed::HoldTenants, "", &target)?;
    let carried_out = async {
        if api.installation().standing(&name).await?.is_some() {
            return Err(Refused::exists(&format!("tenant `{name}`")));
        }
        api.make_tenant(&write).await
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

pub(crate) async fn put(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    write: Write<TenantSettings>,
) -> Result<Reply, Refused> {
    if write.body.name != tenant {
        return Err(Refused::invalid(
            "name",
            format!(
                "the body is of `{}`, the path of `{tenant}`; a name stays what it is",
                write.body.name
            ),
        ));
    }
    let target = format!("tenant/{tenant}");
    let what = format!("tenant `{tenant}`");
    // Who may not make tenants learns of one that it does not see what it would learn of none.
    let may_make = write
        .asked
        .asker
        .may(Deed::HoldTenants, &Scope::Installation);
    if may_make != Decision::Allowed {
        write
            .asked
            .require(&api, Deed::SettleTenant, &tenant, &target)?;
    }
    let carried_out = async {
        if api.installation().standing(&tenant).await?.is_none() {
            write.asked.require(&api, Deed::HoldTenants, "", &target)?;
            write.expects.check(&what, None)?;
            return api.make_tenant(&write).await;
        }
        let decide = |standing: &Standing| {
            let version = standing.stored.entry.version;
            write.expects.check(&what, Some(version))?;
            let mut after = standing.declaration.clone();
            write.body.clone().settle(&mut after);
            Ok(Amended {
                edits: edits_between(Some(standing), &after)?,
                after,
                status: StatusCode::OK,
            })
        };
        api.try_amend(&amending(&write, &tenant), decide).await
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

pub(crate) async fn remove(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    write: Write<()>,
) -> Result<Reply, Refused> {
    let target = format!("tenant/{tenant}");
    write
        .asked
        .require(&api, Deed::HoldTenants, &tenant, &target)?;
    let carried_out = async {
        let change = amending(&write, &tenant);
        let what = format!("tenant `{tenant}`");
        let reader = api.installation().store().reader();
        let entry = reader.entry(&tenant).await?;
        (write.expects).check(&what, entry.as_ref().map(|entry| entry.version))?;
        let entry = entry.ok_or_else(|| Refused::not_found(&what))?;
        of_the_api(entry.source, &what)?;
        let remove = Edit::RemoveTenant {
            name: tenant.clone(),
            expect: Expect::Version(entry.version),
        };
        let row = write.asked.row(&api, &tenant, &target);
        let status = StatusCode::NO_CONTENT;
        let written = api.write(&change, vec![remove], vec![row], status, &Kept::Nothing);
        match written.await {
            Ok(()) => Ok(Reply::nothing()),
            Err(Written::Again) => Err(Refused::changed_meanwhile(format!(
                "{what} was changed meanwhile"
            ))),
            Err(Written::Refused(refused)) => Err(refused),
        }
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

impl AdminApi {
    async fn make_tenant(&self, write: &Write<TenantSettings>) -> Result<Reply, Refused> {
        let after = write.body.clone().alone();
        let name = after.name.clone();
        self.installation()
            .judge(None, &after, write.insists)
            .await?;
        let mut edits = edits_between(None, &after)?;
        let first = self.installation().first_keys(&after).await?;
        edits.extend(first.edits);
        let mut records = vec![write.asked.row(self, &name, &format!("tenant/{name}"))];
        records.extend(first.records);
        let change = amending(write, &name);
        let status = StatusCode::CREATED;
        match (self.write(&change, edits, records, status, &kept(&name))).await {
            Ok(()) => {
                let reply = self.tenant_view(&name).await?;
                Ok(Reply { status, ..reply })
            }
            Err(Written::Again) => Err(Refused::changed_meanwhile(format!(
                "tenant `{name}` is being made by somebody else"
            ))),
            Err(Written::Refused(refused)) => Err(refused),
        }
    }

    pub(crate) async fn tenant_view(&self, tenant: &str) -> Result<Reply, Refused> {
        let entry = (self.installation().store().reader()).entry(tenant).await?;
        let entry = entry.ok_or_else(|| Refused::not_found(&format!("tenant `{tenant}`")))?;
        let version = entry.version;
        Ok(Reply::ok(&view(entry)?)?.version(version))
    }
}

fn view(entry: TenantEntry) -> Result<Declared<TenantSettings>, Refused> {
    let (source, version) = (entry.source, entry.version);
    let (created, updated) = (entry.created_at, entry.updated_at);
    let standing = Standing::alone(entry)?;
    Ok(Declared {
        spec: TenantSettings::of(&standing.declaration),
        origin: origin(source),
        version,
        created_at: time(created),
        updated_at: time(updated),
    })
}

fn amending<'a, T>(write: &'a Write<T>, tenant: &'a str) -> Amending<'a> {
    Amending {
        asked: &write.asked,
        mark: write.mark.as_ref(),
        insists: write.insists,
        tenant,
        kind: "tenant",
        name: tenant,
    }
}

fn kept(tenant: &str) -> Kept {
    Kept::Place {
        tenant: tenant.to_owned(),
        kind: "tenant".to_owned(),
        name: tenant.to_owned(),
    }
}
