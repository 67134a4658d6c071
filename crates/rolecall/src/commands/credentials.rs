//! `rolecall credentials`: the whole way once, printed in the form that was asked for.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rolecall_deliver::{Credentials, Format, GithubStep, Printed};
use rolecall_names::Region;
use rolecall_sealed::ExposeSecret as _;

use crate::agent_client::{AgentClient, Wanted};
use crate::asking::{Asking, Way};
use crate::cli::{CredentialsArgs, Format as Asked, Output};
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::{printing, sources};

/// Plans, and prints the plan or walks it.
pub async fn run(args: CredentialsArgs) -> Result<(), Failure> {
    let loaded = match Way::choose(&args.ask)? {
        Way::Configuration(loaded) => loaded,
        Way::Agent(agent) => return from_agent(&args, &agent).await,
    };
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
    let credentials = sources::credentials(&obtained?, &asking);
    print(
        &args,
        to,
        &credentials,
        Some(asking.planned().address().region()),
    )
}

async fn from_agent(args: &CredentialsArgs, agent: &AgentClient) -> Result<(), Failure> {
    if args.explain_plan {
        return Err(Failure::new(
            Exit::Usage,
            "the plan is the agent's, which has the configuration",
        )
        .hint("Give --config FILE with the file that the agent runs with"));
    }
    let to = To::choose(args)?;
    let wanted = Wanted::Connection(args.connection.clone());
    let region = match args.format {
        // Has no place for one, and is asked for often.
        Asked::Process => None,
        _ => Some(agent.describe(&wanted).await?.region),
    };
    let credentials = agent.credentials(&wanted).await?;
    print(args, to, &credentials, region.as_ref())
}

fn print(
    args: &CredentialsArgs,
    to: To,
    credentials: &Credentials,
    region: Option<&Region>,
) -> Result<(), Failure> {
    let printed = Printed {
        credentials,
        region,
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
