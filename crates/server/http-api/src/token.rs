//! The token endpoint: who asks, what it may claim, the signature, the audit row, the answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use rolecall_attest::AttestError;
use rolecall_listening::ClientAddress;
use rolecall_mint::{Asked, Attributes, Claims, Fault, Lever, MintError, TokenConfig, mint_asked};
use rolecall_store::{AuditKind, AuditRecord, Outcome, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use crate::attesting::{Proven, attest, replayed};
use crate::installation::Installation;
use crate::refusal::{Code, Refusal};
use crate::request::TokenRequest;
use crate::snapshot::{Tenant, Workload};

/// Answers a token request to `tenant`.
pub(crate) async fn answer(
    installation: &Installation,
    tenant: &Tenant,
    request: Request<Body>,
) -> Response {
    let (now, began) = (installation.now(), Instant::now());
    let name = tenant.name.as_str();
    let mut record = AuditRecord::new(now, AuditKind::Mint, name, Outcome::Granted);
    record.client = request
        .extensions()
        .get::<ClientAddress>()
        .map(|client| client.0.ip().to_string());
    let mut asking = Asking {
        tenant,
        now,
        record,
        attested: false,
        evidence: None,
    };
    let span = tracing::info_span!(
        "mint",
        tenant = name,
        workload = Empty,
        evidence = Empty,
        token_config = Empty,
        jti = Empty,
        outcome = Empty,
    );
    let issued = asking
        .issue(installation, request)
        .instrument(span.clone())
        .await;
    let outcome = match &issued {
        Ok(_) => "granted",
        Err(refusal) => refusal.code.as_str(),
    };
    span.record("outcome", outcome);
    let metrics = &installation.shared.metrics;
    metrics.asked(outcome, asking.evidence.as_deref(), began.elapsed());
    match issued {
        Ok(issued) => issued.into_response(),
        Err(refusal) => {
            installation.note_refusal(asking.record, &refusal, asking.attested);
            refusal.into_response()
        }
    }
}

/// A request on its way, with what is known about it so far.
struct Asking<'t> {
    tenant: &'t Tenant,
    now: Timestamp,
    record: AuditRecord,
    attested: bool,
    /// The kind of proof, once it is known.
    evidence: Option<String>,
}

/// A token that was signed and recorded.
struct Issued {
    token: SecretString,
    /// By which of its names it was asked for.
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// The variable by which programs find the token's file.
    target_variable: Option<String>,
}

impl<'t> Asking<'t> {
    async fn issue(
        &mut self,
        installation: &Installation,
        request: Request<Body>,
    ) -> Result<Issued, Refusal> {
        let (head, body) = request.into_parts();
        let body = read_body(&head.headers, body).await?;
        let request = TokenRequest::read(&body, &head)?;
        let now = self.now.as_second();
        let attesting = attest(self.tenant, &request, now, &mut self.record)
            .instrument(tracing::info_span!("attest"));
        let proven = attesting.await;
        let span = tracing::Span::current();
        span.record("workload", self.record.workload.as_deref());
        span.record("evidence", self.record.evidence.as_deref());
        let proven = proven?;
        self.attested = true;
        self.evidence.clone_from(&self.record.evidence);
        let workload = proven.workload;
        let name = self.record.workload.as_deref().unwrap_or_default();
        self.tenant.limits.count(name)?;
        let config = self.choose_config(workload, &request)?;
        self.record.token_config = Some(config.name().to_owned());
        self.record.audience = Some(config.audience().to_owned());
        let attributes = claimed_attributes(&proven, request.attributes.as_deref())?;
        // Who asks names the role it will go for; whether tokens are bound to it is the token
        // config's choice.
        let role = request
            .role
            .as_deref()
            .filter(|_| config.aws().has(Lever::Roles, &attributes));
        self.record.role = role.map(str::to_owned);
        let jti = Uuid::new_v4().to_string();
        let asked = Asked {
            now,
            jti: &jti,
            role,
            lifetime: asked_lifetime(request.lifetime.as_deref())?,
        };
        let claims = self.claims(config, &attributes, asked)?;
        let lifetime = claims.expires_at() - claims.issued_at();

        let announced = installation.announce();
        self.record.subject = Some(claims.subject().to_owned());
        self.record.lifetime = Some(lifetime);
        let signing = tracing::info_span!("sign", algorithm = config.algorithm().as_str());
        let token = self.sign(config, claims).instrument(signing).await?;
        span.record("token_config", config.name());
        span.record("jti", jti.as_str());
        self.record.jti = Some(jti);
        let rest = AuditRecord::new(
            self.now,
            AuditKind::Mint,
            self.tenant.name.as_str(),
            Outcome::Failed,
        );
        let record = std::mem::replace(&mut self.record, rest);
        announced
            .record(record, proven.used)
            .instrument(tracing::info_span!("record"))
            .await
            .map_err(|error| {
                // Another process of this installation accepted it at the same time.
                if error == StoreError::Replayed {
                    return replayed(&request.proof);
                }
                if error == StoreError::Forgotten {
                    let why = AttestError::ClockBackwards;
                    return Refusal::new(Code::TemporarilyUnavailable, why.to_string());
                }
                tracing::warn!(%error, "a token was not issued because it could not be recorded");
                Refusal::new(
                    Code::TemporarilyUnavailable,
                    "the token could not be recorded and so was not issued; try again with a new assertion",
                )
            })?;
        Ok(Issued {
            token,
            token_type: request.issued_token_type,
            expires_in: lifetime,
            target_variable: config.target_variable().map(str::to_owned),
        })
    }

    /// The token config that the request names, by its name or by its audience.
    fn choose_config(
        &self,
        workload: &'t Workload,
        request: &TokenRequest<'_>,
    ) -> Result<&'t Arc<TokenConfig>, Refusal> {
        let mut fitting = workload
            .token_configs
            .iter()
            .filter(|config| request.fits(config));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => return Ok(only),
            (Some(_), Some(_)) => {
                return Err(Refusal::new(
                    Code::InvalidRequest,
                    format!(
                        "say which token is meant: send `token_config` with one of {}",
                        names(&workload.token_configs)
                    ),
                ));
            }
            (None, _) => {}
        }
        let audience = request.audience.as_ref().or(request.resource.as_ref());
        let asked = match (&request.token_config, audience) {
            (Some(name), Some(audience)) => {
                format!("the token config `{name}` with the audience `{audience}`")
            }
            (Some(name), None) => format!("the token config `{name}`"),
            (None, Some(audience)) => format!("the audience `{audience}`"),
            (None, None) => "any token config".to_owned(),
        };
        let may = names(&workload.token_configs);
        let configs = &self.tenant.token_configs;
        Err(if configs.iter().any(|config| request.fits(config)) {
            Refusal::new(
                Code::UnauthorizedClient,
                format!("the workload may not use {asked}; it may use {may}"),
            )
        } else {
            Refusal::new(
                Code::InvalidTarget,
                format!("the issuer does not have {asked}; the workload may use {may}"),
            )
        })
    }

    fn claims(
        &self,
        config: &TokenConfig,
        attributes: &Attributes,
        asked: Asked<'_>,
    ) -> Result<Claims, Refusal> {
        mint_asked(config, attributes, &self.tenant.called, asked).map_err(|error| {
            let code = match (&error, error.fault()) {
                (MintError::RoleNotOffered { .. }, _) => Code::InvalidTarget,
                (_, Fault::Asker) => Code::InvalidRequest,
                (_, Fault::Operator) => Code::ServerError,
            };
            Refusal::new(code, error.to_string())
        })
    }

    async fn sign(
        &mut self,
        config: &TokenConfig,
        claims: Claims,
    ) -> Result<SecretString, Refusal> {
        let keys = &self.tenant.keys;
        let failed = |error: rolecall_signing_keys::SigningKeysError| {
            tracing::error!(%error, "a token could not be signed");
            let code = if error.is_passing() {
                Code::TemporarilyUnavailable
            } else {
                Code::ServerError
            };
            Refusal::new(code, "the token could not be signed")
        };
        let key = keys.record(config.algorithm()).map_err(failed)?;
        self.record.kid = Some(key.kid.clone());
        if let (Some(place), None) = (&self.tenant.shown_at, key.seen_at) {
            // Nobody could verify the token.
            return Err(Refusal::new(
                Code::TemporarilyUnavailable,
                format!(
                    "the signing key `{}` was not seen at `{place}` yet, where verifiers look: publish it there with `rolecall issuer publish`",
                    key.kid
                ),
            ));
        }
        keys.sign(config.algorithm(), claims.into_json())
            .await
            .map_err(failed)
    }
}

impl TokenRequest<'_> {
    /// Whether this config is meant: whatever of name and audience was sent agrees.
    fn fits(&self, config: &TokenConfig) -> bool {
        let agrees = |asked: &Option<Cow<'_, str>>, own: &str| {
            asked.as_deref().is_none_or(|asked| asked == own)
        };
        agrees(&self.token_config, config.name())
            && agrees(&self.audience, config.audience())
            && agrees(&self.resource, config.audience())
    }
}

impl IntoResponse for Issued {
    /// RFC 6749 §5.1, with the `issued_token_type` of RFC 8693 §2.2.1.
    fn into_response(self) -> Response {
        // Nothing in a compact token needs escaping in JSON.
        let token = self.token.expose_secret();
        let mut body = String::with_capacity(token.len() + 160);
        let _ = write!(
            body,
            r#"{{"access_token":"{token}","issued_token_type":"{}","token_type":"Bearer","expires_in":{}"#,
            self.token_type, self.expires_in
        );
        if let Some(variable) = &self.target_variable {
            // Letters, digits and `_` (the token config's rule).
            let _ = write!(body, r#","target_variable":"{variable}""#);
        }
        body.push('}');
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
            (header::PRAGMA, "no-cache"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The body of a form, within bounds of size and time.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case(FORM));
    if !is_form {
        return Err(Refusal::new(
            Code::InvalidRequest,
            format!("the body must be a form: send `Content-Type: {FORM}`"),
        ));
    }
    let body = Limited::new(body, BODY_LIMIT).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            Code::RequestTooLarge,
            format!("the body is larger than {BODY_LIMIT} bytes"),
        )),
        Ok(Err(_)) => Err(Refusal::new(
            Code::InvalidRequest,
            "the body could not be read to its end",
        )),
        Err(_) => Err(Refusal::new(
            Code::InvalidRequest,
            format!("the body did not arrive within {BODY_TIMEOUT:?}"),
        )),
    }
}

/// The workload's attributes with those that its evidence brings and those that it claims; each of
/// the latter must be one that it may claim, with a value that it may have.
fn claimed_attributes<'w>(
    proven: &Proven<'w>,
    claimed: Option<&str>,
) -> Result<Cow<'w, Attributes>, Refusal> {
    let workload = proven.workload;
    if claimed.is_none() && workload.brought.is_empty() {
        return Ok(Cow::Borrowed(&workload.attributes));
    }
    let mut attributes = workload.attributes.clone();
    for (name, value) in &proven.attributes {
        attributes.set(name, value);
    }
    let claimed: BTreeMap<String, String> = match claimed {
        None => BTreeMap::new(),
        Some(json) => serde_json::from_str(json).map_err(|_| {
            Refusal::new(
                Code::InvalidRequest,
                r#"`attributes` must be a JSON object of texts, such as {'component':'cube_api'} with double quotes"#,
            )
        })?,
    };
    for (name, value) in claimed {
        let Some(allowed) = proven.may_claim.get(&name) else {
            return Err(Refusal::new(
                Code::InvalidScope,
                format!(
                    "the workload may not choose the attribute `{name}`; it may choose {}",
                    quoted(proven.may_claim.keys().map(String::as_str))
                ),
            ));
        };
        if !allowed.contains(&value) {
            return Err(Refusal::new(
                Code::InvalidScope,
                format!(
                    "the workload may not choose `{value}` as its `{name}`; it may choose {}",
                    quoted(allowed.iter().map(String::as_str))
                ),
            ));
        }
        attributes.set(name, value);
    }
    match workload
        .brought
        .iter()
        .find(|name| attributes.value(name).is_none())
    {
        None => Ok(Cow::Owned(attributes)),
        Some(name) => Err(Refusal::new(
            Code::InvalidRequest,
            format!(
                "the attribute `{name}` comes with other evidence of this workload; ask with that"
            ),
        )),
    }
}

/// The lifetime that the request names, in seconds.
fn asked_lifetime(text: Option<&str>) -> Result<Option<u32>, Refusal> {
    text.map(str::parse).transpose().map_err(|_| {
        Refusal::new(
            Code::InvalidRequest,
            "`lifetime` must be a whole number of seconds",
        )
    })
}

fn names(configs: &[Arc<TokenConfig>]) -> String {
    quoted(configs.iter().map(|config| config.name()))
}

/// `a`, `b` and so on, or `none`.
fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

const FORM: &str = "application/x-www-form-urlencoded";

/// An assertion and a few names; AWS would take no token of more than 20,000 characters.
const BODY_LIMIT: usize = 64 * 1024;

const BODY_TIMEOUT: Duration = Duration::from_secs(20);
