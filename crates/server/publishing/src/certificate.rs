//! The certificate: trusted by whom, for which names, until when.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html>

use std::fmt::Write as _;

use aws_lc_rs::digest;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{Finding, Handshake, Step};

pub(crate) fn judge(handshake: &Handshake, host: &str, now: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let leaf = handshake
        .chain
        .first()
        .and_then(|der| X509Certificate::from_der(der).ok());
    let Some((_, leaf)) = leaf else {
        return vec![Finding::failure(
            Step::Tls,
            "tls-certificate",
            format!("`{host}` shows no certificate that can be read"),
        )];
    };
    let names = names(&leaf);
    let is_for_host = names.iter().any(|name| covers(name, host));
    if !is_for_host {
        findings.push(
            Finding::failure(
                Step::Tls,
                "tls-names",
                format!(
                    "the certificate is not for `{host}` but for {}",
                    listed(&names)
                ),
            )
            .because("no thumbprint makes up for a wrong name")
            .so("Get a certificate that names the host"),
        );
    }
    let ends = leaf.validity().not_after.timestamp();
    let begins = leaf.validity().not_before.timestamp();
    let days = (ends - now).div_euclid(86_400);
    if ends <= now {
        findings.push(
            Finding::failure(
                Step::Tls,
                "tls-expired",
                format!("the certificate ended {} days ago", (now - ends) / 86_400),
            )
            .because("AWS refuses an expired certificate, with a thumbprint too")
            .so("Renew it"),
        );
    } else if begins > now {
        findings.push(
            Finding::failure(Step::Tls, "tls-early", "the certificate is not valid yet")
                .because("AWS compares with the true time")
                .so("Look at the clock of the machine that made it"),
        );
    } else if days < 14 {
        findings.push(
            Finding::warning(
                Step::Tls,
                "tls-ending",
                format!("the certificate ends in {days} days"),
            )
            .because("with it ends every exchange")
            .so("Renew it, and find out why nobody did"),
        );
    }
    findings.extend(trust(handshake, host, findings.is_empty()));
    if findings
        .iter()
        .all(|finding| finding.code.starts_with("tls-private"))
    {
        findings.push(Finding::good(
            Step::Tls,
            "tls",
            format!(
                "{}, for `{host}`, for {days} more days",
                handshake.version.replace('_', ".").replace("TLSv", "TLS ")
            ),
        ));
    }
    findings
}

/// Who vouches for the chain. `else_well` is false where name or time are already told.
fn trust(handshake: &Handshake, host: &str, else_well: bool) -> Vec<Finding> {
    let Err(why) = &handshake.by_public_authorities else {
        return Vec::new();
    };
    if !else_well {
        return Vec::new();
    }
    let Some(thumbprint) = thumbprint(handshake) else {
        return Vec::new();
    };
    let mut findings = vec![
        Finding::note(
            Step::Tls,
            "tls-private",
            format!("the certificate of `{host}` comes from no public authority ({why})"),
        )
        .because("AWS then compares the SHA-1 thumbprint of the last certificate in the served chain with those that the provider has")
        .so(format!("Register the provider with the thumbprint {thumbprint}")),
    ];
    if handshake.chain.len() == 1 {
        findings.push(
            Finding::warning(
                Step::Tls,
                "tls-private-alone",
                "the server sends its own certificate only, without that of an intermediate authority",
            )
            .because("the thumbprint is then that of the certificate itself, and changes at each renewal")
            .so("Send the chain up to the authority that signed"),
        );
    }
    if let Some(Err(why)) = &handshake.by_given_authorities {
        findings.push(
            Finding::failure(
                Step::Tls,
                "tls-authority",
                format!("the authorities in the given file do not vouch for it either: {why}"),
            )
            .because("this is not the server that was expected, or not its authority's certificate")
            .so("Compare the served chain with the file"),
        );
    }
    findings
}

/// SHA-1 of the last certificate that is served, in hexadecimal: what IAM calls the thumbprint.
fn thumbprint(handshake: &Handshake) -> Option<String> {
    let last = handshake.chain.last()?;
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, last);
    let mut text = String::new();
    for byte in hash.as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let named = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    };
    extension
        .value
        .general_names
        .iter()
        .filter_map(named)
        .collect()
}

/// RFC 6125 §6.4.3: a star stands for the whole first label.
fn covers(name: &str, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if name == host {
        return true;
    }
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(rest), Some((_, domain))) => rest == domain,
        _ => false,
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no name".to_owned();
    }
    let shown: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    shown.join(", ")
}
