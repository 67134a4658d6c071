//! The files of tokens.

use std::collections::BTreeMap;

use crate::finding::Severity::{Error, Warning};
use crate::machine::FileFacts;
use crate::profiles::Profiles;
use crate::{Finding, Machine, Mend};

pub(super) fn look(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    // A file that is named in several places is told of once, at the first.
    let mut named: BTreeMap<&str, Option<String>> = BTreeMap::new();
    if let Some(path) = machine.variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
        named.insert(path, Some("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned()));
        let in_profile = profiles.get(machine.profile().0);
        let has_role = machine.variable("AWS_ROLE_ARN").is_some()
            || in_profile.is_some_and(|profile| profile.value("role_arn").is_some());
        if !has_role {
            found.push(
                Finding::new(
                    "RD1040",
                    Error,
                    "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not",
                    "Programs stop: a token is exchanged for a role.",
                    "Set AWS_ROLE_ARN.",
                )
                .at(Some("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned())),
            );
        }
    }
    for (name, profile) in profiles.iter() {
        if let Some(path) = profile.value("web_identity_token_file") {
            let place = profiles.place(profile, "web_identity_token_file");
            if profile.value("role_arn").is_none() {
                found.push(
                    Finding::new(
                        "RD1040",
                        Error,
                        format!("`{name}` has a token's file and no role"),
                        "Programs stop: a token is exchanged for a role.",
                        "Write `role_arn` beside it.",
                    )
                    .at(place.clone()),
                );
            }
            named.entry(path).or_insert(place);
        }
    }
    for (path, place) in named {
        if let Some(file) = machine.files.get(path) {
            of_file(machine, path, file, place, found);
        }
    }
}

fn of_file(
    machine: &Machine,
    path: &str,
    file: &FileFacts,
    place: Option<String>,
    found: &mut Vec<Finding>,
) {
    let mut tell = |code, severity, what: String, why: &str, mend: &str| {
        found.push(Finding::new(code, severity, what, why, mend).at(place.clone()));
    };
    if path.starts_with('~') {
        tell(
            "RD1039",
            Error,
            format!("`{path}` begins with `~`"),
            "SDKs look for a folder of that name: only shells fill it in.",
            "Write the whole path.",
        );
    } else if !path.starts_with('/') && !path.contains(":\\") {
        tell(
            "RD1039",
            Warning,
            format!("`{path}` is relative"),
            "It is another file wherever the program is started.",
            "Write the whole path.",
        );
    }
    if !file.exists {
        tell(
            "RD1030",
            Error,
            format!("there is no file {path}"),
            "Programs stop; they do not look for other credentials.",
            "Have it written: `rolecall token mint CONNECTION --to FILE --watch`, or the agent's `token_files`.",
        );
        return;
    }
    if let Some(why) = &file.unreadable {
        tell(
            "RD1031",
            Error,
            format!("{path} cannot be read: {why}"),
            "Programs stop; they do not look for other credentials.",
            "Give the file to the user whose programs read it.",
        );
        return;
    }
    let token = &file.token;
    if token.length == 0 {
        tell(
            "RD1033",
            Error,
            format!("{path} is empty"),
            "STS answers ValidationError.",
            "Look at whatever writes it; a file that is replaced whole is never empty.",
        );
        return;
    }
    if !token.is_jwt {
        tell(
            "RD1036",
            Error,
            format!("what {path} holds is no token"),
            "STS answers InvalidIdentityToken.",
            "It is three parts with dots between them (RFC 7519), and nothing else.",
        );
    }
    if let Some(ends) = token.expires {
        if ends <= machine.now {
            tell(
                "RD1037",
                Error,
                format!("the token in {path} ended at {ends}"),
                "STS answers ExpiredTokenException.",
                "Whatever keeps the file fresh has stopped: start it again.",
            );
        } else if ends.as_second() - machine.now.as_second() < SOON {
            tell(
                "RD1038",
                Warning,
                format!("the token in {path} ends at {ends}, in less than a minute"),
                "A file that is kept fresh never comes that close.",
                "Look at whether whatever writes it still runs.",
            );
        }
    }
    if token
        .begins
        .is_some_and(|begins| begins.as_second() > machine.now.as_second() + 300)
    {
        tell(
            "RD1038",
            Error,
            format!("the token in {path} is of the future"),
            "STS answers InvalidIdentityToken for a token that is not valid yet.",
            "Set the clock of this machine, or of the issuer.",
        );
    }
    let trim = Mend::Trim {
        path: path.to_owned(),
    };
    if token.marked {
        found.push(
            Finding::new(
                "RD1035",
                Error,
                format!("{path} begins with a byte order mark"),
                "botocore sends the file as it is.",
                "Take it out.",
            )
            .at(place.clone())
            .with(trim.clone()),
        );
    }
    if token.padded {
        found.push(
            Finding::new(
                "RD1034",
                Warning,
                format!("{path} has more in it than the token: a line's end or blanks"),
                "botocore sends the file as it is.",
                "Write it without (`printf %s`, not `echo`).",
            )
            .at(place.clone())
            .with(trim),
        );
    }
    // A group may be meant: the agent gives token files one.
    if let Some(mode) = file.mode.filter(|mode| mode & 0o004 != 0) {
        found.push(
            Finding::new(
                "RD1032",
                Warning,
                format!("everybody may read {path} (mode {:04o})", mode & 0o7777),
                "Whoever has the token is this workload until it ends.",
                "Let only its owner read it.",
            )
            .at(place)
            .with(Mend::Close {
                path: path.to_owned(),
            }),
        );
    }
}

/// Seconds before its end at which a token that is kept fresh was replaced long ago.
const SOON: i64 = 60;
