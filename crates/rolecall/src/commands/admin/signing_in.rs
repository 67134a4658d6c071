//! `rolecall login`, `logout` and `whoami`.

use std::io::{IsTerminal as _, Read as _};

use rolecall_access::Grant;
use rolecall_admin_api::wire::{Me, NewSession, ShownSession};

use crate::administering::{Client, SignedIn, forget, remember};
use crate::cli::Output;
use crate::cli::admin::{LoginArgs, PlainArgs};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Opens a session and keeps it.
///
/// # Errors
/// A wrong password, an ID token that the server does not take, no server.
pub async fn login(args: &LoginArgs) -> Result<(), Failure> {
    let client = Client::nobody(&args.server)?;
    let new = match (&args.name, &args.id_token_file) {
        (_, Some(file)) => NewSession::Identity {
            id_token: if file.as_os_str() == "-" {
                from_stdin()?
            } else {
                let read = std::fs::read_to_string(file).map_err(|error| {
                    Failure::new(
                        Exit::Local,
                        format_args!("cannot read `{}`: {error}", file.display()),
                    )
                });
                read?.trim().to_owned()
            },
        },
        (name, None) => NewSession::Password {
            tenant: args.tenant.clone(),
            name: name.clone().unwrap_or_default(),
            password: password()?,
        },
    };
    let session: ShownSession = client.post("/sessions", &new).await?.body;
    let signed_in = SignedIn {
        token: session.token.into(),
        name: session.me.name.clone(),
        ends: session.ends,
    };
    remember(client.server(), &signed_in)?;
    anstream::eprintln!(
        "signed in at {} as {}, until {}: {}",
        client.server(),
        session.me.name,
        session.ends,
        grants(&session.me.grants)
    );
    Ok(())
}

/// Ends the session, at the server and here.
///
/// # Errors
/// The server cannot be reached; the session is forgotten here all the same.
pub async fn logout(args: &PlainArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let ended = client.delete("/sessions/current").await;
    forget(client.server())?;
    match ended {
        // One that ended by itself is as good.
        Err(failure) if failure.exit() == Exit::RefusedByServer => Ok(()),
        other => other,
    }
}

/// Shows who asks, as the server sees it.
///
/// # Errors
/// No token, or one that is not good.
pub async fn whoami(args: &PlainArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let me: Me = client.get("/me").await?.body;
    match args.output {
        Output::Json => {
            let json = serde_json::to_string(&me)
                .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
            printing::line(&json)
        }
        Output::Text => printing::line(&format!("{}: {}", me.name, grants(&me.grants))),
    }
}

fn grants(grants: &[Grant]) -> String {
    let told = grants.iter().map(|grant| match &grant.tenant {
        Some(tenant) => format!("{} of {tenant}", grant.role.as_str()),
        None => format!("{} of the installation", grant.role.as_str()),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// A password: asked for without showing it, or read from a pipe.
///
/// # Errors
/// `Local` where it cannot be read.
pub fn password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return from_stdin();
    }
    let terminal = console::Term::stderr();
    anstream::eprint!("Password: ");
    terminal
        .read_secure_line()
        .map_err(|error| Failure::new(Exit::Local, format_args!("cannot read it: {error}")))
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(Exit::Local, format_args!("cannot read it: {error}")))?;
    Ok(text.trim().to_owned())
}
