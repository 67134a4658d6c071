//! `rolecall`: keyless AWS access for everything you run, in one binary.
//!
//! This crate only joins the others: it reads arguments and the configuration file, starts what a
//! command needs, and tells a person what happened. `ARCHITECTURE.md` is the map.

mod administering;
mod agent_client;
mod asking;
mod cli;
mod commands;
mod config;
mod denial;
mod failure;
mod issuer_address;
mod issuer_client;
mod joining;
mod judging;
mod key_backends;
mod looking;
mod printing;
mod process;
mod progress;
mod sources;
mod style;
mod trial;

use std::process::ExitCode;

use clap::Parser as _;

/// A server holds what it was told of for as long as it runs, and beside that makes and drops
/// thousands of small things for each token: the system's allocator spent a quarter of a token's
/// time on finding room among a hundred thousand workloads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn run(cli: cli::Cli) -> Result<ExitCode, failure::Failure> {
    // Only a server has requests to tell of.
    let traces = match &cli.command {
        cli::Command::Serve(_) => process::traces()?,
        _ => None,
    };
    process::log_to_stderr(traces.as_ref());
    let outcome = process::runtime().and_then(|runtime| runtime.block_on(commands::run(cli)));
    if let Some(traces) = traces {
        traces.close();
    }
    outcome
}

fn main() -> ExitCode {
    process::keep_memory_private();
    let cli = cli::Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit() as u8)
        }
    }
}
