//! `rolecall connection`: what is configured, and whether it works.

use rolecall_ask::{Audience, Connection};
use serde_json::{Value, json};

use crate::asking::{self, Asking};
use crate::cli::Output;
use crate::cli::connection::{ConnectionCommand, ListArgs, ShowArgs, TestArgs};
use crate::config::Loaded;
use crate::failure::Failure;
use crate::printing;
use crate::trial::{Moment, Patience, Trial};

use super::admin::table;

/// Runs a command on connections.
///
/// # Errors
/// `Configuration` for the file or an unknown name; what failed, for `test`.
pub async fn run(command: ConnectionCommand) -> Result<(), Failure> {
    match command {
        ConnectionCommand::Test(args) => test(args).await,
        ConnectionCommand::List(args) => list(&args),
        ConnectionCommand::Show(args) => show(&args),
    }
}

/// Takes each step, tells how it went, and fails as the first step that failed.
async fn test(args: TestArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.ask.config)?;
    let asking = Asking::plan(&loaded, &args.connection, &args.ask)?;
    let patience = match (args.wait, args.wait_pause) {
        (false, _) => Patience::NONE,
        (true, None) => Patience::FOR_IAM,
        (true, Some(pause)) => Patience {
            pause,
            ..Patience::FOR_IAM
        },
    };
    let as_text = args.output == Output::Text;
    let mut printed = match as_text {
        true => printing::text(&heading(&asking)),
        false => Ok(()),
    };
    let mut observe = |moment: Moment<'_>| match moment {
        Moment::Ended(step) if as_text && printed.is_ok() => {
            printed = printing::text(&step.to_text());
        }
        Moment::Ended(_) => {}
        Moment::Waiting {
            step,
            error,
            next,
            patience,
        } => {
            if next == 1 {
                anstream::eprintln!(
                    "{step}: {error}\n{step}: IAM may not have told all of AWS about a change yet"
                );
            }
            anstream::eprintln!(
                "{step}: trying again in {} s ({next} of {})",
                patience.pause.as_secs_f32(),
                patience.again
            );
        }
    };
    let report = Trial::new(&asking, patience, &mut observe).run().await;
    printed?;
    match args.output {
        Output::Json => printing::line(&report.to_json(&args.connection).to_string())?,
        Output::Text => printing::text(&report.rest())?,
    }
    match report.failure {
        Some(failure) => Err(failure),
        None if as_text => printing::line(&format!("`{}` works", args.connection)),
        None => Ok(()),
    }
}

/// What is about to be tried.
fn heading(asking: &Asking) -> String {
    let plan = asking.planned();
    let roles = match plan.steps().len() {
        1 => "1 role".to_owned(),
        many => format!("{many} roles"),
    };
    format!(
        "connection `{}`: {}, {roles}, STS at {} ({})\n",
        plan.connection(),
        token(plan.audience()),
        plan.address().endpoint(),
        plan.address().region()
    )
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.config)?;
    let connections = loaded.document.connections.iter();
    match args.output {
        Output::Json => {
            let all: Vec<Value> = connections.map(described).collect();
            printing::line(&json!({ "connections": all }).to_string())
        }
        Output::Text => {
            let rows: Vec<Vec<String>> = connections
                .map(|connection| {
                    vec![
                        connection.name().to_owned(),
                        connection.role().to_string(),
                        connection.hops().len().to_string(),
                        format!("{} s", delivered_seconds(connection)),
                        token(connection.audience()),
                    ]
                })
                .collect();
            printing::line(&table(&["NAME", "ROLE", "HOPS", "LASTS", "TOKEN"], &rows))
        }
    }
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.list.config)?;
    let connection = asking::find(&loaded, &args.connection)?;
    match args.list.output {
        Output::Json => printing::line(&described(connection).to_string()),
        Output::Text => printing::text(&shown(connection)),
    }
}

/// A connection for programs. External ids are not shown.
fn described(connection: &Connection) -> Value {
    let (token_config, audience) = match connection.audience() {
        Audience::TokenConfig(name) => (Some(name), None),
        Audience::Named(audience) => (None, Some(audience)),
    };
    let hops: Vec<Value> = connection
        .hops()
        .iter()
        .map(|hop| {
            json!({
                "role": hop.role().as_str(),
                "duration_seconds": hop.duration().seconds(),
                "external_id_sent": hop.external_id().is_some(),
            })
        })
        .collect();
    json!({
        "name": connection.name(),
        "role": connection.role().as_str(),
        "duration_seconds": connection.duration().seconds(),
        "token_config": token_config,
        "audience": audience,
        "region": connection.region().map(rolecall_names::Region::as_str),
        "hops": hops,
    })
}

fn shown(connection: &Connection) -> String {
    let mut text = format!(
        "{}\n  token     {}\n  role      {} ({} s)\n",
        connection.name(),
        token(connection.audience()),
        connection.role(),
        connection.duration().seconds()
    );
    if let Some(region) = connection.region() {
        text.push_str(&format!("  region    {region}\n"));
    }
    for hop in connection.hops() {
        let external = match hop.external_id() {
            Some(_) => ", external id sent",
            None => "",
        };
        text.push_str(&format!(
            "  hop       {} ({} s{external})\n",
            hop.role(),
            hop.duration().seconds()
        ));
    }
    text
}

fn token(audience: &Audience) -> String {
    match audience {
        Audience::TokenConfig(name) => format!("token config `{name}`"),
        Audience::Named(audience) => format!("audience `{audience}`"),
    }
}

/// How long the session lasts that is delivered: the last one's.
fn delivered_seconds(connection: &Connection) -> u32 {
    match connection.hops().last() {
        Some(hop) => hop.duration().seconds(),
        None => connection.duration().seconds(),
    }
}
