use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use crate::refusal::{Code, Refusal};
use rolecall_listening::PeerCertificate;

/// The parameters of a token request, as they were sent.
///
/// Without `Debug` on purpose: it holds credentials.
pub(crate) struct TokenRequest<'b> {
    /// By what the asker proves who it is.
    pub(crate) proof: Proof<'b>,
    /// `client_id`, which the proof must agree with.
    pub(crate) client_id: Option<Cow<'b, str>>,
    /// `token_config`: by name.
    pub(crate) token_config: Option<Cow<'b, str>>,
    /// `audience`: by what it is for.
    pub(crate) audience: Option<Cow<'b, str>>,
    /// `resource`: the same, as RFC 8707 §2 calls it.
    pub(crate) resource: Option<Cow<'b, str>>,
    /// `attributes`: a JSON object of texts.
    pub(crate) attributes: Option<Cow<'b, str>>,
    /// `role`: the ARN that the token is wanted for; bound to it where the token config binds.
    pub(crate) role: Option<Cow<'b, str>>,
    /// `lifetime`: how long the token is to live, in seconds.
    pub(crate) lifetime: Option<Cow<'b, str>>,
    /// What the answer calls the token (RFC 8693 §2.2.1).
    pub(crate) issued_token_type: &'static str,
}

/// By what an asker proves who it is.
pub(crate) enum Proof<'b> {
    /// `client_assertion`: a `private_key_jwt` (RFC 7523 §2.2) of a registered key.
    Assertion(Cow<'b, str>),
    /// The certificate of the TLS handshake (RFC 8705 §2.1); `client_id` says whose it is to be.
    Certificate(PeerCertificate),
    /// `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1).
    Secret(ClientCredentials),
    /// `subject_token`: a token of a trusted issuer (RFC 8693 §2.1).
    SubjectToken(Cow<'b, str>),
}

/// A workload's name and its secret.
pub(crate) struct ClientCredentials {
    pub(crate) name: String,
    pub(crate) secret: SecretString,
}

/// What a form holds, by name; each at most once.
#[derive(Default)]
struct Fields<'b> {
    actor_token: Option<Cow<'b, str>>,
    assertion: Option<Cow<'b, str>>,
    assertion_type: Option<Cow<'b, str>>,
    attributes: Option<Cow<'b, str>>,
    audience: Option<Cow<'b, str>>,
    client_id: Option<Cow<'b, str>>,
    client_secret: Option<Cow<'b, str>>,
    grant_type: Option<Cow<'b, str>>,
    requested_token_type: Option<Cow<'b, str>>,
    resource: Option<Cow<'b, str>>,
    role: Option<Cow<'b, str>>,
    lifetime: Option<Cow<'b, str>>,
    subject_token: Option<Cow<'b, str>>,
    subject_token_type: Option<Cow<'b, str>>,
    token_config: Option<Cow<'b, str>>,
}

impl<'b> TokenRequest<'b> {
    /// Reads a form body. Parameters that are not known are passed over (RFC 6749 §3.2); one that
    /// is sent twice is refused, one that is sent empty counts as left out.
    pub(crate) fn read(body: &'b [u8], head: &Parts) -> Result<Self, Refusal> {
        let mut fields = Fields::read(body)?;
        let basic = basic_credentials(&head.headers)?;
        let exchange = match fields.grant_type.as_deref() {
            Some(CLIENT_CREDENTIALS) => false,
            Some(TOKEN_EXCHANGE) => true,
            Some(other) => {
                return Err(Refusal::new(
                    Code::UnsupportedGrantType,
                    format!(
                        "the grant type `{other}` is not supported; use `{CLIENT_CREDENTIALS}`, or `{TOKEN_EXCHANGE}` with a token of a trusted issuer"
                    ),
                ));
            }
            None => {
                return Err(Refusal::new(
                    Code::InvalidRequest,
                    format!(
                        "the parameter `grant_type` is missing; use `{CLIENT_CREDENTIALS}`, or `{TOKEN_EXCHANGE}` with a token of a trusted issuer"
                    ),
                ));
            }
        };
        let issued_token_type = issued_token_type(fields.requested_token_type.as_deref())?;
        Ok(Self {
            proof: if exchange {
                subject_token(&mut fields, basic.is_some())?
            } else {
                own_proof(&mut fields, basic, head.extensions.get::<PeerCertificate>())?
            },
            client_id: fields.client_id,
            token_config: fields.token_config,
            audience: fields.audience,
            resource: fields.resource,
            attributes: fields.attributes,
            role: fields.role,
            lifetime: fields.lifetime,
            issued_token_type,
        })
    }
}

impl<'b> Fields<'b> {
    fn read(body: &'b [u8]) -> Result<Self, Refusal> {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let slot = match &*name {
                "actor_token" => &mut fields.actor_token,
                "attributes" => &mut fields.attributes,
                "audience" => &mut fields.audience,
                "client_assertion" => &mut fields.assertion,
                "client_assertion_type" => &mut fields.assertion_type,
                "client_id" => &mut fields.client_id,
                "client_secret" => &mut fields.client_secret,
                "grant_type" => &mut fields.grant_type,
                "requested_token_type" => &mut fields.requested_token_type,
                "resource" => &mut fields.resource,
                "role" => &mut fields.role,
                "lifetime" => &mut fields.lifetime,
                "subject_token" => &mut fields.subject_token,
                "subject_token_type" => &mut fields.subject_token_type,
                "token_config" => &mut fields.token_config,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            if slot.replace(value).is_some() {
                // RFC 8693 §2.1 lets these two come several times; a token has one audience here.
                return Err(match &*name {
                    "audience" | "resource" => Refusal::new(
                        Code::InvalidTarget,
                        format!("a token is for one audience: send `{name}` once"),
                    ),
                    name => Refusal::new(
                        Code::InvalidRequest,
                        format!("the parameter `{name}` is sent more than once"),
                    ),
                });
            }
        }
        Ok(fields)
    }
}

/// The proof of a client-credentials request: one, since RFC 6749 §2.3 forbids two.
fn own_proof<'b>(
    fields: &mut Fields<'b>,
    basic: Option<ClientCredentials>,
    certificate: Option<&PeerCertificate>,
) -> Result<Proof<'b>, Refusal> {
    let posted = fields.client_secret.take();
    let given = [
        basic.is_some(),
        posted.is_some(),
        fields.assertion.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err(Refusal::new(
            Code::InvalidRequest,
            "the workload proves who it is in two ways: send a client assertion or a client secret, and the latter in the `Authorization` header or in the body",
        ));
    }
    if let Some(basic) = basic {
        return Ok(Proof::Secret(basic));
    }
    // A client shows its certificate to whomever asks for one; it is the proof where no other is.
    if let (Some(certificate), None, None) = (certificate, &posted, &fields.assertion) {
        return Ok(Proof::Certificate(certificate.clone()));
    }
    let Some(secret) = posted else {
        return assertion(fields.assertion.take(), fields.assertion_type.as_deref());
    };
    let name = fields.client_id.as_deref().ok_or_else(|| {
        Refusal::new(
            Code::InvalidRequest,
            "a `client_secret` needs the workload's name as `client_id`",
        )
    })?;
    Ok(Proof::Secret(ClientCredentials {
        name: name.to_owned(),
        secret: SecretString::from(secret.into_owned()),
    }))
}

fn assertion<'b>(
    assertion: Option<Cow<'b, str>>,
    assertion_type: Option<&str>,
) -> Result<Proof<'b>, Refusal> {
    match (assertion_type, assertion) {
        (Some(ASSERTION_TYPE), Some(assertion)) => Ok(Proof::Assertion(assertion)),
        (Some(other), Some(_)) if other != ASSERTION_TYPE => Err(Refusal::new(
            Code::InvalidClient,
            format!("the client assertion type `{other}` is not supported; use `{ASSERTION_TYPE}`"),
        )),
        _ => Err(Refusal::new(
            Code::InvalidClient,
            format!(
                "the workload did not say who it is: send `client_assertion_type={ASSERTION_TYPE}` and a `client_assertion` signed with a key of the workload"
            ),
        )),
    }
}

/// `Authorization: Basic` (RFC 7617), whose two parts are form-encoded (RFC 6749 §2.3.1).
fn basic_credentials(headers: &HeaderMap) -> Result<Option<ClientCredentials>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let read = |value: &HeaderValue| {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, secret) = decoded.split_once(':')?;
        Some(ClientCredentials {
            name: form_decoded(name)?,
            secret: SecretString::from(form_decoded(secret)?),
        })
    };
    match (read(value), values.next()) {
        (Some(credentials), None) => Ok(Some(credentials)),
        _ => Err(Refusal::new(
            Code::InvalidClient,
            "the `Authorization` header is not `Basic` with the workload's name and its secret",
        )),
    }
}

fn form_decoded(text: &str) -> Option<String> {
    let blanks = text.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// The proof of a token exchange. Whatever is wrong with it is `invalid_request` (RFC 8693 §2.2.2).
fn subject_token<'b>(fields: &mut Fields<'b>, has_basic: bool) -> Result<Proof<'b>, Refusal> {
    let refused = |why: String| Err(Refusal::new(Code::InvalidRequest, why));
    let Some(token) = fields.subject_token.take() else {
        return refused(
            "the parameter `subject_token` is missing: send a token of a trusted issuer".to_owned(),
        );
    };
    match fields.subject_token_type.as_deref() {
        Some(JWT | ID_TOKEN) => {}
        Some(other) => {
            return refused(format!(
                "the subject token type `{other}` is not supported; use `{JWT}` or `{ID_TOKEN}`"
            ));
        }
        None => {
            return refused(format!(
                "the parameter `subject_token_type` is missing; use `{JWT}` or `{ID_TOKEN}`"
            ));
        }
    }
    if fields.actor_token.is_some() {
        return refused(
            "an `actor_token` is not supported: workloads ask for themselves".to_owned(),
        );
    }
    if has_basic || fields.assertion.is_some() || fields.client_secret.is_some() {
        return refused(
            "the subject token is the proof of a token exchange: leave client assertion and client secret out"
                .to_owned(),
        );
    }
    Ok(Proof::SubjectToken(token))
}

/// Every token here is a JWT, whichever of its names it is asked for by.
fn issued_token_type(requested: Option<&str>) -> Result<&'static str, Refusal> {
    match requested {
        None => Ok(JWT),
        Some(requested) => [JWT, ID_TOKEN, ACCESS_TOKEN]
            .into_iter()
            .find(|known| *known == requested)
            .ok_or_else(|| {
                Refusal::new(
                    Code::InvalidRequest,
                    format!("tokens of the type `{requested}` are not issued; leave `requested_token_type` out, or use `{JWT}`"),
                )
            }),
    }
}

/// A workload asks for itself (RFC 6749 §4.4).
pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";

/// A workload asks with a token of a trusted issuer (RFC 8693 §2.1).
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[cfg(test)]
mod tests;
