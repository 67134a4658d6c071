//! What is asked of a policy: who, what, on which resource, in which circumstances.

use std::collections::HashMap;

/// One question to a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks. Not looked at by statements without a principal (identity policies).
    pub principal: Principal,
    /// The action, such as `sts:AssumeRoleWithWebIdentity`; compared without letter case.
    pub action: String,
    /// The ARN of the resource. Needed by statements with `Resource`; a trust policy has none.
    pub resource: Option<String>,
    /// The condition keys and their values.
    pub context: Context,
}

impl Request {
    /// The same question about another action, as session tags and source identity need it.
    #[must_use]
    pub fn with_action(&self, action: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            ..self.clone()
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A caller with a token: the ARN of the OIDC or SAML provider, or the host name of a provider
    /// that is built into AWS, such as `accounts.google.com`.
    Federated(String),
    /// A caller who signs with AWS credentials.
    Aws {
        /// The caller's own ARN: a user, a session (`arn:aws:sts::…:assumed-role/name/session`), or root.
        arn: String,
        /// The caller's account, twelve digits.
        account: String,
        /// For a session: the ARN of the role behind it, with its path.
        role: Option<String>,
        /// The unique ID (`AIDA…`, or `AROA…` of the role behind a session), where known.
        unique_id: Option<String>,
    },
    /// An AWS service, such as `lambda.amazonaws.com`.
    Service(String),
    /// Nobody: the request is not signed.
    Anonymous,
}

impl Principal {
    /// A user or root, by its ARN; the account is read from the ARN.
    pub fn aws(arn: impl Into<String>) -> Self {
        let arn = arn.into();
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        Self::Aws {
            arn,
            account,
            role: None,
            unique_id: None,
        }
    }

    /// A session of a role: its own ARN, and the ARN of the role behind it.
    pub fn session(arn: impl Into<String>, role: impl Into<String>) -> Self {
        let arn = arn.into();
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        Self::Aws {
            arn,
            account,
            role: Some(role.into()),
            unique_id: None,
        }
    }

    /// A principal by the name alone: provider ARNs and the host names of providers that are built
    /// into AWS are federated, other names below `amazonaws.com` services, the rest ARNs of users,
    /// roles and sessions.
    pub fn named(name: &str) -> Self {
        let provider = name.contains(":oidc-provider/") || name.contains(":saml-provider/");
        if provider || BUILT_IN_PROVIDERS.contains(&name) {
            return Self::Federated(name.to_owned());
        }
        if name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn") {
            return Self::Service(name.to_owned());
        }
        match name {
            "anonymous" | "*" => Self::Anonymous,
            arn => Self::aws(arn),
        }
    }

    /// The name by which messages call the principal.
    pub fn name(&self) -> &str {
        match self {
            Self::Federated(name) | Self::Service(name) => name,
            Self::Aws { arn, .. } => arn,
            Self::Anonymous => "an unsigned request",
        }
    }
}

/// The condition keys of a request. Names compare without letter case; a key is either
/// single-valued or multivalued, and the two behave differently under AWS's operators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: HashMap<String, ContextValue>,
}

/// The value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// One value, as most keys have.
    Single(String),
    /// A set of values, as `aws:TagKeys` or an `amr` claim have; also when there is only one.
    Multiple(Vec<String>),
}

impl ContextValue {
    /// All values, as a slice.
    pub fn values(&self) -> &[String] {
        match self {
            Self::Single(value) => std::slice::from_ref(value),
            Self::Multiple(values) => values,
        }
    }
}

impl Context {
    /// A context without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a single-valued key; a former value is replaced.
    pub fn set(&mut self, key: impl AsRef<str>, value: impl Into<String>) -> &mut Self {
        let value = ContextValue::Single(value.into());
        self.values.insert(key.as_ref().to_lowercase(), value);
        self
    }

    /// Sets a multivalued key; a former value is replaced. No values at all is the same as no key.
    pub fn set_list<V: Into<String>>(
        &mut self,
        key: impl AsRef<str>,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        let key = key.as_ref().to_lowercase();
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            self.values.remove(&key);
        } else {
            self.values.insert(key, ContextValue::Multiple(values));
        }
        self
    }

    /// The value of a key, in any letter case.
    pub fn value(&self, key: &str) -> Option<&ContextValue> {
        self.lowered(&key.to_lowercase())
    }

    /// The keys that are present, lower-cased, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The value of a key that is lower-case already.
    pub(crate) fn lowered(&self, key: &str) -> Option<&ContextValue> {
        self.values.get(key)
    }
}

/// Web-identity providers that need no registration in the account.
pub(crate) const BUILT_IN_PROVIDERS: &[&str] = &[
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
    "graph.facebook.com",
    "www.amazon.com",
];
