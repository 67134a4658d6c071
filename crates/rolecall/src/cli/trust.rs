//! `rolecall trust`: the arguments of its commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

mod compare;
mod explain;
mod fix;
mod generate;
mod lint;
mod live;
mod migrate;
pub use compare::*;
pub use explain::*;
pub use fix::*;
pub use generate::*;
pub use lint::*;
pub use live::*;
pub use migrate::*;
mod who;
pub use who::*;

/// `rolecall trust`
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// Decide: does this policy admit this token?
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Explain a failed exchange from whatever is known of it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Prove what a change of trust policies admits and no longer admits
    #[command(after_help = compare::COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Find what never works, lets in too many, or was not meant
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArgs),
    /// Change the subject format under policies: see what breaks, widen, and later narrow
    #[command(after_help = MIGRATE_EXAMPLES)]
    Migrate(MigrateArgs),
    /// Mend: the smallest change of a policy that admits this token and no other subject
    #[command(after_help = FIX_EXAMPLES)]
    Fix(FixArgs),
    /// Tell which subjects can assume which roles
    #[command(after_help = who::WHO_EXAMPLES)]
    Who(WhoArgs),
    /// Make the narrowest trust policy that admits given subjects
    #[command(after_help = who::LEAST_EXAMPLES)]
    Least(LeastArgs),
    /// Write a role's policies, and its issuer's registration, from a subject format and a choice
    #[command(after_help = generate::GENERATE_EXAMPLES)]
    Generate(GenerateArgs),
}

/// Where trust policies are read from.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// A file or folder with trust policies: JSON, CloudFormation, Terraform, `aws iam get-role`
    /// output; `-` for standard input; a role's ARN for its policy in IAM now, `iam://` for those
    /// of all roles of the account (docs/live.md); may be given more than once
    #[arg(long = "policy", value_name = "PATH|ARN")]
    pub policies: Vec<PathBuf>,
    /// The role whose policy is meant, where there are several: its ARN, name, Terraform address
    /// or logical ID
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// The value of a part that the file leaves to a template engine, such as
    /// `AWS::AccountId=111122223333` or `var.issuer=oidc.example.com`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::attribute)]
    pub symbols: Vec<(String, String)>,
}

/// `rolecall trust check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub policy: PolicyArgs,
    /// A token's file, `-` for standard input; it is read, not verified
    #[arg(long, value_name = "FILE", conflicts_with = "claims")]
    pub token: Option<PathBuf>,
    /// A token's claims as a JSON file, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub claims: Option<PathBuf>,
    /// The provider that the token comes through: its ARN, or its URL in the role's account; left
    /// out, it is the one that the token's `iss` names
    #[arg(long, value_name = "ARN|URL")]
    pub provider: Option<String>,
    /// Who asks, where it is no token: the ARN of a user, role or session
    #[arg(long, value_name = "ARN", conflicts_with_all = ["token", "claims", "provider"])]
    pub principal: Option<String>,
    /// The action; left out, all that the token or principal needs
    #[arg(long)]
    pub action: Option<String>,
    /// A condition key of the request; a key that is given twice is multivalued
    #[arg(long = "context", value_name = "KEY=VALUE", value_parser = super::attribute)]
    pub context: Vec<(String, String)>,
    /// Decide JSON lines from standard input, one answer a line
    #[arg(long, conflicts_with_all = ["token", "claims", "provider", "principal", "action", "context"])]
    pub batch: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

const CHECK_EXAMPLES: &str = "Examples:\n  \
    rolecall trust check --policy trust.json --token /run/token\n  \
    rolecall trust check --policy infra/ --role aws_iam_role.deploy --claims claims.json\n  \
    rolecall trust check --policy arn:aws:iam::111122223333:role/deploy --token /run/token\n  \
    rolecall trust check --batch <questions.jsonl\n\n\
    Exit codes: 0 allowed, 9 denied, 2 usage, 3 the policy cannot be read.\n\n\
    A line of --batch: {\"id\": …, \"policy\": {…}, \"principal\": \"arn…\", \"action\": \"sts:…\", \
    \"context\": {key: text or list}}, or `token` or `claims` with `provider` in place of `context`. \
    With `resource`, the role's ARN, `identity_policies` of a signed caller count as in STS.";
