//! Credentials as a section of `~/.aws/credentials`.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use secrecy::ExposeSecret;

use super::Printed;
use crate::DeliverError;

/// A section under the profile's name. Keys in that file are read before anything that the same
/// profile says in `~/.aws/config`.
pub(super) fn render(printed: &Printed<'_>) -> Result<String, DeliverError> {
    let credentials = printed.credentials;
    let token = credentials.session_token.expose_secret();
    let mut settings = vec![
        ("aws_access_key_id", credentials.access_key_id.as_str()),
        (
            "aws_secret_access_key",
            credentials.secret_access_key.expose_secret(),
        ),
        ("aws_session_token", token),
    ];
    if printed.legacy_security_token {
        settings.push(("aws_security_token", token));
    }
    if let Some(region) = printed.region {
        settings.push(("region", region.as_str()));
    }
    let mut text = format!(
        "[{}]\n# these keys end {}\n",
        printed.profile,
        credentials.expiration_text()
    );
    for (key, value) in settings {
        // SDKs disagree on spaces, `#` and `;` in values.
        if value.is_empty() || !value.bytes().all(super::plain) {
            return Err(DeliverError::Section { key });
        }
        text.push_str(&format!("{key} = {value}\n"));
    }
    Ok(text)
}
