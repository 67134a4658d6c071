//! One module a command. Each reads its arguments, calls into the crates that do the work, and
//! prints.

mod access;
mod admin;
mod agent;
mod aws_emulator;
mod connection;
mod credentials;
mod demo;
mod doctor;
mod exec;
mod issuer;
mod issuer_publish;
mod profiles;
mod serve;
mod state;
mod token;
mod token_preview;
mod token_user;
mod trust;
mod workload;
mod workload_secret;

use std::process::ExitCode;

pub(crate) use token::not_valid;

use crate::cli::issuer::IssuerCommand;
use crate::cli::workload::SecretCommand;
use crate::cli::{Cli, Command, TokenCommand, WorkloadCommand};
use crate::failure::Failure;

/// Runs the command to its end.
///
/// # Errors
/// What the command could not do, with the exit code that tells so.
pub async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Demo(args) => demo::run(args).await?,
        Command::Serve(args) => serve::run(args).await?,
        Command::Credentials(args) => credentials::run(args).await?,
        Command::Connection(command) => connection::run(command).await?,
        Command::Profiles(command) => return profiles::run(&command),
        Command::Exec(args) => return exec::run(args).await,
        Command::Doctor(args) => return doctor::run(&args).await,
        Command::Agent(args) => agent::run(args).await?,
        Command::Token(TokenCommand::Mint(args)) => token::mint(args).await?,
        Command::Token(TokenCommand::User(args)) => return token_user::run(args).await,
        Command::Token(TokenCommand::Inspect(args)) => token::inspect(args)?,
        Command::Token(TokenCommand::Verify(args)) => token::verify(args).await?,
        Command::Token(TokenCommand::Preview(args)) => token_preview::preview(&args)?,
        Command::Token(TokenCommand::Presets(args)) => token_preview::presets(&args)?,
        Command::Issuer(IssuerCommand::Check(args)) => return issuer::check(args).await,
        Command::Issuer(IssuerCommand::Publish(args)) => return issuer_publish::run(&args).await,
        Command::Trust(command) => return trust::run(command).await,
        Command::Workload(WorkloadCommand::Key(args)) => workload::key(args)?,
        Command::Workload(WorkloadCommand::Secret(SecretCommand::New(args))) => {
            workload_secret::new(&args)?;
        }
        Command::Audit(command) => return state::audit(command).await,
        Command::Key(command) => state::key(command).await?,
        Command::Workload(WorkloadCommand::JoinToken(args)) => admin::join_token(&args).await?,
        Command::Workload(WorkloadCommand::Enrol(args)) => admin::enrol(&args).await?,
        Command::Workload(WorkloadCommand::Piece(command)) => {
            admin::piece::<admin::Workloads>(&command).await?;
        }
        Command::TokenConfig(command) => admin::piece::<admin::TokenConfigs>(&command).await?,
        Command::TrustedIssuer(command) => admin::piece::<admin::TrustedIssuers>(&command).await?,
        Command::TrustSubscription(command) => {
            admin::piece::<admin::TrustSubscriptions>(&command).await?;
        }
        Command::Tenant(command) => admin::tenant(&command).await?,
        Command::User(command) => admin::user(&command).await?,
        Command::Apply(args) => return admin::apply(&args).await,
        Command::Export(args) => admin::export(&args).await?,
        Command::Login(args) => admin::login(&args).await?,
        Command::Logout(args) => admin::logout(&args).await?,
        Command::Whoami(args) => admin::whoami(&args).await?,
        Command::Access(command) => access::run(&command)?,
        Command::Backup(args) => state::backup(&args).await?,
        Command::Restore(args) => state::restore(&args).await?,
        Command::Migrate(args) => state::migrate(&args).await?,
        Command::AwsEmulator(args) => aws_emulator::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
