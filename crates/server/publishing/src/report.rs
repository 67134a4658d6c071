//! Findings as a person and as a program read them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{Finding, Verdict, passes};

/// One line a finding, with why and what to do below it where something is wrong.
#[must_use]
pub fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<8} {:<9}  {}",
            finding.verdict.word(),
            finding.step.word(),
            finding.what
        );
        let why = finding.why.iter().map(|why| ("why", why));
        let todo = finding.todo.iter().map(|todo| ("do", todo));
        for (word, said) in why.chain(todo) {
            let _ = writeln!(text, "{:20}{word}: {said}", "");
        }
        if finding.verdict != Verdict::Good {
            let _ = writeln!(text, "{:20}code: {}", "", finding.code);
        }
    }
    text
}

/// The report as one JSON object.
#[must_use]
pub fn json(issuer: &str, findings: &[Finding]) -> Value {
    json!({
        "issuer": issuer,
        "accepted": passes(findings),
        "findings": findings,
    })
}
