//! Join tokens: made by who administers, used once by a new machine.

use std::io::Read as _;

use rolecall_admin_api::wire::{NewJoinToken, ShownJoinToken};
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::tenant::json;
use crate::administering::{Client, encoded};
use crate::cli::admin::{EnrolArgs, JoinTokenArgs};
use crate::cli::{Output, WorkloadKeyKind};
use crate::commands::workload::write_key;
use crate::failure::{Exit, Failure};
use crate::issuer_address::{Addresses, http_client, unreachable};
use crate::printing;

/// Makes a join token.
///
/// # Errors
/// What the server says of it.
pub async fn join_token(args: &JoinTokenArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let new = NewJoinToken {
        workload: args.workload.clone(),
        lifetime_seconds: args.lifetime,
    };
    let path = format!("/tenants/{}/join-tokens", encoded(&args.tenant));
    let made: ShownJoinToken = client.post(&path, &new).await?.body;
    match args.output {
        Output::Json => printing::line(&json(&made)?),
        Output::Text => {
            anstream::eprintln!(
                "Give the token to the machine that becomes `{}`; it can be used once, until {}.",
                made.workload,
                made.ends
            );
            printing::line(&made.token)
        }
    }
}

/// Makes the machine's key and registers it.
///
/// # Errors
/// `RefusedByIssuer` with the issuer's reason; then no key stays behind.
pub async fn enrol(args: &EnrolArgs) -> Result<(), Failure> {
    let token = join_token_of(args)?;
    let key = write_key(&args.to, WorkloadKeyKind::P256)?;
    let registered = register(args, &token, &key).await;
    match registered {
        Ok(enrolled) => {
            anstream::eprintln!(
                "registered as `{}`; the private key is in `{}`",
                enrolled.workload,
                args.to.display()
            );
            printing::line(&enrolled.kid)
        }
        Err((failure, undecided)) => {
            if !undecided {
                // A key that nobody knows would only be in the way of the next try.
                let _ = std::fs::remove_file(&args.to);
            }
            Err(failure)
        }
    }
}

#[derive(Deserialize)]
struct Enrolled {
    workload: String,
    kid: String,
}

/// Where it went wrong, also says whether the key may be registered all the same.
async fn register(
    args: &EnrolArgs,
    token: &SecretString,
    key: &str,
) -> Result<Enrolled, (Failure, bool)> {
    let refused = |failure| (failure, false);
    let url = format!("{}/enrol", args.issuer);
    let addresses = Addresses::new(args.connect_to.clone());
    let http = http_client().map_err(refused)?;
    let form = [("join_token", token.expose_secret()), ("key", key)];
    let request = addresses
        .request(&http, reqwest::Method::POST, &url)
        .map_err(refused)?;
    let response = request.form(&form).send().await.map_err(|error| {
        let undecided = !error.is_connect();
        let mut failure = unreachable("the issuer", &args.issuer, &error);
        if undecided {
            failure = failure.hint(format_args!(
                "The key may be registered: try `{}` before you ask for another join token",
                args.to.display()
            ));
        }
        (failure, undecided)
    })?;
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|error| {
            let failure = Failure::new(
                Exit::Unreachable,
                format_args!("`{url}` does not answer as an issuer does: {error}"),
            );
            (failure, true)
        });
    }
    #[derive(Deserialize)]
    struct Said {
        error: String,
        error_description: String,
    }
    let failure = match serde_json::from_slice::<Said>(&body) {
        Ok(said) => Failure::new(
            Exit::RefusedByIssuer,
            format_args!("{} ({})", said.error_description, said.error),
        ),
        Err(_) => Failure::new(
            Exit::Unreachable,
            format_args!("`{url}` answers {status}, and not as an issuer does"),
        ),
    };
    Err(refused(failure))
}

fn join_token_of(args: &EnrolArgs) -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = if args.join_token_file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(&args.join_token_file)
    };
    let text = read.map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot read `{}`: {error}", args.join_token_file.display()),
        )
    })?;
    Ok(text.trim().to_owned().into())
}
