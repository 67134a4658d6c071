//! `rolecall key`.

use rolecall_sealed::{create_key_file, read_key_file};
use rolecall_signing_keys::{KeyRecord, Order, Slots, reseal_keys};
use rolecall_store::{
    AuditKind, AuditRecord, Change, Edit, Outcome, SealedKey, Store, StoreError, StoreOptions,
};
use serde_json::json;

use super::{Installed, failed, note};
use crate::cli::Output;
use crate::cli::installation::Installation;
use crate::cli::state::{
    KeyCommand, KeyListArgs, KeyOrder, KeyResealArgs, KeyRotateArgs, MasterCommand,
};
use crate::commands::admin;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Runs a `key` command.
///
/// # Errors
/// The state cannot be read or written, or what is ordered makes no sense.
pub async fn key(command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::List(args) => list(&args).await,
        KeyCommand::Rotate(args) => rotate(&args).await,
        KeyCommand::Reseal(args) => reseal(&args).await,
        KeyCommand::Master(MasterCommand::New { file }) => {
            create_key_file(&file).map_err(|error| Failure::from_error(Exit::Local, &error))?;
            note(&format!(
                "made the master key `{}`; keep a copy of it, apart from the state",
                file.display()
            ));
            Ok(())
        }
    }
}

async fn list(args: &KeyListArgs) -> Result<(), Failure> {
    let state = match args.installation.meant() {
        Installation::State(state) => state,
        Installation::Server(server) => return admin::keys(&server, args).await,
    };
    let reader = Installed::read(&state)?.reader().await?;
    let (mut tenant, mut kid) = (String::new(), String::new());
    loop {
        let keys = match &args.tenant {
            Some(name) => reader.keys_of(name).await,
            None => reader.keys_after(&tenant, &kid, KEYS_AT_ONCE).await,
        };
        let keys = keys.map_err(|error| failed(&error))?;
        for key in &keys {
            printing::line(&shown(key, args.output)?)?;
        }
        match keys.last() {
            Some(last) if args.tenant.is_none() => {
                tenant.clone_from(&last.tenant);
                kid.clone_from(&last.kid);
            }
            _ => return Ok(()),
        }
    }
}

fn shown(key: &SealedKey, output: Output) -> Result<String, Failure> {
    let record = record(key)?;
    Ok(match output {
        Output::Json => json!({ "tenant": key.tenant, "key": record }).to_string(),
        Output::Text => format!(
            "{}  {}  {}  {}  {}",
            key.tenant,
            record.algorithm.as_str(),
            record.slot.as_str(),
            record.kid,
            record.backend
        ),
    })
}

fn record(key: &SealedKey) -> Result<KeyRecord, Failure> {
    serde_json::from_str(&key.record).map_err(|error| {
        Failure::new(
            Exit::Local,
            format_args!(
                "the record of the signing key `{}` of tenant `{}` cannot be read: {error}",
                key.kid, key.tenant
            ),
        )
    })
}

async fn rotate(args: &KeyRotateArgs) -> Result<(), Failure> {
    let state = match args.installation.meant() {
        Installation::State(state) => state,
        Installation::Server(server) => {
            admin::order(&server, &args.tenant, &args.kid, order(args.order)).await?;
            note(ORDERED);
            return Ok(());
        }
    };
    let installed = Installed::read(&state)?;
    let store = open(&installed).await?;
    // A server may change the tenant at the same moment: then what it says now is looked at.
    for _ in 0..TRIES {
        match try_rotate(args, &store).await? {
            Err(StoreError::Stale { .. }) => {}
            other => {
                other.map_err(|error| failed(&error))?;
                store.close().await;
                note(ORDERED);
                return Ok(());
            }
        }
    }
    Err(Failure::new(
        Exit::Local,
        format_args!("tenant `{}` is being changed all the time", args.tenant),
    )
    .hint("Try again"))
}

async fn try_rotate(
    args: &KeyRotateArgs,
    store: &Store,
) -> Result<Result<(), StoreError>, Failure> {
    let found = store.reader().tenant(&args.tenant).await;
    let found = found.map_err(|error| failed(&error))?.ok_or_else(|| {
        Failure::new(
            Exit::Configuration,
            format_args!("there is no tenant `{}`", args.tenant),
        )
    })?;
    let records = found.keys.iter().map(record).collect::<Result<_, _>>()?;
    let mut slots = Slots::new(records, 0);
    let order = order(args.order);
    let now = jiff::Timestamp::now();
    slots
        .order(&args.kid, order, now.as_second(), OPERATOR)
        .map_err(|error| Failure::from_error(Exit::Configuration, &error))?;
    let mut edits = vec![Edit::Guard {
        tenant: args.tenant.clone(),
        revision: found.entry.revision,
    }];
    for key in &found.keys {
        if let Some(changed) = slots.key(&key.kid).filter(|one| one.kid == args.kid) {
            edits.push(Edit::PutKey(SealedKey {
                record: json!(changed).to_string(),
                ..key.clone()
            }));
        }
    }
    let mut told = AuditRecord::new(
        now,
        AuditKind::SigningKey,
        args.tenant.as_str(),
        Outcome::Granted,
    );
    told.kid = Some(args.kid.clone());
    told.actor = Some(OPERATOR.to_owned());
    told.reason = Some(format!("ordered: {}", order.as_str()));
    let change = Change {
        edits,
        records: vec![told],
        answered: None,
        now: now.as_second(),
    };
    Ok(store.change(change).await)
}

fn order(chosen: KeyOrder) -> Order {
    match chosen {
        KeyOrder::Replace => Order::Replace,
        KeyOrder::Withdraw => Order::Withdraw,
        KeyOrder::Revoke => Order::Revoke,
    }
}

async fn reseal(args: &KeyResealArgs) -> Result<(), Failure> {
    let installed = Installed::read(&args.state)?;
    let old = installed.master_key()?;
    let new = read_key_file(&args.to).map_err(|error| Failure::from_error(Exit::Local, &error))?;
    let store = open(&installed).await?;
    let mut keys: Vec<SealedKey> = Vec::new();
    loop {
        let (tenant, kid) = keys.last().map_or((String::new(), String::new()), |last| {
            (last.tenant.clone(), last.kid.clone())
        });
        let page = store.reader().keys_after(&tenant, &kid, KEYS_AT_ONCE).await;
        let page = page.map_err(|error| failed(&error))?;
        if page.is_empty() {
            break;
        }
        keys.extend(page);
    }
    let sealed = reseal_keys(
        keys.iter()
            .map(|key| (key.tenant.as_str(), key.kid.as_str(), key.sealed.as_slice())),
        &old,
        &new,
    )
    .map_err(|error| {
        Failure::from_error(Exit::Local, &error)
            .hint("Nothing was changed; every key must open with the present master key")
    })?;
    let now = jiff::Timestamp::now();
    let count = keys.len();
    let edits = keys
        .into_iter()
        .zip(sealed)
        .map(|(key, sealed)| Edit::PutKey(SealedKey { sealed, ..key }))
        .collect();
    let mut told = AuditRecord::new(now, AuditKind::SigningKey, "", Outcome::Granted);
    told.actor = Some(OPERATOR.to_owned());
    told.reason = Some(format!("{count} keys sealed under another master key"));
    let change = Change {
        edits,
        records: vec![told],
        answered: None,
        now: now.as_second(),
    };
    store.change(change).await.map_err(|error| failed(&error))?;
    store.close().await;
    note(&format!(
        "{count} keys are sealed under the new master key, all in one step; now set `server.master_key_file` to `{}` and start the server",
        args.to.display()
    ));
    Ok(())
}

/// A server of a folder has to be stopped for this; servers of a database may run.
async fn open(installed: &Installed) -> Result<Store, Failure> {
    Store::open_at(&installed.location, &StoreOptions::default())
        .await
        .map_err(|error| failed(&error))
}

const ORDERED: &str =
    "ordered; the server makes the steps when they are due, within a minute for the first";
const TRIES: usize = 5;
const OPERATOR: &str = "operator";
const KEYS_AT_ONCE: u32 = 1_000;
