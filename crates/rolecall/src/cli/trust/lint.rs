//! `rolecall trust lint`: its arguments.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rolecall_trust::lint::Ignore;

/// `rolecall trust lint`
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Files and folders: JSON, CloudFormation, Terraform, `aws iam get-role` output; `-` or
    /// nothing for standard input; a role's ARN, or `iam://` for all roles of the account
    #[arg(value_name = "PATH|ARN")]
    pub paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: LintOutput,
    /// The least severity that fails
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub fail_on: FailOn,
    /// A rule that is not to count, and why: `CODE=reason`, or `CODE:PATH=reason` for one file; may
    /// be given more than once
    #[arg(long, value_name = "CODE[:PATH]=REASON")]
    pub ignore: Vec<Ignore>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["paths", "explain"])]
    pub rules: bool,
    /// Print one rule: what it finds, why that matters, what to do
    #[arg(long, value_name = "CODE", conflicts_with = "paths")]
    pub explain: Option<String>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LintOutput {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// The least severity that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FailOn {
    /// What never works
    Error,
    /// That, and what lets in too many
    Security,
    /// That, and what was probably not meant
    #[default]
    Warning,
    /// Anything
    Note,
    /// Nothing
    Never,
}

/// Shown below the help.
pub const LINT_EXAMPLES: &str = "Examples:\n  \
    rolecall trust lint infra/\n  \
    rolecall trust lint --output sarif infra/ >rolecall.sarif\n  \
    aws iam get-role --role-name deploy | rolecall trust lint\n  \
    rolecall trust lint --explain RC1004\n\n\
    Exit codes: 0 nothing at or above --fail-on, 9 findings, 7 a file cannot be read.\n\
    A comment `# rolecall:ignore RC1006 reason: …` on a finding's line or above it leaves it out.";
