//! Source text, positions and diagnostics: how every message about a document is made. Pure.
//!
//! A parser keeps byte [`Span`]s; only when a message is shown are they turned into a
//! [`Position`] that a person (or an editor) can go to.

mod diagnostic;
mod nearest;
mod text;

pub use diagnostic::{Diagnostic, Severity};
pub use nearest::nearest;
pub use text::{Position, SourceText, Span};

#[cfg(test)]
mod tests;
