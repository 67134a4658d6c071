//! One signed question to KMS and its answer, asked again where that can help.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use rolecall_signing_keys::BackendError;
use tokio::sync::Semaphore;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::messages::{Question, refused};

/// Where and as whom KMS is asked.
#[derive(Debug)]
pub(crate) struct Calling {
    pub(crate) http: reqwest::Client,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) region: String,
    pub(crate) endpoint: String,
    /// As many questions may be under way.
    pub(crate) places: Semaphore,
}

impl Calling {
    /// Asks; up to three times within eight seconds if there is no answer or KMS is busy.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        key: Option<&str>,
    ) -> Result<Vec<u8>, BackendError> {
        let asking = async {
            // Held to the end of the last attempt; it is never closed.
            let _place = self.places.acquire().await;
            let mut attempt = 0;
            loop {
                attempt += 1;
                match self.once(question, key).await {
                    Err(BackendError::Unavailable { why })
                        if question.repeatable && attempt < ATTEMPTS =>
                    {
                        tracing::debug!(
                            operation = question.operation,
                            attempt,
                            why,
                            "asking KMS again"
                        );
                        tokio::time::sleep(pause(attempt)).await;
                    }
                    done => return done,
                }
            }
        };
        tokio::time::timeout(LIMIT, asking)
            .await
            .unwrap_or_else(|_| Err(self.unreachable(&format!("no answer within {LIMIT:?}"))))
    }

    /// Whether there are credentials.
    pub(crate) async fn credentials(&self) -> Result<Credentials, BackendError> {
        self.credentials
            .provide_credentials()
            // The SDK's own trace prints keys and tokens, so it must not reach any log.
            .with_subscriber(NoSubscriber::default())
            .await
            .map_err(|error| BackendError::Configuration {
                why: format!(
                    "there are no AWS credentials to ask KMS with: {}",
                    causes(&error)
                ),
            })
    }

    async fn once(&self, question: &Question, key: Option<&str>) -> Result<Vec<u8>, BackendError> {
        let credentials = self.credentials().await?;
        let request = self.signed(question, credentials)?;
        let answer = self
            .http
            .execute(request)
            .await
            .map_err(|error| self.unreachable(&causes(&error.without_url())))?;
        let status = answer.status();
        let body = answer
            .bytes()
            .await
            .map_err(|error| self.unreachable(&causes(&error.without_url())))?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        Err(refused(question.operation, status.as_u16(), &body, key))
    }

    fn signed(
        &self,
        question: &Question,
        credentials: Credentials,
    ) -> Result<reqwest::Request, BackendError> {
        let unsigned = |why: String| BackendError::Unexpected {
            why: format!("the request to KMS could not be signed: {why}"),
        };
        let body = question.body.to_string().into_bytes();
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("kms")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(error.to_string()))?
            .into();
        let mut request = http::Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "x-amz-target",
                format!("TrentService.{}", question.operation),
            )
            .body(body.clone())
            .map_err(|error| unsigned(error.to_string()))?;
        let signable = SignableRequest::new(
            "POST",
            self.endpoint.as_str(),
            request
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
            SignableBody::Bytes(&body),
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

    fn unreachable(&self, why: &str) -> BackendError {
        BackendError::Unavailable {
            why: format!("KMS at {} cannot be reached: {why}", self.endpoint),
        }
    }
}

/// A random part of 0.1 s, doubled with each attempt.
fn pause(attempt: u32) -> Duration {
    let bits = RandomState::new().hash_one(attempt) % 100;
    Duration::from_millis(bits.saturating_mul(1 << attempt.min(5)))
}

/// The error and all that caused it, each said once.
fn causes(error: &dyn std::error::Error) -> String {
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

const ATTEMPTS: u32 = 3;

/// A caller waits no longer than its own client would.
const LIMIT: Duration = Duration::from_secs(8);
