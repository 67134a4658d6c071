//! Arguments of the commands that work on an installation's state.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Output;
use super::installation::InstallationArgs;

/// The installation that is meant.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// The server's configuration file: its `server` section says where the state is
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Lists rows of the trail, oldest first
    #[command(after_help = "Examples:\n  rolecall audit list --last 20\n  \
                      rolecall audit list --tenant acme --output json > trail.jsonl\n  \
                      rolecall audit list --server https://rolecall.example.com --last 20")]
    List(AuditListArgs),
    /// Goes through the whole trail: every row must be as it was written
    #[command(after_help = "Examples:\n  rolecall audit verify\n  \
                      rolecall audit verify --known 1204:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    Verify(AuditVerifyArgs),
    /// Puts CloudTrail's exchanges beside the tokens that they were made with; one that is of no token of the trail is found
    #[command(after_help = "Examples:\n  rolecall audit join events.json\n  \
                      gunzip -c CloudTrail/*.json.gz | rolecall audit join -\n  \
                      aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRoleWithWebIdentity | rolecall audit join -")]
    Join(AuditJoinArgs),
}

#[derive(Debug, Args)]
pub struct AuditListArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub installation: InstallationArgs,
    /// Only this tenant's
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Only this workload's
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// Only rows after this one
    #[arg(long, value_name = "ID")]
    pub after: Option<i64>,
    /// Only the last so many
    #[arg(long, value_name = "COUNT")]
    pub last: Option<u32>,
    /// A table, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateArgs,
    /// A row and its hash, from an earlier run of this command, kept elsewhere: that row must still be there, so that a trail that was cut off or written anew is noticed as well
    #[arg(long, value_name = "ID:HASH")]
    pub known: Option<String>,
    /// Text, or JSON
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct AuditJoinArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateArgs,
    /// Files with CloudTrail's events; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub events: Vec<PathBuf>,
    /// A line an exchange, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Lists signing keys with their slots
    #[command(after_help = "Examples:\n  rolecall key list --tenant acme\n  \
                      rolecall key list --server https://rolecall.example.com")]
    List(KeyListArgs),
    /// Orders a key's replacement; the server carries it out
    #[command(after_help = "Examples:\n  rolecall key rotate acme KID\n  \
                            rolecall key rotate acme KID --order revoke")]
    Rotate(KeyRotateArgs),
    /// Seals every key anew under another master key
    #[command(
        after_help = "Example:\n  rolecall key master new new.key && rolecall key reseal --to new.key"
    )]
    Reseal(KeyResealArgs),
    /// The master key
    #[command(subcommand)]
    Master(MasterCommand),
}

#[derive(Debug, Subcommand)]
pub enum MasterCommand {
    /// Makes a master key in a new file (0600)
    #[command(after_help = "Example:\n  rolecall key master new master.key")]
    New {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct KeyListArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub installation: InstallationArgs,
    /// Only this tenant's
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// A table, or JSON
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct KeyRotateArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub installation: InstallationArgs,
    /// The tenant
    pub tenant: String,
    /// The key
    // A thumbprint may begin with `-`.
    #[arg(allow_hyphen_values = true)]
    pub kid: String,
    /// What is to happen to it
    #[arg(long, value_enum, default_value_t)]
    pub order: KeyOrder,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum KeyOrder {
    /// A successor is published, signs once verifiers know it, and this key retires: nothing breaks
    #[default]
    Replace,
    /// As soon as a successor signs, this key is published no more: its tokens end at once
    Withdraw,
    /// This key signs no more and is published no more from now on: its tokens end at once, and new ones wait for a successor
    Revoke,
}

#[derive(Debug, Args)]
pub struct KeyResealArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateArgs,
    /// The file of the new master key
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateArgs,
    /// The file to make
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateArgs,
    /// A file that `rolecall backup` made
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateArgs,
    /// Where to: `postgres://user@host/database`, or a folder
    #[arg(long, value_name = "PLACE")]
    pub to: String,
}
