//! What can be wrong with a policy before it means anything.

use rolecall_documents::DocumentError;
use rolecall_source::{Diagnostic, SourceText};

/// Why a document is not a policy. The author of the document is at fault in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The document around it cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Readable, and not in the shape of an IAM policy.
    #[error("{rendered}")]
    Shape {
        /// The message and its place.
        diagnostic: Box<Diagnostic>,
        /// The message with the document's name, line, column and snippet.
        rendered: String,
    },
}

impl TrustError {
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
            Self::Document(error) => error.diagnostic(),
            Self::Shape { diagnostic, .. } => Some(diagnostic),
        }
    }
}
