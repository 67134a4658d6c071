use std::fmt;
use std::str::FromStr;

use rolecall_names::Region;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{Credentials, DeliverError};

/// A text form of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `export` lines for a POSIX shell to evaluate.
    Env,
    /// `NAME=value` lines, unquoted, for docker, systemd and the dotenv libraries alike.
    Dotenv,
    /// One JSON object with the names of STS's result.
    Json,
    /// The JSON object of `credential_process`, version 1.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
    Process,
}

impl Format {
    /// Writes credentials, and the region where it is known, in this form, ending in a newline.
    ///
    /// # Errors
    /// [`DeliverError::Dotenv`] for values with characters that AWS's never have.
    pub fn render(
        self,
        credentials: &Credentials,
        region: Option<&Region>,
    ) -> Result<SecretString, DeliverError> {
        let text = match self {
            Self::Env => lines(&variables(credentials, region), |name, value| {
                Ok(format!("export {name}={}", shell_quote(value)))
            })?,
            Self::Dotenv => lines(&variables(credentials, region), |key, value| {
                if value.bytes().all(plain_in_dotenv) {
                    Ok(format!("{key}={value}"))
                } else {
                    Err(DeliverError::Dotenv { key })
                }
            })?,
            Self::Json => object(credentials, None, region)?,
            Self::Process => object(credentials, Some(1), None)?,
        };
        Ok(text.into())
    }
}

impl FromStr for Format {
    type Err = DeliverError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "env" => Ok(Self::Env),
            "dotenv" => Ok(Self::Dotenv),
            "json" => Ok(Self::Json),
            "process" => Ok(Self::Process),
            _ => Err(DeliverError::Format {
                given: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Env => "env",
            Self::Dotenv => "dotenv",
            Self::Json => "json",
            Self::Process => "process",
        })
    }
}

/// The environment variables that hold credentials, as SDKs read them.
pub(crate) fn variables(
    credentials: &Credentials,
    region: Option<&Region>,
) -> Vec<(&'static str, SecretString)> {
    let mut variables = vec![
        (
            "AWS_ACCESS_KEY_ID",
            credentials.access_key_id.clone().into(),
        ),
        (
            "AWS_SECRET_ACCESS_KEY",
            credentials.secret_access_key.clone(),
        ),
        ("AWS_SESSION_TOKEN", credentials.session_token.clone()),
        (
            "AWS_CREDENTIAL_EXPIRATION",
            credentials.expiration_text().into(),
        ),
    ];
    if let Some(account) = &credentials.account_id {
        variables.push(("AWS_ACCOUNT_ID", account.clone().into()));
    }
    if let Some(region) = region {
        variables.push(("AWS_REGION", region.as_str().into()));
        variables.push(("AWS_DEFAULT_REGION", region.as_str().into()));
    }
    variables
}

/// One word for a POSIX shell, whatever is in `value`: within single quotes nothing is special
/// but the quote itself.
pub(crate) fn shell_quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn lines(
    variables: &[(&'static str, SecretString)],
    line: impl Fn(&'static str, &str) -> Result<String, DeliverError>,
) -> Result<String, DeliverError> {
    let mut text = String::new();
    for (name, value) in variables {
        text.push_str(&line(name, value.expose_secret())?);
        text.push('\n');
    }
    Ok(text)
}

/// The members in the order in which people look for them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
}

fn object(
    credentials: &Credentials,
    version: Option<u8>,
    region: Option<&Region>,
) -> Result<String, DeliverError> {
    let object = Object {
        version,
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose_secret(),
        session_token: credentials.session_token.expose_secret(),
        expiration: credentials.expiration_text(),
        account_id: credentials.account_id.as_deref(),
        region: region.map(Region::as_str),
    };
    let mut text = serde_json::to_string(&object).map_err(DeliverError::Json)?;
    text.push('\n');
    Ok(text)
}

fn plain_in_dotenv(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/+=_.:@%-".contains(&byte)
}
