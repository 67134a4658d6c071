//! What can be wrong with a policy before it means anything.

use rolecall_source::{Diagnostic, SourceText};

/// Why a document is not a policy. The author of the document is at fault in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// More bytes than any policy may have.
    #[error("policy `{name}` is {size} bytes long, more than the {limit} that are read")]
    TooLarge {
        /// The document's name.
        name: String,
        /// Its length in bytes.
        size: usize,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Not JSON (RFC 8259), or nested too deeply.
    #[error("{rendered}")]
    Json {
        /// The message and its place.
        diagnostic: Box<Diagnostic>,
        /// The message with the document's name, line, column and snippet.
        rendered: String,
    },
    /// JSON, and not in the shape of an IAM policy.
    #[error("{rendered}")]
    Shape {
        /// The message and its place.
        diagnostic: Box<Diagnostic>,
        /// The message with the document's name, line, column and snippet.
        rendered: String,
    },
}

impl TrustError {
    pub(crate) fn json(source: &SourceText, diagnostic: Diagnostic) -> Self {
        let rendered = diagnostic.render(source);
        Self::Json {
            diagnostic: Box::new(diagnostic),
            rendered,
        }
    }

    pub(crate) fn shape(source: &SourceText, diagnostic: Diagnostic) -> Self {
        let rendered = diagnostic.render(source);
        Self::Shape {
            diagnostic: Box::new(diagnostic),
            rendered,
        }
    }

    /// The message with its place, where there is one.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            Self::TooLarge { .. } => None,
            Self::Json { diagnostic, .. } | Self::Shape { diagnostic, .. } => Some(diagnostic),
        }
    }
}
