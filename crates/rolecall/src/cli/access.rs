//! Arguments of `rolecall access`.

use clap::{Args, Subcommand};

use super::Output;

/// `rolecall access`
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Make a token for the admin API; it is printed once, and what to write into the configuration beside it
    #[command(after_help = "Examples:\n  rolecall access token ci --role admin\n  \
                      rolecall access token support --role viewer --tenant acme")]
    Token(AccessTokenArgs),
    /// Hash a password, read from standard input, for the configuration
    #[command(after_help = "Example:\n  rolecall access password alice --role admin <password.txt")]
    Password(AccessTokenArgs),
}

/// Who it is for.
#[derive(Debug, Args)]
pub struct AccessTokenArgs {
    /// The name in the audit trail
    pub name: String,
    /// What it may: admin, operator, viewer or auditor
    #[arg(long, value_parser = role)]
    pub role: rolecall_access::Role,
    /// The tenant that it is for; without one, the whole installation
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// A role by its name.
///
/// # Errors
/// There is none of that name.
pub fn role(text: &str) -> Result<rolecall_access::Role, String> {
    rolecall_access::Role::ALL
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "expected admin, operator, viewer or auditor".to_owned())
}
