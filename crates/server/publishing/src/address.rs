//! The rules for an issuer's URL.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>

use rolecall_mint::IssuerUrl;

use crate::{Finding, Step};

pub(crate) fn judge(issuer: &str) -> Vec<Finding> {
    let bare = issuer.strip_suffix('/').unwrap_or(issuer);
    let url = match bare.parse::<IssuerUrl>() {
        Ok(url) => url,
        Err(error) => {
            return vec![
                Finding::failure(Step::Url, "url-form", error.to_string())
                    .because("IAM and STS compare the URL character by character with `iss`, and take https URLs of at most 255 characters without query and fragment")
                    .so("Choose another URL for the issuer, and register that"),
            ];
        }
    };
    let mut findings = Vec::new();
    if bare.len() < issuer.len() {
        findings.push(
            Finding::warning(Step::Url, "url-slash", "the issuer ends in `/`")
                .because("for AWS `https://host/` and `https://host` are two issuers; the provider's URL, `iss` and the prefix of condition keys must all have the slash")
                .so("Leave the slash away if the issuer is yours to name"),
        );
    }
    if url.is_plain() {
        findings.push(
            Finding::note(Step::Url, "url-plain", "`http` on loopback")
                .because("this is for trying things out; AWS takes https only")
                .so("Give the issuer a certificate before AWS is to use it"),
        );
    } else if url.authority() != url.host() {
        findings.push(
            Finding::failure(
                Step::Url,
                "url-port",
                format!("the issuer names a port: `{}`", url.authority()),
            )
            .because("IAM wants the URL of a provider without a port")
            .so("Serve the issuer on port 443, and leave the port away"),
        );
    }
    if url.host().starts_with('[') || url.host().parse::<std::net::Ipv4Addr>().is_ok() {
        findings.push(Finding::note(
            Step::Url,
            "url-address",
            "the host is an address and not a name, so a public authority rarely signs for it",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::good(
            Step::Url,
            "url",
            format!(
                "{} characters of 255, and nothing that AWS refuses",
                issuer.len()
            ),
        ));
    }
    findings
}
