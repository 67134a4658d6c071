//! Where everything is.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use http::StatusCode;
use rolecall_attest::federated::TrustedIssuerText;
use rolecall_http_api::{TrustSubscriptionText, WorkloadDeclaration};
use rolecall_mint::TokenConfigText;

use crate::api::AdminApi;
use crate::document::Piece;
use crate::refused::Refused;
use crate::{access, applying, document, keys, openapi, proofs, sessions, tenants, trail};

/// The API, below `/api/v1`.
pub fn router(api: AdminApi) -> Router {
    let routes = Router::new()
        .route("/openapi.json", get(openapi::served))
        .route("/me", get(sessions::me))
        .route("/sessions", post(sessions::open))
        .route("/sessions/current", axum::routing::delete(sessions::close))
        .route("/tenants", get(tenants::list).post(tenants::make))
        .route(
            "/tenants/{tenant}",
            get(tenants::show).put(tenants::put).delete(tenants::remove),
        )
        .route("/tenants/{tenant}/declaration", get(tenants::declaration))
        .route("/tenants/{tenant}/keys", get(keys::list))
        .route("/tenants/{tenant}/keys/{kid}/order", post(keys::order))
        .route(
            "/tenants/{tenant}/join-tokens",
            post(proofs::make_join_token),
        )
        .route(
            "/tenants/{tenant}/workloads/{name}/secrets",
            post(proofs::make_secret),
        )
        .route(
            "/tenants/{tenant}/access",
            get(access::list).post(access::make),
        )
        .route(
            "/tenants/{tenant}/access/{name}",
            axum::routing::delete(access::remove),
        )
        .route("/tenants/{tenant}/audit", get(trail::of_tenant))
        .route("/access", get(access::list_all).post(access::make_for_all))
        .route(
            "/access/{name}",
            axum::routing::delete(access::remove_of_all),
        )
        .route("/audit", get(trail::whole));
    let routes = pieces::<TokenConfigText>(routes);
    let routes = pieces::<TrustedIssuerText>(routes);
    let routes = pieces::<TrustSubscriptionText>(routes);
    let routes = pieces::<WorkloadDeclaration>(routes);
    let routes = routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // A whole installation may be applied at once.
        .route(
            "/apply",
            post(applying::apply).layer(DefaultBodyLimit::max(LARGEST_SET)),
        )
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .with_state(api);
    Router::new().nest("/api/v1", routes)
}

fn pieces<T: Piece>(routes: Router<AdminApi>) -> Router<AdminApi> {
    let place = T::PLACE;
    routes
        .route(
            &format!("/tenants/{{tenant}}/{place}"),
            get(document::list::<T>).post(document::make::<T>),
        )
        .route(
            &format!("/tenants/{{tenant}}/{place}/{{name}}"),
            get(document::show::<T>)
                .put(document::put::<T>)
                .delete(document::remove::<T>),
        )
}

async fn nowhere() -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "the API has nothing at this path",
    )
    .hint("`/api/v1/openapi.json` tells what there is.")
}

async fn not_so() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "this path is there, but not with this method",
    )
    .hint("`/api/v1/openapi.json` tells what there is.")
}

const LARGEST_BODY: usize = 1 << 20;
const LARGEST_SET: usize = 256 << 20;
