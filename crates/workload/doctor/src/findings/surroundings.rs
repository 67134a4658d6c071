//! The clock, the network, what the aws CLI keeps, and Rolecall's own agent.

use crate::chain::{Family, Source, chains};
use crate::finding::Severity::{Error, Note, Warning};
use crate::profiles::Profiles;
use crate::{Finding, Machine, Mend};

pub(super) fn look(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    if let Some(ahead) = machine.answers.clock_ahead.filter(|ahead| ahead.abs() > 30) {
        let severity = if ahead.abs() > 300 { Error } else { Warning };
        let how = if ahead > 0 { "behind" } else { "ahead of" };
        found.push(Finding::new(
            "RD1090",
            severity,
            format!("this machine's clock is {} s {how} STS's", ahead.abs()),
            "AWS refuses a signature that is more than five minutes off, and a token of the future.",
            "Let the system keep its clock (chrony, systemd-timesyncd).",
        ));
    }
    if let Some(why) = &machine.answers.sts {
        found.push(Finding::new(
            "RD1091",
            Warning,
            format!("STS does not answer: {why}"),
            "No role can be taken on from here.",
            "Look at the network, the proxy and the endpoint.",
        ));
    }
    for cache in machine
        .caches
        .iter()
        .filter(|cache| cache.expires <= machine.now)
    {
        found.push(
            Finding::new(
                "RD1100",
                Note,
                format!("the session in {} ended at {}", cache.path, cache.expires),
                "Nothing uses it any more.",
                "Remove it; the aws CLI writes another when it needs one.",
            )
            .at(Some(cache.path.clone()))
            .with(Mend::Remove {
                path: cache.path.clone(),
            }),
        );
    }
    bundle(machine, profiles, found);
    proxy(machine, found);
    let chains = chains(machine);
    let python = chains.iter().find(|chain| chain.family == Family::Python);
    let decisive = python.and_then(|chain| chain.decisive());
    let stopped = python.is_some_and(|chain| chain.stopped.is_some());
    if decisive.is_none() && !stopped {
        found.push(Finding::new(
            "RD1131",
            Error,
            "no credentials are set up",
            "Programs end with `Unable to locate credentials`.",
            "Run the program under `rolecall exec CONNECTION -- …`, or write profiles with `rolecall profiles write`.",
        ));
    }
    if decisive.is_some_and(|one| one.source == Source::Instance) {
        found.push(Finding::new(
            "RD1081",
            Note,
            "the instance's own role is used, because nothing else is set up",
            "Every program of the machine has the same rights then.",
            "Give the program a role of its own, if that is not meant.",
        ));
    }
    if let Some(socket) = &machine.agent_socket {
        let uses =
            decisive.is_some_and(|one| matches!(one.source, Source::Container | Source::Process));
        if !uses {
            found.push(Finding::new(
                "RD1130",
                Note,
                format!("a Rolecall agent listens at {socket}, and this set-up does not ask it"),
                "Its credentials are refreshed before they end.",
                "Run the program under `rolecall exec`, or write profiles with `rolecall profiles write`.",
            ));
        }
    }
}

fn bundle(machine: &Machine, profiles: &Profiles<'_>, found: &mut Vec<Finding>) {
    let mut named = Vec::new();
    if let Some(path) = machine.variable("AWS_CA_BUNDLE") {
        named.push(("AWS_CA_BUNDLE".to_owned(), path));
    } else if let Some(profile) = profiles.get(machine.profile().0)
        && let (Some(place), Some(path)) = (
            profiles.place(&profile, "ca_bundle"),
            profile.value("ca_bundle"),
        )
    {
        named.push((place, path));
    }
    for (place, path) in named {
        if machine
            .files
            .get(path)
            .is_some_and(|file| !file.exists || file.unreadable.is_some())
        {
            found.push(
                Finding::new(
                    "RD1120",
                    Error,
                    format!("the certificates in {path} cannot be read"),
                    "Every call over https fails.",
                    "Name a file that is there, or take the setting out.",
                )
                .at(Some(place)),
            );
        }
    }
}

/// A proxy for everything also gets what should stay on this machine.
fn proxy(machine: &Machine, found: &mut Vec<Finding>) {
    let set = |names: [&'static str; 2]| {
        names
            .into_iter()
            .find_map(|name| Some((name, machine.variable(name)?)))
    };
    let Some((name, _)) = set(["http_proxy", "HTTP_PROXY"]) else {
        return;
    };
    let asked = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ]
    .into_iter()
    .find_map(|variable| machine.variable(variable));
    let Some(asked) = asked else { return };
    let rest = asked.strip_prefix("http://");
    let host = match rest {
        Some(rest) => rest.split([':', '/']).next().unwrap_or_default(),
        None if asked.starts_with('/') => "169.254.170.2",
        None => return,
    };
    let without = set(["no_proxy", "NO_PROXY"]).map_or("", |(_, value)| value);
    let spared = without
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one == host);
    if !spared {
        found.push(
            Finding::new(
                "RD1121",
                Warning,
                format!("{name} is set, and NO_PROXY does not name {host}"),
                "Some SDKs ask the proxy for the container endpoint then, and hand it the authorization.",
                format!("Add {host} to NO_PROXY."),
            )
            .at(Some(name.to_owned())),
        );
    }
}
