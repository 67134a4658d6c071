use rolecall_names::Arn;
use secrecy::SecretString;

/// A session of an assumed role: its keys, and what STS said about it. `Debug` shows no key.
#[derive(Debug, Clone)]
pub struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: SecretString,
    pub(crate) expiration: jiff::Timestamp,
    pub(crate) assumed_role_arn: Arn,
    pub(crate) assumed_role_id: String,
    pub(crate) subject: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) source_identity: Option<String>,
    pub(crate) packed_policy_size: Option<i32>,
    pub(crate) request_id: Option<String>,
}

/// Who STS takes the holder of a session for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    pub(crate) user_id: String,
    pub(crate) account: String,
    pub(crate) arn: String,
}

impl Session {
    /// The access key id, `ASIA` and more. Not a secret: CloudTrail shows it.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret access key.
    pub fn secret_access_key(&self) -> &SecretString {
        &self.secret_access_key
    }

    /// The session token.
    pub fn session_token(&self) -> &SecretString {
        &self.session_token
    }

    /// When AWS stops taking it.
    pub fn expiration(&self) -> jiff::Timestamp {
        self.expiration
    }

    /// `arn:aws:sts::<account>:assumed-role/<role name>/<session name>`; the role's path is not
    /// in it.
    pub fn assumed_role_arn(&self) -> &Arn {
        &self.assumed_role_arn
    }

    /// The account that the session acts in: twelve digits.
    pub fn account(&self) -> &str {
        self.assumed_role_arn.account()
    }

    /// `AROA…:<session name>`.
    pub fn assumed_role_id(&self) -> &str {
        &self.assumed_role_id
    }

    /// The token's `sub` as STS read it; nothing for a hop.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The token's `azp`, else its `aud`, as STS read it; nothing for a hop.
    pub fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// The identity provider's ARN, for the large public ones their host; nothing for a hop.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// Who stands behind the session, where one is set.
    pub fn source_identity(&self) -> Option<&str> {
        self.source_identity.as_deref()
    }

    /// What AWS's support and CloudTrail know the call by that gave it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How much of the space for session policies and tags is used, in percent.
    pub fn packed_policy_size(&self) -> Option<i32> {
        self.packed_policy_size
    }
}

impl CallerIdentity {
    /// `AROA…:<session name>` for an assumed role.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The caller's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }
}
