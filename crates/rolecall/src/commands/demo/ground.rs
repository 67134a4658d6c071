//! What the demo stands on: a folder of its own, an issuer with one workload, an emulated account
//! with two roles in two accounts.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rolecall_emulator::{Emulator, Seed, Settings};
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_sealed::ExposeSecret as _;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::commands::aws_emulator::bind;
use crate::commands::serve::Serving;
use crate::config::Loaded;
use crate::failure::{Exit, Failure};

/// The account that the workload's first role is in.
pub const HOME_ACCOUNT: &str = "111122223333";
/// The account that the data is in.
pub const DATA_ACCOUNT: &str = "444455556666";
/// The connection that the workload asks for.
pub const CONNECTION: &str = "warehouse";

/// Issuer and emulated account, serving, and the files that the commands read.
pub struct Ground {
    folder: TempDir,
    issuer: String,
    sts: String,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
}

impl Ground {
    /// Prepares everything, on ports that the system chooses.
    ///
    /// # Errors
    /// `Local` where no folder or port is to be had.
    pub async fn prepare() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("rolecall-demo-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(|error| no_folder(&error))?;
        let (stop, stopped) = watch::channel(false);

        let key = SigningKey::generate(KeyKind::P256)
            .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
        let pem = key
            .to_pem()
            .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
        let jwk = serde_json::to_string(key.public_jwk())
            .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
        let at = |name: &str| folder.path().join(name);
        write(&at("cube-api.pem"), pem.expose_secret())?;
        write(&at("server.yaml"), &server_yaml(&jwk))?;
        let issuer = Serving::start(&Loaded::read(&at("server.yaml"))?, false).await?;
        let issuer_url = format!("http://{}/acme", issuer.address());

        let listener = bind(([127, 0, 0, 1], 0).into()).await?;
        let sts = format!("http://{}", local(&listener)?);
        let seed = seed(&issuer_url)?;
        let emulator = Emulator::new(Settings {
            seed: Some(seed),
            trail: Some(at("cloudtrail.jsonl")),
            ..Settings::default()
        })
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
        emulator
            .write_admin_credentials(&at("emulator-credentials"))
            .map_err(|error| Failure::from_error(Exit::Local, &error))?;
        write(&at("rolecall.yaml"), &workload_yaml(&issuer_url, &sts))?;

        let issuer_stop = until(stopped.clone());
        let emulator_stop = until(stopped);
        let serving = vec![
            tokio::spawn(async move { issuer.run(issuer_stop).await }),
            tokio::spawn(async move {
                if let Err(error) = emulator.serve(listener, emulator_stop).await {
                    tracing::error!(%error, "the emulated account ended");
                }
            }),
        ];
        Ok(Self {
            folder,
            issuer: issuer_url,
            sts,
            stop,
            serving,
        })
    }

    /// A file of the demo's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The issuer's URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The URL of STS and IAM.
    pub fn sts(&self) -> &str {
        &self.sts
    }

    /// Ends both servers and removes the folder.
    pub async fn clear(self) {
        // Without a receiver both have ended already.
        let _ = self.stop.send(true);
        for server in self.serving {
            let _ = server.await;
        }
        if let Err(error) = self.folder.close() {
            tracing::warn!(%error, "the demo's folder could not be removed");
        }
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn local(listener: &tokio::net::TcpListener) -> Result<std::net::SocketAddr, Failure> {
    listener.local_addr().map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot tell the bound address: {error}"),
        )
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            Failure::new(
                Exit::Local,
                format_args!("cannot write `{}`: {error}", path.display()),
            )
        })
}

fn no_folder(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Local,
        format_args!("cannot make a temporary folder: {error}"),
    )
    .hint("Set TMPDIR to a folder that this user may write to")
}

/// The subject format is Cube's, with the component.
fn server_yaml(jwk: &str) -> String {
    format!(
        r#"server:
  listen: 127.0.0.1:0
  state: ./state
  master_key_file: ./master.key
tenants:
  - name: acme
    issuer: http://{{listen}}/acme
    token_configs:
      - name: aws
        audience: sts.amazonaws.com
        lifetime: 1h
        algorithm: ES256
        subject: "cube:deployment:{{deployment_id}}:component:{{component}}"
    workloads:
      - name: cube-api
        attributes: {{ deployment_id: "42" }}
        may_claim: {{ component: [cube_api, cube_store] }}
        token_configs: [aws]
        keys:
          - {jwk}
"#
    )
}

fn workload_yaml(issuer: &str, sts: &str) -> String {
    format!(
        r#"workload:
  name: cube-api
  issuer: {issuer}
  key_file: ./cube-api.pem
connections:
  {CONNECTION}:
    token_config: aws
    role: arn:aws:iam::{HOME_ACCOUNT}:role/cube-deployment-acme
    session_name: "{{workload}}-{{component}}"
    region: us-east-1
    sts_endpoint: {sts}
    hops:
      - role: arn:aws:iam::{DATA_ACCOUNT}:role/WarehouseReader
        external_id: acme-warehouse-7f3a
  deployment:
    token_config: aws
    role: arn:aws:iam::{HOME_ACCOUNT}:role/cube-deployment-acme
    session_name: "{{workload}}-{{component}}"
    region: us-east-1
    sts_endpoint: {sts}
"#
    )
}

fn seed(issuer: &str) -> Result<Seed, Failure> {
    let provider = issuer.trim_start_matches("http://");
    let seed = serde_json::json!({ "accounts": {
        HOME_ACCOUNT: {
            "oidc_providers": [{ "url": issuer, "client_ids": ["sts.amazonaws.com"] }],
            "roles": [{
                "name": "cube-deployment-acme",
                "trust_policy": {
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow",
                        "Principal": { "Federated": format!(
                            "arn:aws:iam::{HOME_ACCOUNT}:oidc-provider/{provider}"
                        ) },
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {
                            "StringEquals": { format!("{provider}:aud"): "sts.amazonaws.com" },
                            "StringLike": {
                                format!("{provider}:sub"): "cube:deployment:42:component:cube_api"
                            }
                        }
                    }]
                },
                "policies": { "assume-warehouse-reader": {
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Resource": format!("arn:aws:iam::{DATA_ACCOUNT}:role/WarehouseReader")
                    }]
                } }
            }]
        },
        DATA_ACCOUNT: {
            "roles": [{
                "name": "WarehouseReader",
                "trust_policy": {
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow",
                        "Principal": {
                            "AWS": format!("arn:aws:iam::{HOME_ACCOUNT}:role/cube-deployment-acme")
                        },
                        "Action": "sts:AssumeRole",
                        "Condition": { "StringEquals": { "sts:ExternalId": "acme-warehouse-7f3a" } }
                    }]
                }
            }]
        }
    } });
    serde_json::from_value(seed).map_err(|error| Failure::from_error(Exit::Unexpected, &error))
}
