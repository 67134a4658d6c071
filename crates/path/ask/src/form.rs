use rolecall_names::{Arn, Region, RoleArn};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};
use serde_json::Value;

use crate::tags::SourceIdentityTemplate;
use crate::{
    ExternalIdTemplate, HopDuration, SessionDuration, SessionNameTemplate, StsEndpoint, Template,
};

use std::collections::BTreeMap;

/// A connection as it is written. Each value is checked while it is read; what depends on
/// several values is checked by [`crate::Connection::from_form`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionForm {
    /// The token config whose token is presented; or `audience`.
    pub token_config: Option<String>,
    /// The audience of the token that is presented; or `token_config`.
    pub audience: Option<String>,
    /// The role that the token is exchanged for.
    pub role: RoleArn,
    /// How long its session lasts; one hour unless given.
    #[serde(default)]
    pub duration: SessionDuration,
    /// What the session is called; the run and the workload unless given.
    pub session_name: Option<SessionNameTemplate>,
    /// Whose STS is called; the environment's region unless given.
    pub region: Option<Region>,
    /// Another STS than the region's own.
    pub sts_endpoint: Option<StsEndpoint>,
    /// Roles to assume one after the other.
    #[serde(default)]
    pub hops: Vec<HopForm>,
    /// Bounds the first session.
    pub session_policy: Option<Value>,
    /// Managed policies that bound the first session.
    #[serde(default)]
    pub policy_arns: Vec<Arn>,

    #[serde(
        default,
        rename = "external_id",
        deserialize_with = "refuse_external_id"
    )]
    _external_id: (),
    #[serde(default, rename = "tags", deserialize_with = "refuse_tags")]
    _tags: (),
    #[serde(
        default,
        rename = "transitive_tag_keys",
        deserialize_with = "refuse_tags"
    )]
    _transitive_tag_keys: (),
    #[serde(
        default,
        rename = "source_identity",
        deserialize_with = "refuse_source_identity"
    )]
    _source_identity: (),
}

/// One further role as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopForm {
    /// The role.
    pub role: RoleArn,
    /// What the role's trust policy expects in `sts:ExternalId`: a value, or a template.
    pub external_id: Option<ExternalIdTemplate>,
    /// How long the session lasts; one hour unless given.
    #[serde(default)]
    pub duration: HopDuration,
    /// What the session is called; the connection's session name unless given.
    pub session_name: Option<SessionNameTemplate>,
    /// Bounds the session.
    pub session_policy: Option<Value>,
    /// Managed policies that bound the session.
    #[serde(default)]
    pub policy_arns: Vec<Arn>,
    /// Session tags.
    #[serde(default)]
    pub tags: BTreeMap<String, Template>,
    /// Which of the tags further hops keep.
    #[serde(default)]
    pub transitive_tag_keys: Vec<String>,
    /// Who stands behind the session.
    pub source_identity: Option<SourceIdentityTemplate>,
}

fn refuse_external_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "the first role takes no `external_id`: AssumeRoleWithWebIdentity has no such parameter, the token's subject and audience take its place; give it under `hops`, to the role that asks for one",
    )
}

fn refuse_tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "the first role takes no tags from the caller: they come in the token, from `aws.session_tags` and `aws.transitive_tag_keys` of the token config; tags of a further role go under `hops`",
    )
}

fn refuse_source_identity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "the first role takes no source identity from the caller: it comes in the token, from `aws.source_identity` of the token config; that of a further role goes under `hops`",
    )
}

fn refuse<'de, D: Deserializer<'de>>(deserializer: D, why: &str) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(why))
}
