//! Which source of credentials each family of SDKs uses.

use std::fmt;

use serde::Serialize;

use crate::machine::{Machine, Program, first_word};
use crate::profiles::{Profile, Profiles, setting};

/// SDKs that look for credentials in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// botocore: the aws CLI, boto3.
    Python,
    /// The AWS SDK for Go v2: Terraform and most of what is written in Go.
    Go,
    /// The AWS SDK for Java 2.x.
    Java,
    /// The AWS SDK for JavaScript v3 in Node.
    JavaScript,
    /// The AWS SDK for Rust.
    Rust,
}

/// A place that credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `AWS_ACCESS_KEY_ID` and its companions.
    EnvironmentKeys,
    /// A profile with `role_arn` and another source.
    AssumeRole,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`.
    WebIdentityEnvironment,
    /// A profile with `web_identity_token_file`.
    WebIdentityProfile,
    /// A profile with single sign-on.
    SingleSignOn,
    /// Keys in `~/.aws/credentials`.
    CredentialsFileKeys,
    /// A profile with `credential_process`.
    Process,
    /// Keys in `~/.aws/config`.
    ConfigFileKeys,
    /// `AWS_CONTAINER_CREDENTIALS_*`: ECS, EKS Pod Identity, Rolecall.
    Container,
    /// An instance's metadata.
    Instance,
}

/// What becomes of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is the one.
    Used,
    /// It is the one, and will not give credentials: nothing behind it is tried.
    Fails,
    /// It is set up, and something before it is used.
    Hidden,
    /// It is not set up.
    Absent,
}

/// One source in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Where from.
    pub source: Source,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What is set up, or why it fails.
    pub told: String,
}

/// The sources of a family, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Whose it is.
    pub family: Family,
    /// All sources that it knows.
    pub candidates: Vec<Candidate>,
    /// Why no source is even looked for.
    pub stopped: Option<String>,
}

impl Chain {
    /// The source that credentials are taken from, or that fails; `None` if there is none.
    pub fn decisive(&self) -> Option<&Candidate> {
        self.candidates
            .iter()
            .find(|one| matches!(one.verdict, Verdict::Used | Verdict::Fails))
    }
}

/// The chains of all families.
pub fn chains(machine: &Machine) -> Vec<Chain> {
    let profiles = Profiles::of(machine);
    FAMILIES
        .iter()
        .map(|family| chain(machine, &profiles, *family))
        .collect()
}

fn chain(machine: &Machine, profiles: &Profiles<'_>, family: Family) -> Chain {
    let setup = Setup {
        machine,
        profiles,
        profile: profiles.get(machine.profile().0),
    };
    let stopped = (family == Family::Python).then(|| setup.stops()).flatten();
    let mut decided = stopped.is_some();
    let candidates = order(machine, family)
        .iter()
        .map(|source| {
            let (verdict, told) = match setup.state(*source, family) {
                State::Absent(why) => (Verdict::Absent, why),
                State::Ready(told) | State::Broken(told) if decided => (Verdict::Hidden, told),
                State::Ready(told) => (Verdict::Used, told),
                State::Broken(why) => (Verdict::Fails, why),
            };
            decided |= matches!(verdict, Verdict::Used | Verdict::Fails);
            Candidate {
                source: *source,
                verdict,
                told,
            }
        })
        .collect();
    Chain {
        family,
        candidates,
        stopped,
    }
}

fn order(machine: &Machine, family: Family) -> Vec<Source> {
    use Source::{
        AssumeRole, ConfigFileKeys, Container, CredentialsFileKeys, EnvironmentKeys, Instance,
        Process, SingleSignOn, WebIdentityEnvironment, WebIdentityProfile,
    };
    // Within a profile: a role first, whatever else the profile has.
    let profile = [
        AssumeRole,
        WebIdentityProfile,
        SingleSignOn,
        CredentialsFileKeys,
        ConfigFileKeys,
        Process,
    ];
    let ends = [Container, Instance];
    match family {
        Family::Python => {
            let all = [
                EnvironmentKeys,
                AssumeRole,
                WebIdentityEnvironment,
                WebIdentityProfile,
                SingleSignOn,
                CredentialsFileKeys,
                Process,
                ConfigFileKeys,
                Container,
                Instance,
            ];
            // A profile that was asked for by name is taken before the environment.
            let asked = machine.asked_profile.is_some();
            all.into_iter()
                .filter(|source| {
                    !asked || !matches!(source, EnvironmentKeys | WebIdentityEnvironment)
                })
                .collect()
        }
        Family::Go | Family::Java => [
            &[EnvironmentKeys, WebIdentityEnvironment],
            &profile[..],
            &ends,
        ]
        .concat(),
        Family::JavaScript => {
            // https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/setting-credentials-node.html
            let named = machine.profile().1.is_some();
            let first: &[Source] = if named { &[] } else { &[EnvironmentKeys] };
            [first, &profile[..], &[WebIdentityEnvironment], &ends].concat()
        }
        Family::Rust => [
            &[EnvironmentKeys],
            &profile[..],
            &[WebIdentityEnvironment],
            &ends,
        ]
        .concat(),
    }
}

enum State {
    Absent(String),
    Ready(String),
    Broken(String),
}

struct Setup<'m> {
    machine: &'m Machine,
    profiles: &'m Profiles<'m>,
    profile: Option<Profile<'m>>,
}

impl Setup<'_> {
    /// What ends a program of botocore's before it looks for credentials.
    fn stops(&self) -> Option<String> {
        for file in [&self.machine.config, &self.machine.credentials] {
            if let Some(problem) = file.file.problems.first() {
                let what = &problem.what;
                return Some(format!("{}:{}: {what}", file.path, problem.line));
            }
        }
        let (name, said_by) = self.machine.profile();
        let said_by = said_by?;
        (self.profile.is_none() && name != "default")
            .then(|| format!("there is no profile `{name}`, which {said_by} names"))
    }

    fn state(&self, source: Source, family: Family) -> State {
        match source {
            Source::EnvironmentKeys => self.environment_keys(),
            Source::WebIdentityEnvironment => self.web_identity_environment(family),
            Source::Container => self.container(),
            Source::Instance => self.instance(),
            in_profile => match &self.profile {
                Some(profile) => self.in_profile(profile, in_profile),
                None => State::Absent(format!(
                    "there is no profile `{}`",
                    self.machine.profile().0
                )),
            },
        }
    }

    fn environment_keys(&self) -> State {
        let Some(id) = self.machine.variable("AWS_ACCESS_KEY_ID") else {
            return State::Absent("AWS_ACCESS_KEY_ID is not set".to_owned());
        };
        let id = shortened(id);
        if self.machine.variable("AWS_SECRET_ACCESS_KEY").is_none() {
            return State::Broken(format!(
                "the key {id} of AWS_ACCESS_KEY_ID, without AWS_SECRET_ACCESS_KEY"
            ));
        }
        State::Ready(format!("the key {id} of AWS_ACCESS_KEY_ID"))
    }

    fn web_identity_environment(&self, family: Family) -> State {
        let Some(path) = self.machine.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            return State::Absent("AWS_WEB_IDENTITY_TOKEN_FILE is not set".to_owned());
        };
        // botocore takes what the environment does not say from the profile.
        let in_profile = self.profile.filter(|_| family == Family::Python);
        let role = self
            .machine
            .variable("AWS_ROLE_ARN")
            .or_else(|| in_profile.and_then(|profile| profile.value("role_arn")));
        let Some(role) = role else {
            return State::Broken(
                "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not".to_owned(),
            );
        };
        self.token(path, role)
    }

    fn token(&self, path: &str, role: &str) -> State {
        let told = format!("the token in {path}, for {role}");
        match self.machine.files.get(path) {
            Some(file) if !file.exists => State::Broken(format!("{told}: there is no such file")),
            Some(file) if file.unreadable.is_some() => {
                State::Broken(format!("{told}: it cannot be read"))
            }
            Some(file) if file.token.length == 0 => {
                State::Broken(format!("{told}: the file is empty"))
            }
            Some(file)
                if file
                    .token
                    .expires
                    .is_some_and(|expires| expires <= self.machine.now) =>
            {
                State::Broken(format!("{told}: the token has expired"))
            }
            _ => State::Ready(told),
        }
    }

    fn in_profile(&self, profile: &Profile<'_>, source: Source) -> State {
        let name = self.machine.profile().0;
        let absent = |what: &str| State::Absent(format!("the profile `{name}` has no {what}"));
        match source {
            Source::AssumeRole => match profile.value("role_arn") {
                Some(role) if profile.assumes() => self.assume(name, profile, role),
                _ => absent("`role_arn` to take on with other credentials"),
            },
            Source::WebIdentityProfile => match profile.value("web_identity_token_file") {
                Some(path) => match profile.value("role_arn") {
                    Some(role) => self.token(path, role),
                    None => State::Broken(format!(
                        "the profile `{name}` has `web_identity_token_file` and no `role_arn`"
                    )),
                },
                None => absent("`web_identity_token_file`"),
            },
            Source::SingleSignOn if profile.signs_on() => {
                State::Ready(format!("single sign-on of the profile `{name}`"))
            }
            Source::SingleSignOn => absent("single sign-on"),
            Source::Process => match profile.value("credential_process") {
                Some(command) => self.process(command),
                None => absent("`credential_process`"),
            },
            Source::CredentialsFileKeys => keys(
                profile.credentials,
                &format!("`[{name}]` of {}", self.machine.credentials.path),
            ),
            _ => keys(
                profile.config,
                &format!("the profile `{name}` of {}", self.machine.config.path),
            ),
        }
    }

    fn assume(&self, name: &str, profile: &Profile<'_>, role: &str) -> State {
        let told = format!("the role {role} of the profile `{name}`");
        match (
            profile.value("source_profile"),
            profile.value("credential_source"),
        ) {
            (Some(_), Some(_)) => State::Broken(format!(
                "{told}: both `source_profile` and `credential_source` are given"
            )),
            (None, None) => State::Broken(format!(
                "{told}: neither `source_profile` nor `credential_source` says with what"
            )),
            (Some(source), None) => match self.profiles.get(source) {
                None => State::Broken(format!("{told}: there is no profile `{source}`")),
                Some(_) if !self.profiles.cycle(name).is_empty() => State::Broken(format!(
                    "{told}: the profiles begin with each other, {}",
                    self.profiles.cycle(name).join(" → ")
                )),
                Some(_) => State::Ready(format!("{told}, with the profile `{source}`")),
            },
            (None, Some(source)) if !CREDENTIAL_SOURCES.contains(&source) => {
                State::Broken(format!("{told}: there is no credential source `{source}`"))
            }
            (None, Some(source)) => match self.machine.lacks(source) {
                Some(lack) => State::Broken(format!("{told}, with {source}: {lack}")),
                None => State::Ready(format!("{told}, with {source}")),
            },
        }
    }

    fn process(&self, command: &str) -> State {
        let program = first_word(command);
        match self.machine.programs.get(&program) {
            Some(Program::NotFound) => {
                State::Broken(format!("the program `{program}`, which is not there"))
            }
            Some(Program::NotExecutable) => State::Broken(format!(
                "the program `{program}`, which may not be executed"
            )),
            _ => State::Ready(format!("what `{program}` answers")),
        }
    }

    fn container(&self) -> State {
        let relative = self
            .machine
            .variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            .map(|path| format!("http://169.254.170.2{path}"));
        let full = self
            .machine
            .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            .map(str::to_owned);
        let Some(address) = relative.or(full) else {
            return State::Absent(
                "neither AWS_CONTAINER_CREDENTIALS_FULL_URI nor _RELATIVE_URI is set".to_owned(),
            );
        };
        let address = crate::findings::endpoints::shown(&address);
        match &self.machine.answers.container {
            Some(Err(why)) => State::Broken(format!("the endpoint {address}: {why}")),
            _ => State::Ready(format!("the endpoint {address}")),
        }
    }

    fn instance(&self) -> State {
        if self.machine.switched_on("AWS_EC2_METADATA_DISABLED") {
            return State::Absent("AWS_EC2_METADATA_DISABLED switches it off".to_owned());
        }
        match self.machine.answers.instance {
            Some(true) => State::Ready("the instance's metadata, which answer".to_owned()),
            Some(false) => State::Absent("no instance metadata answer here".to_owned()),
            None => State::Absent("it was not looked for".to_owned()),
        }
    }
}

fn keys(section: Option<&crate::aws_file::Section>, place: &str) -> State {
    let Some(id) = setting(section, "aws_access_key_id") else {
        return State::Absent(format!("no keys in {place}"));
    };
    let told = format!("the key {} in {place}", shortened(&id.value));
    match setting(section, "aws_secret_access_key") {
        Some(secret) if !secret.value.is_empty() => State::Ready(told),
        _ => State::Broken(format!("{told}, without its `aws_secret_access_key`")),
    }
}

/// An access key ID as it may be shown: enough to know it again.
pub(crate) fn shortened(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    if letters.len() < 12 {
        return "(too short for one)".to_owned();
    }
    let ends = |part: &[char]| part.iter().collect::<String>();
    format!(
        "{}…{}",
        ends(&letters[..4]),
        ends(&letters[letters.len() - 4..])
    )
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "aws CLI, boto3",
            Self::Go => "Go, Terraform",
            Self::Java => "Java",
            Self::JavaScript => "JavaScript",
            Self::Rust => "Rust",
        })
    }
}

const FAMILIES: [Family; 5] = [
    Family::Python,
    Family::Go,
    Family::Java,
    Family::JavaScript,
    Family::Rust,
];

pub(crate) const CREDENTIAL_SOURCES: [&str; 3] =
    ["Environment", "Ec2InstanceMetadata", "EcsContainer"];
