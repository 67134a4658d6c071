use crate::Refusal;

/// Why STS gave no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A trust policy, an identity provider or the token says no. Asking again changes nothing.
    #[error("{} was denied: {_0}", _0.operation)]
    Denied(Refusal),
    /// A parameter that STS does not take: the connection is to be mended.
    #[error("{} was refused for a parameter: {_0}", _0.operation)]
    InvalidParameter(Refusal),
    /// AWS asked us to slow down, and still did after the last attempt.
    #[error("{} is throttled, {}: {refusal}", .refusal.operation, tries(*.attempts))]
    Throttled {
        /// AWS's last answer.
        refusal: Refusal,
        /// How often it was asked.
        attempts: u32,
    },
    /// AWS's side failed, or could not reach the identity provider, until the last attempt.
    #[error("{} failed on AWS's side, {}: {refusal}", .refusal.operation, tries(*.attempts))]
    Unavailable {
        /// AWS's last answer.
        refusal: Refusal,
        /// How often it was asked.
        attempts: u32,
    },
    /// No answer came.
    #[error("STS at {endpoint} cannot be reached, {}: {why}", tries(*.attempts))]
    Unreachable {
        /// The URL that was called.
        endpoint: String,
        /// What the network said.
        why: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// An answer came that is not STS's.
    #[error(
        "{endpoint} answered {operation} with something that is not from STS: {why}; check `sts_endpoint` and AWS_ENDPOINT_URL_STS"
    )]
    NotSts {
        /// The URL that was called.
        endpoint: String,
        /// The operation that was called.
        operation: &'static str,
        /// What is wrong with the answer, without repeating it.
        why: String,
    },
    /// A request that STS would refuse by its form, so it was not sent.
    #[error("the token cannot be presented: {why}")]
    Token {
        /// What is wrong with it, without repeating it.
        why: String,
    },
    /// A variable of the environment, or a default, that cannot be used.
    #[error("{variable}: {why}")]
    Environment {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl ExchangeError {
    /// STS's own words, where it answered.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Denied(refusal) | Self::InvalidParameter(refusal) => Some(refusal),
            Self::Throttled { refusal, .. } | Self::Unavailable { refusal, .. } => Some(refusal),
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

fn tries(attempts: u32) -> String {
    match attempts {
        1 => "tried once".to_owned(),
        many => format!("tried {many} times"),
    }
}
