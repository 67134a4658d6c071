use jiff::Timestamp;
use serde::Serialize;

/// One line of the audit trail. Holds names and identifiers, never a token or an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// When it happened; stored with millisecond precision.
    pub at: Timestamp,
    /// What was asked for.
    pub kind: AuditKind,
    /// The tenant; empty where the request named none that exists, and for what belongs to none.
    pub tenant: String,
    /// The person or machine that changed or read something through the admin API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Who asked: attested if `outcome` is [`Outcome::Granted`], claimed otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// What it proved itself with, and whose word that is: `private_key_jwt`, or
    /// `federated https://token.actions.githubusercontent.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Which token config the token was made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_config: Option<String>,
    /// The `sub` claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The `aud` claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// `exp` minus `iat`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<i64>,
    /// The `jti` claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The role that the token is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What was changed, such as `token_config/aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

impl AuditRecord {
    /// A record with everything optional left out.
    pub fn new(
        at: Timestamp,
        kind: AuditKind,
        tenant: impl Into<String>,
        outcome: Outcome,
    ) -> Self {
        Self {
            at,
            kind,
            tenant: tenant.into(),
            actor: None,
            workload: None,
            evidence: None,
            token_config: None,
            subject: None,
            audience: None,
            lifetime: None,
            jti: None,
            kid: None,
            role: None,
            target: None,
            outcome,
            reason: None,
            client: None,
        }
    }
}

/// What an audit record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditKind {
    /// Something declared was changed through the admin API or by a file.
    Change,
    /// A workload's key was registered with a join token.
    Enrolment,
    /// A token was asked for.
    Mint,
    /// A person or machine asked to be let in to the admin API.
    SignIn,
    /// A signing key was made, or changed its slot.
    SigningKey,
}

impl AuditKind {
    const ALL: [Self; 5] = [
        Self::Change,
        Self::Enrolment,
        Self::Mint,
        Self::SignIn,
        Self::SigningKey,
    ];

    /// As in the trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Enrolment => "enrolment",
            Self::Mint => "mint",
            Self::SignIn => "sign_in",
            Self::SigningKey => "signing_key",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How what an audit record is about ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Our side could not do what it would have granted.
    Failed,
    /// Done.
    Granted,
    /// The asker may not have it.
    Refused,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Granted => "granted",
            Self::Refused => "refused",
        }
    }

    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        [Self::Failed, Self::Granted, Self::Refused]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// An assertion that was accepted once and must not be accepted again before it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedAssertion {
    /// The tenant that accepted it.
    pub tenant: String,
    /// The workload that made it.
    pub workload: String,
    /// Its `jti`.
    pub jti: String,
    /// When it is refused anyway, in seconds since the epoch, leeway included.
    pub expires: i64,
}
