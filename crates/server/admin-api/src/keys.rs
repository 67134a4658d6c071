//! Signing keys: seen, and ordered to be replaced, withdrawn or revoked. The server that leads
//! carries orders out.

use axum::extract::State;
use http::StatusCode;
use rolecall_access::Deed;
use rolecall_http_api::Standing;
use rolecall_signing_keys::{KeyRecord, Slots};
use rolecall_store::{AuditKind, Edit, SealedKey};

use crate::api::AdminApi;
use crate::asked::{Asked, Write};
use crate::changing::{Amending, TRIES, Written, guard};
use crate::named::Named;
use crate::once::Kept;
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{KeyView, OrderKey, Page};

pub(crate) async fn list(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    asked: Asked,
) -> Result<Reply, Refused> {
    asked.require(&api, Deed::See, &tenant, "signing_key")?;
    api.must_be(&tenant).await?;
    let keys = (api.installation().store().reader())
        .keys_of(&tenant)
        .await?;
    let items = keys.iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Reply::ok(&Page { items, next: None })
}

pub(crate) async fn order(
    State(api): State<AdminApi>,
    Named((tenant, kid)): Named<(String, String)>,
    write: Write<OrderKey>,
) -> Result<Reply, Refused> {
    let target = format!("signing_key/{kid}");
    write
        .asked
        .require(&api, Deed::OrderKeys, &tenant, &target)?;
    let carried_out = async {
        let change = Amending {
            asked: &write.asked,
            mark: write.mark.as_ref(),
            insists: write.insists,
            tenant: &tenant,
            kind: "signing_key",
            name: &kid,
        };
        let status = StatusCode::ACCEPTED;
        let kept = Kept::Place {
            tenant: tenant.clone(),
            kind: "signing_key".to_owned(),
            name: kid.clone(),
        };
        for _ in 0..TRIES {
            let standing = (api.installation().standing(&tenant).await?)
                .ok_or_else(|| Refused::not_found(&format!("tenant `{tenant}`")))?;
            let edits = ordered(&api, &standing, &kid, &write)?;
            let mut row = write.asked.row(&api, &tenant, &target);
            row.kind = AuditKind::SigningKey;
            row.kid = Some(kid.clone());
            row.reason = Some(format!("ordered: {}", write.body.order.as_str()));
            match api.write(&change, edits, vec![row], status, &kept).await {
                Ok(()) => {
                    let reply = api.key_view(&tenant, &kid).await?;
                    return Ok(Reply { status, ..reply });
                }
                Err(Written::Again) => {}
                Err(Written::Refused(refused)) => return Err(refused),
            }
        }
        Err(Refused::changed_meanwhile(format!(
            "tenant `{tenant}` is being changed all the time"
        )))
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

fn ordered(
    api: &AdminApi,
    standing: &Standing,
    kid: &str,
    write: &Write<OrderKey>,
) -> Result<Vec<Edit>, Refused> {
    let keys = &standing.stored.keys;
    let mut found = keys.iter().filter(|key| key.kid == kid);
    let key = found
        .next()
        .ok_or_else(|| Refused::not_found(&format!("signing key `{kid}`")))?;
    let records = keys.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let mut slots = Slots::new(records, 0);
    slots
        .order(kid, write.body.order, api.now(), &write.asked.asker.name)
        .map_err(|error| Refused::new(StatusCode::CONFLICT, "order", error.to_string()))?;
    let mut edits = vec![guard(standing)];
    if let Some(changed) = slots.key(kid) {
        edits.push(Edit::PutKey(SealedKey {
            record: serde_json::to_string(changed).map_err(|error| Refused::ours(&error))?,
            ..key.clone()
        }));
    }
    Ok(edits)
}

impl AdminApi {
    pub(crate) async fn key_view(&self, tenant: &str, kid: &str) -> Result<Reply, Refused> {
        let keys = (self.installation().store().reader())
            .keys_of(tenant)
            .await?;
        let key = keys.iter().find(|key| key.kid == kid);
        let key = key.ok_or_else(|| Refused::not_found(&format!("signing key `{kid}`")))?;
        Reply::ok(&view(key)?)
    }
}

fn record(key: &SealedKey) -> Result<KeyRecord, Refused> {
    serde_json::from_str(&key.record).map_err(|error| Refused::ours(&error))
}

fn view(key: &SealedKey) -> Result<KeyView, Refused> {
    let record = record(key)?;
    Ok(KeyView {
        kid: record.kid,
        algorithm: record.algorithm,
        slot: record.slot,
        backend: record.backend,
        created_at: record.created_at,
        published_at: record.published_at,
        seen_at: record.seen_at,
        activated_at: record.activated_at,
        retired_at: record.retired_at,
        order: record.order,
        public: serde_json::from_str(&key.public).map_err(|error| Refused::ours(&error))?,
    })
}
