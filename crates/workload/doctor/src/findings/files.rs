//! `~/.aws/config` and `~/.aws/credentials` as files.

use crate::chain::shortened;
use crate::finding::Severity::{Error, Warning};
use crate::machine::TextFile;
use crate::profiles::{Profiles, name_in_config, nearly_profiles, setting};
use crate::{Finding, Machine, Mend};

pub(super) fn look(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    for file in [&machine.config, &machine.credentials] {
        whole(file, found);
    }
    for (variable, file) in [
        ("AWS_CONFIG_FILE", &machine.config),
        ("AWS_SHARED_CREDENTIALS_FILE", &machine.credentials),
    ] {
        if machine.variable(variable).is_some() && !file.exists {
            found.push(
                Finding::new(
                    "RD1015",
                    Error,
                    format!("there is no file {}", file.path),
                    "Programs go on without it and do not say so.",
                    format!("Write it, or unset {variable}."),
                )
                .at(Some(variable.to_owned())),
            );
        }
    }
    for section in nearly_profiles(&machine.config.file) {
        let name = &section.header;
        let finding = Finding::new(
            "RD1010",
            Error,
            format!("`[{name}]` is no profile"),
            "In this file a profile's header is `[profile NAME]`; only `[default]` stands alone.",
            format!("Call it `[profile {name}]`."),
        )
        .at(place(&machine.config, section.line));
        let plain = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        let taken = profiles
            .get(name)
            .is_some_and(|profile| profile.config.is_some());
        found.push(match plain && !taken {
            true => finding.with(Mend::Header {
                path: machine.config.path.clone(),
                section: name.clone(),
            }),
            false => finding,
        });
    }
    for section in &machine.credentials.file.sections {
        let named = name_in_config(&section.header).filter(|_| section.header != "default");
        if let Some(name) = named {
            found.push(
                Finding::new(
                    "RD1011",
                    Error,
                    format!(
                        "`[{}]` is a profile of the name `{}`",
                        section.header, section.header
                    ),
                    "In the credentials file the header is the profile's name alone.",
                    format!("Call it `[{name}]`."),
                )
                .at(place(&machine.credentials, section.line)),
            );
        }
    }
    for (name, profile) in profiles.iter() {
        for (section, file) in [
            (profile.credentials, &machine.credentials),
            (profile.config, &machine.config),
        ] {
            let Some(id) = setting(section, "aws_access_key_id") else {
                continue;
            };
            let secret = setting(section, "aws_secret_access_key");
            if secret.is_none_or(|secret| secret.value.is_empty()) {
                found.push(
                    Finding::new(
                        "RD1013",
                        Error,
                        format!("`{name}` has a key without its secret"),
                        "Programs stop at half a pair; they do not look for other credentials.",
                        "Write `aws_secret_access_key` below it, or take the key out.",
                    )
                    .at(place(file, id.line)),
                );
            }
            if id.value.starts_with("AKIA") {
                found.push(
                    Finding::new(
                        "RD1004",
                        Warning,
                        format!("the key {} of `{name}` is one for good", shortened(&id.value)),
                        "It works until somebody deletes it, wherever the file gets to.",
                        "Give the profile a role or a `credential_process` (`rolecall profiles write`), and delete the key in IAM.",
                    )
                    .at(place(file, id.line)),
                );
            }
        }
    }
}

fn whole(file: &TextFile, found: &mut Vec<Finding>) {
    if let Some(why) = &file.unreadable {
        found.push(
            Finding::new(
                "RD1016",
                Error,
                format!("{} cannot be read: {why}", file.path),
                "Programs end with an error, or go on as if it were not there.",
                "Give the file to the user whose programs read it.",
            )
            .at(Some(file.path.clone())),
        );
    }
    for problem in &file.file.problems {
        found.push(
            Finding::new(
                "RD1012",
                Error,
                problem.what.clone(),
                "The aws CLI and boto3 do not read such a file at all; other SDKs take what they understand.",
                "Mend the line.",
            )
            .at(place(file, problem.line)),
        );
    }
    let holds_secrets = file.file.sections.iter().any(|section| {
        section
            .settings
            .iter()
            .any(|setting| setting.name == "aws_secret_access_key")
    });
    if let Some(mode) = file.mode
        && mode & 0o077 != 0
        && holds_secrets
    {
        found.push(
            Finding::new(
                "RD1014",
                Warning,
                format!(
                    "{} holds a secret, and others may read it (mode {:04o})",
                    file.path,
                    mode & 0o7777
                ),
                "Whoever has an account on this machine has the key.",
                "Let only its owner read it.",
            )
            .at(Some(file.path.clone()))
            .with(Mend::Close {
                path: file.path.clone(),
            }),
        );
    }
}

fn place(file: &TextFile, line: usize) -> Option<String> {
    Some(format!("{}:{line}", file.path))
}
