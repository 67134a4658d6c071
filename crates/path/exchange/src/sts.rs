use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{
    BehaviorVersion, Builder, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::types::{AssumedRoleUser, PolicyDescriptorType, Tag};
use aws_sdk_sts::{Client, Config};
use rolecall_ask::PolicyArns;
use secrecy::{ExposeSecret, SecretString};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::{
    AssumeRole, CallerIdentity, ExchangeError, Refusal, Retry, Session, StsAddress, WebIdentity,
};

/// STS at one address. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Sts {
    client: Client,
    endpoint: String,
    retry: Retry,
}

impl Sts {
    /// A client for this address. Nothing is called yet.
    pub fn new(address: &StsAddress, retry: Retry) -> Self {
        let config = Config::builder()
            // Dated, so that an update of the SDK does not change how we call.
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(address.region().as_str().to_owned()))
            .endpoint_url(address.endpoint().as_str())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::no_cache())
            .build();
        Self {
            client: Client::from_conf(config),
            endpoint: address.endpoint().as_str().to_owned(),
            retry,
        }
    }

    /// `AssumeRoleWithWebIdentity`: the token for a session of the role. Unsigned, as AWS has it.
    ///
    /// # Errors
    /// See [`ExchangeError`]; a denial is not asked twice.
    pub async fn exchange(&self, request: &WebIdentity<'_>) -> Result<Session, ExchangeError> {
        const OPERATION: &str = "AssumeRoleWithWebIdentity";
        let token = request.token.expose_secret();
        if !TOKEN_LENGTH.contains(&token.len()) {
            let advice = if token.is_empty() {
                "the token is empty"
            } else if token.len() < *TOKEN_LENGTH.start() {
                "it is not a whole token"
            } else {
                "leave out claims that no trust policy needs"
            };
            return Err(ExchangeError::Token {
                why: format!(
                    "it has {} characters, STS takes {} to {}; {advice}",
                    token.len(),
                    TOKEN_LENGTH.start(),
                    TOKEN_LENGTH.end()
                ),
            });
        }
        let attempt = || async {
            let answer = self
                .client
                .assume_role_with_web_identity()
                .role_arn(request.role.as_str())
                .role_session_name(request.session_name.as_str())
                .web_identity_token(token)
                .duration_seconds(seconds(request.duration.seconds()))
                .set_policy(request.policy.map(|policy| policy.as_str().to_owned()))
                .set_policy_arns(descriptors(request.policy_arns))
                .send()
                // The SDK's own trace prints request bodies, so it must not reach any log.
                .with_subscriber(NoSubscriber::default())
                .await
                .map_err(|error| self.read_error(OPERATION, error, &[request.token]))?;
            #[expect(deprecated, reason = "STS goes on sending it, and users ask for it")]
            let packed_policy_size = answer.packed_policy_size;
            let request_id = answer.request_id().map(str::to_owned);
            let mut session = self.read_session(
                OPERATION,
                answer.credentials,
                answer.assumed_role_user,
                packed_policy_size,
            )?;
            session.request_id = request_id;
            session.subject = answer.subject_from_web_identity_token;
            session.audience = answer.audience;
            session.provider = answer.provider;
            session.source_identity = answer.source_identity;
            Ok(session)
        };
        self.retry.run(&self.endpoint, attempt).await
    }

    /// `AssumeRole` with the keys of `session`.
    ///
    /// # Errors
    /// See [`ExchangeError`]; a denial is not asked twice.
    pub async fn assume_role(
        &self,
        session: &Session,
        request: &AssumeRole<'_>,
    ) -> Result<Session, ExchangeError> {
        const OPERATION: &str = "AssumeRole";
        let attempt = || async {
            let tags = request.tags.iter().map(|(key, value)| {
                Tag::builder()
                    .key(key)
                    .value(value)
                    .build()
                    .map_err(|error| {
                        // Both are given, so the builder has nothing to refuse.
                        self.not_sts(OPERATION, &error.to_string())
                    })
            });
            let tags: Vec<Tag> = tags.collect::<Result<_, _>>()?;
            let transitive = request.transitive_tag_keys.to_vec();
            let answer = self
                .client
                .assume_role()
                .role_arn(request.role.as_str())
                .role_session_name(request.session_name.as_str())
                .duration_seconds(seconds(request.duration.seconds()))
                .set_external_id(request.external_id.map(|id| id.as_str().to_owned()))
                .set_policy(request.policy.map(|policy| policy.as_str().to_owned()))
                .set_policy_arns(descriptors(request.policy_arns))
                .set_tags((!tags.is_empty()).then_some(tags))
                .set_transitive_tag_keys((!transitive.is_empty()).then_some(transitive))
                .set_source_identity(request.source_identity.map(|who| who.as_str().to_owned()))
                .customize()
                .config_override(signed_by(session))
                .send()
                .with_subscriber(NoSubscriber::default())
                .await
                .map_err(|error| self.read_error(OPERATION, error, &session.secrets()))?;
            #[expect(deprecated, reason = "STS goes on sending it, and users ask for it")]
            let packed_policy_size = answer.packed_policy_size;
            let request_id = answer.request_id().map(str::to_owned);
            let mut next = self.read_session(
                OPERATION,
                answer.credentials,
                answer.assumed_role_user,
                packed_policy_size,
            )?;
            next.request_id = request_id;
            next.source_identity = answer.source_identity;
            Ok(next)
        };
        self.retry.run(&self.endpoint, attempt).await
    }

    /// `GetCallerIdentity` with the keys of `session`: proof that they work. No policy can forbid
    /// it.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn caller_identity(
        &self,
        session: &Session,
    ) -> Result<CallerIdentity, ExchangeError> {
        const OPERATION: &str = "GetCallerIdentity";
        let attempt = || async {
            let answer = self
                .client
                .get_caller_identity()
                .customize()
                .config_override(signed_by(session))
                .send()
                .with_subscriber(NoSubscriber::default())
                .await
                .map_err(|error| self.read_error(OPERATION, error, &session.secrets()))?;
            match (answer.user_id, answer.account, answer.arn) {
                (Some(user_id), Some(account), Some(arn)) => Ok(CallerIdentity {
                    user_id,
                    account,
                    arn,
                }),
                _ => Err(self.not_sts(OPERATION, "it names no caller")),
            }
        };
        self.retry.run(&self.endpoint, attempt).await
    }

    fn read_session(
        &self,
        operation: &'static str,
        credentials: Option<aws_sdk_sts::types::Credentials>,
        user: Option<AssumedRoleUser>,
        packed_policy_size: Option<i32>,
    ) -> Result<Session, ExchangeError> {
        let (Some(credentials), Some(user)) = (credentials, user) else {
            return Err(self.not_sts(operation, "it holds no credentials"));
        };
        let expiration = jiff::Timestamp::from_second(credentials.expiration.secs())
            .map_err(|_| self.not_sts(operation, "its expiration is no date"))?;
        let assumed_role_arn = user
            .arn
            .parse()
            .map_err(|_| self.not_sts(operation, "its assumed role is no ARN"))?;
        Ok(Session {
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key.into(),
            session_token: credentials.session_token.into(),
            expiration,
            assumed_role_arn,
            assumed_role_id: user.assumed_role_id,
            subject: None,
            audience: None,
            provider: None,
            source_identity: None,
            request_id: None,
            packed_policy_size,
        })
    }

    /// Sorts an error of the SDK by whose fault it is, without anything secret in it.
    fn read_error<E>(
        &self,
        operation: &'static str,
        error: SdkError<E>,
        secrets: &[&SecretString],
    ) -> ExchangeError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // A `ResponseError` is an answer that broke off; one that cannot be read is a service error.
        let whole = error
            .raw_response()
            .filter(|_| !matches!(error, SdkError::ResponseError(_)));
        let Some(response) = whole else {
            return ExchangeError::Unreachable {
                endpoint: self.endpoint.clone(),
                why: without(&innermost(&error), secrets),
                attempts: 1,
            };
        };
        let status = response.status().as_u16();
        let request_id = response.request_id().map(str::to_owned);
        let service_error = error.as_service_error();
        let code = service_error.and_then(ProvideErrorMetadata::code);
        let Some(code) = code else {
            return self.read_codeless(operation, status, request_id);
        };
        let refusal = Refusal {
            operation,
            code: code.to_owned(),
            message: without(
                service_error
                    .and_then(ProvideErrorMetadata::message)
                    .unwrap_or("(no message)"),
                secrets,
            ),
            status,
            request_id: request_id.or_else(|| {
                service_error.and_then(|error| error.meta().request_id().map(str::to_owned))
            }),
        };
        sort(refusal)
    }

    /// An answer without a code of STS's: a proxy's page, a cut body, or another server.
    fn read_codeless(
        &self,
        operation: &'static str,
        status: u16,
        request_id: Option<String>,
    ) -> ExchangeError {
        match status {
            429 | 500.. => sort(Refusal {
                operation,
                code: format!("HTTP{status}"),
                message: "an answer without an error code".to_owned(),
                status,
                request_id,
            }),
            200..=299 => self.not_sts(operation, "its body cannot be read as a result"),
            _ => self.not_sts(operation, &format!("HTTP {status} without an error code")),
        }
    }

    fn not_sts(&self, operation: &'static str, why: &str) -> ExchangeError {
        ExchangeError::NotSts {
            endpoint: self.endpoint.clone(),
            operation,
            why: why.to_owned(),
        }
    }
}

impl Session {
    fn secrets(&self) -> [&SecretString; 2] {
        [&self.secret_access_key, &self.session_token]
    }
}

fn sort(refusal: Refusal) -> ExchangeError {
    let code = refusal.code.as_str();
    if refusal.status == 429 || THROTTLING.contains(&code) {
        return ExchangeError::Throttled {
            refusal,
            attempts: 1,
        };
    }
    if refusal.status >= 500 || code == "IDPCommunicationError" {
        return ExchangeError::Unavailable {
            refusal,
            attempts: 1,
        };
    }
    if PARAMETERS.contains(&code) {
        return ExchangeError::InvalidParameter(refusal);
    }
    ExchangeError::Denied(refusal)
}

fn signed_by(session: &Session) -> Builder {
    Config::builder().credentials_provider(Credentials::new(
        session.access_key_id.as_str(),
        session.secret_access_key.expose_secret(),
        Some(session.session_token.expose_secret().to_owned()),
        None,
        "rolecall",
    ))
}

fn descriptors(arns: &PolicyArns) -> Option<Vec<PolicyDescriptorType>> {
    let arns = arns.as_slice();
    (!arns.is_empty()).then(|| {
        arns.iter()
            .map(|arn| PolicyDescriptorType::builder().arn(arn.as_str()).build())
            .collect()
    })
}

/// Durations end at 43200, far below the limit of the SDK's type.
fn seconds(seconds: u32) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// The two innermost causes: what was tried and what the network said. The SDK's own words around
/// them tell a user nothing.
fn innermost(error: &dyn std::error::Error) -> String {
    let causes: Vec<String> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    causes[causes.len().saturating_sub(2)..].join(": ")
}

/// STS quotes parameters in validation errors, the token among them.
fn without(text: &str, secrets: &[&SecretString]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| {
        match secret.expose_secret() {
            "" => text,
            secret => text.replace(secret, "<secret>"),
        }
    })
}

/// What STS takes for `WebIdentityToken`, in characters.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 4..=20_000;

const THROTTLING: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

const PARAMETERS: [&str; 9] = [
    "ValidationError",
    "ValidationException",
    "MalformedInput",
    "MalformedPolicyDocument",
    "PackedPolicyTooLarge",
    "InvalidAction",
    "InvalidParameterValue",
    "InvalidParameterCombination",
    "MissingParameter",
];
