use jiff::Timestamp;
use secrecy::SecretString;

/// Temporary AWS credentials as they are handed to a workload. `Debug` shows no key.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `ASIA` and more; not a secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The session token.
    pub session_token: SecretString,
    /// When AWS stops taking them.
    pub expiration: Timestamp,
    /// The account that they act in, twelve digits, where it is known.
    pub account_id: Option<String>,
    /// The role that they are of, where it is known.
    pub role_arn: Option<String>,
}

impl Credentials {
    /// The end in the one form that every SDK reads: `YYYY-MM-DDTHH:MM:SSZ`, no fraction.
    pub fn expiration_text(&self) -> String {
        self.expiration.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
