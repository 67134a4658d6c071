//! Why an account could not be read, and what to do about it.

use std::fmt;

use crate::Service;

/// Why an account could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The SDK's chain gave no credentials.
    #[error("no AWS credentials could be had: {why}")]
    NoCredentials {
        /// What the chain says.
        why: String,
    },
    /// The credentials are not good: unknown, expired, or their secret is another.
    #[error("AWS does not take the credentials: {_0}")]
    WrongCredentials(Refusal),
    /// The credentials are good and may not do this.
    #[error("these credentials may not {permission}: {refusal}")]
    Forbidden {
        /// The IAM action that is missing, such as `iam:GetRole`.
        permission: String,
        /// AWS's answer.
        refusal: Box<Refusal>,
    },
    /// There is no such thing in the account.
    #[error("there is no {what} in the account of these credentials: {refusal}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// AWS's answer.
        refusal: Box<Refusal>,
    },
    /// The credentials are of another account than what was asked for.
    #[error("`{asked}` is in account {wanted}, and these credentials are of account {actual}")]
    OtherAccount {
        /// The ARN that was asked for.
        asked: String,
        /// Its account.
        wanted: String,
        /// The account that was read.
        actual: String,
    },
    /// The account has a role of that name, with another path or in another case.
    #[error("there is no role `{asked}`; the role of that name is `{actual}`")]
    OtherPath {
        /// The ARN that was asked for.
        asked: String,
        /// The ARN of the role that is there.
        actual: String,
    },
    /// A request that AWS does not take: a fault of ours, or of the service at that address.
    #[error("the request was refused: {_0}")]
    Refused(Refusal),
    /// AWS asked to slow down, and still did after the last attempt.
    #[error("{} is throttled, {}: {refusal}", .refusal.operation, tries(*.attempts))]
    Throttled {
        /// AWS's last answer.
        refusal: Box<Refusal>,
        /// How often it was asked.
        attempts: u32,
    },
    /// AWS's side failed until the last attempt.
    #[error("{} failed on AWS's side, {}: {refusal}", .refusal.operation, tries(*.attempts))]
    Unavailable {
        /// AWS's last answer.
        refusal: Box<Refusal>,
        /// How often it was asked.
        attempts: u32,
    },
    /// No answer came.
    #[error("{service} at {endpoint} cannot be reached, {}: {why}", tries(*.attempts))]
    Unreachable {
        /// The service.
        service: Service,
        /// The URL that was called.
        endpoint: String,
        /// What the network said.
        why: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// An answer came that is not the service's.
    #[error("{endpoint} answered {operation} with something that is not from {service}: {why}")]
    NotTheService {
        /// The service.
        service: Service,
        /// The URL that was called.
        endpoint: String,
        /// The operation that was called.
        operation: &'static str,
        /// What is wrong with the answer, without repeating it.
        why: String,
    },
    /// Something in the environment or profile that cannot be used.
    #[error("{what}: {why}")]
    Environment {
        /// The variable or setting.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// An error that AWS answered with, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The operation, such as `GetRole`.
    pub operation: &'static str,
    /// The code on the wire, such as `AccessDenied`.
    pub code: String,
    /// The message.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// What AWS's support and CloudTrail know the call by.
    pub request_id: Option<String>,
}

impl ServiceError {
    /// What to do next, as a sentence without a full stop.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoCredentials { why } if why.contains("sso") => {
                "Profiles that sign in through SSO are read by the aws CLI: \
                 `eval \"$(aws configure export-credentials --format env)\"`, then ask again"
                    .to_owned()
            }
            Self::NoCredentials { .. } => "Choose a profile with AWS_PROFILE, or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` shows \
                 whether they work"
                .to_owned(),
            Self::WrongCredentials(refusal) => match refusal.code.as_str() {
                "ExpiredToken" | "ExpiredTokenException" => {
                    "The session has ended: get new credentials and ask again".to_owned()
                }
                "SignatureDoesNotMatch" | "InvalidSignatureException" => {
                    "Check the secret key, and this machine's clock: a signature holds for 15 minutes"
                        .to_owned()
                }
                _ => "Check AWS_PROFILE and the AWS_* variables: keys of the environment win over \
                      a profile"
                    .to_owned(),
            },
            Self::Forbidden { permission, .. } => {
                format!("Allow {permission} to them; docs/live.md has the least policy that is needed")
            }
            Self::OtherAccount { wanted, .. } => {
                format!("Use credentials of account {wanted}")
            }
            Self::OtherPath { .. } => {
                "An ARN repeats the role's path and letter case exactly, in workloads too".to_owned()
            }
            Self::NotFound { .. } => {
                "Check name and account; `aws iam list-roles` and `aws iam \
                 list-open-id-connect-providers` show what is there"
                    .to_owned()
            }
            Self::Unreachable { service, .. } | Self::NotTheService { service, .. } => format!(
                "Check the network, and the addresses in {} and AWS_ENDPOINT_URL",
                service.endpoint_variable()
            ),
            Self::Throttled { .. } | Self::Unavailable { .. } => "Ask again later".to_owned(),
            Self::Refused(_) | Self::Environment { .. } => return None,
        })
    }

    /// AWS's own words, where it answered.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::WrongCredentials(refusal) | Self::Refused(refusal) => Some(refusal),
            Self::Forbidden { refusal, .. }
            | Self::NotFound { refusal, .. }
            | Self::Throttled { refusal, .. }
            | Self::Unavailable { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether asking again may give another answer.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::Unreachable { .. }
        )
    }

    /// The same error, said to have come after so many attempts.
    pub(crate) fn after(mut self, made: u32) -> Self {
        if let Self::Throttled { attempts, .. }
        | Self::Unavailable { attempts, .. }
        | Self::Unreachable { attempts, .. } = &mut self
        {
            *attempts = made;
        }
        self
    }
}

impl Refusal {
    /// Sorts an answer by what it means for the caller; `permission` is the IAM action that the
    /// call needs.
    pub(crate) fn sorted(self, permission: &str, what: &str) -> ServiceError {
        let code = self.code.as_str();
        if self.status == 429 || THROTTLING.contains(&code) {
            ServiceError::Throttled {
                refusal: Box::new(self),
                attempts: 1,
            }
        } else if self.status >= 500 {
            ServiceError::Unavailable {
                refusal: Box::new(self),
                attempts: 1,
            }
        } else if WRONG_CREDENTIALS.contains(&code) {
            ServiceError::WrongCredentials(self)
        } else if FORBIDDEN.contains(&code) {
            ServiceError::Forbidden {
                permission: permission.to_owned(),
                refusal: Box::new(self),
            }
        } else if matches!(code, "NoSuchEntity" | "NoSuchBucket") {
            ServiceError::NotFound {
                what: what.to_owned(),
                refusal: Box::new(self),
            }
        } else {
            ServiceError::Refused(self)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(formatter, " (HTTP {}, request {id})", self.status),
            None => write!(formatter, " (HTTP {})", self.status),
        }
    }
}

fn tries(attempts: u32) -> String {
    match attempts {
        1 => "tried once".to_owned(),
        many => format!("tried {many} times"),
    }
}

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

const WRONG_CREDENTIALS: [&str; 11] = [
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "InvalidAccessKeyId",
];

const FORBIDDEN: [&str; 4] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "OptInRequired",
];
