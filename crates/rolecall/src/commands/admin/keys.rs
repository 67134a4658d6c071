//! `rolecall key list` and `rotate`, through the admin API.

use rolecall_admin_api::wire::{Declared, KeyView, OrderKey, Page, TenantSettings};
use rolecall_signing_keys::Order;
use serde_json::json;

use crate::administering::{Client, encoded};
use crate::cli::Output;
use crate::cli::admin::ServerArgs;
use crate::cli::state::KeyListArgs;
use crate::failure::Failure;
use crate::printing;

/// Lists the signing keys of one tenant, or of all that the asker sees.
///
/// # Errors
/// What the server says of it.
pub async fn keys(server: &ServerArgs, args: &KeyListArgs) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let tenants = match &args.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => {
            let all = client.all::<Declared<TenantSettings>>("/tenants").await?;
            all.into_iter().map(|tenant| tenant.spec.name).collect()
        }
    };
    for tenant in tenants {
        let path = format!("/tenants/{}/keys", encoded(&tenant));
        let page = client.get::<Page<KeyView>>(&path).await?.body;
        for key in &page.items {
            printing::line(&match args.output {
                Output::Json => json!({ "tenant": tenant, "key": key }).to_string(),
                Output::Text => format!(
                    "{tenant}  {}  {}  {}  {}",
                    key.algorithm.as_str(),
                    key.slot.as_str(),
                    key.kid,
                    key.backend
                ),
            })?;
        }
    }
    Ok(())
}

/// Orders what is to happen to a signing key.
///
/// # Errors
/// What the server says of it.
pub async fn order(
    server: &ServerArgs,
    tenant: &str,
    kid: &str,
    order: Order,
) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let path = format!("/tenants/{}/keys/{}/order", encoded(tenant), encoded(kid));
    client
        .post::<KeyView>(&path, &OrderKey { order })
        .await
        .map(drop)
}
