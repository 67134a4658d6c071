//! `rolecall trust compare`: its arguments.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Output;

/// `rolecall trust compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The policy as it was: a file or folder of any form that `--policy` of other commands takes,
    /// `-` for standard input, a role's ARN for its policy in IAM now
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The policy as it is to be, likewise
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// The role whose policies are meant, where there are several; left out, roles are paired by
    /// their names
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// The value of a part that the files leave to a template engine, such as
    /// `AWS::AccountId=111122223333`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = crate::cli::attribute)]
    pub symbols: Vec<(String, String)>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

pub(super) const COMPARE_EXAMPLES: &str = "Examples:\n  \
    rolecall trust compare old.json new.json\n  \
    git show main:infra/roles.tf | rolecall trust compare - infra/roles.tf\n  \
    rolecall trust compare arn:aws:iam::111122223333:role/deploy trust.json --output json\n\n\
    Exit codes: 0 NEW admits nothing more than OLD, 9 it does or that cannot be decided, 2 usage, \
    3 a policy cannot be read.";
