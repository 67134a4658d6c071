//! What a child's environment holds. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use rolecall_names::Region;

/// What every child is told beside its credentials.
#[derive(Debug, Clone, Default)]
pub struct ChildSettings {
    /// For `AWS_REGION` and `AWS_DEFAULT_REGION`.
    pub region: Option<Region>,
    /// For `AWS_ENDPOINT_URL_STS`.
    pub sts_endpoint: Option<String>,
}

/// The inherited environment without what would win over ours, with ours.
pub(crate) fn environment(
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
    settings: &ChildSettings,
    own: Vec<(Cow<'static, str>, OsString)>,
    files: ProfileFiles,
) -> BTreeMap<OsString, OsString> {
    let mut environment: BTreeMap<OsString, OsString> = inherited
        .into_iter()
        .filter(|(name, _)| !REMOVED.iter().any(|removed| OsStr::new(removed) == name))
        .collect();
    if files == ProfileFiles::Hidden {
        for name in ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"] {
            environment.insert(name.into(), "/dev/null".into());
        }
    }
    if let Some(region) = &settings.region {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            environment.insert(name.into(), region.as_str().into());
        }
    }
    if let Some(endpoint) = &settings.sts_endpoint {
        environment.insert("AWS_ENDPOINT_URL_STS".into(), endpoint.into());
    }
    environment.extend(
        own.into_iter()
            .map(|(name, value)| (name.into_owned().into(), value)),
    );
    environment
}

/// Whether the child may read `~/.aws`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProfileFiles {
    /// Credentials in the environment win over any profile.
    Readable,
    /// A default profile would win over an endpoint or a token file, and the child would silently
    /// be somebody else.
    Hidden,
}

/// Every variable by which an SDK could find other credentials than ours, and our own secret.
const REMOVED: [&str; 16] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "ROLECALL_MASTER_KEY",
];
