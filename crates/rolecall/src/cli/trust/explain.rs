//! The arguments of `rolecall trust explain`.

use std::path::PathBuf;

use clap::Args;

use super::LiveArgs;
use crate::cli::Output;

/// `rolecall trust explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Anything that is known, in files, `-` for standard input: a pasted thread, an error, a
    /// token, a policy, an event; left out with all flags, it is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The error: its text, or a file that holds it
    #[arg(long, value_name = "TEXT|FILE")]
    pub error: Option<String>,
    /// The token's file, `-` for standard input; it is read, not verified, and never printed
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
    /// The token's claims as a JSON file, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub claims: Option<PathBuf>,
    /// A file or folder with trust policies: JSON, CloudFormation, Terraform, `aws iam get-role`
    /// output; may be given more than once
    #[arg(long = "policy", value_name = "PATH")]
    pub policies: Vec<PathBuf>,
    /// The URL under which the provider is registered
    #[arg(long, value_name = "URL")]
    pub provider_url: Option<String>,
    /// An audience that the provider takes; may be given more than once
    #[arg(long = "client-id", value_name = "AUDIENCE", requires = "provider_url")]
    pub client_ids: Vec<String>,
    /// CloudTrail's event of the call, as JSON
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// The role that the call names
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub live: LiveArgs,
    /// Print every cause that cannot be ruled out, not the first ones only
    #[arg(long)]
    pub all: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// The command's examples.
pub const EXPLAIN_EXAMPLES: &str = "Examples:\n  \
    pbpaste | rolecall trust explain\n  \
    rolecall trust explain --error 'AccessDenied …' --token /run/token --policy infra/main.tf\n  \
    rolecall trust explain --live --role-arn arn:aws:iam::111122223333:role/deploy\n  \
    rolecall trust explain --event denied.json --policy role.json --output json\n\n\
    The answer says what the error already proves, what the token presented, and the causes in the \
    order of what speaks for them, each with a patch where the policy is to change. \
    docs/explain.md lists the causes by name.\n\n\
    Exit codes: 0 with an answer, also where the policy would allow the call (then cause C19 comes \
    first); 2 where nothing was given that could be explained.";
