//! `rolecall`: keyless AWS access for everything you run, in one binary.
//!
//! This crate only joins the others: it reads arguments and the configuration file, starts what a
//! command needs, and tells a person what happened. `ARCHITECTURE.md` is the map.

mod administering;
mod asking;
mod cli;
mod commands;
mod config;
mod denial;
mod failure;
mod issuer_address;
mod issuer_client;
mod judging;
mod key_backends;
mod looking;
mod printing;
mod process;
mod progress;
mod sources;
mod style;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    process::keep_memory_private();
    process::log_to_stderr();
    let cli = cli::Cli::parse();
    let outcome = process::runtime().and_then(|runtime| runtime.block_on(commands::run(cli)));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit() as u8)
        }
    }
}
