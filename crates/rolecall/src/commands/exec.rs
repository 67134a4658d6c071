//! `rolecall exec`: a program with credentials that stay fresh.

use std::process::ExitCode;
use std::sync::Arc;

use rolecall_ask::Audience;
use rolecall_deliver::{
    ChildSettings, ChildToken, Clock, DeliverError, Delivery, Execution, Names, TokenSource, exec,
};
use rolecall_exchange::Origin;

use crate::agent_client::{AgentClient, AgentSource, AgentTokenSource, Wanted};
use crate::asking::{self, Asking, Way};
use crate::cli::{ExecArgs, Names as AskedNames, Via};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::issuer_client::IssuerClient;
use crate::progress::Progress;
use crate::sources::{self, ChainSource, IssuerSource};

/// Gets the first credentials, so that a denial is told before anything runs; then runs the
/// program and passes its exit code on.
pub async fn run(args: ExecArgs) -> Result<ExitCode, Failure> {
    if args.names != AskedNames::Aws && args.via != Via::WebIdentity {
        return Err(Failure::new(
            Exit::Usage,
            "the names are of a token file and a role: add `--via web-identity`",
        ));
    }
    let ready = match Way::choose(&args.ask)? {
        Way::Agent(agent) => from_agent(&args, &agent).await?,
        Way::Configuration(loaded) => from_configuration(&args, &loaded).await?,
    };
    let mut command = args.program.into_iter();
    let Some(program) = command.next() else {
        return Err(Failure::new(
            Exit::Usage,
            "name a program to run after `--`",
        ));
    };
    let execution = Execution {
        program,
        arguments: command.collect(),
        inherited: std::env::vars_os().collect(),
        settings: ready.settings,
        tokens: ready.tokens,
        clock: Clock::system(),
    };
    match exec(execution, ready.delivery).await {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(error) => match error.shell_exit_code() {
            Some(code) => {
                Failure::from_error(Exit::Local, &error).report();
                Ok(ExitCode::from(code))
            }
            None => Err(not_run(&error)),
        },
    }
}

/// What the child gets.
struct Ready {
    delivery: Delivery,
    settings: ChildSettings,
    tokens: Vec<ChildToken>,
}

async fn from_configuration(args: &ExecArgs, loaded: &Loaded) -> Result<Ready, Failure> {
    let mut ready = match &args.connection {
        Some(connection) => {
            let asking = Arc::new(Asking::plan(loaded, connection, &args.ask)?);
            let address = asking.planned().address();
            Ready {
                settings: ChildSettings {
                    region: Some(address.region().clone()),
                    // A child that exchanges or asks who it is must find the same STS.
                    sts_endpoint: (address.endpoint_from() != Origin::Default)
                        .then(|| address.endpoint().as_str().to_owned()),
                },
                delivery: delivery(args, connection, &asking).await?,
                tokens: Vec::new(),
            }
        }
        None if args.token_configs.is_empty() => return Err(nothing_wanted()),
        None => Ready::nothing(),
    };
    if !args.token_configs.is_empty() {
        let client = IssuerClient::new(loaded.asking_workload()?)?;
        for wanted in &args.token_configs {
            let (name, variable) = named(wanted);
            let audience = Audience::TokenConfig(name.to_owned());
            let ask = asking::token_ask(&audience, &args.ask.attributes);
            let minted = client.token(&ask).await?;
            let variable = variable_of(name, variable, minted.target_variable.as_deref())?;
            let source = IssuerSource::new(client.clone(), ask).starting_with(minted);
            ready.tokens.push(ChildToken {
                variable,
                source: Arc::new(source),
            });
        }
    }
    Ok(ready)
}

async fn from_agent(args: &ExecArgs, agent: &AgentClient) -> Result<Ready, Failure> {
    let wanted = match &args.connection {
        Some(name) => Some(Wanted::Connection(name.clone())),
        None => std::env::var("AWS_ROLE_ARN").ok().map(Wanted::Role),
    };
    let mut ready = match wanted {
        Some(wanted) => {
            let described = agent.describe(&wanted).await?;
            let credentials = agent.credentials(&wanted).await?;
            let delivery = match args.via {
                Via::Endpoint => Delivery::Endpoint {
                    source: Arc::new(AgentSource {
                        agent: agent.clone(),
                        wanted,
                    }),
                },
                Via::Environment => Delivery::Environment { credentials },
                Via::WebIdentity => {
                    return Err(Failure::new(
                        Exit::Usage,
                        "an agent hands out credentials, not the tokens that they are made of",
                    )
                    .hint("Leave `--via` out, or give --config FILE to ask without the agent"));
                }
            };
            Ready {
                delivery,
                settings: ChildSettings {
                    region: Some(described.region),
                    sts_endpoint: described.sts_endpoint,
                },
                tokens: Vec::new(),
            }
        }
        None if args.token_configs.is_empty() => return Err(nothing_wanted()),
        None => Ready::nothing(),
    };
    for wanted in &args.token_configs {
        let (name, variable) = named(wanted);
        let source = AgentTokenSource {
            agent: agent.clone(),
            token_config: name.to_owned(),
        };
        let first = source
            .fetch()
            .await
            .map_err(|error| not_run(&DeliverError::Source(error)))?;
        ready.tokens.push(ChildToken {
            variable: variable_of(name, variable, first.target_variable.as_deref())?,
            source: Arc::new(source),
        });
    }
    Ok(ready)
}

impl Ready {
    fn nothing() -> Self {
        Self {
            delivery: Delivery::Nothing,
            settings: ChildSettings::default(),
            tokens: Vec::new(),
        }
    }
}

async fn delivery(
    args: &ExecArgs,
    connection: &str,
    asking: &Arc<Asking>,
) -> Result<Delivery, Failure> {
    if args.via == Via::WebIdentity {
        let step = asking
            .planned()
            .left_to_sdk()
            .map_err(|why| Failure::new(Exit::Usage, why))?;
        let minted = asking.client().token(asking.token_ask()).await?;
        return Ok(Delivery::WebIdentity {
            source: Arc::new(
                IssuerSource::new(asking.client().clone(), asking.token_ask().clone())
                    .starting_with(minted),
            ),
            role_arn: step.role().to_string(),
            session_name: step.session_name().to_string(),
            names: match args.names {
                AskedNames::Aws => Names::Aws,
                AskedNames::CubeStore => Names::CubeStore,
                AskedNames::Spacelift => Names::Spacelift,
            },
        });
    }
    let progress = Progress::start(connection);
    let obtained = asking.obtain(&mut |event| progress.show(event)).await;
    progress.end();
    let credentials = sources::credentials(&obtained?, asking);
    Ok(match args.via {
        Via::Environment => Delivery::Environment { credentials },
        Via::Endpoint | Via::WebIdentity => Delivery::Endpoint {
            source: Arc::new(ChainSource::starting_with(Arc::clone(asking), credentials)),
        },
    })
}

/// `NAME` or `NAME=VARIABLE`.
fn named(wanted: &str) -> (&str, Option<&str>) {
    match wanted.split_once('=') {
        Some((name, variable)) => (name, Some(variable)),
        None => (wanted, None),
    }
}

/// The variable that names the token's file. Also what an issuer says is checked: it must not
/// decide how programs are started here.
fn variable_of(name: &str, given: Option<&str>, told: Option<&str>) -> Result<String, Failure> {
    let Some(variable) = given.or(told) else {
        return Err(Failure::new(
            Exit::Usage,
            format_args!(
                "the token config `{name}` says no variable by which programs find its token's file"
            ),
        )
        .hint(format_args!(
            "Write `--token-config {name}=VARIABLE`, or give the token config a `target_variable`"
        )));
    };
    match rolecall_mint::check_target_variable(variable) {
        Ok(()) => Ok(variable.to_owned()),
        Err(error) => Err(Failure::from_error(Exit::Usage, &error)),
    }
}

fn nothing_wanted() -> Failure {
    Failure::new(Exit::Usage, "name a connection").hint(
        "`rolecall exec CONNECTION -- CMD`; with an agent on this machine, a role in AWS_ROLE_ARN does",
    )
}

fn not_run(error: &DeliverError) -> Failure {
    Failure::from_error(Exit::Local, error)
}
