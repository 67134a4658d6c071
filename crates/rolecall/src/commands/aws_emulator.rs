//! `rolecall aws-emulator`: the emulated account alone, for other people's tests.

use rolecall_emulator::{Emulator, EmulatorError, Messages, Seed, Settings};
use rolecall_names::AccountId;

use crate::cli::{AwsEmulatorArgs, MessageGeneration, Output};
use crate::failure::{Exit, Failure};
use crate::{config, printing, process};

/// Serves until asked to stop.
pub async fn run(args: AwsEmulatorArgs) -> Result<(), Failure> {
    let seed = args
        .seed
        .as_deref()
        .map(config::read_yaml::<Seed>)
        .transpose()?;
    let accounts = args
        .accounts
        .iter()
        .map(|account| account.parse::<AccountId>())
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    let listener = bind(args.listen).await?;
    let address = listener.local_addr().map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot tell the bound address: {error}"),
        )
    })?;
    let emulator = Emulator::new(Settings {
        accounts,
        messages: match args.messages {
            MessageGeneration::Newer => Messages::Newer,
            MessageGeneration::Older => Messages::Older,
        },
        connect_to: args.connect_to,
        trail: args.trail,
        state: args.state,
        seed,
        ..Settings::default()
    })
    .map_err(|error| not_started(&error))?;
    if let Some(path) = &args.admin_credentials {
        emulator
            .write_admin_credentials(path)
            .map_err(|error| Failure::from_error(Exit::Local, &error))?;
    }
    let url = format!("http://{address}");
    let accounts = emulator.accounts();
    match args.output {
        Output::Json => printing::line(
            &serde_json::json!({
                "event": "ready",
                "url": url,
                "accounts": accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(),
            })
            .to_string(),
        )?,
        Output::Text => printing::line(&format!(
            "STS and IAM of {} at {url}",
            accounts
                .iter()
                .map(AccountId::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        ))?,
    }
    let stop = process::stop_signal()?;
    emulator
        .serve(listener, stop)
        .await
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))
}

/// Takes a port.
///
/// # Errors
/// `Local` where it is taken or not permitted.
pub async fn bind(address: std::net::SocketAddr) -> Result<tokio::net::TcpListener, Failure> {
    tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| {
            let failure = Failure::new(
                Exit::Local,
                format_args!("cannot listen on `{address}`: {error}"),
            );
            match error.kind() {
                std::io::ErrorKind::AddrInUse => failure.hint(
                    "Another program listens there; stop it, or use port 0 to take a free one",
                ),
                _ => failure.hint("Use an address of this machine, such as 127.0.0.1:0"),
            }
        })
}

fn not_started(error: &EmulatorError) -> Failure {
    let exit = if error.is_in_seed() {
        Exit::Configuration
    } else {
        Exit::Local
    };
    Failure::from_error(exit, error)
}
