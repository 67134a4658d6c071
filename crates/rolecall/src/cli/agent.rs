//! `rolecall agent`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// `rolecall agent`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AgentArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: AgentRunArgs,
    /// Ask the agent that runs
    #[command(subcommand)]
    pub command: Option<AgentCommand>,
}

/// `rolecall agent` itself
#[derive(Debug, Args)]
pub struct AgentRunArgs {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
    /// Where the socket goes, whatever the file says
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// How the ready line is printed
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// What can be asked of the agent that runs.
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Show who you are to the agent, and which connections you may have
    #[command(after_help = "Example:\n  rolecall agent whoami")]
    Whoami(AgentAskArgs),
    /// Show what the agent holds for you, and until when (JSON)
    #[command(after_help = "Example:\n  rolecall agent status")]
    Status(AgentAskArgs),
    /// Make the agent forget what it holds for you
    #[command(after_help = "Example:\n  rolecall agent flush")]
    Flush(AgentAskArgs),
}

/// Which agent is asked.
#[derive(Debug, Args)]
pub struct AgentAskArgs {
    /// The agent's socket; that of this user or machine if nothing is said
    #[arg(long, value_name = "SOCKET", env = "ROLECALL_AGENT")]
    pub agent: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}
