//! What is counted of TLS, in the form that Prometheus reads.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The figures of one listener. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    handshakes: Family<Outcome, Counter>,
    ends: Gauge,
    failed: Gauge,
    failures: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    /// `done`, or why not.
    outcome: &'static str,
}

impl Figures {
    /// The figures by their names, as `/metrics` tells them.
    pub fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("rolecall");
        registry.register(
            "tls_handshakes",
            "TLS handshakes, by how they ended",
            self.handshakes.clone(),
        );
        registry.register_with_unit(
            "tls_certificate_end",
            "When the served certificate ends, since 1970; 0 where there is none yet",
            Unit::Seconds,
            self.ends.clone(),
        );
        registry.register(
            "tls_renewal_failing",
            "1 if the last attempt to take a new certificate failed and the old one is served",
            self.failed.clone(),
        );
        registry.register(
            "tls_renewal_failures",
            "Attempts to take a new certificate that failed",
            self.failures.clone(),
        );
        registry
    }

    pub(crate) fn shook(&self, outcome: &'static str) {
        self.handshakes.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn serves(&self, ends: i64) {
        self.ends.set(ends);
        self.failed.set(0);
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
        self.failed.set(1);
    }
}
