//! Keys and profiles that the environment names.

use super::meant;
use crate::chain::shortened;
use crate::finding::Severity::{Error, Note, Warning};
use crate::profiles::{Profiles, nearly_profiles};
use crate::{Finding, Machine};

pub(super) fn look(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    let id = machine.variable("AWS_ACCESS_KEY_ID");
    let secret = machine.variable("AWS_SECRET_ACCESS_KEY");
    let at = |name: &str| Some(name.to_owned());
    match (id, secret) {
        (Some(id), Some(_)) => {
            keys(machine, profiles, id, found);
        }
        (Some(_), None) => found.push(
            Finding::new(
                "RD1002",
                Error,
                "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY",
                "Programs stop at half a pair; they do not look for other credentials.",
                "Unset AWS_ACCESS_KEY_ID, or set both.",
            )
            .at(at("AWS_ACCESS_KEY_ID")),
        ),
        (None, Some(_)) => found.push(
            Finding::new(
                "RD1002",
                Warning,
                "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID",
                "A secret that no program uses lies in the environment.",
                "Unset AWS_SECRET_ACCESS_KEY.",
            )
            .at(at("AWS_SECRET_ACCESS_KEY")),
        ),
        (None, None) => {}
    }
    let (name, said_by) = machine.profile();
    if let Some(said_by) = said_by
        && profiles.get(name).is_none()
        && name != "default"
    {
        found.push(
            Finding::new(
                "RD1006",
                Error,
                format!(
                    "there is no profile `{name}`{}",
                    meant(
                        name,
                        profiles.names().chain(
                            nearly_profiles(&machine.config.file).map(|one| one.header.as_str())
                        )
                    )
                ),
                "The aws CLI and boto3 end at once; other SDKs go on with something else.",
                format!(
                    "Write `[profile {name}]` into {}, or name another one.",
                    machine.config.path
                ),
            )
            .at(at(said_by)),
        );
    }
    if said_by == Some("AWS_PROFILE") && id.is_some() {
        found.push(
            Finding::new(
                "RD1007",
                Warning,
                format!("AWS_PROFILE names `{name}`, and the environment has keys too"),
                "SDKs disagree: botocore, Go, Java and Rust take the keys, JavaScript takes the profile.",
                "Unset the keys, or unset AWS_PROFILE.",
            )
            .at(at("AWS_PROFILE")),
        );
    }
}

fn keys(machine: &Machine, profiles: &Profiles<'_>, id: &str, found: &mut Vec<Finding>) {
    let at = || Some("AWS_ACCESS_KEY_ID".to_owned());
    let hidden = hidden(machine, profiles);
    if !hidden.is_empty() && machine.asked_profile.is_none() {
        found.push(
            Finding::new(
                "RD1001",
                Error,
                format!("the key {} of the environment is used before {hidden}", shortened(id)),
                "Keys in the environment come first in every SDK, also old ones that somebody forgot.",
                "Unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
            )
            .at(at()),
        );
    }
    if id.starts_with("AKIA") {
        found.push(
            Finding::new(
                "RD1004",
                Warning,
                format!("the key {} is one for good", shortened(id)),
                "It works until somebody deletes it, wherever it leaks to.",
                "Take on a role instead, and delete the key in IAM.",
            )
            .at(at()),
        );
    }
    let session = ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"];
    let has_session = session.iter().any(|name| machine.variable(name).is_some());
    if id.starts_with("ASIA") && !has_session {
        found.push(
            Finding::new(
                "RD1005",
                Error,
                format!(
                    "the key {} is a session's, and AWS_SESSION_TOKEN is not set",
                    shortened(id)
                ),
                "AWS answers InvalidClientTokenId.",
                "Set AWS_SESSION_TOKEN to what came with the key.",
            )
            .at(at()),
        );
    }
    if id.starts_with("AKIA") && has_session {
        found.push(
            Finding::new(
                "RD1005",
                Error,
                format!(
                    "the key {} belongs to a user, and AWS_SESSION_TOKEN is another session's",
                    shortened(id)
                ),
                "AWS answers InvalidClientTokenId.",
                "Unset AWS_SESSION_TOKEN.",
            )
            .at(Some("AWS_SESSION_TOKEN".to_owned())),
        );
    }
    let expiration = machine.variable("AWS_CREDENTIAL_EXPIRATION");
    if let Some(expiration) = expiration {
        let place = Some("AWS_CREDENTIAL_EXPIRATION".to_owned());
        match expiration.parse::<jiff::Timestamp>() {
            Ok(ends) if ends <= machine.now => found.push(
                Finding::new(
                    "RD1003",
                    Error,
                    format!("the session of the environment ended at {ends}"),
                    "AWS answers ExpiredToken; a variable is never refreshed.",
                    "Get new ones, or run the program under `rolecall exec`, which keeps them fresh.",
                )
                .at(place),
            ),
            Ok(_) => {}
            Err(_) => found.push(
                Finding::new(
                    "RD1003",
                    Warning,
                    "AWS_CREDENTIAL_EXPIRATION is not a time",
                    "botocore ends with an error where it reads it.",
                    "Write it as 2026-11-23T12:00:00Z, or unset it.",
                )
                .at(place),
            ),
        }
    } else if has_session && id.starts_with("ASIA") {
        found.push(
            Finding::new(
                "RD1008",
                Note,
                "nothing says when the session of the environment ends",
                "A program that runs longer than it ends in the middle of its work.",
                "Run it under `rolecall exec`, which keeps credentials fresh.",
            )
            .at(at()),
        );
    }
}

/// What the environment's keys hide.
fn hidden(machine: &Machine, profiles: &Profiles<'_>) -> String {
    let mut hidden = Vec::new();
    if machine.variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
        hidden.push("AWS_WEB_IDENTITY_TOKEN_FILE");
    }
    let profile = profiles.get(machine.profile().0);
    if profile.is_some_and(|profile| profile.value("role_arn").is_some()) {
        hidden.push("the profile's role");
    } else if profile.is_some_and(|profile| profile.value("credential_process").is_some()) {
        hidden.push("the profile's `credential_process`");
    }
    let container = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ];
    if container
        .iter()
        .any(|name| machine.variable(name).is_some())
    {
        hidden.push("the container endpoint");
    }
    hidden.join(", ")
}
