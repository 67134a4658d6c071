//! Findings for people, for programs, and for code scanning (SARIF 2.1.0, OASIS).

use rolecall_source::{Diagnostic, Severity as Level, SourceText, Span};
use serde_json::{Value, json};

use super::{FileFindings, Finding, RULES, Severity};

/// Findings with their places, for people.
pub fn text(files: &[FileFindings<'_>]) -> String {
    let mut text = String::new();
    for file in files {
        for finding in file.findings.iter().filter(|one| one.ignored.is_none()) {
            let level = match finding.severity {
                Severity::Error | Severity::Security => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Note => Level::Note,
            };
            let message = format!(
                "{} {}: {}",
                finding.severity.as_str(),
                finding.rule.code,
                finding.message
            );
            let diagnostic = Diagnostic::new(level, finding.rule.code, message, finding.span)
                .with_hint(&finding.mend);
            text.push_str(&diagnostic.render(file.source));
            text.push_str("\n\n");
        }
    }
    text
}

/// Findings for programs.
pub fn json(files: &[FileFindings<'_>]) -> Value {
    let findings: Vec<Value> = files
        .iter()
        .flat_map(|file| {
            file.findings
                .iter()
                .map(|finding| row(file.source, finding))
        })
        .collect();
    json!({ "findings": findings })
}

fn row(source: &SourceText, finding: &Finding) -> Value {
    let (start, end) = ends(source, finding.span);
    json!({
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.severity,
        "message": finding.message,
        "why": finding.rule.why,
        "mend": finding.mend,
        "reference": finding.rule.reference,
        "file": source.name,
        "statement": finding.statement,
        "start": {"line": start.line, "column": start.column},
        "end": {"line": end.line, "column": end.column},
        "ignored": finding.ignored,
    })
}

/// Findings as SARIF 2.1.0, with the rules. `version` is this program's.
pub fn sarif(files: &[FileFindings<'_>], version: &str) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "name": rule.name,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": format!("{}: {}.", rule.title, rule.why)},
                "help": {"text": format!("{} {}", rule.mend, rule.reference)},
                "helpUri": help(rule.reference),
                "defaultConfiguration": {"level": level(rule.severity)},
                "properties": {
                    "tags": ["security", "aws", "iam"],
                    "security-severity": score(rule.severity),
                },
            })
        })
        .collect();
    let results: Vec<Value> = files
        .iter()
        .flat_map(|file| {
            file.findings
                .iter()
                .map(|finding| result(file.source, finding))
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "rolecall",
                "semanticVersion": version,
                "informationUri": "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(source: &SourceText, finding: &Finding) -> Value {
    let (start, end) = ends(source, finding.span);
    let index = RULES.iter().position(|rule| rule.code == finding.rule.code);
    let line = source.line_at(finding.span.start).trim();
    let mut result = json!({
        "ruleId": finding.rule.code,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": format!("{}. {}", finding.message, finding.mend)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&source.name)},
                "region": {
                    "startLine": start.line,
                    "startColumn": start.column,
                    "endLine": end.line,
                    "endColumn": end.column,
                },
            },
        }],
        // Lines above may come and go: what stands there is what makes it the same finding.
        "partialFingerprints": {"rolecall/v1": format!("{}:{line}", finding.rule.code)},
    });
    if let Some(reason) = &finding.ignored {
        result["suppressions"] = json!([{"kind": "inSource", "justification": reason}]);
    }
    result
}

fn ends(source: &SourceText, span: Span) -> (rolecall_source::Position, rolecall_source::Position) {
    (
        source.position(span.start),
        source.position(span.end.max(span.start)),
    )
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error | Severity::Security => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// How code scanning ranks security findings, of 10.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Security => "8.0",
        Severity::Error => "5.0",
        Severity::Warning => "4.0",
        Severity::Note => "1.0",
    }
}

fn help(reference: &str) -> Option<&str> {
    reference.starts_with("https://").then_some(reference)
}

/// A path as a URI reference (RFC 3986): blanks and the like are encoded.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            b'\\' => uri.push('/'),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
