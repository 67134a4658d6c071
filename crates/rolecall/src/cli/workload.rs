//! Arguments of `rolecall workload secret`.

use clap::{Args, Subcommand};

use super::Output;

/// `rolecall workload secret`
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Make a client secret; it is printed once, and the hash to register beside it
    #[command(after_help = "Example:\n  rolecall workload secret new nightly-report")]
    New(NewSecretArgs),
}

/// `rolecall workload secret new`
#[derive(Debug, Args)]
pub struct NewSecretArgs {
    /// The workload, by its name in the configuration file
    pub name: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}
