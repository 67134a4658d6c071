//! `rolecall issuer publish`: discovery and JWKS as files, so that the installation itself is never
//! exposed.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rolecall_publishing::{Publication, PublishedFile, PublishingError, Shelf};
use rolecall_services::{Bucket, Retry, ServiceError};
use serde_json::{Value, json};

use crate::cli::issuer::IssuerPublishArgs;
use crate::failure::{Exit, Failure};
use crate::issuer_address::{Addresses, http_client, unreachable};
use crate::printing;
use crate::process;
use crate::progress::Progress;

/// Fetches the documents of each issuer from the installation, judges them, and puts them where
/// they are shown; with `--watch` again and again.
///
/// # Errors
/// `Unreachable` where the installation does not answer, `Negative` where AWS would refuse its
/// documents or does not find them afterwards, `Local` for a folder, `DeniedByAws` for a bucket.
/// What was there is whole then: the old documents, or new keys with the old discovery document.
pub async fn run(args: &IssuerPublishArgs) -> Result<ExitCode, Failure> {
    if args.served_as.is_some() && args.issuers.len() > 1 {
        return Err(Failure::new(
            Exit::Usage,
            "`--served-as` says where one issuer is served, and several are named",
        )
        .hint("Publish each with a command of its own"));
    }
    let publisher = Publisher::new(args).await?;
    let mut last = HashMap::new();
    if !args.watch {
        return publisher.publish(&mut last).await;
    }
    let stop = process::stop_signal()?;
    tokio::pin!(stop);
    loop {
        // What fails now may not fail the next time; what is shown stays shown.
        if let Err(failure) = publisher.publish(&mut last).await {
            failure.report();
        }
        tokio::select! {
            () = &mut stop => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(WATCHED_EVERY) => {}
        }
    }
}

struct Publisher<'a> {
    args: &'a IssuerPublishArgs,
    http: reqwest::Client,
    bucket: Option<Bucket>,
}

impl<'a> Publisher<'a> {
    async fn new(args: &'a IssuerPublishArgs) -> Result<Self, Failure> {
        let bucket = match &args.to {
            Shelf::Bucket { name, .. } => Some(
                Bucket::from_environment(name, Retry::default())
                    .await
                    .map_err(|error| not_put(&error))?,
            ),
            _ => None,
        };
        Ok(Self {
            args,
            http: http_client()?,
            bucket,
        })
    }

    /// Publishes what is not in `last` already.
    async fn publish(&self, last: &mut HashMap<String, Vec<u8>>) -> Result<ExitCode, Failure> {
        let mut printed = Vec::new();
        let mut all_there = true;
        for issuer in &self.args.issuers {
            let progress = Progress::quiet(&format!("publishing {issuer}"));
            let publication = progress.during(self.fetch(issuer)).await?;
            let new =
                (publication.files().iter()).any(|file| last.get(&file.url) != Some(&file.body));
            if !new {
                continue;
            }
            for file in publication.files() {
                progress.during(self.put(file, &mut printed)).await?;
            }
            let looks = !self.args.no_check && self.args.to != Shelf::Output;
            let there = !looks || progress.during(self.is_there(&publication)).await;
            all_there &= there;
            if there {
                let files = publication.files().iter();
                last.extend(files.map(|file| (file.url.clone(), file.body.clone())));
            }
        }
        if self.args.to == Shelf::Output {
            printing::line(&json!({ "files": printed }).to_string())?;
        }
        Ok(match all_there {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(Exit::Negative as u8),
        })
    }

    async fn fetch(&self, issuer: &str) -> Result<Publication, Failure> {
        let from = self.args.from.trim_end_matches('/').to_owned();
        let served = self.args.served_as.as_deref().unwrap_or(issuer);
        let inside = Addresses::new(vec![(origin(served)?, from)]);
        let bare = served.strip_suffix('/').unwrap_or(served);
        let url = format!("{bare}/.well-known/openid-configuration");
        let discovery = self.fetched(&inside, &url).await?;
        let uri = rolecall_publishing::jwks_uri(&discovery).ok_or_else(|| {
            Failure::new(
                Exit::Unreachable,
                format_args!(
                    "`{}` does not answer with a discovery document",
                    self.args.from
                ),
            )
        })?;
        if origin(&uri).ok() != origin(issuer).ok() {
            return Err(refused(&PublishingError::Elsewhere {
                uri,
                issuer: issuer.to_owned(),
            }));
        }
        // Below the issuer to the outside as below the one that it is served as.
        let outside = issuer.strip_suffix('/').unwrap_or(issuer);
        let asked = match uri.strip_prefix(outside) {
            Some(path) if path.starts_with('/') => format!("{bare}{path}"),
            _ => uri,
        };
        let jwks = self.fetched(&inside, &asked).await?;
        Publication::new(issuer, &discovery, &jwks).map_err(|error| refused(&error))
    }

    async fn fetched(&self, inside: &Addresses, url: &str) -> Result<Vec<u8>, Failure> {
        let response = inside
            .request(&self.http, reqwest::Method::GET, url)?
            .send()
            .await
            .map_err(|error| {
                unreachable("the installation", &self.args.from, &error)
                    .hint("`--from` is the address where `rolecall serve` listens")
            })?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(Failure::new(
                Exit::Unreachable,
                format_args!("the installation answered {status} for `{url}`"),
            )
            .hint("The issuer must be one of its tenants', character by character"));
        }
        let body = response
            .bytes()
            .await
            .map_err(|error| unreachable("the installation", url, &error))?;
        Ok(body.to_vec())
    }

    async fn put(&self, file: &PublishedFile, printed: &mut Vec<Value>) -> Result<(), Failure> {
        match (&self.args.to, &self.bucket) {
            (Shelf::Folder(folder), _) => {
                let path = folder.join(&file.path);
                write(&path, &file.body)?;
                anstream::eprintln!("wrote {} for {}", path.display(), file.url);
            }
            (Shelf::Bucket { name, prefix }, Some(bucket)) => {
                let key = format!("{prefix}{}", file.path);
                bucket
                    .put(&key, &file.body, CONTENT_TYPE, CACHE_CONTROL)
                    .await
                    .map_err(|error| not_put(&error))?;
                anstream::eprintln!("wrote s3://{name}/{key} for {}", file.url);
            }
            _ => {
                let document: Value = serde_json::from_slice(&file.body)
                    .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
                printed.push(json!({
                    "path": file.path,
                    "url": file.url,
                    "content_type": CONTENT_TYPE,
                    "cache_control": CACHE_CONTROL,
                    "document": document,
                }));
            }
        }
        Ok(())
    }

    /// Whether verifiers find the documents where they look, within the time that a web server
    /// needs to show them.
    async fn is_there(&self, publication: &Publication) -> bool {
        for file in publication.files() {
            let mut seen = Err("nothing".to_owned());
            for wait in LOOKS {
                tokio::time::sleep(wait).await;
                seen = self.seen(file).await;
                if seen.is_ok() {
                    break;
                }
            }
            match seen {
                Ok(()) => anstream::eprintln!("seen at {}", file.url),
                Err(why) => {
                    anstream::eprintln!(
                        "not seen at {}: {why}. Verifiers look there; until it shows what was written, an installation with `publishing: external` signs with no new key. `rolecall issuer check` tells more",
                        file.url
                    );
                    return false;
                }
            }
        }
        true
    }

    async fn seen(&self, file: &PublishedFile) -> Result<(), String> {
        let response = self.http.get(&file.url).send().await;
        let response =
            response.map_err(|error| unreachable("it", &file.url, &error).what().to_owned())?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("it answers {}", response.status()));
        }
        let body = response.bytes().await.map_err(|error| error.to_string())?;
        match body == file.body {
            true => Ok(()),
            false => Err("it shows another document".to_owned()),
        }
    }
}

/// Replaces a file in one step, readable for a web server.
fn write(path: &Path, body: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || {
        std::fs::create_dir_all(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(body)?;
        new.as_file()
            .set_permissions(std::fs::Permissions::from_mode(0o644))?;
        new.as_file().sync_all()?;
        new.persist(path).map_err(|error| error.error)?;
        // The rename itself is on disk only once the folder is.
        std::fs::File::open(folder)?.sync_all()
    };
    written().map_err(|error: std::io::Error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot write `{}`: {error}", path.display()),
        )
        .hint("What was published before is untouched; mend the cause and publish again")
    })
}

fn refused(error: &PublishingError) -> Failure {
    Failure::from_error(Exit::Negative, error).hint("Nothing was published")
}

fn not_put(error: &ServiceError) -> Failure {
    let exit = match error {
        ServiceError::Unreachable { .. } => Exit::Unreachable,
        ServiceError::NoCredentials { .. } | ServiceError::Environment { .. } => {
            Exit::Configuration
        }
        _ => Exit::DeniedByAws,
    };
    let failure = Failure::from_error(exit, error);
    match error {
        ServiceError::NoCredentials { .. } => failure.hint(
            "A bucket is written with the credentials of the AWS tools: a profile, a role of the machine, or `rolecall exec`",
        ),
        _ => failure,
    }
}

fn origin(issuer: &str) -> Result<String, Failure> {
    url::Url::parse(issuer)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format_args!("`{issuer}` is not an http or https URL"),
            )
        })
}

const CONTENT_TYPE: &str = "application/json";
/// As the installation itself serves them.
const CACHE_CONTROL: &str = "public, max-age=300";
/// How often a watcher looks. A new key is published for hours before it signs.
const WATCHED_EVERY: Duration = Duration::from_secs(5);
/// Between looks at what was written.
const LOOKS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
];
