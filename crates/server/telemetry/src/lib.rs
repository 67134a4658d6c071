//! Traces: where the environment names an OpenTelemetry collector, each request becomes a span with
//! what was done for it as spans below, and is sent there.
//!
//! The variables are OpenTelemetry's own (its specification, "Environment Variable Specification"
//! and "OTLP Exporter Configuration"), so that a collector is named once for all programs of a
//! machine. Without them nothing is recorded and nothing is sent.

mod exporting;
mod requests;
mod settings;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::{Level, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::registry::LookupSpan;

pub use requests::traced;
pub use settings::is_wanted;

use exporting::Told;

/// Why traces cannot be sent as the environment says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A variable says what cannot be. The operator's.
    #[error("traces cannot be sent as the environment says: {detail}")]
    Environment {
        /// Which variable, and why.
        detail: String,
    },
}

impl TelemetryError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Name the collector by OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318 (OTLP over HTTP, protobuf), or unset the variable: no traces are sent then."
    }
}

/// Where spans go. Kept until the end of the program, then [closed](Self::close).
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// As the environment says; `None` where it names no collector.
    ///
    /// # Errors
    /// A variable cannot be understood, or asks for another protocol than OTLP over HTTP.
    pub fn from_environment(version: &'static str) -> Result<Option<Self>, TelemetryError> {
        let variable = |name: &str| std::env::var(name).ok();
        if !is_wanted(variable) {
            return Ok(None);
        }
        settings::check(variable)?;
        let refused = |error: ExporterBuildError| TelemetryError::Environment {
            detail: error.to_string(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_headers([("user-agent".to_owned(), format!("rolecall/{version}"))].into())
            .build()
            .map_err(refused)?;
        let mut resource = Resource::builder()
            .with_attribute(opentelemetry::KeyValue::new("service.version", version));
        if !settings::names_service(variable) {
            resource = resource.with_service_name("rolecall");
        }
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Told::new(exporter))
            .with_resource(resource.build())
            .build();
        Ok(Some(Self { provider }))
    }

    /// What takes the spans of this program, and the log lines within them, out of `tracing`.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        layer(self.provider.tracer("rolecall")).with_filter(ours())
    }

    /// Sends what was not sent yet, for at most two seconds. Blocks.
    pub fn close(self) {
        // That a collector does not answer was told when it began.
        let _ = self.provider.shutdown_with_timeout(LAST_WORDS);
    }
}

fn layer<S>(tracer: Tracer) -> OpenTelemetryLayer<S, Tracer>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        // Of no use to who reads traces of a server, and dear.
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
}

/// Spans and log lines of this program, never of its libraries: what those write is not ours to
/// answer for, and the exporter's own requests would make spans of spans.
fn ours() -> FilterFn {
    filter_fn(|metadata| {
        metadata.target().starts_with("rolecall") && *metadata.level() <= Level::INFO
    })
}

const LAST_WORDS: Duration = Duration::from_secs(2);
