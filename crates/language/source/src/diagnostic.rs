//! One message about one place in a document.

use crate::{SourceText, Span};

/// How grave a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// The document can be used, and probably does not mean what its author wanted.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A message about a place in a document: lower case, no full stop, user input in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// A stable identifier in kebab case, for machines and documentation.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// Where; `None` when it concerns the document as a whole.
    pub span: Option<Span>,
    /// What to do next, as a sentence of its own.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: impl Into<String>, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Error, code, message, span)
    }

    /// A warning at a place.
    pub fn warning(code: impl Into<String>, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Warning, code, message, span)
    }

    /// A message of any severity at a place, without a hint.
    pub fn new(
        severity: Severity,
        code: impl Into<String>,
        message: impl Into<String>,
        span: Span,
    ) -> Self {
        Self {
            severity,
            code: code.into(),
            message: message.into(),
            span: Some(span),
            hint: None,
        }
    }

    /// The same message with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Plain text: `name:line:column: message`, the line with a caret under the place, the hint.
    /// No colours and no trailing newline. Long lines are cut around the place.
    pub fn render(&self, source: &SourceText) -> String {
        let Some(span) = self.span else {
            return self.with_hint_line(format!("{}: {}", source.name, self.message));
        };
        let position = source.position(span.start);
        let line = source.line_at(span.start);
        let number = position.line.to_string();
        let gutter = " ".repeat(number.len());
        let before = position.column - 1;
        let skipped = before.saturating_sub(CONTEXT);
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(2 * CONTEXT)
            .map(printable)
            .collect();
        let room = shown.chars().count().saturating_sub(before - skipped);
        let carets = source
            .slice(span)
            .lines()
            .next()
            .map_or(0, |text| text.chars().count());
        let text = format!(
            "{}:{position}: {}\n{gutter} |\n{number} | {shown}\n{gutter} | {}{}",
            source.name,
            self.message,
            " ".repeat(before - skipped),
            "^".repeat(carets.min(room).max(1)),
        );
        self.with_hint_line(text)
    }

    fn with_hint_line(&self, text: String) -> String {
        match &self.hint {
            Some(hint) => format!("{text}\nhint: {hint}"),
            None => text,
        }
    }
}

/// One column a character, so that the caret stays under its place, and no terminal escapes.
fn printable(character: char) -> char {
    if character.is_control() {
        ' '
    } else {
        character
    }
}

/// Characters shown before the place, at most.
const CONTEXT: usize = 80;
