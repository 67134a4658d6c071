//! `--serve`: what to paste into another shell.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use rolecall_deliver::{Clock, SecretFile, keep_token_fresh};
use tokio::task::JoinHandle;

use super::ground::{CONNECTION, Ground, HOME_ACCOUNT};
use super::story;
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::issuer_client::IssuerClient;
use crate::sources::{self, IssuerSource};
use crate::style::{HEAD, QUIET};

/// A task that keeps the demo's token file fresh; ends when this is dropped.
pub struct Keeping(JoinHandle<()>);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes the token file and keeps it fresh.
///
/// # Errors
/// The issuer's refusal, or `Local` where the file cannot be written.
pub async fn keep_token(ground: &Ground) -> Result<Keeping, Failure> {
    let loaded = Loaded::read(&ground.file("rolecall.yaml"))?;
    let client = IssuerClient::new(loaded.asking_workload()?)?;
    let ask = story::ask_as(story::RIGHT_COMPONENT);
    let first = client.token(&ask).await?;
    let file = SecretFile::new(ground.file("token"));
    file.write(&first.token)
        .map_err(|error| Failure::from_error(Exit::Local, &error))?;
    let source = Arc::new(IssuerSource::new(client, ask));
    let first = sources::identity_token(first);
    Ok(Keeping(tokio::spawn(async move {
        keep_token_fresh(source, file, &first, Clock::system(), |renewed| {
            if let Err(error) = renewed {
                tracing::warn!(%error, "the token file could not be renewed");
            }
        })
        .await;
    })))
}

/// The commands, ready to paste.
pub fn commands(ground: &Ground) -> String {
    let sts = ground.sts();
    let role = format!("arn:aws:iam::{HOME_ACCOUNT}:role/cube-deployment-acme");
    let token = quoted(&ground.file("token"));
    let config = quoted(&ground.file("rolecall.yaml"));
    let admin = quoted(&ground.file("emulator-credentials"));
    let program =
        std::env::current_exe().map_or_else(|_| "rolecall".to_owned(), |path| quoted(&path));
    let component = story::RIGHT_COMPONENT;
    let sections = [
        (
            "aws CLI: exchanges the token by itself",
            format!(
                "AWS_ENDPOINT_URL_STS={sts} AWS_DEFAULT_REGION=us-east-1 AWS_ROLE_ARN={role} \
                 AWS_WEB_IDENTITY_TOKEN_FILE={token} AWS_ROLE_SESSION_NAME=pasted \
                 aws sts get-caller-identity"
            ),
        ),
        (
            "aws CLI through Rolecall: the whole chain, kept fresh",
            format!(
                "{program} exec {CONNECTION} --config {config} --attribute component={component} \
                 -- aws sts get-caller-identity"
            ),
        ),
        (
            "aws CLI as the emulated account's administrator",
            format!(
                "AWS_ENDPOINT_URL_IAM={sts} AWS_DEFAULT_REGION=us-east-1 \
                 AWS_SHARED_CREDENTIALS_FILE={admin} aws iam get-role \
                 --role-name cube-deployment-acme"
            ),
        ),
        (
            "boto3",
            format!(
                "AWS_ENDPOINT_URL_STS={sts} AWS_DEFAULT_REGION=us-east-1 AWS_ROLE_ARN={role} \
                 AWS_WEB_IDENTITY_TOKEN_FILE={token} AWS_ROLE_SESSION_NAME=pasted \
                 python3 -c 'import boto3; print(boto3.client(\"sts\").get_caller_identity()[\"Arn\"])'"
            ),
        ),
        ("terraform", terraform(sts, &role, &ground.file("token"))),
        (
            "a denial, explained",
            format!(
                "{program} credentials {CONNECTION} --config {config} --attribute component={}",
                story::WRONG_COMPONENT
            ),
        ),
    ];
    let mut text = format!("\n{HEAD}Try it from another shell; Ctrl-C here ends it.{HEAD:#}\n");
    let _ = writeln!(text, "  issuer  {}", ground.issuer());
    let _ = writeln!(text, "  STS     {sts}");
    for (title, command) in sections {
        let _ = write!(text, "\n{QUIET}# {title}{QUIET:#}\n{command}\n");
    }
    text
}

fn terraform(sts: &str, role: &str, token: &Path) -> String {
    let token = token.display();
    format!(
        r#"cd "$(mktemp -d)" && cat >main.tf <<'HCL'
provider "aws" {{
  region = "us-east-1"
  assume_role_with_web_identity {{
    role_arn                = "{role}"
    session_name            = "pasted"
    web_identity_token_file = "{token}"
  }}
  endpoints {{
    sts = "{sts}"
    iam = "{sts}"
  }}
}}
data "aws_caller_identity" "me" {{}}
output "me" {{ value = data.aws_caller_identity.me.arn }}
HCL
terraform init -input=false && terraform apply -auto-approve -input=false"#
    )
}

/// A path as a POSIX shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    if plain {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
