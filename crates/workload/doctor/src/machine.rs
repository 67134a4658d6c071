//! What was seen of a machine.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::TokenFacts;
use crate::aws_file::AwsFile;
use crate::profiles::Profiles;

/// A machine as one user's programs see it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// When it was looked at.
    pub now: Timestamp,
    /// The environment variables that matter to AWS's programs. Those that [`is_secret`] names hold
    /// no secret here, only whether there is one: any text or none.
    pub variables: BTreeMap<String, String>,
    /// The profile that was asked about, as `--profile` of the aws CLI names it.
    pub asked_profile: Option<String>,
    /// `~/.aws/config`, or what `AWS_CONFIG_FILE` names.
    pub config: TextFile,
    /// `~/.aws/credentials`, or what `AWS_SHARED_CREDENTIALS_FILE` names.
    pub credentials: TextFile,
    /// What the set-up refers to, by its path as it is written: see [`referenced`].
    pub files: BTreeMap<String, FileFacts>,
    /// What `credential_process` would run, by its first word: see [`programs`].
    pub programs: BTreeMap<String, Program>,
    /// Sessions that the aws CLI keeps.
    pub caches: Vec<CachedLogin>,
    /// The socket of a Rolecall agent that this user would ask.
    pub agent_socket: Option<String>,
    /// What answered on the network, where it was asked.
    pub answers: Answers,
}

/// One of the user's two files.
#[derive(Debug, Clone, Default)]
pub struct TextFile {
    /// Where it is.
    pub path: String,
    /// Its sections without secrets; empty where there is no file.
    pub(crate) file: AwsFile,
    /// Whether it is there.
    pub exists: bool,
    /// Its permission bits, where the system has them.
    pub mode: Option<u32>,
    /// Why it cannot be read, if it is there and cannot.
    pub unreadable: Option<String>,
}

impl TextFile {
    /// A file with this text. No secret of it is kept.
    pub fn new(path: String, text: &str, mode: Option<u32>) -> Self {
        Self {
            path,
            file: AwsFile::read(text),
            exists: true,
            mode,
            unreadable: None,
        }
    }

    /// No file.
    pub fn absent(path: String) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// A file that cannot be read, and why.
    pub fn unreadable(path: String, why: String) -> Self {
        Self {
            path,
            exists: true,
            unreadable: Some(why),
            ..Self::default()
        }
    }
}

/// A file that the set-up refers to.
#[derive(Debug, Clone, Default)]
pub struct FileFacts {
    /// Whether it is there.
    pub exists: bool,
    /// Why it cannot be read, if it is there and cannot.
    pub unreadable: Option<String>,
    /// Its permission bits, where the system has them.
    pub mode: Option<u32>,
    /// What it holds if it is a token's file.
    pub token: TokenFacts,
}

/// What a command's first word leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// It can be run.
    Found,
    /// There is a file that may not be executed.
    NotExecutable,
    /// There is none.
    NotFound,
}

/// A session that the aws CLI keeps in a file.
#[derive(Debug, Clone)]
pub struct CachedLogin {
    /// The file.
    pub path: String,
    /// When the session ends.
    pub expires: Timestamp,
}

/// What answered on the network; `None` where it was not asked.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// How many seconds the clock of STS is ahead of this machine's.
    pub clock_ahead: Option<i64>,
    /// Why STS did not answer.
    pub sts: Option<String>,
    /// Whether an instance's metadata answer.
    pub instance: Option<bool>,
    /// Whether the container endpoint takes connections, or why not.
    pub container: Option<Result<(), String>>,
}

/// Whether a variable holds a secret: its value must not come into a [`Machine`].
pub fn is_secret(variable: &str) -> bool {
    [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ]
    .contains(&variable)
}

/// The paths of files that the variables and both files refer to, as they are written there.
pub fn referenced(machine: &Machine) -> BTreeSet<String> {
    let of_variables = FILE_VARIABLES
        .iter()
        .filter_map(|name| machine.variable(name).map(str::to_owned));
    let profiles = Profiles::of(machine);
    let of_profiles = profiles.iter().flat_map(|(_, profile)| {
        ["web_identity_token_file", "ca_bundle"]
            .into_iter()
            .filter_map(|name| profile.value(name).map(str::to_owned))
            .collect::<Vec<_>>()
    });
    of_variables.chain(of_profiles).collect()
}

/// The first words of all `credential_process` commands.
pub fn programs(machine: &Machine) -> BTreeSet<String> {
    let profiles = Profiles::of(machine);
    profiles
        .iter()
        .filter_map(|(_, profile)| profile.value("credential_process").map(first_word))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The program of a command line: its first word, quotes taken away.
pub(crate) fn first_word(command: &str) -> String {
    let command = command.trim();
    match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
        None => command
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

impl Machine {
    /// A variable that is set to something: AWS's programs take an empty one for none.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.as_str();
        (!value.is_empty()).then_some(value)
    }

    /// Whether a variable is set to AWS's `true`.
    pub(crate) fn switched_on(&self, name: &str) -> bool {
        self.variable(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What a `credential_source` needs and is not there.
    pub(crate) fn lacks(&self, source: &str) -> Option<&'static str> {
        let set = |name: &str| self.variable(name).is_some();
        match source {
            "Environment" if !(set("AWS_ACCESS_KEY_ID") && set("AWS_SECRET_ACCESS_KEY")) => {
                Some("the environment has no keys")
            }
            "EcsContainer"
                if !(set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
                    || set("AWS_CONTAINER_CREDENTIALS_FULL_URI")) =>
            {
                Some("no container endpoint is set")
            }
            _ => None,
        }
    }

    /// The profile that counts, and what says so.
    pub(crate) fn profile(&self) -> (&str, Option<&'static str>) {
        if let Some(name) = &self.asked_profile {
            return (name, Some("--profile"));
        }
        for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            if let Some(profile) = self.variable(name) {
                return (profile, Some(name));
            }
        }
        ("default", None)
    }
}

const FILE_VARIABLES: [&str; 3] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CA_BUNDLE",
];
