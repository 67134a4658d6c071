//! `rolecall issuer`: an issuer's public documents, as others see them.

use std::process::ExitCode;

use jiff::Timestamp;
use rolecall_publishing::{Sighting, judge, jwks_uri, passes};

use crate::cli::Output;
use crate::cli::issuer::IssuerCheckArgs;
use crate::failure::Failure;
use crate::looking::Looking;
use crate::printing;
use crate::progress::Progress;

/// Looks at an issuer from outside and prints what AWS would find.
///
/// # Errors
/// `Usage` for a URL that names no host, `Local` for a file of certificates that cannot be read.
pub async fn check(args: IssuerCheckArgs) -> Result<ExitCode, Failure> {
    let looking = Looking::new(args.connect_to, args.ca_file.as_deref())?;
    let progress = Progress::quiet(&format!("looking at {}", args.issuer));
    let sighting = progress.during(sight(&looking, &args.issuer)).await?;
    let findings = judge(&sighting, Timestamp::now().as_second());
    match args.output {
        Output::Text => printing::text(&rolecall_publishing::text(&findings))?,
        Output::Json => {
            printing::line(&rolecall_publishing::json(&args.issuer, &findings).to_string())?
        }
    }
    Ok(super::trust::answer(passes(&findings)))
}

async fn sight(looking: &Looking, issuer: &str) -> Result<Sighting, Failure> {
    // OpenID Connect Discovery §4: a slash at the end goes before the path is added.
    let bare = issuer.strip_suffix('/').unwrap_or(issuer);
    let discovery = looking
        .fetch(&format!("{bare}/.well-known/openid-configuration"))
        .await?;
    let uri = match &discovery.answer {
        Some(Ok(answer)) if answer.status == 200 && !answer.cut => jwks_uri(&answer.body),
        _ => None,
    };
    // What is no URL is told with the discovery document.
    let jwks = match uri.filter(|uri| looking.can_fetch(uri)) {
        Some(uri) => Some(looking.fetch(&uri).await?),
        None => None,
    };
    Ok(Sighting {
        issuer: issuer.to_owned(),
        discovery: Some(discovery),
        jwks,
    })
}
