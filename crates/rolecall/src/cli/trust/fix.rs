//! `rolecall trust fix`: its arguments.

use std::path::PathBuf;

use clap::Args;

use super::PolicyArgs;
use crate::cli::{self, Output};

/// `rolecall trust fix`
#[derive(Debug, Args)]
pub struct FixArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub policy: PolicyArgs,
    /// The token's file, `-` for standard input; it is read, not verified
    #[arg(long, value_name = "FILE", conflicts_with = "claims")]
    pub token: Option<PathBuf>,
    /// The token's claims as a JSON file, `-` for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    pub claims: Option<PathBuf>,
    /// The provider that the token comes through: its ARN, or its URL in the role's account; left
    /// out, it is the one that the token's `iss` names
    #[arg(long, value_name = "ARN|URL")]
    pub provider: Option<String>,
    /// A condition key of the request that the token does not give
    #[arg(long = "context", value_name = "KEY=VALUE", value_parser = cli::attribute)]
    pub context: Vec<(String, String)>,
    /// Leave the values that are there, and add the token's beside them
    #[arg(long)]
    pub keep: bool,
    /// Write the change into the file; without it, the change is printed as a diff
    #[arg(long)]
    pub in_place: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Shown below the help.
pub const FIX_EXAMPLES: &str = "Examples:\n  \
    rolecall trust fix --policy trust.json --claims claims.json\n  \
    rolecall trust fix --policy infra/ --role deploy --token /run/token | git apply\n  \
    rolecall trust fix --policy main.tf --token /run/token --in-place\n\n\
    Exit codes: 0 mended, or nothing to mend; 9 no change admits the token; 3 the policy cannot be \
    read or written.";
