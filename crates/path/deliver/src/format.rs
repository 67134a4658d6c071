pub(crate) mod github;
pub(crate) mod quoting;
mod section;

use std::fmt;
use std::str::FromStr;

use rolecall_names::Region;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{Credentials, DeliverError, ProfileName};

/// A text form of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `export` lines for a POSIX shell to evaluate.
    Env,
    /// `set -gx` lines for fish to evaluate.
    Fish,
    /// `$Env:` lines for PowerShell to evaluate.
    PowerShell,
    /// `NAME=value` lines, unquoted, for docker, systemd and the dotenv libraries alike.
    Dotenv,
    /// A section of `~/.aws/credentials`.
    Profile,
    /// One JSON object with the names of STS's result.
    Json,
    /// The JSON object of `credential_process`, version 1.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
    Process,
}

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Printed<'a> {
    /// The credentials.
    pub credentials: &'a Credentials,
    /// The region, where it is known.
    pub region: Option<&'a Region>,
    /// What the section of [`Format::Profile`] is called.
    pub profile: &'a str,
    /// Whether the session token is also given by its name before 2013, which a few old programs
    /// still look for.
    pub legacy_security_token: bool,
}

impl Format {
    /// Whether this form can say what is asked of it, before there are credentials.
    ///
    /// # Errors
    /// [`DeliverError::LegacyToken`] for a form whose members are fixed,
    /// [`DeliverError::ProfileName`] for a section that SDKs would not find.
    pub fn check(self, profile: &str, legacy_security_token: bool) -> Result<(), DeliverError> {
        match self {
            Self::Json | Self::Process if legacy_security_token => {
                Err(DeliverError::LegacyToken { format: self })
            }
            Self::Profile => profile.parse::<ProfileName>().map(drop),
            _ => Ok(()),
        }
    }

    /// Writes credentials in this form, ending in a newline.
    ///
    /// # Errors
    /// As [`Self::check`]; [`DeliverError::Dotenv`] and [`DeliverError::Section`] for values with
    /// characters that AWS's never have.
    pub fn render(self, printed: &Printed<'_>) -> Result<SecretString, DeliverError> {
        self.check(printed.profile, printed.legacy_security_token)?;
        let (credentials, region) = (printed.credentials, printed.region);
        let lines = |line: &dyn Fn(&'static str, &str) -> Result<String, DeliverError>| {
            lines(&printed.variables(), line)
        };
        let text = match self {
            Self::Env => {
                lines(&|name, value| Ok(format!("export {name}={}", quoting::posix(value))))?
            }
            Self::Fish => {
                lines(&|name, value| Ok(format!("set -gx {name} {}", quoting::fish(value))))?
            }
            Self::PowerShell => {
                lines(&|name, value| Ok(format!("$Env:{name} = {}", quoting::powershell(value))))?
            }
            Self::Dotenv => lines(&|key, value| {
                if value.bytes().all(plain) {
                    Ok(format!("{key}={value}"))
                } else {
                    Err(DeliverError::Dotenv { key })
                }
            })?,
            Self::Profile => section::render(printed)?,
            Self::Json => object(credentials, None, region)?,
            Self::Process => object(credentials, Some(1), None)?,
        };
        Ok(text.into())
    }
}

impl Printed<'_> {
    /// The environment variables that say all this.
    pub(crate) fn variables(&self) -> Vec<(&'static str, SecretString)> {
        let mut variables = variables(self.credentials, self.region);
        if self.legacy_security_token {
            variables.push(("AWS_SECURITY_TOKEN", self.credentials.session_token.clone()));
        }
        variables
    }
}

impl FromStr for Format {
    type Err = DeliverError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "env" => Ok(Self::Env),
            "fish" => Ok(Self::Fish),
            "powershell" => Ok(Self::PowerShell),
            "dotenv" => Ok(Self::Dotenv),
            "profile" => Ok(Self::Profile),
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
            Self::Fish => "fish",
            Self::PowerShell => "powershell",
            Self::Dotenv => "dotenv",
            Self::Profile => "profile",
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

fn lines(
    variables: &[(&'static str, SecretString)],
    line: &dyn Fn(&'static str, &str) -> Result<String, DeliverError>,
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

/// Characters that every reader of unquoted values reads as they stand.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/+=_.:@%-".contains(&byte)
}
