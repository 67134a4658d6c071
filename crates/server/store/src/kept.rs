//! What is kept beside the audit trail: tenants, what they declare, their sealed keys.

/// Whose word a declaration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The configuration file's: only that file changes it.
    File,
    /// Somebody's, through the admin API.
    Api,
}

impl Source {
    /// As it is stored and told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
        }
    }

    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        [Self::File, Self::Api]
            .into_iter()
            .find(|source| source.as_str() == text)
    }
}

/// What a [`Resource`] is. What belongs to no tenant has the tenant `""`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// Somebody who may use the admin API, by a token of its own. Of a tenant, or of none.
    Access,
    /// What was declared together through the admin API, remembered under a name.
    Applied,
    /// A token that lets one workload register its first key.
    JoinToken,
    /// A session of somebody who signed in to the admin API. Of no tenant.
    Session,
    /// One audience, lifetime and subject format.
    TokenConfig,
    /// A role whose trust policy a change of format must not break.
    TrustSubscription,
    /// A foreign issuer whose tokens are evidence.
    TrustedIssuer,
    /// Who may ask for tokens.
    Workload,
}

impl ResourceKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Access,
        Self::Applied,
        Self::JoinToken,
        Self::Session,
        Self::TokenConfig,
        Self::TrustSubscription,
        Self::TrustedIssuer,
        Self::Workload,
    ];

    /// As it is stored and told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Applied => "applied",
            Self::JoinToken => "join_token",
            Self::Session => "session",
            Self::TokenConfig => "token_config",
            Self::TrustSubscription => "trust_subscription",
            Self::TrustedIssuer => "trusted_issuer",
            Self::Workload => "workload",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A named JSON document that the store keeps without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Unique within its tenant and kind.
    pub name: String,
    /// JSON text.
    pub json: String,
}

/// A declared document with what the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The tenant, or `""`.
    pub tenant: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name and text.
    pub document: Document,
    /// Who declared it.
    pub source: Source,
    /// Grows by one with every change, from 1.
    pub version: i64,
    /// In seconds since the epoch.
    pub created_at: i64,
    /// In seconds since the epoch.
    pub updated_at: i64,
}

/// A tenant as the configuration file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredTenant {
    /// Its name.
    pub name: String,
    /// Its exact issuer URL.
    pub issuer: String,
    /// Everything else that it says of itself, as JSON.
    pub document: String,
    /// What belongs to it.
    pub resources: Vec<(ResourceKind, Document)>,
}

/// A tenant without what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantEntry {
    /// Its name.
    pub name: String,
    /// Its exact issuer URL.
    pub issuer: String,
    /// Everything else that it says of itself, as JSON.
    pub document: String,
    /// Who declared it.
    pub source: Source,
    /// Grows with every change of the tenant itself, from 1.
    pub version: i64,
    /// Grows with every change of anything that belongs to it.
    pub revision: i64,
    /// In seconds since the epoch.
    pub created_at: i64,
    /// In seconds since the epoch.
    pub updated_at: i64,
}

/// A declared tenant with all that it is served from, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTenant {
    /// The tenant itself.
    pub entry: TenantEntry,
    /// Its signing keys, oldest first.
    pub keys: Vec<SealedKey>,
    /// Its documents, by kind and name.
    pub resources: Vec<Resource>,
}

/// A signing key as it lies in the database.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// The tenant that signs with it.
    pub tenant: String,
    /// Its key id.
    pub kid: String,
    /// The JWS algorithm it signs with (RFC 7518 section 3.1), such as `RS256`.
    pub algorithm: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// Times and backend, as JSON.
    pub record: String,
    /// The public JWK (RFC 7517), as JSON.
    pub public: String,
    /// The sealed private key; only the holder of the master key can open it.
    pub sealed: Vec<u8>,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
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
    /// As it is stored and told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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

/// An answer that is given again when the same request comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Who asked.
    pub actor: String,
    /// The mark that the asker put on the request (`Idempotency-Key`).
    pub mark: String,
    /// A digest of the request: the same mark on another request is a mistake.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// Until when it is kept, in seconds since the epoch.
    pub expires: i64,
}
