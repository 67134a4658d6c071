//! What the API is, for programs that make clients of it (OpenAPI 3.1). Served, and checked in at
//! `docs/openapi.json`.

mod describing;

use std::sync::OnceLock;

use axum::http::header;
use axum::response::IntoResponse;
use rolecall_attest::federated::TrustedIssuerText;
use rolecall_http_api::{TenantDeclaration, TrustSubscriptionText, WorkloadDeclaration};
use rolecall_mint::TokenConfigText;
use utoipa::ToSchema;

use crate::document::Piece;
use crate::wire::{
    AccessView, Applied, Apply, Declared, KeyView, Made, Me, NewAccess, NewJoinToken, NewSession,
    OrderKey, Page, ShownJoinToken, ShownSecret, ShownSession, TenantSettings, TrailRow,
};
use describing::{Described, Description};

/// The description as it is served and checked in.
#[must_use]
pub fn document() -> String {
    let mut api = Description::new();
    whoever(&mut api);
    tenants(&mut api);
    pieces::<TokenConfigText>(
        &mut api,
        "token config",
        "One audience, lifetime and subject format.",
    );
    pieces::<TrustedIssuerText>(
        &mut api,
        "trusted issuer",
        "A foreign issuer whose tokens are evidence.",
    );
    pieces::<TrustSubscriptionText>(
        &mut api,
        "trust subscription",
        "A role whose trust policy no change may lock workloads out of.",
    );
    pieces::<WorkloadDeclaration>(&mut api, "workload", "Who may ask for tokens.");
    proofs(&mut api);
    keys(&mut api);
    access(&mut api);
    trail(&mut api);
    api.written()
}

pub(crate) async fn served() -> impl IntoResponse {
    // Anybody may ask, so it is made once.
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let document = DOCUMENT.get_or_init(document).as_str();
    ([(header::CONTENT_TYPE, "application/json")], document)
}

fn whoever(api: &mut Description) {
    let tag = "signing in";
    api.add(Described::get("/me", tag, "who_am_i", "Who asks, and what it may").gives::<Me>(200));
    api.add(
        Described::post(
            "/sessions",
            tag,
            "sign_in",
            "Opens a session with a password or an ID token",
        )
        .open()
        .takes::<NewSession>()
        .gives::<ShownSession>(201)
        .fails(&[401, 403]),
    );
    api.add(
        Described::delete(
            "/sessions/current",
            tag,
            "sign_out",
            "Ends the session of the token that is sent",
        )
        .gives_nothing(204)
        .fails(&[409]),
    );
}

fn tenants(api: &mut Description) {
    let tag = "tenants";
    api.add(
        Described::get("/tenants", tag, "list_tenants", "Tenants, by name")
            .paged()
            .gives::<Page<Declared<TenantSettings>>>(200),
    );
    api.add(
        Described::post(
            "/tenants",
            tag,
            "make_tenant",
            "Makes a tenant with its first signing keys",
        )
        .takes::<TenantSettings>()
        .gives::<Declared<TenantSettings>>(201)
        .fails(&[403, 409, 422]),
    );
    let one = "/tenants/{tenant}";
    api.add(
        Described::get(one, tag, "show_tenant", "A tenant's settings")
            .gives::<Declared<TenantSettings>>(200)
            .fails(&[404]),
    );
    api.add(
        Described::put(
            one,
            tag,
            "put_tenant",
            "Changes a tenant's settings, or makes it",
        )
        .takes::<TenantSettings>()
        .gives::<Declared<TenantSettings>>(200)
        .gives::<Declared<TenantSettings>>(201)
        .conditional()
        .fails(&[403, 404, 409, 412, 422]),
    );
    api.add(
        Described::delete(one, tag, "remove_tenant", "Takes a tenant out of service with all that it declares; its keys are kept for the day it is declared again")
            .gives_nothing(204)
            .conditional()
            .fails(&[403, 404, 409, 412]),
    );
    api.add(
        Described::get(
            "/tenants/{tenant}/declaration",
            tag,
            "show_declaration",
            "All that a tenant declares, in one piece",
        )
        .gives::<TenantDeclaration>(200)
        .fails(&[404]),
    );
    api.add(
        Described::post(
            "/apply",
            tag,
            "apply",
            "Plans many declarations at once, and carries them out in one transaction",
        )
        .takes::<Apply>()
        .gives::<Applied>(200)
        .fails(&[403, 404, 409, 422]),
    );
}

fn pieces<T: Piece + ToSchema>(api: &mut Description, what: &str, tells: &str) {
    let (tag, word) = (T::PLACE, T::KIND.as_str());
    let all = format!("/tenants/{{tenant}}/{}", T::PLACE);
    let one = format!("{all}/{{name}}");
    api.add(
        Described::get(
            &all,
            tag,
            &format!("list_{word}s"),
            &format!("Each {what} of a tenant, by name"),
        )
        .tells(tells)
        .paged()
        .gives::<Page<Declared<T>>>(200)
        .fails(&[404]),
    );
    api.add(
        Described::post(
            &all,
            tag,
            &format!("make_{word}"),
            &format!("Makes a {what}"),
        )
        .takes::<T>()
        .gives::<Declared<T>>(201)
        .conditional()
        .fails(&[403, 404, 409, 412, 422]),
    );
    api.add(
        Described::get(&one, tag, &format!("show_{word}"), &format!("A {what}"))
            .gives::<Declared<T>>(200)
            .fails(&[404]),
    );
    api.add(
        Described::put(
            &one,
            tag,
            &format!("put_{word}"),
            &format!("Changes a {what}, or makes it"),
        )
        .takes::<T>()
        .gives::<Declared<T>>(200)
        .gives::<Declared<T>>(201)
        .conditional()
        .fails(&[403, 404, 409, 412, 422]),
    );
    api.add(
        Described::delete(
            &one,
            tag,
            &format!("remove_{word}"),
            &format!("Takes a {what} away"),
        )
        .gives_nothing(204)
        .conditional()
        .fails(&[403, 404, 409, 412, 422]),
    );
}

fn proofs(api: &mut Description) {
    let tag = "workloads";
    api.add(
        Described::post(
            "/tenants/{tenant}/join-tokens",
            tag,
            "make_join_token",
            "Makes a token with which a new machine registers its key, once",
        )
        .takes::<NewJoinToken>()
        .gives::<ShownJoinToken>(201)
        .fails(&[403, 404, 409, 422]),
    );
    api.add(
        Described::post(
            "/tenants/{tenant}/workloads/{name}/secrets",
            tag,
            "make_secret",
            "Makes a client secret, shown once",
        )
        .gives::<ShownSecret>(201)
        .fails(&[403, 404, 409]),
    );
}

fn keys(api: &mut Description) {
    let tag = "signing keys";
    api.add(
        Described::get(
            "/tenants/{tenant}/keys",
            tag,
            "list_keys",
            "A tenant's signing keys: their public parts, and where they are in their lives",
        )
        .gives::<Page<KeyView>>(200)
        .fails(&[404]),
    );
    api.add(
        Described::post(
            "/tenants/{tenant}/keys/{kid}/order",
            tag,
            "order_key",
            "Orders a key to be replaced, withdrawn or revoked; the server carries it out",
        )
        .takes::<OrderKey>()
        .gives::<KeyView>(202)
        .fails(&[403, 404, 409]),
    );
}

fn access(api: &mut Description) {
    let tag = "access";
    for (at, of) in [
        ("/tenants/{tenant}/access", "tenant"),
        ("/access", "installation"),
    ] {
        api.add(
            Described::get(
                at,
                tag,
                &format!("list_{of}_access"),
                &format!("Who has access to the {of}"),
            )
            .paged()
            .gives::<Page<AccessView>>(200)
            .fails(&[403, 404]),
        );
        api.add(
            Described::post(
                at,
                tag,
                &format!("give_{of}_access"),
                &format!("Gives access to the {of}; a token is shown once"),
            )
            .takes::<NewAccess>()
            .gives::<Made>(201)
            .fails(&[403, 404, 409, 422]),
        );
        let one = format!("{at}/{{name}}");
        api.add(
            Described::delete(
                &one,
                tag,
                &format!("take_{of}_access"),
                "Takes access away; its token and its sessions end at once",
            )
            .gives_nothing(204)
            .fails(&[403, 404, 409]),
        );
    }
}

fn trail(api: &mut Description) {
    let tag = "audit trail";
    api.add(
        Described::get(
            "/audit",
            tag,
            "read_trail",
            "Rows of the audit trail, oldest first",
        )
        .rows(true)
        .gives::<Page<TrailRow>>(200)
        .fails(&[403]),
    );
    api.add(
        Described::get(
            "/tenants/{tenant}/audit",
            tag,
            "read_tenant_trail",
            "Rows of the audit trail that are about a tenant, oldest first",
        )
        .rows(false)
        .gives::<Page<TrailRow>>(200)
        .fails(&[403, 404]),
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// `docs/openapi.json` is what is served. `UPDATE_OPENAPI=1` writes it.
    #[test]
    fn what_is_checked_in_is_what_is_served() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(
            kept == document(),
            "docs/openapi.json is not what is served: UPDATE_OPENAPI=1 cargo test -p rolecall-admin-api openapi"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let mut seen = 0;
        let mut waiting = vec![&document];
        while let Some(value) = waiting.pop() {
            match value {
                serde_json::Value::Object(members) => {
                    if let Some(at) = members.get("$ref").and_then(|at| at.as_str()) {
                        seen += 1;
                        let pointer = at.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{at}");
                    }
                    waiting.extend(members.values());
                }
                serde_json::Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
