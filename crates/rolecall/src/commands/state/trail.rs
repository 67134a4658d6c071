//! `rolecall audit`.

use std::process::ExitCode;

use rolecall_store::{AuditFilter, AuditRow, Head, Outcome, Reader, StoreError};
use serde_json::json;

use super::{Installed, failed};
use crate::cli::Output;
use crate::cli::installation::Installation;
use crate::cli::state::{AuditCommand, AuditListArgs, AuditVerifyArgs};
use crate::commands::admin;
use crate::failure::{Exit, Failure};
use crate::printing;
use crate::progress::Progress;

/// Runs an `audit` command.
///
/// # Errors
/// The state cannot be read.
pub async fn audit(command: AuditCommand) -> Result<ExitCode, Failure> {
    match command {
        AuditCommand::List(args) => list(&args).await.map(|()| ExitCode::SUCCESS),
        AuditCommand::Verify(args) => verify(&args).await,
        AuditCommand::Join(args) => super::join::run(&args).await,
    }
}

async fn list(args: &AuditListArgs) -> Result<(), Failure> {
    let state = match args.installation.meant() {
        Installation::State(state) => state,
        Installation::Server(server) => return admin::trail(&server, args).await,
    };
    let reader = Installed::read(&state)?.reader().await?;
    let mut after = args.after;
    loop {
        // A long trail is read in pieces.
        let filter = AuditFilter {
            tenant: args.tenant.clone(),
            workload: args.workload.clone(),
            after,
            last: args.last,
            first: args.last.is_none().then_some(ROWS_AT_ONCE),
        };
        let rows = reader
            .audit(&filter)
            .await
            .map_err(|error| failed(&error))?;
        for row in &rows {
            // As JSON it is the very text that the chain's hashes are over.
            printing::line(&match args.output {
                Output::Json => serde_json::to_string(row)
                    .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?,
                Output::Text => line(row),
            })?;
        }
        after = rows.last().map(|row| row.id);
        if args.last.is_some() || rows.len() < ROWS_AT_ONCE as usize {
            return Ok(());
        }
    }
}

/// A row for people: `7  2026-11-23T06:30:00Z  acme  mint  granted  api  cube:deployment:42`.
fn line(row: &AuditRow) -> String {
    let record = &row.record;
    let outcome = match record.outcome {
        Outcome::Granted => "granted",
        Outcome::Refused => "refused",
        _ => "failed",
    };
    let who = record.workload.as_deref().or(record.actor.as_deref());
    let what = [
        record.target.as_deref(),
        record.subject.as_deref(),
        record.kid.as_deref().filter(|_| record.subject.is_none()),
        record.role.as_deref(),
        record.reason.as_deref(),
    ];
    let mut text = format!(
        "{:>6}  {}  {}  {}  {outcome}  {}",
        row.id,
        record.at,
        or_dash(&record.tenant),
        record.kind.as_str(),
        who.unwrap_or("-"),
    );
    for part in what.into_iter().flatten() {
        text.push_str("  ");
        text.push_str(part);
    }
    text
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

async fn verify(args: &AuditVerifyArgs) -> Result<ExitCode, Failure> {
    let known = args.known.as_deref().map(read_known).transpose()?;
    let reader = Installed::read(&args.state)?.reader().await?;
    let verified = Progress::quiet("verifying the audit trail")
        .during(verified(&reader, known))
        .await;
    match verified {
        Ok(head) => {
            printing::line(&match args.output {
                Output::Json => {
                    json!({"whole": true, "row": head.id, "hash": head.hex()}).to_string()
                }
                Output::Text => format!(
                    "whole: all rows up to {} are as they were written\nkeep this elsewhere for the next time: {}:{}",
                    head.id,
                    head.id,
                    head.hex()
                ),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Err(StoreError::Broken { id, detail }) => {
            printing::line(&match args.output {
                Output::Json => json!({"whole": false, "row": id, "why": detail}).to_string(),
                Output::Text => format!("NOT whole: row {id}: {detail}"),
            })?;
            Ok(ExitCode::from(Exit::Negative as u8))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// From the first row to the last; the known row must be among them.
async fn verified(reader: &Reader, known: Option<(i64, String)>) -> Result<Head, StoreError> {
    let Some((id, hash)) = known else {
        return reader.verify_audit(Head::START, |_| {}).await;
    };
    let there = reader.verify_audit_to(id).await?;
    if there.id != id || there.hex() != hash {
        return Err(StoreError::Broken {
            id,
            detail: "the known row is not there any more, or another: the trail was cut off or written anew".to_owned(),
        });
    }
    reader.verify_audit(there, |_| {}).await
}

fn read_known(text: &str) -> Result<(i64, String), Failure> {
    let read = text.split_once(':').and_then(|(id, hash)| {
        let fits = hash.len() == 64 && hash.chars().all(|digit| digit.is_ascii_hexdigit());
        Some((
            id.parse().ok().filter(|id| *id > 0)?,
            hash.to_ascii_lowercase(),
        ))
        .filter(|_| fits)
    });
    read.ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format_args!("`{text}` is not a row and its hash"),
        )
        .hint("Write it as an earlier `rolecall audit verify` printed it: the row's number, a colon, 64 hexadecimal digits")
    })
}

const ROWS_AT_ONCE: u32 = 5_000;
