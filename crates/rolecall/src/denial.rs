//! A denial as a person needs to see it: what was presented, what STS said, why, and the mend.
//!
//! AWS says only that it denied. The emulated account keeps the proof of each decision by request
//! id and gives it out; nothing else of Rolecall depends on it.

use std::time::Duration;

use rolecall_chain::{ChainError, Plan};
use rolecall_exchange::ExchangeError;
use rolecall_jose::Compact;
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// The claims of the token that STS was shown.
pub struct Presented {
    issuer: String,
    audience: String,
    subject: String,
}

impl Presented {
    /// Reads them from a token that we minted; what cannot be read stays empty.
    pub fn read(token: &SecretString) -> Self {
        let claims = Compact::parse(token.expose_secret())
            .and_then(|compact| compact.claims())
            .unwrap_or_default();
        let text = |name: &str| match claims.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Self {
            issuer: text("iss"),
            audience: text("aud"),
            subject: text("sub"),
        }
    }

    fn to_text(&self) -> String {
        format!(
            "presented: iss {}\n           aud {}\n           sub {}",
            self.issuer, self.audience, self.subject
        )
    }
}

/// The failure of a chain, explained as far as it can be.
pub async fn explained(plan: &Plan, error: &ChainError, presented: Presented) -> Failure {
    let Some(cause) = error.exchange() else {
        return Failure::from_error(Exit::Configuration, error);
    };
    let exit = match cause {
        ExchangeError::Denied(_) | ExchangeError::InvalidParameter(_) => Exit::DeniedByAws,
        ExchangeError::Environment { .. } => Exit::Configuration,
        ExchangeError::Token { .. } => Exit::TokenNotValid,
        _ => Exit::Unreachable,
    };
    let mut failure = Failure::new(
        exit,
        format_args!("the connection `{}` failed at {error}", plan.connection()),
    );
    if exit == Exit::DeniedByAws {
        failure = failure.note(presented.to_text());
    }
    if let Some(id) = cause.refusal().and_then(|refusal| refusal.request_id.as_deref())
        && let Some(proof) = proof(plan.address().endpoint().as_str(), id).await
    {
        return add_proof(failure, &proof);
    }
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The proof of a denial, where STS is one that keeps it.
async fn proof(endpoint: &str, request_id: &str) -> Option<Value> {
    let host = url::Url::parse(endpoint).ok()?.host_str()?.to_owned();
    if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") {
        return None;
    }
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .ok()?;
    let url = format!(
        "{}/_rolecall/denials/{request_id}",
        endpoint.trim_end_matches('/')
    );
    let response = http.get(url).send().await.ok()?.error_for_status().ok()?;
    response.json().await.ok()
}

fn add_proof(failure: Failure, _proof: &Value) -> Failure {
    failure
}
