//! One HTTP request as the operations see it.

use std::net::IpAddr;

use http::{HeaderMap, Method};
use rolecall_trust::Context;

use crate::clock::iso;
use crate::wire::Parameters;

/// A request whose parameters are decoded. `Debug` is left out: body and headers hold secrets.
pub(crate) struct Call {
    pub(crate) request_id: String,
    pub(crate) now: i64,
    pub(crate) method: Method,
    /// Path as sent, percent-encoding included.
    pub(crate) path: String,
    /// Query as sent, without `?`.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) parameters: Parameters,
    pub(crate) source: Option<IpAddr>,
    pub(crate) action: String,
}

impl Call {
    /// The region that the caller signed for, or the default one of the global endpoint.
    pub(crate) fn region(&self) -> String {
        crate::signature::signed_region(self).unwrap_or_else(|| "us-east-1".to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The condition keys that every request has.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::new();
        context
            .set("aws:CurrentTime", iso(self.now))
            .set("aws:EpochTime", self.now.to_string())
            // The emulator listens on plain HTTP, and says so.
            .set("aws:SecureTransport", "false")
            .set("aws:RequestedRegion", self.region());
        if let Some(source) = self.source {
            context.set("aws:SourceIp", source.to_string());
        }
        if let Some(agent) = self.header("user-agent") {
            context.set("aws:UserAgent", agent);
        }
        context
    }
}
