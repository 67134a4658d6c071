//! `rolecall user`: who has access to the admin API.

use rolecall_admin_api::wire::{AccessView, Made, NewAccess, ProofKind};

use super::signing_in::password;
use super::tenant::json;
use super::{agreed, left_alone, table};
use crate::administering::{Client, encoded};
use crate::cli::Output;
use crate::cli::admin::{UserAddArgs, UserCommand, UserListArgs, UserRemoveArgs};
use crate::failure::Failure;
use crate::printing;

/// Runs a `user` command.
///
/// # Errors
/// What the server says of it.
pub async fn run(command: &UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::List(args) => list(args).await,
        UserCommand::Add(args) => add(args).await,
        UserCommand::Remove(args) => remove(args).await,
    }
}

fn place(tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("/tenants/{}/access", encoded(tenant)),
        None => "/access".to_owned(),
    }
}

async fn list(args: &UserListArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let users: Vec<AccessView> = client.all(&place(args.tenant.as_deref())).await?;
    if args.output == Output::Json {
        for user in &users {
            printing::line(&json(user)?)?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| {
            let proof = match user.proof {
                ProofKind::Token => "token",
                ProofKind::Password => "password",
            };
            let ends = user.ends.map(|ends| ends.to_string()).unwrap_or_default();
            vec![
                user.name.clone(),
                user.role.as_str().to_owned(),
                proof.to_owned(),
                ends,
            ]
        })
        .collect();
    printing::line(&table(&["NAME", "ROLE", "BY", "ENDS"], &rows))
}

async fn add(args: &UserAddArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let new = NewAccess {
        name: args.name.clone(),
        role: args.role,
        password: args.password.then(password).transpose()?,
        lifetime_seconds: args.lifetime,
    };
    let made: Made = client
        .post(&place(args.tenant.as_deref()), &new)
        .await?
        .body;
    match (args.output, &made.token) {
        (Output::Json, _) => printing::line(&json(&made)?),
        (Output::Text, Some(token)) => {
            anstream::eprintln!(
                "Give the token to `{}`; it is not kept and cannot be shown again.",
                made.access.name
            );
            printing::line(token)
        }
        (Output::Text, None) => {
            anstream::eprintln!("`{}` signs in with its password", made.access.name);
            Ok(())
        }
    }
}

async fn remove(args: &UserRemoveArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let question = format!("Take the access of {} away?", args.name);
    if !agreed(&question, args.yes)? {
        return Err(left_alone());
    }
    let at = place(args.tenant.as_deref());
    client
        .delete(&format!("{at}/{}", encoded(&args.name)))
        .await?;
    anstream::eprintln!("removed: access of {}", args.name);
    Ok(())
}
