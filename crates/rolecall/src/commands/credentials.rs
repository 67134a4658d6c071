//! `rolecall credentials`: the whole way once, printed in the form that was asked for.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rolecall_deliver::{Format, GithubStep, Printed};
use rolecall_sealed::ExposeSecret as _;

use crate::asking::Asking;
use crate::cli::{CredentialsArgs, Format as Asked, Output};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::{printing, sources};

/// Plans, and prints the plan or walks it.
pub async fn run(args: CredentialsArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.ask.config)?;
    let asking = Asking::plan(&loaded, &args.connection, &args.ask)?;
    if args.explain_plan {
        return match args.output {
            Output::Text => printing::text(&asking.planned().explain()),
            Output::Json => serde_json::to_string(&asking.planned().explain_json())
                .map_err(|error| Failure::from_error(Exit::Unexpected, &error))
                .and_then(|json| printing::line(&json)),
        };
    }
    // Settled before anything is called, so that no credentials are got in vain.
    let to = To::choose(&args)?;
    let progress = Progress::start(&args.connection);
    let obtained = asking.obtain(&mut |event| progress.show(event)).await;
    progress.end();
    let printed = Printed {
        credentials: &sources::credentials(&obtained?, &asking),
        region: Some(asking.planned().address().region()),
        profile: &args.connection,
        legacy_security_token: args.legacy_security_token,
    };
    match to {
        To::Output(format) => {
            let text = format
                .render(&printed)
                .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
            printing::text(text.expose_secret())
        }
        To::GithubStep(environment) => export(&printed, &environment),
    }
}

/// Where the credentials go.
enum To {
    /// Standard output.
    Output(Format),
    /// The later steps of a GitHub job, by the file that `GITHUB_ENV` names.
    GithubStep(PathBuf),
}

impl To {
    fn choose(args: &CredentialsArgs) -> Result<Self, Failure> {
        let format = match args.format {
            Asked::Env => Format::Env,
            Asked::Dotenv => Format::Dotenv,
            Asked::Fish => Format::Fish,
            Asked::PowerShell => Format::PowerShell,
            Asked::Profile => Format::Profile,
            Asked::Json => Format::Json,
            Asked::Process => Format::Process,
            Asked::Github => return github_environment().map(Self::GithubStep),
        };
        format
            .check(&args.connection, args.legacy_security_token)
            .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
        Ok(Self::Output(format))
    }
}

fn github_environment() -> Result<PathBuf, Failure> {
    match std::env::var_os("GITHUB_ENV") {
        Some(file) if !file.is_empty() => Ok(PathBuf::from(file)),
        _ => Err(Failure::new(
            Exit::Usage,
            "GITHUB_ENV is not set, so there are no later steps to export to",
        )
        .hint("Use `--format github` in a `run` step of GitHub Actions, another form elsewhere")),
    }
}

/// Tells the runner what to hide, then gives it the variables.
fn export(printed: &Printed<'_>, environment: &Path) -> Result<(), Failure> {
    let delimiter = format!("rolecall-{}", uuid::Uuid::new_v4());
    let step = GithubStep::render(printed, &delimiter);
    printing::text(step.masks.expose_secret())?;
    append(environment, step.environment.expose_secret()).map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!(
                "cannot append to `{}`, which GITHUB_ENV names: {error}",
                environment.display()
            ),
        )
    })
}

/// Appends lines to a file whose last one somebody may have left without an end.
fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let length = file.metadata()?.len();
    if let Some(last) = length.checked_sub(1) {
        let mut byte = [0];
        file.read_exact_at(&mut byte, last)?;
        if byte != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines.as_bytes())
}
