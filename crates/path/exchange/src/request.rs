use std::collections::BTreeMap;
use std::fmt;

use rolecall_ask::{HopDuration, PolicyArns, SessionDuration, SessionPolicy};
use rolecall_names::{ExternalId, RoleArn, RoleSessionName, SourceIdentity};
use secrecy::SecretString;

/// The parameters of `AssumeRoleWithWebIdentity`.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
#[derive(Debug, Clone, Copy)]
pub struct WebIdentity<'a> {
    /// The role.
    pub role: &'a RoleArn,
    /// What the session is called.
    pub session_name: &'a RoleSessionName,
    /// The signed token, sent as it is.
    pub token: &'a SecretString,
    /// How long the session lasts.
    pub duration: SessionDuration,
    /// Bounds the session.
    pub policy: Option<&'a SessionPolicy>,
    /// Managed policies that bound the session.
    pub policy_arns: &'a PolicyArns,
}

/// The parameters of `AssumeRole`.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[derive(Clone, Copy)]
pub struct AssumeRole<'a> {
    /// The role.
    pub role: &'a RoleArn,
    /// What the session is called.
    pub session_name: &'a RoleSessionName,
    /// How long the session lasts.
    pub duration: HopDuration,
    /// What the trust policy expects in `sts:ExternalId`.
    pub external_id: Option<&'a ExternalId>,
    /// Bounds the session.
    pub policy: Option<&'a SessionPolicy>,
    /// Managed policies that bound the session.
    pub policy_arns: &'a PolicyArns,
    /// Session tags.
    pub tags: &'a BTreeMap<String, String>,
    /// Which of the tags further hops keep.
    pub transitive_tag_keys: &'a [String],
    /// Who stands behind the session.
    pub source_identity: Option<&'a SourceIdentity>,
}

impl fmt::Debug for AssumeRole<'_> {
    /// Without the external id: not a secret to AWS, but customers treat it as one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AssumeRole")
            .field("role", self.role)
            .field("session_name", self.session_name)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}
