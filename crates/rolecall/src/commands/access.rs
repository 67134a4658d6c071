//! `rolecall access`: what the configuration file needs to let somebody in to the admin API.

use std::io::{IsTerminal as _, Read as _};

use rolecall_access::{AccessToken, TokenKind, check_name};
use rolecall_attest::SecretHash;
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::cli::Output;
use crate::cli::access::{AccessCommand, AccessTokenArgs};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Runs an `access` command. Nothing of what it makes is kept anywhere.
///
/// # Errors
/// A name that cannot be one, no password on standard input.
pub fn run(command: &AccessCommand) -> Result<(), Failure> {
    let (AccessCommand::Token(args) | AccessCommand::Password(args)) = command;
    check_name(&args.name).map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    match command {
        AccessCommand::Token(args) => token(args),
        AccessCommand::Password(args) => password(args),
    }
}

fn token(args: &AccessTokenArgs) -> Result<(), Failure> {
    let tenant = args.tenant.as_deref().unwrap_or_default();
    let token = AccessToken::make(TokenKind::Access, &random()?, tenant, &args.name);
    let digest = token.digest();
    let token = token.into_secret();
    match args.output {
        Output::Json => printing::line(
            &json!({
                "name": args.name,
                "role": args.role,
                "tenant": args.tenant,
                "token": token.expose_secret(),
                "token_digest": digest,
            })
            .to_string(),
        ),
        Output::Text => {
            anstream::eprintln!(
                "Give the token to `{}`; it is not kept and cannot be shown again. Put the other lines below `server.api.access`:",
                args.name
            );
            printing::line(&format!("token: {}", token.expose_secret()))?;
            entry(args, &format!("token_digest: {digest}"))
        }
    }
}

fn password(args: &AccessTokenArgs) -> Result<(), Failure> {
    if std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "the password is read from standard input, so that it is in no history",
        )
        .hint("rolecall access password NAME --role ROLE <FILE"));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(Exit::Local, format_args!("cannot read it: {error}")))?;
    let password = SecretString::from(text.trim_end_matches(['\n', '\r']).to_owned());
    if password.expose_secret().chars().count() < SHORTEST {
        return Err(Failure::new(
            Exit::Usage,
            format_args!("a password has at least {SHORTEST} characters"),
        ));
    }
    let salt: [u8; 16] = random()?;
    let hash = SecretHash::of(&password, &salt)
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    match args.output {
        Output::Json => printing::line(
            &json!({
                "name": args.name,
                "role": args.role,
                "tenant": args.tenant,
                "password_hash": hash.as_str(),
            })
            .to_string(),
        ),
        Output::Text => {
            anstream::eprintln!("Put these lines below `server.api.access`:");
            entry(args, &format!("password_hash: \"{}\"", hash.as_str()))
        }
    }
}

/// An entry of the configuration file.
fn entry(args: &AccessTokenArgs, proof: &str) -> Result<(), Failure> {
    printing::line(&format!("- name: {}", args.name))?;
    printing::line(&format!("  role: {}", args.role.as_str()))?;
    if let Some(tenant) = &args.tenant {
        printing::line(&format!("  tenant: {tenant}"))?;
    }
    printing::line(&format!("  {proof}"))
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut random = [0; N];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| Failure::new(Exit::Unexpected, "the system gives no random bytes"))?;
    Ok(random)
}

const SHORTEST: usize = 12;
