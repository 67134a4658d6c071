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

    /// Whether the denial may only be that IAM has not yet told all of AWS about a role, policy or
    /// provider that was just made or changed, so that asking again in a while may help. Not what
    /// the token itself is to blame for: its end, its form, an audience said to be wrong.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
    pub fn may_settle(&self) -> bool {
        let Self::Denied(refusal) = self else {
            return false;
        };
        match refusal.code.as_str() {
            "AccessDenied" => true,
            "InvalidIdentityToken" => PROVIDER_UNKNOWN
                .iter()
                .any(|words| refusal.message.contains(words)),
            _ => false,
        }
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

/// How STS says that it knows no provider for the token: in today's words, which it also has for an
/// audience, and in those until July 2026.
const PROVIDER_UNKNOWN: [&str; 2] = ["could not be validated", "No OpenIDConnect provider found"];

fn tries(attempts: u32) -> String {
    match attempts {
        1 => "tried once".to_owned(),
        many => format!("tried {many} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(code: &str, message: &str) -> ExchangeError {
        ExchangeError::Denied(Refusal {
            operation: "AssumeRoleWithWebIdentity",
            code: code.to_owned(),
            message: message.to_owned(),
            status: 403,
            request_id: None,
        })
    }

    #[test]
    fn only_what_iam_may_not_have_spread_yet_may_settle() {
        for (code, message, settles) in [
            (
                "AccessDenied",
                "Not authorized to perform sts:AssumeRoleWithWebIdentity",
                true,
            ),
            (
                "InvalidIdentityToken",
                "The web identity token provided could not be validated. See …",
                true,
            ),
            (
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account for https://a.example",
                true,
            ),
            ("InvalidIdentityToken", "Incorrect token audience", false),
            (
                "InvalidIdentityToken",
                "Missing a required claim: sub",
                false,
            ),
            (
                "InvalidIdentityToken",
                "Couldn't retrieve verification key from your identity provider,  please …",
                false,
            ),
            (
                "ExpiredTokenException",
                "Token expired: current date/time 2 must be before the expiration date/time 1",
                false,
            ),
        ] {
            assert_eq!(
                denied(code, message).may_settle(),
                settles,
                "{code}: {message}"
            );
        }
        let malformed = ExchangeError::Token {
            why: "it is empty".to_owned(),
        };
        assert!(!malformed.may_settle());
    }
}
