//! Something that is wrong, and what to do about it.

use serde::Serialize;

use crate::Mend;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Programs will fail, or run as somebody else than is meant.
    Error,
    /// It works now and will not always, or shows what it should not.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Stable: `RD` and four digits. `docs/doctor.md` lists them.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, in lower case and without a full stop.
    pub what: String,
    /// Why it matters: a sentence.
    pub why: String,
    /// What to do: a sentence.
    pub mend: String,
    /// A variable, or `file:line`.
    pub place: Option<String>,
    /// What `--fix` would do, where that is safe.
    pub fix: Option<Mend>,
}

impl Finding {
    pub(crate) fn new(
        code: &'static str,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            what: what.into(),
            why: why.into(),
            mend: mend.into(),
            place: None,
            fix: None,
        }
    }

    pub(crate) fn at(mut self, place: impl Into<Option<String>>) -> Self {
        self.place = place.into();
        self
    }

    pub(crate) fn with(mut self, fix: Mend) -> Self {
        self.fix = Some(fix);
        self
    }
}
