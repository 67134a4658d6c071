//! The audit trail, read.

use axum::extract::State;
use rolecall_access::Deed;
use rolecall_store::AuditFilter;
use serde::Deserialize;

use crate::api::AdminApi;
use crate::asked::Asked;
use crate::named::{Asking, Named};
use crate::paging::page;
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::TrailRow;

/// Which rows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    /// Only this workload's.
    #[serde(default)]
    workload: Option<String>,
    /// Only this tenant's; of the whole trail only.
    #[serde(default)]
    tenant: Option<String>,
    /// Only rows after this one.
    #[serde(default)]
    after: Option<i64>,
    /// Only the last so many, in place of `after` and `limit`.
    #[serde(default)]
    last: Option<u32>,
    /// At most so many.
    #[serde(default)]
    limit: Option<u32>,
}

pub(crate) async fn whole(
    State(api): State<AdminApi>,
    Asking(rows): Asking<Rows>,
    asked: Asked,
) -> Result<Reply, Refused> {
    asked.require(&api, Deed::SeeTrail, "", "audit")?;
    answer(&api, rows).await
}

pub(crate) async fn of_tenant(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    Asking(rows): Asking<Rows>,
    asked: Asked,
) -> Result<Reply, Refused> {
    asked.require(&api, Deed::SeeTrail, &tenant, "audit")?;
    answer(
        &api,
        Rows {
            tenant: Some(tenant),
            ..rows
        },
    )
    .await
}

async fn answer(api: &AdminApi, rows: Rows) -> Result<Reply, Refused> {
    let limit = rows.last.or(rows.limit).unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(
            Refused::malformed(format!("`limit` is {limit}; 1 to {MOST} are possible"))
                .field("limit"),
        );
    }
    let filter = AuditFilter {
        tenant: rows.tenant,
        workload: rows.workload,
        after: rows.after,
        last: rows.last,
        first: rows.last.is_none().then_some(limit + 1),
    };
    let found = api.installation().store().reader().audit(&filter).await?;
    let items = found.iter().map(|row| {
        let json = serde_json::to_value(row)?;
        serde_json::from_value::<TrailRow>(json)
    });
    let items = items
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Refused::ours(&error))?;
    Reply::ok(&page(items, limit, |row| row.id.to_string()))
}

const USUAL: u32 = 100;
const MOST: u32 = 1000;
