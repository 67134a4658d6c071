//! Signing in: by name and password, or with an ID token of the team's own OIDC provider.

use aws_lc_rs::digest;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use rolecall_access::{AccessText, AccessToken, Grant, Proof, TokenKind};
use rolecall_attest::SecretHash;
use rolecall_attest::federated::{Evidence, Presented};
use rolecall_store::{
    AuditKind, AuditRecord, Change, Document, Edit, Expect, Listing, Outcome, ResourceKind, Source,
    StoreError,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::api::AdminApi;
use crate::asked::{Asked, Sent, actor};
use crate::from::From as Origin;
use crate::paging::time;
use crate::randomness::random;
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{Me, NewSession, ShownSession};

/// A session, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    /// Of its token.
    pub(crate) digest: String,
    /// When it ends, in seconds since the epoch.
    pub(crate) ends: i64,
    pub(crate) whose: Whose,
}

/// Whose a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Whose {
    /// Somebody's with access here. What it may is looked up with every request.
    Access {
        tenant: String,
        name: String,
        /// [`mark_of`] the access when the session was opened: another password ends it.
        proof: String,
    },
    /// Somebody's whom the team's provider knows.
    Identity { name: String, grants: Vec<Grant> },
}

/// By what a session knows that the password is still the one it was opened with.
pub(crate) fn mark_of(access: &AccessText) -> String {
    let proof = match &access.proof {
        Proof::Token { digest, .. } => digest,
        Proof::Password { hash } => hash,
    };
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, proof.as_bytes()))
}

pub(crate) async fn open(
    State(api): State<AdminApi>,
    Origin(client): Origin,
    Sent(new): Sent<NewSession>,
) -> Result<Reply, Refused> {
    let mut row = api.row(AuditKind::SignIn, "", Outcome::Granted);
    row.client.clone_from(&client);
    let opened = match new {
        NewSession::Password {
            tenant,
            name,
            password,
        } => {
            let tenant = tenant.unwrap_or_default();
            row.evidence = Some("password".to_owned());
            row.tenant = tenant.chars().take(64).collect();
            row.actor = Some(actor(&tenant, &name).chars().take(200).collect());
            // One who tries many names from one place, and many places that try one name.
            let counted = api
                .count_try(format!("from {client:?}"))
                .and_then(|()| api.count_try(format!("as {tenant}/{name} from {client:?}")));
            match counted {
                Ok(()) => api.by_password(&tenant, &name, password.into()).await,
                Err(refused) => Err(refused),
            }
        }
        NewSession::Identity { id_token } => {
            row.evidence = Some("id_token".to_owned());
            let counted = api.count_try(format!("identity from {client:?}"));
            match counted {
                Ok(()) => api.by_identity(&id_token.into(), &mut row).await,
                Err(refused) => Err(refused),
            }
        }
    };
    match opened {
        Ok((whose, me)) => {
            row.actor = Some(me.name.clone());
            api.open_session(whose, me, row).await
        }
        Err(refused) => {
            row.outcome = Outcome::Refused;
            row.reason = Some(refused.to_string());
            api.note(row);
            Err(refused)
        }
    }
}

pub(crate) async fn close(State(api): State<AdminApi>, asked: Asked) -> Result<Reply, Refused> {
    let Some(session) = &asked.session else {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            "no_session",
            "this token is not of a session; it is withdrawn by taking its access away",
        ));
    };
    let mut row = asked.row(&api, "", "session");
    row.kind = AuditKind::SignIn;
    row.reason = Some("signed out".to_owned());
    let change = Change {
        edits: vec![removal(session)],
        records: vec![row],
        answered: None,
        now: api.now(),
    };
    match api.installation().store().change(change).await {
        Ok(()) | Err(StoreError::Missing { .. }) => Ok(Reply::nothing()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn me(State(_): State<AdminApi>, asked: Asked) -> Result<Reply, Refused> {
    Reply::ok(&Me {
        name: asked.asker.name,
        grants: asked.asker.grants,
    })
}

impl AdminApi {
    async fn by_password(
        &self,
        tenant: &str,
        name: &str,
        password: SecretString,
    ) -> Result<(Whose, Me), Refused> {
        let access = self.access(tenant, name).await?;
        let hash = match access.as_ref().map(|access| &access.proof) {
            Some(Proof::Password { hash }) => Some(hash.clone()),
            _ => None,
        };
        // A name that is not there takes as long as a wrong password.
        let tried = hash.clone().unwrap_or_else(|| NOBODYS.to_owned());
        let right = self
            .hashing(move || SecretHash::parse(&tried).is_ok_and(|hash| hash.verifies(&password)))
            .await?;
        match (access, hash) {
            (Some(access), Some(_)) if right => {
                let whose = Whose::Access {
                    tenant: tenant.to_owned(),
                    name: name.to_owned(),
                    proof: mark_of(&access),
                };
                let grant = Grant {
                    tenant: Some(tenant.to_owned()).filter(|tenant| !tenant.is_empty()),
                    role: access.role,
                };
                let me = Me {
                    name: actor(tenant, name),
                    grants: vec![grant],
                };
                Ok((whose, me))
            }
            _ => Err(Refused::unauthorized(
                "there is nobody of this name with this password",
            )),
        }
    }

    async fn by_identity(
        &self,
        token: &SecretString,
        row: &mut AuditRecord,
    ) -> Result<(Whose, Me), Refused> {
        let settings = self.settings();
        let unproven =
            |why: String| Refused::unauthorized(&format!("the ID token is not accepted: {why}"));
        let presented =
            Presented::read(token.expose_secret()).map_err(|error| unproven(error.to_string()))?;
        let mut providers = settings.providers.iter();
        let provider = providers
            .find(|provider| provider.issuer.url() == presented.issuer())
            .ok_or_else(|| {
                unproven("its issuer is none that this server lets sign in".to_owned())
            })?;
        row.evidence = Some(format!("id_token {}", provider.issuer.url()));
        let keys = (provider.keys.for_kid(presented.kid()).await).map_err(|error| {
            tracing::error!(%error, "the keys of a provider for sign-in cannot be fetched");
            Refused::unavailable("the provider's keys cannot be fetched at the moment; try again")
        })?;
        let evidence = presented
            .judge(&provider.issuer, &keys, self.now())
            .map_err(|error| unproven(error.to_string()))?;
        let claimed = name_of(&evidence, &provider.name_claim)
            .ok_or_else(|| unproven(format!("it has no claim `{}`", provider.name_claim)))?;
        // Nobody with access has a colon in the name: whatever a provider calls its people, they
        // are never taken for somebody else.
        let name = format!("{}:{claimed}", provider.issuer.name());
        let grants: Vec<Grant> = (provider.grants.iter())
            .filter(|(rule, _)| rule.admits(&evidence).is_ok())
            .map(|(_, grant)| grant.clone())
            .collect();
        if grants.is_empty() {
            row.actor = Some(name.clone());
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!(
                    "`{name}` is known to the provider, but no rule of this server gives any access"
                ),
            ));
        }
        let whose = Whose::Identity {
            name: name.clone(),
            grants: grants.clone(),
        };
        Ok((whose, Me { name, grants }))
    }

    async fn open_session(&self, whose: Whose, me: Me, row: AuditRecord) -> Result<Reply, Refused> {
        let now = self.now();
        let ends = now.saturating_add(self.settings().session_seconds.clamp(60, LONGEST));
        // Those that end first come first, so that the old ones are found without a search.
        let name = format!("{ends:012}-{}", crate::randomness::word()?);
        let token = AccessToken::make(TokenKind::Session, &random()?, "", &name);
        let session = Session {
            digest: token.digest(),
            ends,
            whose,
        };
        let document = Document {
            name,
            json: serde_json::to_string(&session).map_err(|error| Refused::ours(&error))?,
        };
        let put = Edit::Put {
            tenant: String::new(),
            kind: ResourceKind::Session,
            document,
            source: Source::Api,
            expect: Expect::Absent,
        };
        self.forget_ended(now).await?;
        let change = Change {
            edits: vec![put],
            records: vec![row],
            answered: None,
            now,
        };
        self.installation().store().change(change).await?;
        Reply::of(
            StatusCode::CREATED,
            &ShownSession {
                token: token.into_secret().expose_secret().to_owned(),
                ends: time(ends),
                me,
            },
        )
    }

    /// Takes away sessions that have ended; another server may do the same.
    async fn forget_ended(&self, now: i64) -> Result<(), Refused> {
        let store = self.installation().store();
        let listing = Listing {
            tenant: Some(String::new()),
            kind: ResourceKind::Session,
            after: String::new(),
            limit: ENDED_AT_ONCE,
        };
        let sessions = store.reader().list(&listing).await?;
        let today = format!("{now:012}");
        for session in sessions {
            if session.document.name >= today {
                break;
            }
            let change = Change {
                edits: vec![removal(&session.document.name)],
                records: Vec::new(),
                answered: None,
                now,
            };
            match store.change(change).await {
                Ok(()) | Err(StoreError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn name_of(evidence: &Evidence, claim: &str) -> Option<String> {
    let name = evidence.claims().get(claim)?.as_str()?;
    let fits = (1..=200).contains(&name.len()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

fn removal(session: &str) -> Edit {
    Edit::Remove {
        tenant: String::new(),
        kind: ResourceKind::Session,
        name: session.to_owned(),
        expect: Expect::Any,
    }
}

/// The hash of a password that nobody has, with the costs of those that are made here.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A week, in seconds.
const LONGEST: i64 = 7 * 86_400;
const ENDED_AT_ONCE: u32 = 50;
