//! One signed request and its answer, with retries.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::address::Place;
use crate::{Addresses, Refusal, Retry, Service, ServiceError};

/// What is asked of a service.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) service: Service,
    /// A region other than the one that is asked otherwise.
    pub(crate) region: Option<String>,
    /// The operation, such as `GetRole`.
    pub(crate) operation: &'static str,
    /// The thing that is asked for, for messages: ``role `Deploy` ``.
    pub(crate) what: String,
    pub(crate) content_type: &'static str,
    /// `X-Amz-Target` of the JSON protocol.
    pub(crate) target: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

/// Calls services with one set of credentials. Clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Calling {
    pub(crate) http: reqwest::Client,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) addresses: Addresses,
    pub(crate) retry: Retry,
}

impl Calling {
    pub(crate) fn new(
        credentials: SharedCredentialsProvider,
        addresses: Addresses,
        retry: Retry,
    ) -> Result<Self, ServiceError> {
        let http = http_client()?;
        Ok(Self {
            http,
            credentials,
            addresses,
            retry,
        })
    }

    /// Asks, again where that can help, and reads the answer with `read`, which says in words what
    /// is wrong with an answer that it does not understand.
    pub(crate) async fn call<T>(
        &self,
        call: &Call,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ServiceError> {
        let place = self.addresses.place(call.service, call.region.as_deref());
        let credentials = self
            .credentials
            .provide_credentials()
            // The SDK's own trace prints keys and tokens, so it must not reach any log.
            .with_subscriber(NoSubscriber::default())
            .await
            .map_err(|error| ServiceError::NoCredentials {
                why: causes(&error),
            })?;
        let late = |why| unreachable(&place, why);
        let text = self
            .retry
            .run(late, || self.once(call, &place, credentials.clone()))
            .await?;
        read(&text).map_err(|why| ServiceError::NotTheService {
            service: call.service,
            endpoint: place.url.clone(),
            operation: call.operation,
            why,
        })
    }

    async fn once(
        &self,
        call: &Call,
        place: &Place,
        credentials: Credentials,
    ) -> Result<String, ServiceError> {
        let request = signed(call, place, credentials)?;
        let mut response = self
            .http
            .execute(request)
            .await
            .map_err(|error| unreachable(place, causes(&error.without_url())))?;
        let status = response.status();
        let request_id = response
            .headers()
            .get("x-amzn-requestid")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        loop {
            let chunk = response
                .chunk()
                .await
                .map_err(|error| unreachable(place, causes(&error.without_url())))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(not_the_service(
                    call,
                    place,
                    format!("it is longer than {} MiB", ANSWER_LIMIT / 1024 / 1024),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(body)
            .map_err(|_| not_the_service(call, place, "it is not UTF-8 text".to_owned()))?;
        if status.is_success() {
            return Ok(text);
        }
        let told = if call.target.is_some() {
            crate::cloudtrail::error(&text)
        } else {
            crate::iam::error(&text)
        };
        let (code, message, told_id) = match told {
            Some((code, message, told_id)) => (code, message, told_id),
            // A proxy's page, or a cut body: only the status tells something.
            None if status.as_u16() == 429 || status.is_server_error() => (
                format!("HTTP{}", status.as_u16()),
                "an answer without an error code".to_owned(),
                None,
            ),
            None => {
                let why = format!("HTTP {} without an error code", status.as_u16());
                return Err(not_the_service(call, place, why));
            }
        };
        let refusal = Refusal {
            operation: call.operation,
            code,
            message,
            status: status.as_u16(),
            request_id: request_id.or(told_id),
        };
        let permission = format!("{}:{}", call.service.signing_name(), call.operation);
        Err(refusal.sorted(&permission, &call.what))
    }
}

fn signed(
    call: &Call,
    place: &Place,
    credentials: Credentials,
) -> Result<reqwest::Request, ServiceError> {
    let unsigned = |why: String| ServiceError::Environment {
        what: format!("the request to {}", place.service),
        why,
    };
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&place.region)
        .name(place.service.signing_name())
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsigned(error.to_string()))?
        .into();
    let mut request = http::Request::post(&place.url).header("content-type", call.content_type);
    if let Some(target) = call.target {
        request = request.header("x-amz-target", target);
    }
    let mut request = request
        .body(call.body.clone())
        .map_err(|error| unsigned(error.to_string()))?;
    let signable = SignableRequest::new(
        "POST",
        place.url.as_str(),
        request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
        SignableBody::Bytes(&call.body),
    )
    .map_err(|error| unsigned(error.to_string()))?;
    let (instructions, _) = with_default(NoSubscriber::default(), || sign(signable, &params))
        .map_err(|error| unsigned(error.to_string()))?
        .into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
        .try_into()
        .map_err(|error: reqwest::Error| unsigned(error.to_string()))
}

/// The client for talking to services.
pub(crate) fn http_client() -> Result<reqwest::Client, ServiceError> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // An answer of AWS never sends elsewhere, and a signature is for one host.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ServiceError::Environment {
            what: "the HTTP client".to_owned(),
            why: error.to_string(),
        })
}

fn unreachable(place: &Place, why: String) -> ServiceError {
    ServiceError::Unreachable {
        service: place.service,
        endpoint: place.url.clone(),
        why,
        attempts: 1,
    }
}

fn not_the_service(call: &Call, place: &Place, why: String) -> ServiceError {
    ServiceError::NotTheService {
        service: call.service,
        endpoint: place.url.clone(),
        operation: call.operation,
        why,
    }
}

/// The error and all that caused it, each said once.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        cause = error.source();
    }
    told
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A page of roles is about 3 MiB at most: 1,000 roles with documents of 2,048 characters.
const ANSWER_LIMIT: usize = 32 * 1024 * 1024;
