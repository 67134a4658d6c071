//! Findings that somebody has decided not to count, with the reason: a comment beside the place in
//! languages that have comments, or a word on the command line for JSON.

use rolecall_source::{SourceText, Span};

use super::{Finding, Findings, RULES};

/// A rule that is not to count, by the command line: `CODE=reason` or `CODE:PATH=reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    code: String,
    path: Option<String>,
    reason: String,
}

/// Why a text names nothing to ignore.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// No reason.
    #[error("say why: `CODE=reason`, such as `RC1006=the workspace has no plan-only users`")]
    Reason,
    /// No such rule.
    #[error("there is no rule `{0}`; `rolecall trust lint --rules` lists them")]
    Rule(String),
}

impl std::str::FromStr for Ignore {
    type Err = IgnoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (what, reason) = text.split_once('=').ok_or(IgnoreError::Reason)?;
        if reason.trim().is_empty() {
            return Err(IgnoreError::Reason);
        }
        let (code, path) = match what.split_once(':') {
            Some((code, path)) => (code, Some(path.to_owned())),
            None => (what, None),
        };
        if !RULES.iter().any(|rule| rule.code == code) {
            return Err(IgnoreError::Rule(code.to_owned()));
        }
        Ok(Self {
            code: code.to_owned(),
            path,
            reason: reason.trim().to_owned(),
        })
    }
}

impl Ignore {
    /// Marks what it is about in the findings of a file.
    pub fn apply(&self, source: &SourceText, findings: &mut [Finding]) {
        if self.path.as_ref().is_some_and(|path| *path != source.name) {
            return;
        }
        for finding in findings.iter_mut().filter(|one| one.rule.code == self.code) {
            finding.ignored = Some(self.reason.clone());
        }
    }
}

/// Marks findings that a comment on their line, or on the line above, speaks of; adds findings about
/// the comments themselves. A comment reads `rolecall:ignore CODE [CODE …] reason: …`.
pub(super) fn comments(source: &SourceText, findings: &mut Vec<Finding>) {
    let mut about = Findings::default();
    let mut start = 0;
    for (index, line) in source.text.split('\n').enumerate() {
        let line_start = start;
        start += line.len() + 1;
        let Some(at) = line.find(MARK) else {
            continue;
        };
        if !line[..at].contains('#') && !line[..at].contains("//") {
            continue;
        }
        let span = Span::new(line_start + at, line_start + line.trim_end().len());
        let rest = &line[at + MARK.len()..];
        let (codes, reason) = rest.split_once("reason:").unwrap_or((rest, ""));
        let reason = reason.trim();
        let codes: Vec<&str> = codes
            .split([' ', ','])
            .filter(|one| !one.is_empty())
            .collect();
        if reason.is_empty() {
            let message = "the suppression has no reason";
            about.add(
                "RC9002",
                None,
                span,
                message,
                "Add `reason: …` behind the code.",
            );
            continue;
        }
        for code in codes {
            let mut used = false;
            for finding in findings.iter_mut().filter(|one| one.rule.code == code) {
                let line_of = source.position(finding.span.start).line;
                if line_of == index + 1 || line_of == index + 2 {
                    finding.ignored = Some(reason.to_owned());
                    used = true;
                }
            }
            if !used {
                let message = format!("nothing on this line or the next is found by {code}");
                about.add("RC9003", None, span, message, "Remove the suppression.");
            }
        }
    }
    findings.extend(about.0);
}

const MARK: &str = "rolecall:ignore";
