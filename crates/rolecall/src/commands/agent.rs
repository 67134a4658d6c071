//! `rolecall agent`: credentials for the programs of this machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use rolecall_agent::{
    AgentError, Broker, Described, Holding, Pending, PersonToken, Socket, Target, Wanted,
    keep_files, serve_endpoint, serve_socket,
};
use rolecall_ask::{Audience, Connection, Connections};
use rolecall_deliver::{Clock, CredentialSource, SourceError, TokenSource};
use rolecall_exchange::Origin;
use rolecall_jose::Compact;
use rolecall_names::RoleArn;
use rolecall_sealed::{ExposeSecret as _, SecretString};

use crate::agent_client::AgentClient;
use crate::asking::{self, Asking};
use crate::cli::Output;
use crate::cli::agent::{AgentArgs, AgentCommand, AgentRunArgs};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::issuer_client::{IssuerClient, Minted};
use crate::sources::{ChainSource, IssuerSource, told};
use crate::{printing, process};

/// Serves, or asks the agent that serves.
pub async fn run(args: AgentArgs) -> Result<(), Failure> {
    match args.command {
        None => serve(args.run).await,
        Some(AgentCommand::Whoami(args)) => {
            let known = args.client()?.whoami().await?;
            match args.output {
                Output::Json => printing::json(&known),
                Output::Text if known.connections.is_empty() => {
                    printing::line(&format!("{}: no connections", known.caller))
                }
                Output::Text => printing::line(&format!(
                    "{}: {}",
                    known.caller,
                    known.connections.join(", ")
                )),
            }
        }
        Some(AgentCommand::Status(args)) => {
            let status = args.client()?.status().await?;
            printing::json(&status)
        }
        Some(AgentCommand::Flush(args)) => args.client()?.flush().await,
    }
}

async fn serve(args: AgentRunArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.config)?;
    let settings = loaded.agent(args.socket)?;
    let client = IssuerClient::new(loaded.asking_workload()?)?;
    let clock = Clock::system();
    let broker: Arc<dyn Broker> = Arc::new(Brokering {
        client,
        connections: loaded.document.connections,
        role_token_config: settings.role_token_config,
    });
    let holding = Holding::new(Arc::clone(&broker), clock.clone());
    let socket = Socket::bind(&settings.socket).map_err(|error| not_started(&error))?;
    let mut endpoints = Vec::with_capacity(settings.endpoints.len());
    for (listen, wanted, form) in &settings.endpoints {
        let served = serve_endpoint(&holding, wanted, *listen, form, &clock).await;
        endpoints.push(served.map_err(|error| not_started(&error))?);
    }
    let stop = process::stop_signal()?;
    let keeping = keep_files(&broker, &settings.files, &clock);
    let path = socket.path().display().to_string();
    match args.output {
        Output::Json => {
            let endpoints: Vec<_> = (endpoints.iter())
                .map(|served| {
                    let (variable, value) = served.variable();
                    serde_json::json!({ "variable": variable, "value": value })
                })
                .collect();
            printing::json(
                &serde_json::json!({ "event": "ready", "socket": path, "endpoints": endpoints }),
            )?;
        }
        Output::Text => {
            printing::line(&format!("serving at {path}"))?;
            for served in &endpoints {
                let (variable, value) = served.variable();
                printing::line(&format!("{variable}={value}"))?;
            }
        }
    }
    super::serve::tell_supervisor(&[sd_notify::NotifyState::Ready]);
    serve_socket(socket, holding, settings.callers, stop).await;
    super::serve::tell_supervisor(&[sd_notify::NotifyState::Stopping]);
    drop(keeping);
    Ok(())
}

impl crate::cli::agent::AgentAskArgs {
    fn client(&self) -> Result<AgentClient, Failure> {
        match &self.agent {
            Some(path) => Ok(AgentClient::at(path)),
            None => AgentClient::found().ok_or_else(|| {
                Failure::new(Exit::Local, "there is no agent on this machine").hint(
                    "Start one with `rolecall agent --config FILE`, or name its socket with --agent",
                )
            }),
        }
    }
}

fn not_started(error: &AgentError) -> Failure {
    let failure = Failure::from_error(Exit::Local, error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The way of this binary, walked for whoever asks the agent.
struct Brokering {
    client: IssuerClient,
    connections: Connections,
    /// For roles that are asked for by their ARNs alone.
    role_token_config: Option<String>,
}

impl Brokering {
    fn asking(&self, wanted: &Wanted) -> Result<Asking, SourceError> {
        let chosen = chosen(&wanted.attributes);
        let asking = match &wanted.what {
            Target::Connection(name) => {
                let connection = self
                    .connections
                    .named(name)
                    .map_err(|error| told(&Failure::from_error(Exit::Configuration, &error)))?;
                Asking::with(self.client.clone(), connection, &chosen)
            }
            Target::Role(role) => {
                let role = role.parse::<RoleArn>().map_err(|error| {
                    told(&Failure::new(
                        Exit::Configuration,
                        format_args!("`{role}` is no role: {error}"),
                    ))
                })?;
                Asking::with(
                    self.client.clone(),
                    &Connection::of_role(role, self.role_token_config.as_deref()),
                    &chosen,
                )
            }
        };
        asking.map_err(|failure| told(&failure))
    }
}

impl Broker for Brokering {
    fn connections(&self) -> Vec<String> {
        self.connections
            .iter()
            .map(|one| one.name().to_owned())
            .collect()
    }

    fn describe(&self, wanted: &Wanted) -> Result<Described, SourceError> {
        let asking = self.asking(wanted)?;
        let plan = asking.planned();
        let address = plan.address();
        let role = plan.steps().last().map(|step| step.role().to_string());
        Ok(Described {
            role_arn: role.unwrap_or_default(),
            region: address.region().as_str().to_owned(),
            sts_endpoint: (address.endpoint_from() != Origin::Default)
                .then(|| address.endpoint().as_str().to_owned()),
        })
    }

    fn credentials(&self, wanted: &Wanted) -> Result<Arc<dyn CredentialSource>, SourceError> {
        Ok(Arc::new(ChainSource::new(Arc::new(self.asking(wanted)?))))
    }

    fn tokens(&self, wanted: &Wanted<String>) -> Arc<dyn TokenSource> {
        let audience = Audience::TokenConfig(wanted.what.clone());
        let ask = asking::token_ask(&audience, &chosen(&wanted.attributes));
        Arc::new(IssuerSource::new(self.client.clone(), ask))
    }

    fn person<'a>(
        &'a self,
        token_config: &'a str,
        subject_token: &'a SecretString,
    ) -> Pending<'a, PersonToken> {
        Box::pin(async move {
            let ask = asking::token_ask(&Audience::TokenConfig(token_config.to_owned()), &[]);
            let minted = self.client.person_token(&ask, subject_token).await;
            Ok(person(minted.map_err(|failure| told(&failure))?))
        })
    }
}

/// A token that was made for a person, with its own times.
pub(super) fn person(minted: Minted) -> PersonToken {
    let claims = Compact::parse(minted.token.expose_secret())
        .ok()
        .and_then(|compact| compact.claims().ok());
    let time = |name: &str| claims.as_ref()?.get(name)?.as_i64();
    let expires_at = time("exp").unwrap_or(minted.expires_at.as_second());
    PersonToken {
        issued_at: time("iat").unwrap_or(expires_at),
        expires_at,
        token: minted.token,
    }
}

fn chosen(attributes: &BTreeMap<String, String>) -> Vec<(String, String)> {
    (attributes.iter())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
