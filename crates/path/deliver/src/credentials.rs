use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

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
    /// What the container credentials endpoint answers.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
    pub fn to_json(&self) -> SecretString {
        let mut members = json!({
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key.expose_secret(),
            "Token": self.session_token.expose_secret(),
            "Expiration": self.expiration_text(),
        });
        if let Some(account) = &self.account_id {
            members["AccountId"] = json!(account);
        }
        if let Some(role) = &self.role_arn {
            members["RoleArn"] = json!(role);
        }
        members.to_string().into()
    }

    /// The end in the one form that every SDK reads: `YYYY-MM-DDTHH:MM:SSZ`, no fraction.
    pub fn expiration_text(&self) -> String {
        self.expiration.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
