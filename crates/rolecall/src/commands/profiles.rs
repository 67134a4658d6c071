//! `rolecall profiles`: a profile in the user's `~/.aws/config` for each connection.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rolecall_deliver::profiles::{Profile, line_of_credentials, removed, without_secrets, written};
use rolecall_deliver::{DeliverError, UserFile};
use serde_json::json;

use crate::cli::Output;
use crate::cli::profiles::{ChangeArgs, ProfilesCommand, WriteArgs};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Writes the profiles, or takes them away.
///
/// # Errors
/// `Configuration` for the configuration file, `Local` for the user's.
pub fn run(command: &ProfilesCommand) -> Result<ExitCode, Failure> {
    match command {
        ProfilesCommand::Write(args) => write(args),
        ProfilesCommand::Remove(args) => change(args, &[], removed),
    }
}

fn write(args: &WriteArgs) -> Result<ExitCode, Failure> {
    if args.config == Path::new("-") {
        return Err(Failure::new(
            Exit::Usage,
            "profiles need a configuration file that stays where it is, not standard input",
        ));
    }
    let loaded = Loaded::read(&args.config)?;
    let profiles = profiles(&loaded, args)?;
    refuse_hidden(&profiles)?;
    change(&args.change, &profiles, |before| written(before, &profiles))
}

fn profiles(loaded: &Loaded, args: &WriteArgs) -> Result<Vec<Profile>, Failure> {
    let program = program()?;
    let config = std::path::absolute(loaded.path()).map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!(
                "`{}` has no absolute path: {error}",
                loaded.path().display()
            ),
        )
    })?;
    let profile = |connection: &rolecall_ask::Connection| {
        Profile::new(
            format!("{}{}", args.prefix, connection.name()).parse()?,
            &program,
            connection.name(),
            &config,
            connection.region().cloned(),
        )
    };
    let connections = loaded.document.connections.iter();
    connections
        .map(profile)
        .collect::<Result<_, DeliverError>>()
        .map_err(|error| Failure::from_error(Exit::Configuration, &error))
}

/// Keys of the same name in the credentials file are read first, so such a profile would do
/// nothing.
fn refuse_hidden(profiles: &[Profile]) -> Result<(), Failure> {
    let path = match std::env::var_os("AWS_SHARED_CREDENTIALS_FILE") {
        Some(path) if !path.is_empty() => from_home(Path::new(&path))?,
        _ => from_home(Path::new("~/.aws/credentials"))?,
    };
    let credentials = UserFile::new(&path).read().map_err(|error| local(&error))?;
    for profile in profiles {
        if let Some(line) = line_of_credentials(&credentials, profile.name()) {
            return Err(Failure::new(
                Exit::Local,
                format_args!(
                    "{}:{line}: `{}` has keys of its own there, which would win over the profile",
                    path.display(),
                    profile.name()
                ),
            )
            .hint(other_names(profile.name())));
        }
    }
    Ok(())
}

/// Shows what `edit` changes in the user's file, or changes it.
fn change(
    args: &ChangeArgs,
    profiles: &[Profile],
    edit: impl FnOnce(&[u8]) -> Result<Vec<u8>, DeliverError>,
) -> Result<ExitCode, Failure> {
    let path = match &args.aws_config {
        Some(path) if !path.as_os_str().is_empty() => from_home(path)?,
        _ => from_home(Path::new("~/.aws/config"))?,
    };
    let file = UserFile::new(&path);
    let before = file.read().map_err(|error| local(&error))?;
    let after = edit(&before).map_err(|error| at_line(&path, &error))?;
    let changes = before != after;
    if changes && !args.plan {
        file.replace(&before, &after)
            .map_err(|error| local(&error))?;
    }
    match args.output {
        Output::Json => {
            let names: Vec<&str> = profiles.iter().map(|one| one.name().as_str()).collect();
            let diff = difference(&path, &before, &after);
            let told = json!({
                "file": path, "profiles": names, "changed": changes && !args.plan, "diff": diff,
            });
            printing::line(&told.to_string())?;
        }
        Output::Text if args.plan => printing::text(&difference(&path, &before, &after))?,
        Output::Text => {
            let how = if changes { "" } else { ", as before" };
            let count = match profiles.len() {
                0 => "no profiles of Rolecall's".to_owned(),
                1 => "1 profile".to_owned(),
                many => format!("{many} profiles"),
            };
            printing::line(&format!("{}: {count}{how}", path.display()))?;
        }
    }
    // As `apply --plan`: there is something to do.
    Ok(match args.plan && changes {
        true => ExitCode::from(Exit::Negative as u8),
        false => ExitCode::SUCCESS,
    })
}

fn difference(path: &Path, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (without_secrets(before), without_secrets(after));
    rolecall_documents::unified(&path.display().to_string(), &before, &after)
}

/// Where this program is called: as it was, where that is on the search path, so that a later
/// version behind the same link is found.
fn program() -> Result<PathBuf, Failure> {
    let running = std::env::current_exe().map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot tell where this program is: {error}"),
        )
    })?;
    let called = std::env::args_os().next().map(PathBuf::from);
    let candidates = match called {
        Some(called) if called.components().count() > 1 => vec![called],
        Some(called) => {
            let search = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::env::split_paths(AsRef::<OsStr>::as_ref(&search));
            folders.map(|folder| folder.join(&called)).collect()
        }
        None => Vec::new(),
    };
    let same = |path: &PathBuf| {
        let real = std::fs::canonicalize(path).ok();
        real.is_some() && real == std::fs::canonicalize(&running).ok()
    };
    let found = candidates.into_iter().find(same);
    Ok(found
        .and_then(|path| std::path::absolute(path).ok())
        .unwrap_or(running))
}

/// `~` is the home folder, as SDKs read it.
fn from_home(path: &Path) -> Result<PathBuf, Failure> {
    let Ok(rest) = path.strip_prefix("~") else {
        return Ok(path.to_owned());
    };
    match std::env::var_os("HOME") {
        Some(home) if !home.is_empty() => Ok(Path::new(&home).join(rest)),
        _ => Err(
            Failure::new(Exit::Local, "HOME is not set, so there is no ~/.aws/config")
                .hint("Name the file with --aws-config"),
        ),
    }
}

fn at_line(path: &Path, error: &DeliverError) -> Failure {
    let failure = Failure::new(Exit::Local, format_args!("{}: {error}", path.display()));
    match error {
        DeliverError::ProfileTaken { name, .. } => failure.hint(other_names(name)),
        _ => failure,
    }
}

fn other_names(name: impl std::fmt::Display) -> String {
    format!(
        "Give Rolecall's profiles other names with `--prefix NAME-`, or take `{name}` out of that file"
    )
}

fn local(error: &DeliverError) -> Failure {
    Failure::from_error(Exit::Local, error)
}
