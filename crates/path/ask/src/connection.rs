use std::collections::BTreeMap;
use std::fmt;

use rolecall_names::{Partition, Region, RoleArn, RoleSessionName};
use rolecall_source::nearest;
use serde::de;

use crate::form::{ConnectionForm, HopForm};
use crate::{
    AskError, Asker, ExternalIdTemplate, HopDuration, PolicyArns, SessionDuration,
    SessionNameTemplate, SessionPolicy, SourceIdentityTemplate, StsEndpoint, Tags,
};

/// A role, the token that opens it, and the roles behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    name: String,
    audience: Audience,
    role: RoleArn,
    duration: SessionDuration,
    session_name: Option<SessionNameTemplate>,
    region: Option<Region>,
    endpoint: Option<StsEndpoint>,
    hops: Vec<Hop>,
    policy: Option<SessionPolicy>,
    policy_arns: PolicyArns,
}

/// Which token is asked of the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The token of this token config.
    TokenConfig(String),
    /// The token for this audience; the issuer finds the token config.
    Named(String),
}

/// One further role of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    role: RoleArn,
    external_id: Option<ExternalIdTemplate>,
    duration: HopDuration,
    session_name: Option<SessionNameTemplate>,
    policy: Option<SessionPolicy>,
    policy_arns: PolicyArns,
    tags: Tags,
    source_identity: Option<SourceIdentityTemplate>,
}

/// The connections of a configuration by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connections(BTreeMap<String, Connection>);

impl Connections {
    /// The connection of that name.
    ///
    /// # Errors
    /// [`AskError::UnknownConnection`] with the name that was probably meant.
    pub fn named(&self, name: &str) -> Result<&Connection, AskError> {
        self.0.get(name).ok_or_else(|| AskError::UnknownConnection {
            given: name.to_owned(),
            nearest: nearest(name, self.0.keys().map(String::as_str)).map(str::to_owned),
            known: self.0.keys().cloned().collect(),
        })
    }

    /// All connections, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.0.values()
    }
}

impl Connection {
    /// Checks what depends on several values of the form.
    ///
    /// # Errors
    /// With the path of the value under `connections.<name>`: partitions that differ, a chain
    /// that returns to a role, policies or tags that AWS refuses, no or two audiences.
    pub fn from_form(name: &str, form: ConnectionForm) -> Result<Self, AskError> {
        let at = format!("connections.{name}");
        let audience = match (form.token_config, form.audience) {
            (Some(name), None) => Audience::TokenConfig(name),
            (None, Some(audience)) => Audience::Named(audience),
            (chosen, _) => {
                return Err(AskError::Audience {
                    field: at,
                    why: if chosen.is_some() {
                        "both `token_config` and `audience` are given"
                    } else {
                        "it does not say which token is presented"
                    },
                });
            }
        };
        let expected = form.role.partition();
        if let Some(region) = &form.region {
            agree(expected, region.partition(), region, format!("{at}.region"))?;
        }
        let mut hops = Vec::with_capacity(form.hops.len());
        for (index, hop) in form.hops.into_iter().enumerate() {
            let at = format!("{at}.hops[{index}]");
            agree(
                expected,
                hop.role.partition(),
                &hop.role,
                format!("{at}.role"),
            )?;
            hops.push(Hop::from_form(hop, &at)?);
        }
        refuse_cycles(&form.role, &hops, &at)?;
        Ok(Self {
            name: name.to_owned(),
            audience,
            duration: form.duration,
            session_name: form.session_name,
            region: form.region,
            endpoint: form.sts_endpoint,
            hops,
            policy: form
                .session_policy
                .map(|value| SessionPolicy::from_value(value, &format!("{at}.session_policy")))
                .transpose()?,
            policy_arns: PolicyArns::new(
                form.policy_arns,
                &form.role,
                &format!("{at}.policy_arns"),
            )?,
            role: form.role,
        })
    }

    /// A role that is reached directly: with a token of that token config, or of whichever there
    /// is for AWS's own audience, and with everything else as where nothing is said.
    #[must_use]
    pub fn of_role(role: RoleArn, token_config: Option<&str>) -> Self {
        let for_aws = || Audience::Named(AWS_AUDIENCE.to_owned());
        Self {
            name: role.to_string(),
            audience: token_config
                .map_or_else(for_aws, |name| Audience::TokenConfig(name.to_owned())),
            role,
            duration: SessionDuration::default(),
            session_name: None,
            region: None,
            endpoint: None,
            hops: Vec::new(),
            policy: None,
            policy_arns: PolicyArns::default(),
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which token is asked of the issuer.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// The role that the token is exchanged for.
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// How long the first session lasts.
    pub fn duration(&self) -> SessionDuration {
        self.duration
    }

    /// The region whose STS is called, where it is configured.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// Another STS than the region's own, where it is configured.
    pub fn endpoint(&self) -> Option<&StsEndpoint> {
        self.endpoint.as_ref()
    }

    /// The roles behind the first.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// What bounds the first session.
    pub fn session_policy(&self) -> Option<&SessionPolicy> {
        self.policy.as_ref()
    }

    /// The managed policies that bound the first session.
    pub fn policy_arns(&self) -> &PolicyArns {
        &self.policy_arns
    }

    /// What the first session is called for this asker.
    ///
    /// # Errors
    /// A missing attribute, or fewer than 2 characters.
    pub fn session_name(&self, asker: &Asker) -> Result<RoleSessionName, AskError> {
        match &self.session_name {
            Some(template) => template.render(asker),
            None => SessionNameTemplate::render_default(asker),
        }
    }

    /// What the session of `hop` is called for this asker: its own name, else the connection's,
    /// so that one name leads through CloudTrail of all accounts.
    ///
    /// # Errors
    /// A missing attribute, or fewer than 2 characters.
    pub fn hop_session_name(&self, hop: &Hop, asker: &Asker) -> Result<RoleSessionName, AskError> {
        match &hop.session_name {
            Some(template) => template.render(asker),
            None => self.session_name(asker),
        }
    }
}

impl Hop {
    fn from_form(form: HopForm, at: &str) -> Result<Self, AskError> {
        Ok(Self {
            external_id: form.external_id,
            duration: form.duration,
            session_name: form.session_name,
            policy: form
                .session_policy
                .map(|value| SessionPolicy::from_value(value, &format!("{at}.session_policy")))
                .transpose()?,
            policy_arns: PolicyArns::new(
                form.policy_arns,
                &form.role,
                &format!("{at}.policy_arns"),
            )?,
            tags: Tags::new(form.tags, form.transitive_tag_keys, at)?,
            source_identity: form.source_identity,
            role: form.role,
        })
    }

    /// The role.
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// What the role's trust policy expects in `sts:ExternalId`.
    pub fn external_id(&self) -> Option<&ExternalIdTemplate> {
        self.external_id.as_ref()
    }

    /// How long the session lasts.
    pub fn duration(&self) -> HopDuration {
        self.duration
    }

    /// What bounds the session.
    pub fn session_policy(&self) -> Option<&SessionPolicy> {
        self.policy.as_ref()
    }

    /// The managed policies that bound the session.
    pub fn policy_arns(&self) -> &PolicyArns {
        &self.policy_arns
    }

    /// Session tags.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Who stands behind the session.
    pub fn source_identity(&self) -> Option<&SourceIdentityTemplate> {
        self.source_identity.as_ref()
    }
}

impl<'de> de::Deserialize<'de> for Connections {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ConnectionsVisitor)
    }
}

/// Checks each connection as soon as it is read, while the reader still knows where it is.
struct ConnectionsVisitor;

impl<'de> de::Visitor<'de> for ConnectionsVisitor {
    type Value = Connections;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("connections by name")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Connections, A::Error> {
        let mut connections = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let connection = map.next_value_seed(Named(&name))?;
            if connections.insert(name.clone(), connection).is_some() {
                return Err(de::Error::custom(format!(
                    "connection `{name}` is defined twice"
                )));
            }
        }
        Ok(Connections(connections))
    }
}

/// A connection whose name is known from its key.
struct Named<'a>(&'a str);

impl<'de> de::DeserializeSeed<'de> for Named<'_> {
    type Value = Connection;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Connection, D::Error> {
        let form = <ConnectionForm as de::Deserialize>::deserialize(deserializer)?;
        Connection::from_form(self.0, form).map_err(de::Error::custom)
    }
}

fn agree(
    expected: Partition,
    partition: Partition,
    given: &impl fmt::Display,
    field: String,
) -> Result<(), AskError> {
    if partition == expected {
        return Ok(());
    }
    Err(AskError::Partition {
        field,
        given: given.to_string(),
        partition,
        expected,
    })
}

fn refuse_cycles(role: &RoleArn, hops: &[Hop], at: &str) -> Result<(), AskError> {
    let mut met: BTreeMap<&RoleArn, String> = BTreeMap::new();
    met.insert(role, format!("{at}.role"));
    for (index, hop) in hops.iter().enumerate() {
        let field = format!("{at}.hops[{index}].role");
        if let Some(first) = met.insert(&hop.role, field.clone()) {
            return Err(AskError::Cycle {
                field,
                role: hop.role.to_string(),
                first,
            });
        }
    }
    Ok(())
}

/// What IAM registers for AWS itself, in every partition.
const AWS_AUDIENCE: &str = "sts.amazonaws.com";
