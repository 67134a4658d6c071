//! What is said about a step.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name, for suppressing and searching.
    pub code: &'static str,
    /// Where on AWS's way it stands.
    pub step: Step,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was seen.
    pub what: String,
    /// Why that matters; absent where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do next; absent where nothing is to be done.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

/// AWS's way to an issuer's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The issuer's URL.
    Url,
    /// The name.
    Dns,
    /// The connection.
    Tcp,
    /// The certificate.
    Tls,
    /// The answer.
    Http,
    /// What the discovery document says.
    Discovery,
    /// What the JWKS holds.
    Jwks,
}

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// It works, and may cease to.
    Warning,
    /// AWS would refuse.
    Failure,
}

impl Finding {
    pub(crate) fn good(step: Step, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            code,
            step,
            verdict: Verdict::Good,
            what: what.into(),
            why: None,
            todo: None,
        }
    }

    pub(crate) fn note(step: Step, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Note,
            ..Self::good(step, code, what)
        }
    }

    pub(crate) fn warning(step: Step, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            ..Self::good(step, code, what)
        }
    }

    pub(crate) fn failure(step: Step, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Failure,
            ..Self::good(step, code, what)
        }
    }

    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub(crate) fn so(mut self, todo: impl Into<String>) -> Self {
        self.todo = Some(todo.into());
        self
    }
}

impl Step {
    /// As it is printed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Discovery => "discovery",
            Self::Jwks => "jwks",
        }
    }
}

impl Verdict {
    /// As it is printed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failure => "FAILURE",
        }
    }
}
