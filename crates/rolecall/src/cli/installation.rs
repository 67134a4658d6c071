//! Which installation a command works on: by its state, or by its server.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::admin::ServerArgs;
use super::state::StateArgs;

/// The installation that is meant. A flag comes before the environment, and there a server before
/// a configuration file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Installation")]
pub struct InstallationArgs {
    /// Work on the state that the `server` section of this file names, on the server's own machine [env: ROLECALL_CONFIG] [default: rolecall.yaml]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "token_file", "ca"])]
    config: Option<PathBuf>,
    /// Ask this server's admin API instead [env: ROLECALL_SERVER]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The file that holds the token for the admin API; otherwise ROLECALL_API_TOKEN, or the session of `rolecall login`
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates of a private authority that the server's is from (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Where a command works.
#[derive(Debug)]
pub enum Installation {
    /// On the state itself.
    State(StateArgs),
    /// Through the admin API.
    Server(ServerArgs),
}

impl InstallationArgs {
    /// The installation, by flags and environment.
    #[must_use]
    pub fn meant(&self) -> Installation {
        self.meant_in(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn meant_in(&self, variable: impl Fn(&str) -> Option<OsString>) -> Installation {
        if let Some(config) = &self.config {
            return Installation::State(StateArgs {
                config: config.clone(),
            });
        }
        let named = || variable("ROLECALL_SERVER")?.into_string().ok();
        let server = self.server.clone().or_else(named);
        // Who gives a token for a server means one, if only the one that they are signed in at.
        if server.is_some() || self.token_file.is_some() || self.ca.is_some() {
            return Installation::Server(ServerArgs {
                server,
                token_file: self.token_file.clone(),
                ca: self.ca.clone(),
            });
        }
        let config = variable("ROLECALL_CONFIG").unwrap_or_else(|| "rolecall.yaml".into());
        Installation::State(StateArgs {
            config: config.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        installation: InstallationArgs,
    }

    fn meant(flags: &[&str], environment: &[(&str, &str)]) -> String {
        let line = ["rolecall"].iter().chain(flags).copied();
        let parsed = match Line::try_parse_from(line) {
            Ok(parsed) => parsed,
            Err(error) => return format!("{:?}", error.kind()),
        };
        let variable = |name: &str| {
            let mut found = environment.iter().filter(|(known, _)| *known == name);
            found.next().map(|(_, value)| OsString::from(value))
        };
        match parsed.installation.meant_in(variable) {
            Installation::State(state) => format!("state {}", state.config.display()),
            Installation::Server(args) => format!("server {}", args.server.unwrap_or_default()),
        }
    }

    #[test]
    fn flags_come_before_the_environment_and_never_both_places_at_once() {
        let both = [("ROLECALL_SERVER", "https://b"), ("ROLECALL_CONFIG", "c")];
        for (flags, environment, expected) in [
            (&[][..], &[][..], "state rolecall.yaml"),
            (&[], &both[1..], "state c"),
            (&[], &both[..], "server https://b"),
            (&["--config", "d"], &both[..], "state d"),
            (&["--server", "https://a"], &both[..], "server https://a"),
            (&["--token-file", "t"], &both[1..], "server "),
            (
                &["--server", "https://a", "--config", "d"],
                &[],
                "ArgumentConflict",
            ),
            (
                &["--token-file", "t", "--config", "d"],
                &[],
                "ArgumentConflict",
            ),
        ] {
            assert_eq!(meant(flags, environment), expected, "{flags:?}");
        }
    }
}
