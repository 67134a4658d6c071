//! Arguments of the commands that ask a server's admin API.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// The server that is asked, and with what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// The server; without it, the one that you are signed in at
    #[arg(long, value_name = "URL", env = "ROLECALL_SERVER")]
    pub server: Option<String>,
    /// The file that holds the token; otherwise ROLECALL_API_TOKEN, or the session of `rolecall login`
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates of a private authority that the server's is from (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// `rolecall apply`
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A file, or a folder whose `*.yaml` files are meant; their `tenants:` are those of a configuration file
    #[arg(short, long = "file", value_name = "PATH", required = true)]
    pub files: Vec<PathBuf>,
    /// Show the plan and change nothing; the exit code is 9 where there is anything to do
    #[arg(long)]
    pub plan: bool,
    /// The name under which the server remembers what was applied
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub set: String,
    /// Remove what was applied before and is in no file any more
    #[arg(long)]
    pub prune: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Go on even where workloads are locked out of roles that are subscribed to
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only this tenant; may be given more than once
    #[arg(long = "tenant", value_name = "NAME")]
    pub tenants: Vec<String>,
    /// A folder for one file a tenant; without it everything goes to standard output
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// `rolecall login`
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Your name; the password is asked for, or read from standard input
    #[arg(long, required_unless_present = "id_token_file")]
    pub name: Option<String>,
    /// The tenant that you have access to; without one, the installation
    #[arg(long, value_name = "NAME", requires = "name")]
    pub tenant: Option<String>,
    /// An ID token of the team's OIDC provider, `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub id_token_file: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// A command that needs nothing but the server.
#[derive(Debug, Args)]
pub struct PlainArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall tenant`
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// List tenants
    #[command(after_help = "Example:\n  rolecall tenant list")]
    List(PlainArgs),
    /// Show a tenant's settings, as the configuration file would have them
    #[command(after_help = "Example:\n  rolecall tenant show acme")]
    Show(NamedArgs),
    /// Make a tenant, or change its settings, from a file (`-` for standard input)
    #[command(after_help = "Example:\n  rolecall tenant put acme.yaml")]
    Put(PutArgs),
    /// Take a tenant out of service with all that it declares; its keys are kept
    #[command(after_help = "Example:\n  rolecall tenant remove acme")]
    Remove(RemoveArgs),
}

/// What is done to one kind of document of a tenant.
#[derive(Debug, Subcommand)]
pub enum PieceCommand {
    /// List them
    List(OfTenantArgs),
    /// Show one, as the configuration file would have it
    Show(PieceArgs),
    /// Make or change one from a file (`-` for standard input)
    Put(PutPieceArgs),
    /// Take one away
    Remove(RemovePieceArgs),
}

/// `rolecall user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List who has access
    #[command(after_help = "Example:\n  rolecall user list --tenant acme")]
    List(UserListArgs),
    /// Give somebody access; a token is printed once, or a password is read from standard input
    #[command(
        after_help = "Examples:\n  rolecall user add ci --role operator --tenant acme\n  \
                      rolecall user add alice --role admin --password <password.txt"
    )]
    Add(UserAddArgs),
    /// Take access away; tokens and sessions end at once
    #[command(after_help = "Example:\n  rolecall user remove ci --tenant acme")]
    Remove(UserRemoveArgs),
}

#[derive(Debug, Args)]
pub struct NamedArgs {
    /// The tenant
    pub tenant: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// YAML, or the API's JSON
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct PutArgs {
    /// The file
    pub file: PathBuf,
    /// Only if it is at this version
    #[arg(long, value_name = "VERSION")]
    pub if_version: Option<i64>,
    /// Even if workloads are locked out of roles that are subscribed to
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The tenant
    pub tenant: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
pub struct OfTenantArgs {
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct PieceArgs {
    /// Its name
    pub name: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub of: OfTenantArgs,
}

#[derive(Debug, Args)]
pub struct PutPieceArgs {
    /// The file
    pub file: PathBuf,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: String,
    /// Only if it is at this version
    #[arg(long, value_name = "VERSION")]
    pub if_version: Option<i64>,
    /// Even if workloads are locked out of roles that are subscribed to
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
pub struct RemovePieceArgs {
    /// Its name
    pub name: String,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
pub struct JoinTokenArgs {
    /// The workload that a new machine becomes; it was declared with `enrols: true`
    pub workload: String,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: String,
    /// How long the token may be used, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub lifetime: i64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct EnrolArgs {
    /// The issuer, character by character
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// The file that holds the join token, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub join_token_file: PathBuf,
    /// Where the private key goes (PKCS#8 PEM, 0600); an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Reach the issuer's origin at another address, its Host header kept
    #[arg(long, value_name = "ORIGIN=URL", value_parser = super::connect_to)]
    pub connect_to: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub struct UserListArgs {
    /// Of this tenant; without one, of the installation
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct UserAddArgs {
    /// The name in the audit trail
    pub name: String,
    /// What it may: admin, operator, viewer or auditor
    #[arg(long, value_parser = super::access::role)]
    pub role: rolecall_access::Role,
    /// In this tenant only; without one, in the whole installation
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// With a password, read from standard input, in place of a token
    #[arg(long)]
    pub password: bool,
    /// How long the token lives, in seconds; without it, until it is taken away
    #[arg(long, value_name = "SECONDS", conflicts_with = "password")]
    pub lifetime: Option<i64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct UserRemoveArgs {
    /// The name
    pub name: String,
    /// Of this tenant; without one, of the installation
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}
