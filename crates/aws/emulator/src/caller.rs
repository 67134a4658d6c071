//! Who signed a call.

use rolecall_names::AccountId;
use rolecall_trust::{Context, Principal};

use crate::account::Tags;
use crate::session::{Session, SessionOf, assumed_role_arn};
use crate::world::World;

/// The signer of a call, as the world knew it when the signature was checked.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    pub(crate) access_key_id: String,
    pub(crate) kind: CallerKind,
}

#[derive(Debug, Clone)]
pub(crate) enum CallerKind {
    Root,
    User {
        name: String,
        id: String,
        arn: String,
        tags: Tags,
    },
    Session {
        session: Box<Session>,
        /// The tags of the role or user behind it.
        role_tags: Tags,
        /// The user behind it, while there is one: unique ID and ARN.
        user: Option<(String, String)>,
    },
}

impl Caller {
    /// The ARN by which AWS calls the signer.
    pub(crate) fn arn(&self) -> String {
        match &self.kind {
            CallerKind::Root => format!("arn:aws:iam::{}:root", self.account),
            CallerKind::User { arn, .. } => arn.clone(),
            CallerKind::Session {
                user: Some((_, arn)),
                ..
            } => arn.clone(),
            CallerKind::Session { session, .. } => match &session.of {
                SessionOf::Role {
                    name, session_name, ..
                } => assumed_role_arn(&self.account, name, session_name),
                SessionOf::User { name } => format!("arn:aws:iam::{}:user/{name}", self.account),
                SessionOf::Root => format!("arn:aws:iam::{}:root", self.account),
            },
        }
    }

    /// GetCallerIdentity's `UserId`.
    pub(crate) fn user_id(&self, world: &World) -> String {
        match &self.kind {
            CallerKind::User { id, .. } => id.clone(),
            CallerKind::Session { session, .. } => match &session.of {
                SessionOf::Role {
                    id, session_name, ..
                } => format!("{id}:{session_name}"),
                SessionOf::User { name } => world
                    .account(&self.account)
                    .and_then(|account| account.user(name))
                    .map_or_else(|| self.account.to_string(), |user| user.id.clone()),
                SessionOf::Root => self.account.to_string(),
            },
            CallerKind::Root => self.account.to_string(),
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.kind {
            CallerKind::Session { session, .. } => Some(session),
            _ => None,
        }
    }

    /// Whether these are a role's credentials, so that a further hop is role chaining.
    pub(crate) fn is_role_session(&self) -> bool {
        self.session()
            .is_some_and(|session| matches!(session.of, SessionOf::Role { .. }))
    }

    pub(crate) fn is_root(&self) -> bool {
        match &self.kind {
            CallerKind::Root => true,
            CallerKind::Session { session, .. } => matches!(session.of, SessionOf::Root),
            CallerKind::User { .. } => false,
        }
    }

    /// The name of the user behind the credentials.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match &self.kind {
            CallerKind::User { name, .. } => Some(name),
            CallerKind::Session { session, .. } => match &session.of {
                SessionOf::User { name } => Some(name),
                _ => None,
            },
            CallerKind::Root => None,
        }
    }

    /// The signer as a policy's `Principal` element meets it.
    pub(crate) fn principal(&self) -> Principal {
        let (role, unique_id) = match &self.kind {
            CallerKind::Session {
                user: Some((id, _)),
                ..
            } => (None, Some(id.clone())),
            CallerKind::Session { session, .. } => match &session.of {
                SessionOf::Role { arn, id, .. } => (Some(arn.clone()), Some(id.clone())),
                _ => (None, None),
            },
            CallerKind::User { id, .. } => (None, Some(id.clone())),
            CallerKind::Root => (None, None),
        };
        Principal::Aws {
            arn: self.arn(),
            account: self.account.to_string(),
            role,
            unique_id,
        }
    }

    /// The condition keys that tell about the signer.
    pub(crate) fn describe(&self, world: &World, context: &mut Context) {
        let principal_arn = match self.session().map(|session| &session.of) {
            // aws:PrincipalArn is the role's ARN, path included, not the session's.
            Some(SessionOf::Role { arn, .. }) => arn.clone(),
            _ => self.arn(),
        };
        context
            .set("aws:PrincipalArn", principal_arn)
            .set("aws:PrincipalAccount", self.account.as_str())
            .set("aws:userid", self.user_id(world))
            .set(
                "aws:PrincipalType",
                match (&self.kind, self.is_root()) {
                    (_, true) => "Account",
                    (_, false) if self.is_role_session() => "AssumedRole",
                    _ => "User",
                },
            );
        if let Some(name) = self.user_name() {
            context.set("aws:username", name);
        }
        for (key, value) in self.principal_tags() {
            context.set(format!("aws:PrincipalTag/{key}"), value);
        }
        if let Some(session) = self.session() {
            // Temporary credentials always say whether MFA was used; long-lived keys never do.
            context.set("aws:MultiFactorAuthPresent", "false");
            if let Some(identity) = &session.source_identity {
                context.set("aws:SourceIdentity", identity);
            }
            if let Some(federated) = &session.federated {
                context.set("aws:FederatedProvider", &federated.provider_arn);
            }
        }
    }

    /// Tags of the principal: the role's or user's own, under those of the session.
    fn principal_tags(&self) -> Tags {
        match &self.kind {
            CallerKind::Root => Tags::new(),
            CallerKind::User { tags, .. } => tags.clone(),
            CallerKind::Session {
                session, role_tags, ..
            } => {
                let mut tags = role_tags.clone();
                for (key, value) in &session.tags {
                    tags.retain(|other, _| !other.eq_ignore_ascii_case(key));
                    tags.insert(key.clone(), value.clone());
                }
                tags
            }
        }
    }
}
