use std::fmt;

/// An error that STS answered with, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The operation that was called, such as `AssumeRoleWithWebIdentity`.
    pub operation: &'static str,
    /// The code on the wire, such as `AccessDenied`.
    pub code: String,
    /// The message. Where STS quoted a token or key in it, `<secret>` stands in its place.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// What AWS's support and CloudTrail know the call by.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(formatter, " (HTTP {}, request {id})", self.status),
            None => write!(formatter, " (HTTP {})", self.status),
        }
    }
}
