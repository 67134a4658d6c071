//! `rolecall trust lint`: what is wrong, dangerous or odd in policies.

use std::process::ExitCode;

use rolecall_documents::find;
use rolecall_source::nearest;
use rolecall_trust::lint::{self, FileFindings, RULES, Rule, Severity, lint_files};
use serde_json::json;

use super::{answer, reading};
use crate::cli::trust::{FailOn, LintArgs, LintOutput};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Looks and prints.
///
/// # Errors
/// `Local` for what cannot be read, `Usage` for a rule that is none.
pub fn run(args: &LintArgs) -> Result<ExitCode, Failure> {
    if args.rules {
        rules(args.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(code) = &args.explain {
        explain(code, args.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let files = reading::source_files(&args.paths)?;
    let found = find(&files);
    if found.policies.is_empty() && found.problems.is_empty() {
        return Err(Failure::new(Exit::Configuration, "no policy was found")
            .note(format_args!("{} files were read", files.len()))
            .hint("Name files or folders with trust policies"));
    }
    let mut findings = lint_files(&files, &found);
    for file in &mut findings {
        for ignore in &args.ignore {
            ignore.apply(file.source, &mut file.findings);
        }
    }
    match args.output {
        LintOutput::Text => printing::text(&lint::text(&findings))?,
        LintOutput::Json => printing::line(&lint::json(&findings).to_string())?,
        LintOutput::Sarif => {
            let sarif = lint::sarif(&findings, env!("CARGO_PKG_VERSION"));
            printing::line(&sarif.to_string())?;
        }
    }
    summary(&findings, found.policies.len());
    Ok(answer(!fails(&findings, args.fail_on)))
}

fn counting<'f>(files: &'f [FileFindings<'_>]) -> impl Iterator<Item = Severity> + 'f {
    let findings = files.iter().flat_map(|file| &file.findings);
    findings
        .filter(|finding| finding.ignored.is_none())
        .map(|finding| finding.severity)
}

fn fails(files: &[FileFindings<'_>], fail_on: FailOn) -> bool {
    let least = match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Security => Severity::Security,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
        FailOn::Never => return false,
    };
    counting(files).any(|severity| severity <= least)
}

/// What was looked at and what came of it: to people, not into the data.
fn summary(files: &[FileFindings<'_>], policies: usize) {
    use std::io::Write as _;
    let count = |wanted| {
        counting(files)
            .filter(|severity| *severity == wanted)
            .count()
    };
    let ignored = files
        .iter()
        .flat_map(|file| &file.findings)
        .filter(|finding| finding.ignored.is_some())
        .count();
    let mut line = format!(
        "{} in {}: {} errors, {} security, {} warnings, {} notes",
        counted(policies, "policy", "policies"),
        counted(files.len(), "file", "files"),
        count(Severity::Error),
        count(Severity::Security),
        count(Severity::Warning),
        count(Severity::Note),
    );
    if ignored > 0 {
        line.push_str(&format!(", {ignored} left out with a reason"));
    }
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn rules(output: LintOutput) -> Result<(), Failure> {
    if output != LintOutput::Text {
        return printing::line(&json!({ "rules": RULES }).to_string());
    }
    let mut text = String::new();
    for rule in RULES {
        text.push_str(&format!(
            "{} {:<8} {:<26} {}\n",
            rule.code,
            rule.severity.as_str(),
            rule.name,
            rule.title
        ));
    }
    printing::text(&text)
}

fn explain(code: &str, output: LintOutput) -> Result<(), Failure> {
    let known = |rule: &&Rule| rule.code.eq_ignore_ascii_case(code) || rule.name == code;
    let Some(rule) = RULES.iter().find(known) else {
        let failure = Failure::new(Exit::Usage, format_args!("there is no rule `{code}`"));
        let names = RULES.iter().flat_map(|rule| [rule.code, rule.name]);
        return Err(match nearest(code, names) {
            Some(near) => failure.hint(format_args!("Did you mean `{near}`?")),
            None => failure.hint("`rolecall trust lint --rules` lists them"),
        });
    };
    if output != LintOutput::Text {
        return printing::line(&json!(rule).to_string());
    }
    printing::text(&format!(
        "{} {} ({})\n\n{}: {}.\n\n{}\n\n{}\n",
        rule.code,
        rule.name,
        rule.severity.as_str(),
        rule.title,
        rule.why,
        rule.mend,
        rule.reference
    ))
}
