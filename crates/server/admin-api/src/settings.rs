//! What the configuration file says of the admin API.

use std::collections::BTreeMap;

use rolecall_access::{AccessText, Grant};
use rolecall_attest::federated::{EvidenceRule, TrustedIssuer};
use rolecall_attest_keys::TrustedKeys;

/// What the configuration file says; replaced as a whole when it is read again.
#[derive(Debug, Default)]
pub struct Settings {
    /// Who has access by word of the file, by tenant (`""`: the installation) and name.
    pub access: BTreeMap<(String, String), AccessText>,
    /// The team's own OIDC providers.
    pub providers: Vec<SignInProvider>,
    /// How long a session lives, in seconds.
    pub session_seconds: i64,
    /// How many requests a second one asker may send, after a burst of twice as many.
    pub requests_per_second: u32,
}

/// An OIDC provider whose ID tokens open a session.
#[derive(Debug)]
pub struct SignInProvider {
    /// The issuer, and for whom its tokens must be made: the client ID.
    pub issuer: TrustedIssuer,
    /// Its published keys.
    pub keys: TrustedKeys,
    /// The claim that a session is named by, such as `email`.
    pub name_claim: String,
    /// Whom it lets in: every rule that holds gives its grant.
    pub grants: Vec<(EvidenceRule, Grant)>,
}
