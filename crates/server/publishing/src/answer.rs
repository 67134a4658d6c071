//! The way to a document: name, connection, certificate, answer.

use std::net::IpAddr;

use crate::{Answer, Fetch, Finding, Step, certificate};

/// Judges how a document was fetched; `what` names it.
pub(crate) fn judge(fetch: &Fetch, now: i64, what: &str) -> Vec<Finding> {
    let mut findings = vec![name(fetch)];
    match &fetch.connected {
        None => return findings,
        Some(Err(why)) => {
            findings.push(
                Finding::failure(
                    Step::Tcp,
                    "tcp-refused",
                    format!("no connection to `{}`: {why}", fetch.host),
                )
                .because("AWS fetches the documents over the internet, without any authentication")
                .so("Open the port to the internet, or serve the two documents from a public web server or bucket"),
            );
            return findings;
        }
        Some(Ok(address)) => findings.push(Finding::good(
            Step::Tcp,
            "tcp",
            format!("connected to {address}"),
        )),
    }
    match &fetch.handshake {
        None => {}
        Some(Ok(handshake)) => findings.extend(certificate::judge(handshake, &fetch.host, now)),
        Some(Err(why)) => findings.push(
            Finding::failure(
                Step::Tls,
                "tls-handshake",
                format!("no TLS with `{}`: {why}", fetch.host),
            )
            .because("AWS speaks TLS 1.2 and 1.3")
            .so("See that the server speaks TLS on this port, and has a certificate for the host"),
        ),
    }
    match &fetch.answer {
        None => {}
        Some(Err(why)) => findings.push(
            Finding::failure(
                Step::Http,
                "http-none",
                format!("no answer for {what} at `{}`: {why}", fetch.url),
            )
            .because("STS gives up after about five seconds")
            .so("See the server's log"),
        ),
        Some(Ok(answer)) => findings.extend(judge_answer(answer, fetch, what)),
    }
    findings
}

/// The document, where one was answered.
pub(crate) fn body(fetch: &Fetch) -> Option<&[u8]> {
    match &fetch.answer {
        Some(Ok(answer)) if answer.status == 200 && !answer.cut => Some(&answer.body),
        _ => None,
    }
}

fn name(fetch: &Fetch) -> Finding {
    if let Some(to) = &fetch.moved_to {
        return Finding::note(
            Step::Dns,
            "dns-moved",
            format!(
                "`{}` is reached at {to}, as was asked; DNS was not",
                fetch.host
            ),
        );
    }
    match &fetch.addresses {
        Err(why) => Finding::failure(
            Step::Dns,
            "dns-unknown",
            format!("the name `{}` cannot be resolved: {why}", fetch.host),
        )
        .because("AWS resolves the name in public DNS")
        .so("Publish an A or AAAA record"),
        Ok(addresses) => {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let shown = shown.join(", ");
            let is_private = !addresses.is_empty() && addresses.iter().all(|a| is_private(*a));
            if is_private && !is_loopback_name(fetch) {
                return Finding::failure(
                    Step::Dns,
                    "dns-private",
                    format!("`{}` is {shown}, which cannot be reached from the internet", fetch.host),
                )
                .because("AWS must reach both documents without a private network")
                .so("Publish a public address, or serve the two documents from a public web server or bucket");
            }
            Finding::good(Step::Dns, "dns", format!("`{}` is {shown}", fetch.host))
        }
    }
}

/// Plain http is possible on loopback only, and noted with the URL already.
fn is_loopback_name(fetch: &Fetch) -> bool {
    fetch.url.starts_with("http://")
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                // RFC 6598
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

fn judge_answer(answer: &Answer, fetch: &Fetch, what: &str) -> Vec<Finding> {
    if (300..400).contains(&answer.status) {
        let to = answer.location.as_deref().unwrap_or("nowhere");
        return vec![
            Finding::failure(
                Step::Http,
                "http-redirect",
                format!("{what} is redirected ({}) to `{to}`", answer.status),
            )
            .because("AWS reads the documents where they are, and follows no redirect that can be relied on")
            .so(format!("Serve it at `{}` itself", fetch.url)),
        ];
    }
    if answer.status != 200 {
        return vec![
            Finding::failure(
                Step::Http,
                "http-status",
                format!("{what} at `{}` answers {}", fetch.url, answer.status),
            )
            .because("AWS reads it without authentication, and takes 200 only")
            .so("Serve it to everybody"),
        ];
    }
    let mut findings = Vec::new();
    if answer.cut {
        findings.push(
            Finding::failure(
                Step::Http,
                "http-long",
                format!("{what} is longer than {} bytes", answer.body.len()),
            )
            .because("no issuer's document is as long as that, and verifiers stop reading")
            .so("See what is served there"),
        );
        return findings;
    }
    if fetch.milliseconds >= LATEST {
        findings.push(
            Finding::failure(
                Step::Http,
                "http-slow",
                format!("{what} took {} ms", fetch.milliseconds),
            )
            .because("STS waits about five seconds, for both documents")
            .so("Serve both from memory, a folder or a bucket"),
        );
    } else if fetch.milliseconds >= LATE {
        findings.push(
            Finding::warning(
                Step::Http,
                "http-late",
                format!("{what} took {} ms", fetch.milliseconds),
            )
            .because("STS waits about five seconds, for both documents")
            .so("Serve both from memory, a folder or a bucket"),
        );
    }
    let kind = answer.content_type.as_deref().unwrap_or("none");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || essence.eq_ignore_ascii_case("application/jwk-set+json");
    if !is_json {
        findings.push(
            Finding::warning(
                Step::Http,
                "http-type",
                format!("the content type of {what} is `{kind}`"),
            )
            .because(
                "OpenID Connect Discovery §4.2 wants `application/json`, and some verifiers insist",
            )
            .so("Set the content type to `application/json`"),
        );
    }
    findings.extend(caching(answer, what));
    if findings.is_empty() {
        findings.push(Finding::good(
            Step::Http,
            "http",
            format!(
                "{what}: 200, {} bytes in {} ms, `{}`",
                answer.body.len(),
                fetch.milliseconds,
                answer.cache_control.as_deref().unwrap_or_default()
            ),
        ));
    }
    findings
}

fn caching(answer: &Answer, what: &str) -> Option<Finding> {
    let Some(written) = &answer.cache_control else {
        return Some(
            Finding::note(
                Step::Http,
                "cache-absent",
                format!("{what} says nothing about caching"),
            )
            .because("each cache on the way decides itself how long it keeps an old JWKS")
            .so("Send `Cache-Control: public, max-age=300`"),
        );
    };
    let age = written
        .split(',')
        .filter_map(|part| part.trim().strip_prefix("max-age="))
        .find_map(|seconds| seconds.parse::<u64>().ok())?;
    (age > LONGEST_AGE).then(|| {
        Finding::warning(
            Step::Http,
            "cache-long",
            format!("{what} may be cached for {age} seconds"),
        )
        .because("a new key must be published for longer than that before it signs")
        .so("Send `Cache-Control: public, max-age=300`")
    })
}

/// Milliseconds that STS waits.
const LATEST: u64 = 5_000;

/// Milliseconds after which a bad day leads beyond [`LATEST`].
const LATE: u64 = 1_500;

/// Seconds.
const LONGEST_AGE: u64 = 86_400;
