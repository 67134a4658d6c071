//! What can be wrong with a document before it means anything.

use rolecall_source::{Diagnostic, SourceText};

/// Why a document cannot be read. The author of the document is at fault in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// More bytes than are read.
    #[error("`{name}` is {size} bytes long, more than the {limit} that are read")]
    TooLarge {
        /// The document's name.
        name: String,
        /// Its length in bytes.
        size: usize,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Not what it should be, or nested too deeply.
    #[error("{rendered}")]
    Syntax {
        /// The message and its place.
        diagnostic: Box<Diagnostic>,
        /// The message with the document's name, line, column and snippet.
        rendered: String,
    },
}

impl DocumentError {
    /// A message about a place in a document.
    pub fn syntax(source: &SourceText, diagnostic: Diagnostic) -> Self {
        let rendered = diagnostic.render(source);
        Self::Syntax {
            diagnostic: Box::new(diagnostic),
            rendered,
        }
    }

    /// The message with its place, where there is one.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            Self::TooLarge { .. } => None,
            Self::Syntax { diagnostic, .. } => Some(diagnostic),
        }
    }
}
