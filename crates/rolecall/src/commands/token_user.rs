//! `rolecall token user`: the token of a person who is signed in.

use std::process::ExitCode;

use rolecall_ask::Audience;
use rolecall_mint::UserToken;
use rolecall_sealed::ExposeSecret as _;
use serde::Deserialize;

use super::agent::person;
use super::token::read_token;
use crate::asking::{self, Way};
use crate::cli::TokenUserArgs;
use crate::failure::{Exit, Failure};
use crate::issuer_client::IssuerClient;
use crate::{printing, sources};

/// Prints what the person's session holds. Where there is no token it says so, and ends with the
/// code of the reason: what needs the token must fail, and not go on as somebody else.
pub async fn run(args: TokenUserArgs) -> Result<ExitCode, Failure> {
    let subject_token = read_token(&args.subject_token_file)?;
    let session = match Way::choose(&args.ask)? {
        Way::Agent(agent) => agent.person(&args.token_config, &subject_token).await?,
        Way::Configuration(loaded) => {
            let client = IssuerClient::new(loaded.asking_workload()?)?;
            let audience = Audience::TokenConfig(args.token_config.clone());
            let ask = asking::token_ask(&audience, &args.ask.attributes);
            let session = match client.person_token(&ask, &subject_token).await {
                Ok(minted) => {
                    let person = person(minted);
                    UserToken::Active {
                        token: person.token,
                        issued_at: person.issued_at,
                        expires_at: person.expires_at,
                    }
                }
                Err(failure) => UserToken::Error {
                    error: sources::told(&failure).to_string(),
                },
            };
            session.to_json()
        }
    };
    printing::line(session.expose_secret())?;
    // Only the status is read here; what else it says stays what it was.
    let told: Told = serde_json::from_str(session.expose_secret())
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    match told.error {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => {
            let exit = error.split(':').next().and_then(Exit::named);
            Err(Failure::new(
                exit.unwrap_or(Exit::RefusedByIssuer),
                format_args!("there is no token for this person: {error}"),
            ))
        }
    }
}

#[derive(Deserialize)]
struct Told {
    error: Option<String>,
}
