//! Arguments of `rolecall connection`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{AskArgs, Output};

/// `rolecall connection`
#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// Try a connection step by step, and tell what was presented and answered at each
    #[command(after_help = "Examples:\n  rolecall connection test athena\n  \
                      rolecall connection test athena --wait")]
    Test(TestArgs),
    /// List the connections of the configuration file
    #[command(after_help = "Example:\n  rolecall connection list")]
    List(ListArgs),
    /// Show one connection as it is configured
    #[command(after_help = "Example:\n  rolecall connection show athena")]
    Show(ShowArgs),
}

/// `rolecall connection test`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The connection, by its name in the configuration file
    pub connection: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub ask: AskArgs,
    /// Try a denied step again for most of a minute: IAM takes a while to tell all of AWS about a
    /// change
    #[arg(long)]
    pub wait: bool,
    /// The pause between two tries, for tests
    #[arg(long, hide = true, requires = "wait", value_parser = milliseconds, value_name = "MILLISECONDS")]
    pub wait_pause: Option<Duration>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall connection list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall connection show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The connection, by its name in the configuration file
    pub connection: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub list: ListArgs,
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_millis)
        .map_err(|_| "expected milliseconds".to_owned())
}
