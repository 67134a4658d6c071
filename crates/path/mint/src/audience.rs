//! Who a token is for: the clouds have fixed audiences, everything else is free.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::MintError;
use crate::error::shown;

/// The kind of audience. A tenant has at most one token config each for AWS, Azure and GCP, and
/// any number of custom ones.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AudienceKind {
    /// `sts.amazonaws.com`.
    Aws,
    /// `api://AzureADTokenExchange`.
    Azure,
    /// The resource name of a workload identity pool provider.
    Gcp,
    /// Any text.
    #[default]
    Custom,
}

impl AudienceKind {
    /// As it is written in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
            Self::Custom => "custom",
        }
    }

    /// The audience of the kind, where it is fixed.
    #[must_use]
    pub fn fixed(self) -> Option<&'static str> {
        match self {
            Self::Aws => Some("sts.amazonaws.com"),
            Self::Azure => Some("api://AzureADTokenExchange"),
            Self::Gcp | Self::Custom => None,
        }
    }

    /// The audience that is meant by what was `given`, which may be nothing where it is fixed.
    ///
    /// # Errors
    /// `Audience` for one that the kind does not have, or that IAM could not register.
    pub fn audience(self, given: &str) -> Result<String, MintError> {
        let refused = |why| {
            Err(MintError::Audience {
                given: shown(given),
                why,
            })
        };
        match (self, self.fixed()) {
            (_, Some(fixed)) if given.is_empty() || given == fixed => return Ok(fixed.to_owned()),
            (Self::Aws, _) => {
                return refused(
                    "the kind `aws` has always `sts.amazonaws.com`; leave `audience` out, or write `kind: custom`",
                );
            }
            (Self::Azure, _) => {
                return refused(
                    "the kind `azure` has always `api://AzureADTokenExchange`; leave `audience` out, or write `kind: custom`",
                );
            }
            (Self::Gcp, _) if !is_provider(given) => {
                return refused(
                    "the kind `gcp` has the provider's full name, `//iam.googleapis.com/projects/<project number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>`",
                );
            }
            _ => {}
        }
        if given.is_empty() {
            return refused("it is empty");
        }
        if given.len() > LONGEST {
            return refused("it has more than 255 characters, the most that IAM registers");
        }
        if !given.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refused("it holds a blank, a control character or one beyond ASCII");
        }
        Ok(given.to_owned())
    }
}

/// Whether this is the resource name of a workload identity pool provider: the project by its
/// number, pool and provider of 4 to 32 lower-case letters, digits and `-`.
/// <https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers>
fn is_provider(name: &str) -> bool {
    let Some(path) = name.strip_prefix("//iam.googleapis.com/") else {
        return false;
    };
    let is_id = |id: &str| {
        (4..=32).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [
            "projects",
            number,
            "locations",
            "global",
            "workloadIdentityPools",
            pool,
            "providers",
            provider,
        ] => {
            !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && is_id(pool)
                && is_id(provider)
        }
        _ => false,
    }
}

const LONGEST: usize = 255;
