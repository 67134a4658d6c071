//! `rolecall token`: mint one for this workload, look into one, judge one.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rolecall_ask::Audience;
use rolecall_deliver::{Clock, SecretFile, keep_token_fresh};
use rolecall_jose::Compact;
use rolecall_sealed::{ExposeSecret as _, SecretString};

use crate::cli::{Output, TokenInspectArgs, TokenMintArgs, TokenVerifyArgs};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::issuer_address::{Addresses, http_client};
use crate::issuer_client::{IssuerClient, Minted, TokenAsk};
use crate::sources::{self, IssuerSource};
use crate::{asking, judging, printing, process};

/// Mints a token, and with `--watch` keeps its file fresh.
pub async fn mint(args: TokenMintArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.ask.config)?;
    let ask = match (&args.connection, &args.token_config) {
        (Some(name), _) => {
            let connection = asking::find(&loaded, name)?;
            asking::token_ask(connection.audience(), &args.ask.attributes)
                .for_role(connection.role().as_str())
        }
        (None, Some(name)) => {
            asking::token_ask(&Audience::TokenConfig(name.clone()), &args.ask.attributes)
        }
        (None, None) => {
            return Err(Failure::new(
                Exit::Usage,
                "name a connection or a token config",
            ));
        }
    };
    let client = IssuerClient::new(loaded.asking_workload()?)?;
    let minted = client.token(&ask).await?;
    let Some(path) = args.to else {
        return printing::line(minted.token.expose_secret());
    };
    let file = SecretFile::new(path);
    file.write(&minted.token)
        .map_err(|error| Failure::from_error(Exit::Local, &error))?;
    if args.watch {
        watch(client, ask, file, minted).await?;
    }
    Ok(())
}

/// Replaces the file's token at half of its life until asked to stop.
async fn watch(
    client: IssuerClient,
    ask: TokenAsk,
    file: SecretFile,
    first: Minted,
) -> Result<(), Failure> {
    let stop = process::stop_signal()?;
    tracing::info!(file = %file.path().display(), "keeping the token fresh");
    let source = Arc::new(IssuerSource::new(client, ask));
    let first = sources::identity_token(first);
    let keeping = keep_token_fresh(
        source,
        file,
        &first,
        Clock::system(),
        |renewed| match renewed {
            Ok(token) => tracing::info!(until = %token.expiration, "the token was renewed"),
            Err(error) => tracing::warn!(%error, "the token could not be renewed; trying again"),
        },
    );
    tokio::select! {
        () = keeping => {}
        () = stop => {}
    }
    Ok(())
}

/// Prints header and claims of a token; judges nothing.
pub fn inspect(args: TokenInspectArgs) -> Result<(), Failure> {
    let token = read_token(&args.file)?;
    let compact = Compact::parse(token.expose_secret()).map_err(not_valid)?;
    let claims = compact.claims().map_err(not_valid)?;
    let header: serde_json::Value =
        serde_json::from_slice(compact.header_json()).map_err(|error| {
            Failure::new(
                Exit::TokenNotValid,
                format_args!("the header is not JSON: {error}"),
            )
        })?;
    match args.output {
        Output::Json => {
            printing::line(&serde_json::json!({ "header": header, "claims": claims }).to_string())
        }
        Output::Text => printing::text(&judging::described(
            &header,
            &claims,
            jiff::Timestamp::now(),
        )),
    }
}

/// Judges a token as a verifier would that knows only the issuer's URL.
pub async fn verify(args: TokenVerifyArgs) -> Result<(), Failure> {
    let token = read_token(&args.file)?;
    let judged = judging::judge(
        token.expose_secret(),
        &args.issuer,
        args.audience.as_deref(),
        &Addresses::new(args.connect_to),
        &http_client()?,
        jiff::Timestamp::now(),
    )
    .await?;
    match args.output {
        Output::Json => printing::line(&judged.to_json().to_string()),
        Output::Text => printing::text(&judged.to_text()),
    }
}

pub(super) fn read_token(path: &Path) -> Result<SecretString, Failure> {
    let local = |error: std::io::Error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot read the token from `{}`: {error}", path.display()),
        )
    };
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map_err(local)?;
    } else {
        text = std::fs::read_to_string(path).map_err(local)?;
    }
    // A person's file or pipe ends in a newline; it is not part of what they mean. Files made for
    // SDKs must not have one: `rolecall token mint --to` writes none.
    Ok(SecretString::from(text.trim().to_owned()))
}

pub(crate) fn not_valid(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        Exit::TokenNotValid,
        format_args!("the token is not valid: {error}"),
    )
}
