//! Regions, endpoints that were put elsewhere, and the container endpoint.

use rolecall_names::Region;

use super::meant;
use crate::finding::Severity::{Error, Note, Warning};
use crate::profiles::Profiles;
use crate::{Finding, Machine};

pub(super) fn look(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    regions(machine, profiles, found);
    overrides(machine, profiles, found);
    container(machine, found);
}

fn regions(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    let mut named: Vec<(String, &str)> = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), machine.variable(name)?)))
        .collect();
    let none_in_environment = named.is_empty();
    let current = profiles.get(machine.profile().0);
    for (_, profile) in profiles.iter() {
        let place = profiles.place(profile, "region");
        if let (Some(place), Some(region)) = (place, profile.value("region")) {
            named.push((place, region));
        }
    }
    for (place, region) in named {
        let known = REGIONS.contains(&region);
        if known || (region.parse::<Region>().is_ok() && meant(region, REGIONS).is_empty()) {
            continue;
        }
        found.push(
            Finding::new(
                "RD1051",
                Error,
                format!("`{region}` is no region{}", meant(region, REGIONS)),
                "Programs ask a host that is not there.",
                "Write it as `eu-central-1`; zones (`eu-central-1a`) are none.",
            )
            .at(Some(place)),
        );
    }
    if none_in_environment && current.is_none_or(|profile| profile.value("region").is_none()) {
        found.push(Finding::new(
            "RD1050",
            Note,
            "no region is set",
            "The aws CLI and most SDKs ask for one at the first call of a regional service.",
            "Set AWS_REGION, or `region` in the profile.",
        ));
    }
    let (one, other) = (
        machine.variable("AWS_REGION"),
        machine.variable("AWS_DEFAULT_REGION"),
    );
    if let (Some(one), Some(other)) = (one, other)
        && one != other
    {
        found.push(
            Finding::new(
                "RD1053",
                Warning,
                format!("AWS_REGION is {one} and AWS_DEFAULT_REGION is {other}"),
                "boto3 reads the second only; the aws CLI and most SDKs read the first.",
                "Set both to the same, or AWS_REGION only for programs that are not boto3's.",
            )
            .at(Some("AWS_DEFAULT_REGION".to_owned())),
        );
    }
}

fn overrides(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    let mut set: Vec<(String, &str)> = machine
        .variables
        .iter()
        .filter(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty())
        .map(|(name, value)| (name.clone(), value.as_str()))
        .collect();
    if let Some(profile) = profiles.get(machine.profile().0)
        && let (Some(place), Some(url)) = (
            profiles.place(&profile, "endpoint_url"),
            profile.value("endpoint_url"),
        )
    {
        set.push((place, url));
    }
    let ignored = machine.switched_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    for (place, url) in set {
        let told = shown(url);
        let plain = url.strip_prefix("http://").map(host);
        let open = plain.is_some_and(|host| !is_loopback(host));
        let (code, severity, what, why) = if ignored {
            (
                "RD1061",
                Warning,
                format!("{told} is set and AWS_IGNORE_CONFIGURED_ENDPOINT_URLS takes it away"),
                "One of the two is not meant.",
            )
        } else if !url.contains("://") {
            (
                "RD1060",
                Error,
                format!("`{told}` is no URL"),
                "Programs stop with `Invalid endpoint`.",
            )
        } else if open {
            (
                "RD1060",
                Error,
                format!("calls go to {told}, in plain"),
                "Tokens and credentials can be read on the way.",
            )
        } else {
            (
                "RD1060",
                Note,
                format!("calls go to {told} and not to AWS"),
                "That is right with an emulator or a private endpoint, and a riddle otherwise.",
            )
        };
        let mend = "Take it out, unless it is meant.";
        found.push(Finding::new(code, severity, what, why, mend).at(Some(place)));
    }
}

fn container(machine: &Machine, found: &mut Vec<Finding>) {
    let relative = machine.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let full = machine.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if relative.is_some() && full.is_some() {
        found.push(
            Finding::new(
                "RD1070",
                Warning,
                "both AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are set",
                "botocore takes the first, Go takes the second.",
                "Unset one of them.",
            )
            .at(Some("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned())),
        );
    }
    if let Some(url) = full {
        let plain = url.strip_prefix("http://").map(host);
        if plain.is_some_and(|host| !is_loopback(host) && !CONTAINER_HOSTS.contains(&host)) {
            found.push(
                Finding::new(
                    "RD1071",
                    Error,
                    format!("SDKs refuse {}", shown(url)),
                    "In plain they ask only this machine and the addresses of ECS and EKS.",
                    "Serve it on 127.0.0.1, or over https.",
                )
                .at(Some("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned())),
            );
        }
    }
    if let Some(path) = machine.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let name = Some("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE".to_owned());
        let file = machine.files.get(path);
        if file.is_some_and(|file| !file.exists || file.unreadable.is_some()) {
            found.push(
                Finding::new(
                    "RD1072",
                    Error,
                    format!("{path} is not there, or cannot be read"),
                    "The endpoint does not answer who does not prove itself.",
                    "Name the file that the endpoint's program writes.",
                )
                .at(name),
            );
        } else if file.is_some_and(|file| file.token.padded) {
            found.push(
                Finding::new(
                    "RD1072",
                    Error,
                    format!("{path} has more in it than the token: a line's end or blanks"),
                    "botocore refuses it: a header has one line.",
                    "Write it without (`printf %s`, not `echo`).",
                )
                .at(name)
                .with(crate::Mend::Trim {
                    path: path.to_owned(),
                }),
            );
        }
    }
    if let Some(Err(why)) = &machine.answers.container {
        found.push(Finding::new(
            "RD1073",
            Error,
            format!("the container endpoint does not answer: {why}"),
            "Programs stop after three tries; they do not look for other credentials.",
            "Start what serves it: `rolecall exec`, `rolecall agent`, or the platform's own.",
        ));
    }
}

/// The host of what follows a scheme.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// A URL as it may be shown: without a user's name and password.
pub(crate) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_owned(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
const CONTAINER_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const REGIONS: [&str; 39] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "aws-global",
];
