//! A workload on its way: from the configuration and the flags to a session, with what a denial
//! needs to be explained.

use rolecall_ask::{Asker, Audience, Connection};
use rolecall_chain::{Event, Plan, walk};
use rolecall_exchange::{Retry, Session, StsEnvironment};

use crate::agent_client::AgentClient;
use crate::cli::AskArgs;
use crate::config::Loaded;
use crate::denial::{self, Presented};
use crate::failure::{Exit, Failure};
use crate::issuer_client::{IssuerClient, Minted, TokenAsk};

/// From where credentials come.
pub enum Way {
    /// The agent of this machine.
    Agent(AgentClient),
    /// The whole way, from here.
    Configuration(Box<Loaded>),
}

impl Way {
    /// The agent where one is named, the configuration file where there is one, else the agent
    /// whose socket is there.
    ///
    /// # Errors
    /// `Configuration` where the file cannot be read, or there is neither.
    pub fn choose(args: &AskArgs) -> Result<Self, Failure> {
        if let Some(socket) = &args.agent {
            return Self::agent(AgentClient::at(socket), args);
        }
        match AgentClient::found() {
            Some(agent) if !args.config.exists() => Self::agent(agent, args),
            _ => Ok(Self::Configuration(Box::new(Loaded::read(&args.config)?))),
        }
    }

    fn agent(agent: AgentClient, args: &AskArgs) -> Result<Self, Failure> {
        if args.attributes.is_empty() {
            return Ok(Self::Agent(agent));
        }
        Err(Failure::new(
            Exit::Usage,
            "an agent's callers have the attributes that its configuration says",
        )
        .hint("Leave `--attribute` out, or give --config FILE to ask without the agent"))
    }
}

/// One workload that asks for one connection.
pub struct Asking {
    client: IssuerClient,
    token_ask: TokenAsk,
    plan: Plan,
}

impl Asking {
    /// Plans; nothing is called yet.
    ///
    /// # Errors
    /// `Configuration` for an unknown connection, an attribute that a template lacks, or an
    /// environment that names no usable STS; `Local` for the key file.
    pub fn plan(loaded: &Loaded, connection: &str, args: &AskArgs) -> Result<Self, Failure> {
        let connection = find(loaded, connection)?;
        let client = IssuerClient::new(loaded.asking_workload()?)?;
        Self::with(client, connection, &args.attributes)
    }

    /// The same for a connection at hand, with the attributes that are chosen for it.
    ///
    /// # Errors
    /// As [`Self::plan`], but for an unknown connection and the key file.
    pub fn with(
        client: IssuerClient,
        connection: &Connection,
        chosen: &[(String, String)],
    ) -> Result<Self, Failure> {
        let mut attributes = client.workload().attributes.clone();
        attributes.extend(chosen.iter().cloned());
        let asker = Asker::new(client.workload().name.clone(), attributes);
        let environment = StsEnvironment::from_lookup(|name| std::env::var(name).ok());
        let plan = Plan::make(connection, &asker, &environment)
            .map_err(|error| Failure::from_error(Exit::Configuration, &error))?;
        Ok(Self {
            token_ask: token_ask(connection.audience(), chosen)
                .for_role(connection.role().as_str()),
            client,
            plan,
        })
    }

    /// The plan.
    pub fn planned(&self) -> &Plan {
        &self.plan
    }

    /// The client that asks the issuer.
    pub fn client(&self) -> &IssuerClient {
        &self.client
    }

    /// What is asked of the issuer.
    pub fn token_ask(&self) -> &TokenAsk {
        &self.token_ask
    }

    /// Attests, mints, exchanges and walks the chain once.
    ///
    /// # Errors
    /// `RefusedByIssuer`, `DeniedByAws` with what was presented and, where it can be had, the
    /// proof; `Unreachable`.
    pub async fn obtain(
        &self,
        observe: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Session, Failure> {
        let minted = self.client.token(&self.token_ask).await?;
        self.exchange(&minted, observe).await
    }

    /// Exchanges a token that was minted for this, and walks the chain.
    ///
    /// # Errors
    /// As [`Self::obtain`], but for the issuer's.
    pub async fn exchange(
        &self,
        minted: &Minted,
        observe: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Session, Failure> {
        let sts = self.plan.sts(Retry::default());
        match walk(&self.plan, &sts, &minted.token, observe).await {
            Ok(session) => Ok(session),
            Err(error) => {
                let presented = Presented::read(&minted.token);
                Err(denial::explained(&self.plan, &error, presented).await)
            }
        }
    }
}

/// The connection of that name.
///
/// # Errors
/// `Configuration`, with the nearest name.
pub fn find<'a>(loaded: &'a Loaded, name: &str) -> Result<&'a Connection, Failure> {
    loaded.document.connections.named(name).map_err(|error| {
        Failure::from_error(Exit::Configuration, &error)
            .note(format_args!("in {}", loaded.path().display()))
    })
}

/// What a connection's audience asks of the issuer.
pub fn token_ask(audience: &Audience, chosen: &[(String, String)]) -> TokenAsk {
    let ask = match audience {
        Audience::TokenConfig(name) => TokenAsk::config(name),
        Audience::Named(audience) => TokenAsk::audience(audience),
    };
    ask.with_attributes(chosen.iter().map(|(name, value)| (name, value)))
}
