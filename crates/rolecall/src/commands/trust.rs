//! `rolecall trust`: decide, explain, lint, prove and mend IAM trust policies.

mod batch;
mod check;
mod reading;

use std::process::ExitCode;

use crate::cli::trust::TrustCommand;
use crate::failure::{Exit, Failure};

/// Runs one of the commands.
///
/// # Errors
/// What could not be read or done. An answer that is no is none: it is an exit code.
pub fn run(command: TrustCommand) -> Result<ExitCode, Failure> {
    match command {
        TrustCommand::Check(args) if args.batch => batch::run(),
        TrustCommand::Check(args) => check::run(args),
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
