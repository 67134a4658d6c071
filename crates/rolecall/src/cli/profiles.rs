//! Arguments of `rolecall profiles`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// `rolecall profiles`
#[derive(Debug, Subcommand)]
pub enum ProfilesCommand {
    /// Give every connection a profile in ~/.aws/config; all else in the file stays as it is
    #[command(after_help = "Examples:\n  rolecall profiles write --plan\n  \
                      rolecall profiles write --prefix work-")]
    Write(WriteArgs),
    /// Take the profiles out of ~/.aws/config again
    #[command(after_help = "Example:\n  rolecall profiles remove")]
    Remove(ChangeArgs),
}

/// `rolecall profiles write`
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// The configuration file whose connections are meant
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
    /// What every profile's name begins with, before the connection's own
    #[arg(
        long,
        value_name = "NAME-",
        default_value = "",
        hide_default_value = true
    )]
    pub prefix: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub change: ChangeArgs,
}

/// What both need.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The file of the aws CLI and the SDKs [default: ~/.aws/config]
    #[arg(long, value_name = "FILE", env = "AWS_CONFIG_FILE")]
    pub aws_config: Option<PathBuf>,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub plan: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}
