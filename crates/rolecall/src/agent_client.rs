//! The other end of the agent's socket: what programs of this machine ask it.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rolecall_deliver::{CredentialSource, Credentials, IdentityToken, SourceError, TokenSource};
use rolecall_names::Region;
use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::failure::{Exit, Failure};

/// Asks the agent at one socket. Each request has a connection of its own: the agent may have been
/// started anew meanwhile.
#[derive(Clone, Debug)]
pub struct AgentClient {
    socket: PathBuf,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A connection, by its name in the agent's configuration.
    Connection(String),
    /// A role, by its ARN.
    Role(String),
}

/// What a program must know beside its credentials.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// The region.
    pub region: Region,
    /// The STS endpoint, where it is not AWS's own.
    pub sts_endpoint: Option<String>,
}

/// Who the agent takes this process for.
#[derive(Debug, Deserialize, serde::Serialize)]
pub struct Known {
    /// The caller's name.
    pub caller: String,
    /// The connections that it may have.
    pub connections: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: SecretString,
    token: SecretString,
    expiration: Timestamp,
    account_id: Option<String>,
    role_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenToken {
    token: SecretString,
    expires_at: Timestamp,
    target_variable: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    code: String,
    message: String,
    #[serde(default)]
    permanent: bool,
}

impl AgentClient {
    /// A client of the agent at this socket.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// A client of the agent that this machine or user has, if its socket is there.
    pub fn found() -> Option<Self> {
        places()
            .into_iter()
            .find(|path| path.exists())
            .map(Self::at)
    }

    /// Who we are to it.
    ///
    /// # Errors
    /// `Local` where there is no agent, `RefusedByIssuer` where we are nobody to it.
    pub async fn whoami(&self) -> Result<Known, Failure> {
        self.get("/v1/whoami").await
    }

    /// What it holds for us, as it tells it.
    ///
    /// # Errors
    /// As [`Self::whoami`].
    pub async fn status(&self) -> Result<serde_json::Value, Failure> {
        self.get("/v1/status").await
    }

    /// Makes it forget what it holds for us.
    ///
    /// # Errors
    /// As [`Self::whoami`].
    pub async fn flush(&self) -> Result<(), Failure> {
        self.send("POST", "/v1/flush", Bytes::new()).await.map(drop)
    }

    /// What a program must know.
    ///
    /// # Errors
    /// As [`Self::credentials`].
    pub async fn describe(&self, wanted: &Wanted) -> Result<Described, Failure> {
        self.get(&match wanted {
            Wanted::Connection(name) => format!("/v1/connections/{}", encoded(name)),
            Wanted::Role(arn) => format!("/v1/roles?arn={}", encoded(arn)),
        })
        .await
    }

    /// Credentials.
    ///
    /// # Errors
    /// `Local` where there is no agent, `RefusedByIssuer` where it does not let us have them, and
    /// whatever kept it from fetching them.
    pub async fn credentials(&self, wanted: &Wanted) -> Result<Credentials, Failure> {
        let given: Given = self
            .get(&match wanted {
                Wanted::Connection(name) => {
                    format!("/v1/connections/{}/credentials", encoded(name))
                }
                Wanted::Role(arn) => format!("/v1/roles/credentials?arn={}", encoded(arn)),
            })
            .await?;
        Ok(Credentials {
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            session_token: given.token,
            expiration: given.expiration,
            account_id: given.account_id,
            role_arn: given.role_arn,
        })
    }

    /// A token of a token config.
    ///
    /// # Errors
    /// As [`Self::credentials`].
    pub async fn token(&self, token_config: &str) -> Result<IdentityToken, Failure> {
        let given: GivenToken = self
            .get(&format!("/v1/tokens/{}", encoded(token_config)))
            .await?;
        Ok(IdentityToken {
            token: given.token,
            expiration: given.expires_at,
            target_variable: given.target_variable,
        })
    }

    /// What a person's session holds, JSON with a `status`.
    ///
    /// # Errors
    /// As [`Self::whoami`]. That there is no token for the person is none.
    pub async fn person(
        &self,
        token_config: &str,
        subject_token: &SecretString,
    ) -> Result<SecretString, Failure> {
        let path = format!("/v1/user-tokens/{}", encoded(token_config));
        let body = Bytes::from(subject_token.expose_secret().to_owned());
        let session = self.send("POST", &path, body).await?;
        match String::from_utf8(session.to_vec()) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(self.no_agent("it does not answer as one")),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let body = self.send("GET", path, Bytes::new()).await?;
        serde_json::from_slice(&body).map_err(|_| self.no_agent("it does not answer as one"))
    }

    async fn send(&self, method: &str, path: &str, body: Bytes) -> Result<Bytes, Failure> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| self.no_agent(error))?;
        let asked = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            let driving = tokio::spawn(connection);
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .header("host", "agent")
                .body(Full::new(body));
            let Ok(request) = request else {
                return Ok(None);
            };
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let bytes = answer.into_body().collect().await?.to_bytes();
            driving.abort();
            Ok::<_, hyper::Error>(Some((status, bytes)))
        };
        let answered = asked.await.map_err(|error| self.no_agent(error))?;
        let Some((status, bytes)) = answered else {
            return Err(Failure::new(
                Exit::Usage,
                "that cannot be asked of an agent",
            ));
        };
        if status.is_success() {
            return Ok(bytes);
        }
        let refused: Refused = serde_json::from_slice(&bytes)
            .map_err(|_| self.no_agent("it does not answer as one"))?;
        let exit = Exit::named(&refused.code).unwrap_or(if refused.permanent {
            Exit::RefusedByIssuer
        } else {
            Exit::Unreachable
        });
        let said = format!(
            "the agent at `{}`: {}",
            self.socket.display(),
            refused.message
        );
        Err(Failure::new(exit, said))
    }

    fn no_agent(&self, why: impl std::fmt::Display) -> Failure {
        Failure::new(
            Exit::Local,
            format_args!("no agent answers at `{}`: {why}", self.socket.display()),
        )
        .hint("Start one with `rolecall agent --config FILE`, or name its socket with --agent or ROLECALL_AGENT")
    }
}

/// Credentials of one connection or role, asked of the agent whenever they near their end.
pub struct AgentSource {
    /// Whom to ask.
    pub agent: AgentClient,
    /// What for.
    pub wanted: Wanted,
}

impl CredentialSource for AgentSource {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, SourceError>> + Send + '_>> {
        Box::pin(async {
            let fetched = self.agent.credentials(&self.wanted).await;
            fetched.map_err(|failure| passing(&failure))
        })
    }
}

/// Tokens of one token config, asked of the agent.
pub struct AgentTokenSource {
    /// Whom to ask.
    pub agent: AgentClient,
    /// Which token config.
    pub token_config: String,
}

impl TokenSource for AgentTokenSource {
    fn fetch(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<IdentityToken, SourceError>> + Send + '_>> {
        Box::pin(async {
            let fetched = self.agent.token(&self.token_config).await;
            fetched.map_err(|failure| passing(&failure))
        })
    }
}

/// An agent that is started anew comes back: what is held is served meanwhile.
fn passing(failure: &Failure) -> SourceError {
    let told = crate::sources::told(failure);
    SourceError {
        permanent: told.permanent && failure.exit() != Exit::Local,
        ..told
    }
}

/// Where an agent is looked for, and where `rolecall agent` is if nothing is said: of this user,
/// then of this machine.
pub fn places() -> Vec<PathBuf> {
    let mut places = Vec::with_capacity(2);
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").filter(|it| !it.is_empty()) {
        places.push(Path::new(&runtime).join("rolecall/agent.sock"));
    }
    places.push(PathBuf::from("/run/rolecall/agent.sock"));
    places
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
