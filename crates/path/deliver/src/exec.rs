use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::child::{ProfileFiles, environment};
use crate::format::variables;
use crate::signals::{Forwarded, send};
use crate::token_file::{keep_token_fresh, renew};
use crate::{
    AuthorizationToken, CachedCredentials, ChildSettings, Clock, ContainerEndpoint,
    CredentialSource, Credentials, DeliverError, IdentityToken, SecretFile, TokenSource,
};

/// How a child gets its credentials.
pub enum Delivery {
    /// The container endpoint: always fresh, for any chain.
    Endpoint {
        /// Asked whenever the credentials near their end.
        source: Arc<dyn CredentialSource>,
    },
    /// A token file that the SDK in the child exchanges by itself: always fresh, for a single
    /// role without session policies.
    WebIdentity {
        /// Asked at half of each token's life.
        source: Arc<dyn TokenSource>,
        /// For `AWS_ROLE_ARN`.
        role_arn: String,
        /// For `AWS_ROLE_SESSION_NAME`.
        session_name: String,
        /// Further names by which the program finds them.
        names: Names,
    },
    /// None: the child gets tokens only.
    Nothing,
    /// Frozen keys in the environment: they end when they end, and nothing renews them.
    Environment {
        /// The keys.
        credentials: Credentials,
    },
}

/// By which names a program finds a token and a role, beside those of AWS's SDKs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Names {
    /// None: AWS's own do.
    #[default]
    Aws,
    /// Cube Store: `CUBESTORE_AWS_WEB_IDENTITY_TOKEN_FILE`, `CUBESTORE_AWS_ROLE_ARN`.
    CubeStore,
    /// What runs as on a Spacelift worker: `SPACELIFT_OIDC_TOKEN`, which holds the first token and
    /// is not renewed.
    Spacelift,
}

/// A token that a child finds in a file, kept fresh for as long as it runs.
#[derive(Clone)]
pub struct ChildToken {
    /// The environment variable that names the file.
    pub variable: String,
    /// Asked at half of each token's life.
    pub source: Arc<dyn TokenSource>,
}

/// A program to run with credentials.
#[derive(Clone)]
pub struct Execution {
    /// The program, found as a shell would.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The environment that it inherits, before ours goes in.
    pub inherited: Vec<(OsString, OsString)>,
    /// Region and STS endpoint.
    pub settings: ChildSettings,
    /// Tokens that it gets beside its credentials.
    pub tokens: Vec<ChildToken>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Runs a program with credentials, passes signals on to it, and gives its exit code: its own, or
/// 128 and the signal's number where one ended it. What was made for it is removed behind it.
///
/// The first credentials are fetched before the program starts, so that a denial is seen here and
/// not as a strange failure inside it.
///
/// # Errors
/// See [`DeliverError`]; [`DeliverError::shell_exit_code`] for a program that cannot be run.
pub async fn exec(execution: Execution, delivery: Delivery) -> Result<u8, DeliverError> {
    let mut prepared = Prepared::make(delivery, &execution.clock).await?;
    for token in &execution.tokens {
        prepared.add(token, &execution.clock).await?;
    }
    // Before the child, so that no signal is lost between the two.
    let mut signals = Forwarded::listen().map_err(DeliverError::Child)?;
    let mut child = Command::new(&execution.program)
        .args(&execution.arguments)
        .env_clear()
        .envs(environment(
            execution.inherited,
            &execution.settings,
            prepared.variables.clone(),
            prepared.files,
        ))
        .spawn()
        .map_err(|error| not_started(&execution.program, error))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(DeliverError::Child)?,
            signal = signals.next() => send(&child, signal),
        }
    };
    Ok(exit_code(status))
}

/// What stands ready for the child, for as long as this lives.
struct Prepared {
    variables: Vec<(Cow<'static, str>, OsString)>,
    files: ProfileFiles,
    _endpoint: Option<ContainerEndpoint>,
    keepers: Vec<JoinHandle<()>>,
    /// Taken away with what is in them.
    folders: Vec<TempDir>,
}

impl Prepared {
    async fn make(delivery: Delivery, clock: &Clock) -> Result<Self, DeliverError> {
        match delivery {
            Delivery::Endpoint { source } => Self::endpoint(source, clock).await,
            Delivery::WebIdentity {
                source,
                role_arn,
                session_name,
                names,
            } => Self::web_identity(source, (role_arn, session_name), names, clock).await,
            Delivery::Environment { credentials } => Ok(Self {
                variables: variables(&credentials, None)
                    .into_iter()
                    .map(|(name, value)| (name.into(), value.expose_secret().into()))
                    .collect(),
                files: ProfileFiles::Readable,
                _endpoint: None,
                keepers: Vec::new(),
                folders: Vec::new(),
            }),
            Delivery::Nothing => Ok(Self {
                variables: Vec::new(),
                files: ProfileFiles::Readable,
                _endpoint: None,
                keepers: Vec::new(),
                folders: Vec::new(),
            }),
        }
    }

    async fn endpoint(
        source: Arc<dyn CredentialSource>,
        clock: &Clock,
    ) -> Result<Self, DeliverError> {
        let credentials = CachedCredentials::new(source, clock.clone());
        credentials.current().await?;
        let folder = private_folder()?;
        let token = AuthorizationToken::generate()?;
        let file = SecretFile::new(folder.path().join("authorization"));
        file.write(token.secret())?;
        let endpoint = ContainerEndpoint::start(credentials, token).await?;
        Ok(Self {
            variables: vec![
                (
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI".into(),
                    endpoint.url().into(),
                ),
                (
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE".into(),
                    file.path().into(),
                ),
            ],
            files: ProfileFiles::Hidden,
            _endpoint: Some(endpoint),
            keepers: Vec::new(),
            folders: vec![folder],
        })
    }

    async fn web_identity(
        source: Arc<dyn TokenSource>,
        (role_arn, session_name): (String, String),
        names: Names,
        clock: &Clock,
    ) -> Result<Self, DeliverError> {
        let folder = private_folder()?;
        let file = SecretFile::new(folder.path().join("token"));
        let first = renew(source.as_ref(), &file).await?;
        let mut variables = vec![
            ("AWS_WEB_IDENTITY_TOKEN_FILE".into(), file.path().into()),
            ("AWS_ROLE_ARN".into(), role_arn.clone().into()),
            ("AWS_ROLE_SESSION_NAME".into(), session_name.into()),
        ];
        match names {
            Names::Aws => {}
            Names::CubeStore => variables.extend([
                (
                    "CUBESTORE_AWS_WEB_IDENTITY_TOKEN_FILE".into(),
                    file.path().into(),
                ),
                ("CUBESTORE_AWS_ROLE_ARN".into(), role_arn.into()),
            ]),
            // Frozen: programs that read the variable know no file.
            Names::Spacelift => variables.push((
                "SPACELIFT_OIDC_TOKEN".into(),
                first.token.expose_secret().into(),
            )),
        }
        Ok(Self {
            variables,
            files: ProfileFiles::Hidden,
            _endpoint: None,
            keepers: vec![kept(source, file, first, clock)],
            folders: vec![folder],
        })
    }

    async fn add(&mut self, token: &ChildToken, clock: &Clock) -> Result<(), DeliverError> {
        let folder = private_folder()?;
        let file = SecretFile::new(folder.path().join("token"));
        let first = renew(token.source.as_ref(), &file).await?;
        let variable = token.variable.clone();
        self.variables.push((variable.into(), file.path().into()));
        self.keepers
            .push(kept(Arc::clone(&token.source), file, first, clock));
        self.folders.push(folder);
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        for keeper in &self.keepers {
            keeper.abort();
        }
    }
}

fn kept(
    source: Arc<dyn TokenSource>,
    file: SecretFile,
    first: IdentityToken,
    clock: &Clock,
) -> JoinHandle<()> {
    let clock = clock.clone();
    tokio::spawn(async move {
        keep_token_fresh(source, file, &first, clock, |renewed| {
            if let Err(error) = renewed {
                tracing::warn!(%error, "the token file could not be renewed");
            }
        })
        .await;
    })
}

fn private_folder() -> Result<TempDir, DeliverError> {
    tempfile::Builder::new()
        .prefix("rolecall-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(DeliverError::Folder)
}

fn not_started(program: &OsString, error: io::Error) -> DeliverError {
    let program = program.to_string_lossy().into_owned();
    match error.kind() {
        io::ErrorKind::NotFound => DeliverError::NotFound { program },
        _ => DeliverError::NotExecutable { program, error },
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => SIGNALLED + signal,
        (None, None) => 1,
    };
    // The system keeps eight bits of either.
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// What shells add to the number of the signal that ended a child.
const SIGNALLED: i32 = 128;
