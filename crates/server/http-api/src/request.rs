use std::borrow::Cow;

use crate::refusal::{Code, Refusal};

/// The parameters of a token request (RFC 6749 §4.4.2, RFC 7523 §2.2), as they were sent.
///
/// Without `Debug` on purpose: the assertion is a credential.
#[derive(Default)]
pub(crate) struct TokenRequest<'b> {
    /// `client_assertion`.
    pub(crate) assertion: Cow<'b, str>,
    /// `client_id`, which the assertion must agree with.
    pub(crate) client_id: Option<Cow<'b, str>>,
    /// `token_config`: by name.
    pub(crate) token_config: Option<Cow<'b, str>>,
    /// `audience`: by what it is for.
    pub(crate) audience: Option<Cow<'b, str>>,
    /// `attributes`: a JSON object of texts.
    pub(crate) attributes: Option<Cow<'b, str>>,
    /// `role`: the ARN that the token is wanted for; bound to it where the token config binds.
    pub(crate) role: Option<Cow<'b, str>>,
}

impl<'b> TokenRequest<'b> {
    /// Reads a form body. Parameters that are not known are passed over (RFC 6749 §3.2); one that
    /// is sent twice is refused, one that is sent empty counts as left out.
    pub(crate) fn read(body: &'b [u8]) -> Result<Self, Refusal> {
        let mut grant_type = None;
        let mut assertion_type = None;
        let mut assertion = None;
        let mut request = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let slot = match &*name {
                "grant_type" => &mut grant_type,
                "client_assertion_type" => &mut assertion_type,
                "client_assertion" => &mut assertion,
                "client_id" => &mut request.client_id,
                "token_config" => &mut request.token_config,
                "audience" => &mut request.audience,
                "attributes" => &mut request.attributes,
                "role" => &mut request.role,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            if slot.replace(value).is_some() {
                return Err(Refusal::new(
                    Code::InvalidRequest,
                    format!("the parameter `{name}` is sent more than once"),
                ));
            }
        }
        match grant_type.as_deref() {
            Some(GRANT_TYPE) => {}
            Some(other) => {
                return Err(Refusal::new(
                    Code::UnsupportedGrantType,
                    format!("the grant type `{other}` is not supported; use `{GRANT_TYPE}`"),
                ));
            }
            None => {
                return Err(Refusal::new(
                    Code::InvalidRequest,
                    format!("the parameter `grant_type` is missing; use `{GRANT_TYPE}`"),
                ));
            }
        }
        match (assertion_type.as_deref(), assertion) {
            (Some(ASSERTION_TYPE), Some(assertion)) => request.assertion = assertion,
            (Some(other), Some(_)) if other != ASSERTION_TYPE => {
                return Err(Refusal::new(
                    Code::InvalidClient,
                    format!(
                        "the client assertion type `{other}` is not supported; use `{ASSERTION_TYPE}`"
                    ),
                ));
            }
            _ => {
                return Err(Refusal::new(
                    Code::InvalidClient,
                    format!(
                        "the workload did not say who it is: send `client_assertion_type={ASSERTION_TYPE}` and a `client_assertion` signed with a key of the workload"
                    ),
                ));
            }
        }
        Ok(request)
    }
}

/// The one grant: a workload asks for itself (RFC 6749 §4.4).
pub(crate) const GRANT_TYPE: &str = "client_credentials";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[cfg(test)]
mod tests;
