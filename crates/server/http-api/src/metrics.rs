//! What is counted, in the text form that Prometheus reads. No metric names a tenant or a workload:
//! there may be a hundred thousand, and the audit trail tells of each.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::header;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// All metrics of one process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    seconds: Histogram,
    documents: Family<Document, Counter>,
    steps: Counter,
    tenants: Gauge,
    read: Gauge,
    ready: Gauge,
}

/// A request for a token, as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    /// `granted`, or the OAuth error code.
    outcome: String,
    /// The kind of proof: `private_key_jwt`, `federated`, ….
    evidence: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Document {
    document: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("rolecall"),
            requests: Family::default(),
            seconds: Histogram::new(BUCKETS),
            documents: Family::default(),
            steps: Counter::default(),
            tenants: Gauge::default(),
            read: Gauge::default(),
            ready: Gauge::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "token_requests",
            "Requests for tokens, by their end and the kind of proof",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "token_request",
            "How long a request for a token took, its audit row included",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "documents",
            "Discovery documents and key sets that were asked for",
            self.documents.clone(),
        );
        registry.register(
            "key_steps",
            "Steps that this process made in the rotation of signing keys",
            self.steps.clone(),
        );
        registry.register("tenants", "Tenants that are declared", self.tenants.clone());
        registry.register(
            "tenants_read",
            "Tenants that were asked for and are kept in memory",
            self.read.clone(),
        );
        registry.register(
            "ready",
            "1 if a token that is asked for now could be recorded",
            self.ready.clone(),
        );
        self
    }

    pub(crate) fn asked(&self, outcome: &str, evidence: Option<&str>, took: Duration) {
        // The issuer of foreign evidence is left out: anybody can name one.
        let evidence = evidence
            .and_then(|evidence| evidence.split(' ').next())
            .unwrap_or("none");
        self.requests
            .get_or_create(&Asked {
                outcome: outcome.to_owned(),
                evidence: evidence.to_owned(),
            })
            .inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn served(&self, document: &'static str) {
        self.documents.get_or_create(&Document { document }).inc();
    }

    pub(crate) fn rotated(&self, steps: usize) {
        self.steps.inc_by(steps as u64);
    }

    /// The answer to whoever collects them, with figures of `others`.
    pub(crate) fn answer(
        &self,
        tenants: usize,
        read: usize,
        ready: bool,
        others: &Registry,
    ) -> Response {
        self.tenants.set(tenants as i64);
        self.read.set(read as i64);
        self.ready.set(i64::from(ready));
        let mut text = String::new();
        let encoded = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, others))
            .and_then(|()| encode_eof(&mut text));
        match encoded {
            Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
            Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
