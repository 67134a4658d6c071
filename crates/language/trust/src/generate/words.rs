//! The single words of a design, held to what AWS takes.

use super::GenerateError;

pub(super) fn account(text: &str) -> Result<(), GenerateError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    check(
        "account",
        text,
        digits && text.len() == 12,
        "is not twelve digits",
    )
}

pub(super) fn partition(text: &str) -> Result<(), GenerateError> {
    let fits = text == "aws"
        || text.strip_prefix("aws-").is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        });
    check(
        "partition",
        text,
        fits,
        "is none, such as `aws`, `aws-cn` or `aws-us-gov`",
    )
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
pub(super) fn role(text: &str) -> Result<(), GenerateError> {
    let fits = text
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(char));
    let why = "is no name of a role: 1 to 64 letters, digits and `_+=,.@-`";
    check("role", text, fits && (1..=64).contains(&text.len()), why)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>
pub(super) fn issuer(text: &str) -> Result<(), GenerateError> {
    let (what, rest) = ("issuer", text.strip_prefix("https://"));
    check(what, text, rest.is_some(), "does not begin with `https://`")?;
    let rest = rest.unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    check(
        what,
        text,
        !host.contains(':'),
        "has a port, and IAM takes none",
    )?;
    check(
        what,
        text,
        !text.contains(['?', '#']),
        "has a query, and IAM takes none",
    )?;
    let host_fits = !host.is_empty()
        && host
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "-.".contains(char));
    check(what, text, host_fits, "has no host name")?;
    let fits = rest
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "-._~/%+@=,".contains(char));
    check(
        what,
        text,
        fits,
        "has characters that do not belong in an issuer's URL",
    )?;
    check(
        what,
        text,
        text.len() <= 255,
        "is longer than 255 characters",
    )
}

/// A client ID: 1 to 255 characters.
pub(super) fn audience(text: &str) -> Result<(), GenerateError> {
    check(
        "audience",
        text,
        (1..=255).contains(&text.len()),
        "is not 1 to 255 characters long",
    )?;
    let fits = text
        .chars()
        .all(|char| char.is_ascii_graphic() && !"<>{}[]*?\"\\`$".contains(char));
    check(
        "audience",
        text,
        fits,
        "has a wildcard, a placeholder, or a character of no audience",
    )
}

pub(super) fn thumbprint(text: &str) -> Result<(), GenerateError> {
    let fits = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    check("thumbprint", text, fits, "is not 40 hexadecimal digits")
}

fn check(
    what: &'static str,
    text: &str,
    fits: bool,
    why: &'static str,
) -> Result<(), GenerateError> {
    match fits {
        true => Ok(()),
        false => Err(GenerateError::Word {
            what,
            text: text.to_owned(),
            why,
        }),
    }
}
