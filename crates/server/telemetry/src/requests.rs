//! A span a request, with the names of OpenTelemetry's semantic conventions for HTTP servers.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::header;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rolecall_listening::ClientAddress;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// `router` with a span around each request: below the caller's, where the caller says which it is
/// (`traceparent`, W3C Trace Context).
///
/// Of a request only what cannot be a secret is written: never its query, its body or a header but
/// `Host`. Whoever answers it may record `http.route` and `otel.name` in the current span.
pub fn traced(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| {
        let span = span_of(&request);
        if span.is_disabled() {
            return next.run(request).await;
        }
        let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        // Refused only where nothing takes spans.
        let _ = span.set_parent(caller);
        let response = next.run(request).instrument(span.clone()).await;
        tell(&span, &response);
        response
    }))
}

fn span_of(request: &Request) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = %request.method(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %request.method(),
        http.route = Empty,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
        server.address = Empty,
        client.address = Empty,
        tenant = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let host = request.uri().host().or_else(|| {
        let host = request.headers().get(header::HOST);
        host.and_then(|host| host.to_str().ok())
    });
    if let Some(host) = host {
        span.record("server.address", host);
    }
    if let Some(client) = request.extensions().get::<ClientAddress>() {
        span.record("client.address", tracing::field::display(client.0.ip()));
    }
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        let route = route.as_str();
        span.record("http.route", route);
        span.record("otel.name", format!("{} {route}", request.method()));
    }
    span
}

fn tell(span: &Span, response: &Response) {
    let status = response.status();
    // An unsigned number would become text.
    span.record("http.response.status_code", i64::from(status.as_u16()));
    // What the caller did wrong is no error of a server (the conventions' "Status").
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
    use tower::ServiceExt as _;
    use tracing::instrument::WithSubscriber as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// The spans of one request.
    async fn spans(request: Request) -> Vec<SpanData> {
        let kept = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(kept.clone())
            .build();
        let subscriber =
            tracing_subscriber::registry().with(crate::layer(provider.tracer("rolecall")));
        let router = Router::new()
            .route("/things/{name}", get(async || StatusCode::OK))
            .fallback(async || {
                Span::current().record("otel.name", "GET elsewhere");
                tracing::info_span!("below").in_scope(|| {});
                StatusCode::BAD_GATEWAY
            });
        let answered = traced(router).oneshot(request).with_subscriber(subscriber);
        answered.await.unwrap();
        kept.get_finished_spans().unwrap()
    }

    fn text(span: &SpanData) -> String {
        let mut lines = vec![format!(
            "{} {:?} {:?}",
            span.name, span.span_kind, span.status
        )];
        lines.extend(
            span.attributes
                .iter()
                .map(|one| format!("{}={}", one.key, one.value)),
        );
        lines.join("\n")
    }

    #[tokio::test]
    async fn a_request_is_told_without_its_secrets() {
        let request = Request::get("/things/a?code=hidden")
            .header("host", "acme.example")
            .header("authorization", "Bearer hidden")
            .header(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .body(Body::from("hidden"))
            .unwrap();
        let [span] = spans(request).await.try_into().unwrap();
        insta::assert_snapshot!(text(&span), @r#"
GET /things/{name} Server Unset
http.request.method=GET
url.path=/things/a
server.address=acme.example
http.route=/things/{name}
http.response.status_code=200
"#);
        assert_eq!(
            span.span_context.trace_id().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    }

    #[tokio::test]
    async fn what_is_done_for_it_hangs_below_and_a_server_error_is_one() {
        let request = Request::get("/nothing").body(Body::empty()).unwrap();
        let [below, span] = spans(request).await.try_into().unwrap();
        assert_eq!(below.parent_span_id, span.span_context.span_id());
        assert_eq!(span.name, "GET elsewhere");
        assert_eq!(span.span_kind, SpanKind::Server);
        assert!(matches!(span.status, Status::Error { .. }));
    }

    #[tokio::test]
    async fn a_broken_parent_is_none() {
        let request = Request::get("/things/a")
            .header("traceparent", "00-zz-1-01")
            .body(Body::empty())
            .unwrap();
        let [span] = spans(request).await.try_into().unwrap();
        assert_eq!(span.parent_span_id.to_string(), "0000000000000000");
    }
}
