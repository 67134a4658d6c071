//! Who asks, and what comes with every request.

use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use rolecall_access::{AccessToken, Asker, Decision, Deed, Grant, Named, Proof, Scope, TokenKind};
use rolecall_listening::ClientAddress;
use rolecall_store::{AuditKind, AuditRecord, Outcome, ResourceKind};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::api::AdminApi;
use crate::expects::Expects;
use crate::refused::Refused;
use crate::sessions::{Session, Whose};

/// A request of somebody who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) asker: Asker,
    /// The address it came from.
    pub(crate) client: Option<String>,
    /// The name of the session, where there is one.
    pub(crate) session: Option<String>,
}

/// A request that changes something.
#[derive(Clone, Debug)]
pub(crate) struct Write<T> {
    pub(crate) asked: Asked,
    pub(crate) expects: Expects,
    /// The mark that makes sending it again harmless, and a digest of what it asks for.
    pub(crate) mark: Option<Mark>,
    /// Whether workloads may be locked out of subscribed roles: `?force=true`.
    pub(crate) insists: bool,
    pub(crate) body: T,
}

/// `Idempotency-Key`, with a digest of the request that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) key: String,
    pub(crate) request: String,
}

impl Asked {
    /// A row of the trail about what was asked for.
    pub(crate) fn row(&self, api: &AdminApi, tenant: &str, target: &str) -> AuditRecord {
        let mut row = api.row(AuditKind::Change, tenant, Outcome::Granted);
        row.actor = Some(self.asker.name.clone());
        row.target = Some(target.to_owned());
        row.client.clone_from(&self.client);
        row
    }

    /// Goes on only if the asker may do this at `tenant` (`""`: the installation).
    pub(crate) fn require(
        &self,
        api: &AdminApi,
        deed: Deed,
        tenant: &str,
        target: &str,
    ) -> Result<(), Refused> {
        let refused = match self.asker.may(deed, &Scope::of(tenant)) {
            Decision::Allowed => return Ok(()),
            Decision::Forbidden => Refused::forbidden(&self.asker.name, deed),
            Decision::Unseen => Refused::not_found(&format!("tenant `{tenant}`")),
        };
        let mut row = self.row(api, tenant, target);
        row.outcome = Outcome::Refused;
        row.reason = Some(format!("may not {}", deed.in_words()));
        api.note(row);
        Err(refused)
    }
}

impl AdminApi {
    /// Who sent a request with these headers.
    async fn who(&self, parts: &Parts) -> Result<Asked, Refused> {
        let bearer = bearer(&parts.headers)?;
        let (token, named) = AccessToken::read(bearer).map_err(|error| {
            Refused::unauthorized(&format!("the bearer token cannot be used: {error}"))
        })?;
        let client = client(parts);
        let found = match named.kind {
            TokenKind::Access => self.by_access(&token, &named).await?,
            TokenKind::Session => self.by_session(&token, &named).await?,
        };
        let Some(asker) = found else {
            let mut row = self.row(AuditKind::SignIn, &named.tenant, Outcome::Refused);
            row.actor = Some(actor(&named.tenant, &named.name)).filter(|name| name.len() <= 200);
            row.reason = Some("a token that is unknown, ended or withdrawn".to_owned());
            row.client.clone_from(&client);
            // Whoever has no good token must not be able to fill the disk.
            if self.count_try(format!("token {client:?}")).is_ok() {
                self.note(row);
            }
            return Err(Refused::unauthorized(
                "the token is unknown, has ended, or was withdrawn",
            ));
        };
        self.count(&asker.name)?;
        Ok(Asked {
            asker,
            client,
            session: (named.kind == TokenKind::Session).then_some(named.name),
        })
    }

    async fn by_access(
        &self,
        token: &AccessToken,
        named: &Named,
    ) -> Result<Option<Asker>, Refused> {
        let Some(access) = self.access(&named.tenant, &named.name).await? else {
            return Ok(None);
        };
        match &access.proof {
            Proof::Token { digest, ends }
                if token.is(digest) && ends.is_none_or(|ends| self.now() < ends) =>
            {
                Ok(Some(asker(&named.tenant, &named.name, access.role)))
            }
            _ => Ok(None),
        }
    }

    async fn by_session(
        &self,
        token: &AccessToken,
        named: &Named,
    ) -> Result<Option<Asker>, Refused> {
        let reader = self.installation().store().reader();
        let found = reader
            .resource("", ResourceKind::Session, &named.name)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let session: Session =
            serde_json::from_str(&found.document.json).map_err(|error| Refused::ours(&error))?;
        if !token.is(&session.digest) || self.now() >= session.ends {
            return Ok(None);
        }
        Ok(match session.whose {
            // What somebody may, and whether, is as it is now and not as it was at the sign-in.
            Whose::Access {
                tenant,
                name,
                proof,
            } => match self.access(&tenant, &name).await? {
                Some(access) if crate::sessions::mark_of(&access) == proof => {
                    Some(asker(&tenant, &name, access.role))
                }
                _ => None,
            },
            Whose::Identity { name, grants } => Some(Asker { name, grants }),
        })
    }
}

fn asker(tenant: &str, name: &str, role: rolecall_access::Role) -> Asker {
    Asker {
        name: actor(tenant, name),
        grants: vec![Grant {
            tenant: Some(tenant.to_owned()).filter(|tenant| !tenant.is_empty()),
            role,
        }],
    }
}

/// What somebody is called in the trail.
pub(crate) fn actor(tenant: &str, name: &str) -> String {
    match tenant {
        "" => name.to_owned(),
        tenant => format!("{tenant}/{name}"),
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<SecretString, Refused> {
    let sent = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| Refused::unauthorized("the request has no `Authorization` header"))?;
    let odd = || Refused::unauthorized("the `Authorization` header is not `Bearer TOKEN`");
    let (scheme, token) = (sent.to_str().map_err(|_| odd())?)
        .split_once(' ')
        .ok_or_else(odd)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(odd());
    }
    Ok(SecretString::from(token.trim().to_owned()))
}

pub(crate) fn client(parts: &Parts) -> Option<String> {
    let address = parts.extensions.get::<ClientAddress>();
    address.map(|address| address.0.ip().to_string())
}

impl FromRequestParts<AdminApi> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &AdminApi) -> Result<Self, Refused> {
        api.who(parts).await
    }
}

impl<T: DeserializeOwned + Send> FromRequest<AdminApi> for Write<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, api: &AdminApi) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        // Nothing of the body is read of somebody who was not let in.
        let asked = api.who(&parts).await?;
        let expects = Expects::read(&parts.headers)?;
        let body = read(Request::from_parts(parts.clone(), body)).await?;
        let mark = mark(&parts, &body)?;
        Ok(Self {
            asked,
            expects,
            mark,
            insists: insists(&parts)?,
            body: parse(&body)?,
        })
    }
}

/// The body of a request that anybody may send.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequest<AdminApi> for Sent<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &AdminApi) -> Result<Self, Refused> {
        Ok(Self(parse(&read(request).await?)?))
    }
}

async fn read(request: Request) -> Result<Bytes, Refused> {
    Bytes::from_request(request, &())
        .await
        .map_err(|rejection| Refused::new(rejection.status(), "malformed", rejection.body_text()))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"null" } else { body };
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        Refused::malformed(format!("the body cannot be read: {}", error.inner())).field(field)
    })?;
    json.end()
        .map_err(|error| Refused::malformed(format!("the body cannot be read: {error}")))?;
    Ok(parsed)
}

fn insists(parts: &Parts) -> Result<bool, Refused> {
    match parts.uri.query() {
        None | Some("" | "force=false") => Ok(false),
        Some("force=true") => Ok(true),
        Some(_) => Err(Refused::malformed(
            "a change takes no parameter but `force=true`",
        )),
    }
}

fn mark(parts: &Parts, body: &[u8]) -> Result<Option<Mark>, Refused> {
    let Some(key) = parts.headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = key.to_str().unwrap_or_default();
    if !(1..=255).contains(&key.len()) {
        return Err(Refused::malformed(
            "`Idempotency-Key` has to be 1 to 255 printable characters",
        ));
    }
    let mut context = digest::Context::new(&digest::SHA256);
    let target = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    for part in [parts.method.as_str(), " ", target, "\n"] {
        context.update(part.as_bytes());
    }
    context.update(body);
    Ok(Some(Mark {
        key: key.to_owned(),
        request: URL_SAFE_NO_PAD.encode(context.finish()),
    }))
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
