use rolecall_store::StoreError;

use crate::subscribing::LockedOut;

/// Why an installation could not start, or did not take a declaration. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallationError {
    /// A declaration breaks a rule. The operator's.
    #[error("{message}")]
    Declaration {
        /// Where it stands, such as `tenants[0].token_configs[1].subject`.
        field: String,
        /// Which rule, and what was expected.
        message: String,
    },
    /// Workloads would be locked out of roles that rely on what their tokens say. The asker's.
    #[error("the change would lock workloads out of roles that let them in now: {}", told(.0))]
    LocksOut(Vec<LockedOut>),
    /// A signing key does not read as one although the master key fits. The operator's: a damaged
    /// database.
    #[error("the signing key `{kid}` of tenant `{tenant}` cannot be used: {why}")]
    Key {
        /// Whose key.
        tenant: String,
        /// Which key.
        kid: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tenant's signing keys are incomplete. The operator's: a damaged database.
    #[error("the signing keys of tenant `{tenant}` cannot be used: {why}")]
    Keys {
        /// Whose keys.
        tenant: String,
        /// What is wrong with them.
        why: String,
    },
    /// A backend that holds keys of a tenant, or is to, cannot be used. The operator's.
    #[error("the signing keys of tenant `{tenant}` cannot be used: {why}")]
    KeyBackend {
        /// Whose keys.
        tenant: String,
        /// Which backend, and why.
        why: String,
    },
    /// A signing key could not be made or sealed. Ours, or the system's random source.
    #[error("a signing key of tenant `{tenant}` could not be made: {why}")]
    KeyGeneration {
        /// Whose key.
        tenant: String,
        /// What failed.
        why: String,
    },
    /// Something that only the configuration file may change. The asker's.
    #[error("{what} is declared by the server's configuration file")]
    OfTheFile {
        /// What, in words.
        what: String,
    },
    /// The state cannot be read or written. The operator's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored of a tenant does not read. The operator's: it was written by something else,
    /// or by a later version.
    #[error("what is stored of tenant `{tenant}` cannot be used: {why}")]
    Stored {
        /// The tenant.
        tenant: String,
        /// What is wrong.
        why: String,
    },
    /// The keys of a trusted issuer could not be prepared to be fetched. The operator's, or the
    /// system's: without trusted certificates there is no TLS.
    #[error("a trusted issuer of tenant `{tenant}` cannot be used: {why}")]
    TrustedIssuer {
        /// Whose declaration.
        tenant: String,
        /// What failed.
        why: String,
    },
    /// The state was made with another master key. The operator's.
    #[error(
        "the signing key `{kid}` of tenant `{tenant}` was sealed with another master key than the one given"
    )]
    WrongMasterKey {
        /// Whose key.
        tenant: String,
        /// Which key.
        kid: String,
    },
}

impl InstallationError {
    /// What to do next: one sentence or two, or nothing where the message says it all.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Declaration { .. } | Self::KeyBackend { .. } | Self::TrustedIssuer { .. } => {
                None
            }
            Self::LocksOut(_) => Some(
                "Widen the trust policies first and update the subscriptions (`rolecall trust migrate` stages the change), or insist with `--force`."
                    .to_owned(),
            ),
            Self::OfTheFile { .. } => {
                Some("Change it there; the server takes the file up again on SIGHUP.".to_owned())
            }
            Self::Key { .. } | Self::Keys { .. } => Some("Restore the state database from a backup.".to_owned()),
            Self::KeyGeneration { .. } => Some("Try again; if it stays, please report it.".to_owned()),
            Self::Stored { .. } => Some("Run the version of the program that wrote it, or a later one; or restore a backup.".to_owned()),
            Self::Store(error) => error.hint(),
            Self::WrongMasterKey { .. } => Some(
                "Start with the master key that this state was made with (`server.master_key_file` or ROLECALL_MASTER_KEY). Without it the signing keys are lost: start with an empty state folder and register the new keys' JWKS."
                    .to_owned(),
            ),
        }
    }

    /// Where in the declarations the fault is, if it is in one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Declaration { field, .. } => Some(field),
            _ => None,
        }
    }
}

fn told(locked_out: &[LockedOut]) -> String {
    let told = locked_out.iter().map(|one| {
        let then = match one.then.as_str() {
            "" => "no token at all".to_owned(),
            then => format!("`{then}`"),
        };
        format!(
            "`{}` with `{}` into `{}`: `{}` is let in, {then} would not be",
            one.workload, one.token_config, one.role, one.now
        )
    });
    told.collect::<Vec<_>>().join("; ")
}
