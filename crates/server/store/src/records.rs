use jiff::Timestamp;
use serde::Serialize;

/// One line of the audit trail. Holds names and identifiers, never a token or an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// When it happened; stored with millisecond precision.
    pub at: Timestamp,
    /// What was asked for.
    pub kind: AuditKind,
    /// The tenant; empty where the request named none that exists.
    pub tenant: String,
    /// Who asked: attested if `outcome` is [`Outcome::Granted`], claimed otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
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
            workload: None,
            token_config: None,
            subject: None,
            audience: None,
            lifetime: None,
            jti: None,
            kid: None,
            role: None,
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
    /// A token was asked for.
    Mint,
    /// A signing key was made.
    SigningKey,
}

impl AuditKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::SigningKey => "signing_key",
        }
    }

    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        [Self::Mint, Self::SigningKey]
            .into_iter()
            .find(|kind| kind.as_str() == text)
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

/// A tenant as the configuration declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredTenant {
    /// Its name.
    pub name: String,
    /// Its exact issuer URL.
    pub issuer: String,
    /// Its token configs.
    pub token_configs: Vec<Document>,
    /// Its workloads.
    pub workloads: Vec<Document>,
}

/// A named JSON document that the store keeps without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Unique within its tenant and kind.
    pub name: String,
    /// JSON text.
    pub json: String,
}

/// A signing key as it lies on disk.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// The tenant that signs with it.
    pub tenant: String,
    /// Its key id.
    pub kid: String,
    /// The JWS algorithm it signs with (RFC 7518 §3.1), such as `RS256`.
    pub algorithm: String,
    /// The sealed private key; only the holder of the master key can open it.
    pub sealed: Vec<u8>,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
    /// Whether it signs.
    pub state: KeyState,
}

impl std::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedKey")
            .field("tenant", &self.tenant)
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published and signing.
    Active,
    /// Published, not signing yet.
    Next,
    /// Published, not signing any more.
    Retired,
}

impl KeyState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Next => "next",
            Self::Retired => "retired",
        }
    }

    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        [Self::Active, Self::Next, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// Everything that the server needs in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The declared tenants, by name.
    pub tenants: Vec<StoredTenant>,
    /// The used assertions that have not expired.
    pub used: Vec<UsedAssertion>,
}

/// A declared tenant with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTenant {
    /// Its name.
    pub name: String,
    /// Its exact issuer URL.
    pub issuer: String,
    /// When it was first declared, in seconds since the epoch.
    pub created_at: i64,
    /// Its signing keys, oldest first.
    pub keys: Vec<SealedKey>,
    /// Its token configs, by name.
    pub token_configs: Vec<Document>,
    /// Its workloads, by name.
    pub workloads: Vec<Document>,
}
