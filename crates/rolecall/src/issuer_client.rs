//! The workload's side of the token endpoint: evidence out, token in (RFC 6749 §4.4 with
//! RFC 7523 §2.2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rolecall_attest::Assertion;
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::config::{AskingWorkload, Proof};
use crate::failure::{Exit, Failure};
use crate::issuer_address::{Addresses, http_client, unreachable};

/// Asks one issuer as one workload. Cheap to clone.
#[derive(Clone)]
pub struct IssuerClient {
    workload: Arc<AskingWorkload>,
    addresses: Addresses,
    http: reqwest::Client,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct TokenAsk {
    token_config: Option<String>,
    audience: Option<String>,
    attributes: BTreeMap<String, String>,
    role: Option<String>,
}

/// A token, and when it ends.
pub struct Minted {
    /// The token.
    pub token: SecretString,
    /// When it ends, by this machine's clock.
    pub expires_at: Timestamp,
    /// The environment variable by which programs find its file, where its token config says one.
    pub target_variable: Option<String>,
}

impl TokenAsk {
    /// A token of the token config with this name.
    pub fn config(name: &str) -> Self {
        Self {
            token_config: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// A token for this audience.
    pub fn audience(audience: &str) -> Self {
        Self {
            audience: Some(audience.to_owned()),
            ..Self::default()
        }
    }

    /// With the attributes that the workload chooses.
    #[must_use]
    pub fn with_attributes<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Self {
        for (name, value) in attributes {
            self.attributes.insert(name.clone(), value.clone());
        }
        self
    }

    /// For this role: where the token config binds its tokens to roles, the token is bound to
    /// this one only.
    #[must_use]
    pub fn for_role(mut self, role: &str) -> Self {
        self.role = Some(role.to_owned());
        self
    }
}

impl IssuerClient {
    /// A client for the workload's issuer.
    ///
    /// # Errors
    /// `Unexpected` where TLS cannot be set up.
    pub fn new(workload: AskingWorkload) -> Result<Self, Failure> {
        let moved = workload.issuer_address.iter().map(|address| {
            let issuer = workload.issuer.as_str();
            let behind = issuer.find("://").map_or(0, |at| at + 3);
            let end = issuer[behind..]
                .find('/')
                .map_or(issuer.len(), |at| behind + at);
            (issuer[..end].to_owned(), address.clone())
        });
        Ok(Self {
            addresses: Addresses::new(moved.collect()),
            http: http_client()?,
            workload: Arc::new(workload),
        })
    }

    /// Who asks.
    pub fn workload(&self) -> &AskingWorkload {
        &self.workload
    }

    /// Attests and asks for a token.
    ///
    /// # Errors
    /// `RefusedByIssuer` with the issuer's reason, `Unreachable` where it does not answer.
    pub async fn token(&self, ask: &TokenAsk) -> Result<Minted, Failure> {
        self.patiently(None, ask).await
    }

    /// Asks for a token for the person who has `subject_token`, a token of an issuer that ours
    /// trusts. It is never this workload's own.
    ///
    /// # Errors
    /// As [`Self::token`].
    pub async fn person_token(
        &self,
        ask: &TokenAsk,
        subject_token: &SecretString,
    ) -> Result<Minted, Failure> {
        self.patiently(Some(subject_token), ask).await
    }

    async fn patiently(
        &self,
        subject_token: Option<&SecretString>,
        ask: &TokenAsk,
    ) -> Result<Minted, Failure> {
        let mut waits = WAITS.iter();
        loop {
            let proof = match subject_token {
                Some(token) => exchanging(token.clone()),
                None => self.proof()?,
            };
            match (self.ask(proof, ask).await, waits.next()) {
                (Ok(minted), _) => return Ok(minted),
                (
                    Err(Missed {
                        wait: Some(told), ..
                    }),
                    Some(wait),
                ) => {
                    tokio::time::sleep(told.max(*wait).min(LONGEST_WAIT)).await;
                }
                (Err(missed), _) => return Err(missed.failure),
            }
        }
    }

    /// What proves the workload in one request: an assertion is good for one.
    fn proof(&self) -> Result<Vec<(&'static str, SecretString)>, Failure> {
        match &self.workload.proof {
            Proof::Key(key) => {
                let assertion = Assertion::make(
                    key,
                    &self.workload.name,
                    self.workload.issuer.as_str(),
                    Timestamp::now().as_second(),
                    &uuid::Uuid::new_v4().to_string(),
                )
                .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
                Ok(vec![
                    ("grant_type", "client_credentials".into()),
                    ("client_assertion_type", ASSERTION_TYPE.into()),
                    ("client_assertion", assertion),
                ])
            }
            Proof::Evidence(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::new(
                        Exit::Local,
                        format_args!("cannot read the evidence file `{}`: {error}", path.display()),
                    )
                    .hint("It is the platform's to write: look whether the token is mounted or requested at all")
                })?;
                Ok(exchanging(text.trim().to_owned().into()))
            }
        }
    }

    /// Asks once.
    async fn ask(
        &self,
        proof: Vec<(&'static str, SecretString)>,
        ask: &TokenAsk,
    ) -> Result<Minted, Missed> {
        let asked_at = Timestamp::now();
        let endpoint = format!("{}/oauth2/token", self.workload.issuer);
        let attributes = serde_json::to_string(&ask.attributes)
            .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
        let mut form: Vec<(&str, &str)> = (proof.iter())
            .map(|(name, value)| (*name, value.expose_secret()))
            .collect();
        if let Some(name) = &ask.token_config {
            form.push(("token_config", name));
        }
        if let Some(audience) = &ask.audience {
            form.push(("audience", audience));
        }
        if !ask.attributes.is_empty() {
            form.push(("attributes", &attributes));
        }
        if let Some(role) = &ask.role {
            form.push(("role", role));
        }
        let response = self
            .addresses
            .request(&self.http, reqwest::Method::POST, &endpoint)?
            .form(&form)
            .send()
            .await
            .map_err(|error| {
                unreachable("the issuer", &endpoint, &error)
                    .hint("Is `rolecall serve` up, and is `workload.issuer` its exact URL?")
            })?;
        let status = response.status();
        let wait = told_wait(&response);
        let body = response
            .bytes()
            .await
            .map_err(|error| unreachable("the issuer", &endpoint, &error))?;
        if status.is_success() {
            let granted: Granted = serde_json::from_slice(&body).map_err(|error| {
                Missed::from(Failure::new(
                    Exit::Unreachable,
                    format_args!("`{endpoint}` did not answer as a token endpoint does: {error}"),
                ))
            })?;
            return Ok(Minted {
                token: granted.access_token,
                target_variable: granted.target_variable,
                expires_at: asked_at
                    .checked_add(jiff::SignedDuration::from_secs(granted.expires_in))
                    .unwrap_or(asked_at),
            });
        }
        Err(Missed {
            failure: refused(&endpoint, status, &body),
            wait,
        })
    }
}

/// A token that was not given, and how long to wait where another try may get it.
struct Missed {
    failure: Failure,
    wait: Option<Duration>,
}

impl From<Failure> for Missed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            wait: None,
        }
    }
}

/// RFC 8693 §2.1.
fn exchanging(subject_token: SecretString) -> Vec<(&'static str, SecretString)> {
    vec![
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange".into(),
        ),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:jwt".into(),
        ),
        ("subject_token", subject_token),
    ]
}

/// How long the issuer wants to be left alone (RFC 9110 §10.2.3), where it would give the token
/// otherwise.
fn told_wait(response: &reqwest::Response) -> Option<Duration> {
    let passing = matches!(
        response.status(),
        reqwest::StatusCode::TOO_MANY_REQUESTS | reqwest::StatusCode::SERVICE_UNAVAILABLE
    );
    let told = response.headers().get(reqwest::header::RETRY_AFTER);
    let told = told.and_then(|told| told.to_str().ok()?.parse().ok());
    passing.then(|| Duration::from_secs(told.unwrap_or(1)))
}

fn refused(endpoint: &str, status: reqwest::StatusCode, body: &[u8]) -> Failure {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else {
        return Failure::new(
            Exit::Unreachable,
            format_args!("`{endpoint}` answered {status}, and not as a token endpoint does"),
        )
        .hint("`workload.issuer` must be the issuer's exact URL");
    };
    let exit = if status.is_server_error() {
        Exit::Unreachable
    } else {
        Exit::RefusedByIssuer
    };
    let failure = Failure::new(
        exit,
        format_args!("the issuer refused: {} ({status})", refusal.error),
    );
    match refusal.error_description {
        Some(description) => failure.note(description),
        None => failure,
    }
}

/// Between tries.
const WAITS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: i64,
    #[serde(default)]
    target_variable: Option<String>,
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}
