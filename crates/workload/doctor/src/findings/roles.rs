//! Roles that profiles and the environment name.

use rolecall_names::{Region, RoleArn};

use super::meant;
use crate::chain::CREDENTIAL_SOURCES;
use crate::finding::Severity::Error;
use crate::machine::{Program, first_word};
use crate::profiles::{Profile, Profiles};
use crate::{Finding, Machine};

pub(super) fn look(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    if let Some(role) = machine.variable("AWS_ROLE_ARN") {
        arn(machine, role, Some("AWS_ROLE_ARN".to_owned()), None, found);
        let in_profile = profiles.get(machine.profile().0);
        let has_token = machine.variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some()
            || in_profile.is_some_and(|one| one.value("web_identity_token_file").is_some());
        if !has_token && machine.agent_socket.is_none() {
            found.push(
                Finding::new(
                    "RD1040",
                    Error,
                    "AWS_ROLE_ARN is set and AWS_WEB_IDENTITY_TOKEN_FILE is not",
                    "Without a token the variable does nothing.",
                    "Set AWS_WEB_IDENTITY_TOKEN_FILE, or start `rolecall agent` and run the program under `rolecall exec`.",
                )
                .at(Some("AWS_ROLE_ARN".to_owned())),
            );
        }
    }
    if let Some(name) = machine.variable("AWS_ROLE_SESSION_NAME") {
        session_name(name, Some("AWS_ROLE_SESSION_NAME".to_owned()), found);
    }
    for (name, profile) in profiles.iter() {
        look_at(machine, profiles, name, profile, found);
    }
}

fn look_at(
    machine: &Machine,
    profiles: &Profiles<'_>,
    name: &str,
    profile: &Profile<'_>,
    found: &mut Vec<Finding>,
) {
    let at = |setting: &str| profiles.place(profile, setting);
    if let Some(role) = profile.value("role_arn") {
        arn(
            machine,
            role,
            at("role_arn"),
            profile.value("region"),
            found,
        );
        let source = profile.value("source_profile");
        let kind = profile.value("credential_source");
        if profile.assumes() && source.is_none() && kind.is_none() {
            found.push(
                Finding::new(
                    "RD1020",
                    Error,
                    format!("`{name}` has a role, and nothing says with what to take it on"),
                    "Programs stop with `Partial credentials found`.",
                    "Write `source_profile`, `credential_source` or `web_identity_token_file` beside it.",
                )
                .at(at("role_arn")),
            );
        }
        if source.is_some() && kind.is_some() {
            found.push(
                Finding::new(
                    "RD1020",
                    Error,
                    format!("`{name}` has both `source_profile` and `credential_source`"),
                    "Programs do not choose: they stop.",
                    "Take one of them out.",
                )
                .at(at("source_profile")),
            );
        }
    }
    if let Some(source) = profile.value("source_profile") {
        match profiles.get(source) {
            None => found.push(
                Finding::new(
                    "RD1021",
                    Error,
                    format!(
                        "there is no profile `{source}`, which `{name}` begins with{}",
                        meant(source, profiles.names())
                    ),
                    "Programs stop before they ask AWS.",
                    "Name a profile that is there.",
                )
                .at(at("source_profile")),
            ),
            Some(next) => {
                let cycle = profiles.cycle(name);
                if !cycle.is_empty() {
                    found.push(
                        Finding::new(
                            "RD1021",
                            Error,
                            format!("the profiles begin with each other: {}", cycle.join(" → ")),
                            "Programs stop before they ask AWS.",
                            "Let one of them have credentials of its own.",
                        )
                        .at(at("source_profile")),
                    );
                } else if profile.value("role_arn").is_some() && next.value("role_arn").is_some() {
                    let seconds = profile
                        .value("duration_seconds")
                        .and_then(|text| text.parse::<u32>().ok());
                    if seconds.is_some_and(|seconds| seconds > 3600) {
                        found.push(
                            Finding::new(
                                "RD1024",
                                Error,
                                format!("`{name}` asks for more than an hour, and is reached through another role"),
                                "A session that comes from a role's session lasts an hour at most, whatever the role allows.",
                                "Write `duration_seconds = 3600` or less.",
                            )
                            .at(at("duration_seconds")),
                        );
                    }
                }
            }
        }
    }
    if let Some(kind) = profile.value("credential_source")
        && !CREDENTIAL_SOURCES.contains(&kind)
    {
        found.push(
            Finding::new(
                "RD1023",
                Error,
                format!(
                    "`{kind}` is no credential source{}",
                    meant(kind, CREDENTIAL_SOURCES)
                ),
                "Programs stop before they ask AWS.",
                format!("It is one of {}.", CREDENTIAL_SOURCES.join(", ")),
            )
            .at(at("credential_source")),
        );
    }
    let current = machine.profile().0 == name;
    if let Some(lack) = profile
        .value("credential_source")
        .filter(|_| current && profile.value("source_profile").is_none())
        .and_then(|kind| machine.lacks(kind))
    {
        found.push(
            Finding::new(
                "RD1027",
                Error,
                format!("`{name}` takes on its role with what is not there: {lack}"),
                "Programs do not look for other credentials then.",
                "Set what `credential_source` names, or name another one.",
            )
            .at(at("credential_source")),
        );
    }
    if let Some(seconds) = profile.value("duration_seconds") {
        let bounds = 900..=43_200_u32;
        if !seconds
            .parse()
            .is_ok_and(|seconds| bounds.contains(&seconds))
        {
            found.push(
                Finding::new(
                    "RD1024",
                    Error,
                    format!("`{name}` asks for {seconds} seconds"),
                    "STS takes 900 to 43200.",
                    "Write a number within, and not more than the role's own maximum.",
                )
                .at(at("duration_seconds")),
            );
        }
    }
    if let Some(session) = profile.value("role_session_name") {
        session_name(session, at("role_session_name"), found);
    }
    if let Some(command) = profile.value("credential_process") {
        let program = first_word(command);
        let what = match machine.programs.get(&program) {
            Some(Program::NotFound) => Some("is not there"),
            Some(Program::NotExecutable) => Some("may not be executed"),
            _ => None,
        };
        if let Some(what) = what {
            found.push(
                Finding::new(
                    "RD1110",
                    Error,
                    format!("`{program}`, which `{name}` runs for its credentials, {what}"),
                    "Programs do not look for other credentials then. `~` and variables are not filled in there.",
                    "Write its whole path, and let it be executable.",
                )
                .at(at("credential_process")),
            );
        }
    }
}

fn arn(
    machine: &Machine,
    role: &str,
    place: Option<String>,
    region: Option<&str>,
    found: &mut Vec<Finding>,
) {
    let parsed = match role.parse::<RoleArn>() {
        Ok(parsed) => parsed,
        Err(error) => {
            let left = role.contains(['<', '>', '$', '{', '[']) || role.contains("ACCOUNT");
            let why = match left {
                true => "A placeholder was left in it.".to_owned(),
                false => format!("It is not a role's: {error}."),
            };
            found.push(
                Finding::new(
                    "RD1022",
                    Error,
                    format!("`{role}` is no ARN of a role"),
                    why,
                    "Write it as arn:aws:iam::123456789012:role/NAME.",
                )
                .at(place),
            );
            return;
        }
    };
    let region = machine
        .variable("AWS_REGION")
        .or_else(|| machine.variable("AWS_DEFAULT_REGION"))
        .or(region);
    let region = region.and_then(|region| region.parse::<Region>().ok());
    if let Some(region) = region.filter(|region| region.partition() != parsed.partition()) {
        found.push(
            Finding::new(
                "RD1052",
                Error,
                format!(
                    "the role is in the partition `{}`, and the region {region} is in `{}`",
                    parsed.partition().as_str(),
                    region.partition().as_str()
                ),
                "STS of one partition knows no role of another.",
                "Set a region of the role's partition.",
            )
            .at(place),
        );
    }
}

fn session_name(name: &str, place: Option<String>, found: &mut Vec<Finding>) {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_=,.@-".contains(letter);
    let wrong: String = name.chars().filter(|letter| !allowed(*letter)).collect();
    let length = name.chars().count();
    if wrong.is_empty() && (2..=64).contains(&length) {
        return;
    }
    let what = match wrong.is_empty() {
        true => format!("a session's name has 2 to 64 letters, and this one {length}"),
        false => format!("a session's name cannot have `{wrong}` in it"),
    };
    found.push(
        Finding::new(
            "RD1025",
            Error,
            what,
            "STS answers ValidationError.",
            "Take letters, digits and `_=,.@-`.",
        )
        .at(place),
    );
}
