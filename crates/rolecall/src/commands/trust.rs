//! `rolecall trust`: decide, explain, lint, prove and mend IAM trust policies.

mod account;
mod batch;
mod check;
mod compare;
mod explain;
mod fix;
mod generate;
mod least;
mod lint;
mod live;
mod migrate;
mod reading;
mod subjects;
mod who;
mod writing;

use std::process::ExitCode;

use crate::cli::trust::TrustCommand;
use crate::failure::{Exit, Failure};

/// Runs one of the commands, on a thread that may compute for long and wait for AWS.
///
/// # Errors
/// What could not be read or done. An answer that is no is none: it is an exit code.
pub async fn run(command: TrustCommand) -> Result<ExitCode, Failure> {
    tokio::task::spawn_blocking(|| run_here(command))
        .await
        .unwrap_or_else(|error| Err(Failure::from_error(Exit::Unexpected, &error)))
}

fn run_here(command: TrustCommand) -> Result<ExitCode, Failure> {
    match command {
        TrustCommand::Check(args) if args.batch => batch::run(),
        TrustCommand::Check(args) => check::run(args),
        TrustCommand::Explain(args) => explain::run(args),
        TrustCommand::Compare(args) => compare::run(args),
        TrustCommand::Lint(args) => lint::run(&args),
        TrustCommand::Migrate(args) => migrate::run(&args),
        TrustCommand::Fix(args) => fix::run(&args),
        TrustCommand::Who(args) => who::run(args),
        TrustCommand::Least(args) => least::run(args),
        TrustCommand::Generate(args) => generate::run(&args),
    }
}

/// The exit code of an answer.
pub fn answer(yes: bool) -> ExitCode {
    if yes {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Exit::Negative as u8)
    }
}
