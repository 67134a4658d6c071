//! Pulumi ESC: environments, and what `subjectAttributes` makes of their subjects.
//!
//! Environments of the legacy project `default` have no project in their subject and their
//! audience has no `aws:`; both are presets of their own, since the audience is a config's.

use super::{PLAIN, Preset, PresetAttribute, PresetClaim, When, attribute, claim};
use crate::MintError;
use crate::form::Form;
use crate::literals::Literals;

/// What a subject can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectAttribute {
    /// `rootEnvironment.name`: the environment that was opened.
    RootEnvironment,
    /// `currentEnvironment.name`: the environment that has the login in it.
    CurrentEnvironment,
    /// `pulumi.user.login`: who opened it.
    User,
    /// `pulumi.organization.login`: the organization.
    Organization,
    /// `pulumi.token.type`: what kind of access token opened it.
    TokenType,
    /// `pulumi.token.team`: the team of that token. There is none for other tokens, which then
    /// get no subject at all.
    TokenTeam,
}

impl SubjectAttribute {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RootEnvironment,
        Self::CurrentEnvironment,
        Self::User,
        Self::Organization,
        Self::TokenType,
        Self::TokenTeam,
    ];

    /// As it is written, in the configuration and in the subject.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RootEnvironment => "rootEnvironment.name",
            Self::CurrentEnvironment => "currentEnvironment.name",
            Self::User => "pulumi.user.login",
            Self::Organization => "pulumi.organization.login",
            Self::TokenType => "pulumi.token.type",
            Self::TokenTeam => "pulumi.token.team",
        }
    }

    fn placeholders(self, legacy: bool) -> &'static str {
        match (self, legacy) {
            (Self::RootEnvironment, false) => "{root_project}/{root_environment}",
            (Self::RootEnvironment, true) => "{root_environment}",
            (Self::CurrentEnvironment, false) => "{project}/{environment}",
            (Self::CurrentEnvironment, true) => "{environment}",
            (Self::User, _) => "{user}",
            (Self::Organization, _) => "{org}",
            (Self::TokenType, _) => "{token_type}",
            (Self::TokenTeam, _) => "{token_team}",
        }
    }
}

/// The subject format for these `subjectAttributes`: the organization, then each attribute with its
/// value, in the order in which they are listed. With `legacy`, environments are those of the
/// project `default`, which is left out of their names. None listed is the default subject.
///
/// # Errors
/// `ClaimValue` for an attribute that there is not, or that is listed twice. `pulumi.token.name` is
/// none on purpose: people choose it, and could so write another's subject.
pub fn subject(attributes: &[String], legacy: bool) -> Result<String, MintError> {
    let refused = |why: String| MintError::ClaimValue {
        field: "subject_attributes".to_owned(),
        why,
    };
    if attributes.is_empty() {
        let preset = Preset::named(if legacy {
            "pulumi-default-project"
        } else {
            "pulumi"
        })?;
        return Ok(preset.subject.to_owned());
    }
    let mut subject = "pulumi:environments:pulumi.organization.login:{org}".to_owned();
    for (index, name) in attributes.iter().enumerate() {
        let known = SubjectAttribute::ALL;
        let found = known.iter().find(|attribute| attribute.as_str() == name);
        let Some(attribute) = found else {
            let names = known.map(SubjectAttribute::as_str);
            let near = crate::error::nearest(name, names);
            return Err(refused(format!(
                "has `{}`, which no subject can be made of; possible are {}{}",
                crate::error::shown(name),
                crate::declared::quoted(&names),
                crate::error::did_you_mean(&near)
            )));
        };
        if attributes[..index].contains(name) {
            return Err(refused(format!("has `{name}` twice")));
        }
        subject.push(':');
        subject.push_str(attribute.as_str());
        subject.push(':');
        subject.push_str(attribute.placeholders(legacy));
    }
    Ok(subject)
}

/// Project and environment of an environment's name as people write it, `project/environment` or,
/// in the legacy project, `environment`. The project is `None` for the legacy one, however it was
/// written.
#[must_use]
pub fn environment_name(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some(("default", environment)) => (None, environment),
        Some((project, environment)) => (Some(project), environment),
        None => (None, name),
    }
}

const ATTRIBUTES: &[PresetAttribute] = &[
    attribute("org", "the organization's login", "contoso"),
    attribute(
        "project",
        "the project of the environment that has the login in it",
        "project",
    )
    .not(LEGACY),
    attribute("environment", "that environment", "development"),
    attribute(
        "root_project",
        "the project of the environment that was opened",
        "project",
    )
    .not(LEGACY),
    attribute(
        "root_environment",
        "the environment that was opened",
        "development",
    ),
    attribute("user", "the login of who opened it", "personA").form(Form::Person),
    attribute(
        "token_type",
        "the kind of access token that opened it",
        "personal",
    )
    .values(&["personal", "team", "organization"]),
    attribute("token_team", "the team of that token", "platform"),
];

/// Pulumi leaves it out of subjects, so tokens of its environments need a config of their own.
const LEGACY: &[&str] = &["default"];

const CLAIMS: &[PresetClaim] = &[
    claim("org", "{org}", When::Always),
    claim("current_env", "{project}/{environment}", When::Known),
    claim("root_env", "{root_project}/{root_environment}", When::Known),
    claim("trigger_user", "{user}", When::Known),
];

const LEGACY_CLAIMS: &[PresetClaim] = &[
    claim("org", "{org}", When::Always),
    claim("current_env", "{environment}", When::Known),
    claim("root_env", "{root_environment}", When::Known),
    claim("trigger_user", "{user}", When::Known),
];

const PULUMI: Preset = Preset {
    issuer: "https://api.pulumi.com/oidc",
    audience: "aws:{org}",
    literals: Literals::Pulumi,
    attributes: ATTRIBUTES,
    claims: CLAIMS,
    source: "https://www.pulumi.com/docs/esc/environments/configuring-oidc/aws/",
    ..PLAIN
};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "pulumi",
        about: "Pulumi ESC, an environment of a project",
        subject: "pulumi:environments:org:{org}:env:{project}/{environment}",
        ..PULUMI
    },
    Preset {
        name: "pulumi-default-project",
        about: "Pulumi ESC, an environment of the legacy project `default`",
        audience: "{org}",
        subject: "pulumi:environments:org:{org}:env:{environment}",
        claims: LEGACY_CLAIMS,
        ..PULUMI
    },
    Preset {
        name: "pulumi-stack",
        about: "Pulumi ESC, environments opened for a stack: one subject for all of them",
        subject: "pulumi:environments:org:{org}:env:<yaml>",
        ..PULUMI
    },
    Preset {
        name: "pulumi-user",
        about: "Pulumi ESC, an environment opened by a user (subjectAttributes)",
        subject: "pulumi:environments:pulumi.organization.login:{org}:currentEnvironment.name:{project}/{environment}:pulumi.user.login:{user}",
        ..PULUMI
    },
    Preset {
        name: "pulumi-v2",
        about: "Pulumi ESC, the newer token: an environment by its IDs",
        issuer: "https://api.pulumi.com/oidc/v2",
        audience: "sts.amazonaws.com",
        subject: "pulumi:org:{org_id}:env:{environment_id}",
        attributes: &[
            attribute("org", "the organization's login", "contoso"),
            attribute(
                "org_id",
                "the organization's ID",
                "5d1c2f00-0000-4000-8000-000000000001",
            ),
            attribute(
                "environment_id",
                "the environment's ID",
                "5d1c2f00-0000-4000-8000-000000000002",
            ),
            attribute(
                "environment",
                "project and environment",
                "project/development",
            )
            .form(Form::Path),
            attribute("actor", "the login of who opened it", "personA").form(Form::Person),
            attribute(
                "actor_id",
                "the ID of who opened it",
                "5d1c2f00-0000-4000-8000-000000000003",
            ),
        ],
        claims: &[
            claim("https://pulumi.com/org", "{org}", When::Known),
            claim("https://pulumi.com/org_id", "{org_id}", When::Always),
            claim(
                "https://pulumi.com/current_env",
                "{environment}",
                When::Known,
            ),
            claim(
                "https://pulumi.com/current_env_id",
                "{environment_id}",
                When::Always,
            ),
            claim("https://pulumi.com/actor", "{actor}", When::Known),
            claim("https://pulumi.com/actor_id", "{actor_id}", When::Known),
        ],
        ..PULUMI
    },
];
