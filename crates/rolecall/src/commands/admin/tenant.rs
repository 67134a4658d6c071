//! `rolecall tenant`.

use rolecall_admin_api::wire::{Declared, TenantSettings};

use super::{agreed, left_alone, table};
use crate::administering::{Client, encoded};
use crate::cli::Output;
use crate::cli::admin::{NamedArgs, PlainArgs, PutArgs, RemoveArgs, TenantCommand};
use crate::config::{Loaded, Written, yaml};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Runs a `tenant` command.
///
/// # Errors
/// What the server says of it.
pub async fn run(command: &TenantCommand) -> Result<(), Failure> {
    match command {
        TenantCommand::List(args) => list(args).await,
        TenantCommand::Show(args) => show(args).await,
        TenantCommand::Put(args) => put(args).await,
        TenantCommand::Remove(args) => remove(args).await,
    }
}

async fn list(args: &PlainArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let tenants: Vec<Declared<TenantSettings>> = client.all("/tenants").await?;
    if args.output == Output::Json {
        for tenant in &tenants {
            printing::line(&json(tenant)?)?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = tenants
        .iter()
        .map(|tenant| {
            let issuance = if tenant.spec.issuance { "" } else { "off" };
            vec![
                tenant.spec.name.clone(),
                tenant.spec.issuer.clone(),
                origin(tenant).to_owned(),
                issuance.to_owned(),
            ]
        })
        .collect();
    printing::line(&table(
        &["NAME", "ISSUER", "DECLARED BY", "ISSUANCE"],
        &rows,
    ))
}

async fn show(args: &NamedArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let path = format!("/tenants/{}", encoded(&args.tenant));
    let found: Declared<TenantSettings> = client.get(&path).await?.body;
    match args.output {
        Output::Json => printing::line(&json(&found)?),
        Output::Text => {
            anstream::eprintln!(
                "version {}, declared by the {}",
                found.version,
                origin(&found)
            );
            printing::text(&yaml(&found.spec.alone().written())?)
        }
    }
}

async fn put(args: &PutArgs) -> Result<(), Failure> {
    let (loaded, section) = Loaded::section(&args.file)?;
    let declared = loaded.declared_tenant(&section)?;
    let pieces = [
        ("token_configs", declared.token_configs.len()),
        ("trusted_issuers", declared.trusted_issuers.len()),
        ("workloads", declared.workloads.len()),
    ];
    if let Some((field, _)) = pieces.iter().find(|(_, count)| *count > 0) {
        return Err(loaded
            .broken(field, "these are settings of a tenant alone")
            .hint("`rolecall apply` takes a tenant with all that it declares"));
    }
    let client = Client::new(&args.server)?;
    let path = format!("/tenants/{}", encoded(&declared.name));
    let settings = TenantSettings::of(&declared);
    let answer = client
        .put::<Declared<TenantSettings>>(&path, &settings, args.if_version, args.force)
        .await?;
    let word = if answer.made { "made" } else { "changed" };
    anstream::eprintln!(
        "{word}: tenant {}, version {}",
        declared.name,
        answer.body.version
    );
    Ok(())
}

async fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let question = format!(
        "Take the tenant {} out of service at {}, with all that it declares?",
        args.tenant,
        client.server()
    );
    if !agreed(&question, args.yes)? {
        return Err(left_alone());
    }
    let path = format!("/tenants/{}", encoded(&args.tenant));
    client.delete(&path).await?;
    anstream::eprintln!("removed: tenant {}", args.tenant);
    Ok(())
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::from_error(Exit::Unexpected, &error))
}

pub(super) fn origin<T>(declared: &Declared<T>) -> &'static str {
    match declared.origin {
        rolecall_admin_api::wire::Origin::File => "configuration file",
        rolecall_admin_api::wire::Origin::Api => "API",
    }
}
