//! `rolecall audit join`: CloudTrail's exchanges beside the tokens that they were made with.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use rolecall_store::AuditFilter;
use rolecall_trust::diagnose::SeenEvent;
use serde_json::{Value, json};

use super::{Installed, failed};
use crate::cli::Output;
use crate::cli::state::AuditJoinArgs;
use crate::failure::{Exit, Failure};
use crate::joining::{Found, Minted};
use crate::printing;
use crate::progress::Progress;

/// Joins; ends with `Negative` where an exchange is of no token of the trail.
pub async fn run(args: &AuditJoinArgs) -> Result<ExitCode, Failure> {
    let mut events = Vec::new();
    for path in &args.events {
        events.extend(read(path)?);
    }
    let reader = Installed::read(&args.state)?.reader().await?;
    let entries = reader
        .directory("", None)
        .await
        .map_err(|error| failed(&error))?;
    let mut issuers = Vec::new();
    for entry in &entries {
        issuers.push(entry.issuer.clone());
        let document: Value = serde_json::from_str(&entry.document).unwrap_or_default();
        let outside = document
            .pointer("/federation/issuer")
            .and_then(Value::as_str);
        issuers.extend(outside.map(str::to_owned));
    }
    let issuers: Vec<String> = (issuers.iter())
        .map(|issuer| {
            issuer
                .split_once("://")
                .map_or(issuer.as_str(), |(_, name)| name)
                .to_owned()
        })
        .collect();
    let progress = Progress::quiet("reading the audit trail");
    let minted = progress.during(minted(&reader)).await?;
    let mut unknown = 0;
    for event in &events {
        let found = minted.find(event, &issuers);
        match &found {
            Found::NotOurs => continue,
            Found::Unknown => unknown += 1,
            Found::Tokens(_) => {}
        }
        printing::line(&match args.output {
            Output::Json => as_json(event, &found).to_string(),
            Output::Text => as_text(event, &found),
        })?;
    }
    if unknown == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(
        Exit::Negative,
        format_args!("{unknown} exchanges are of no token of this trail"),
    )
    .hint("Either the trail is not all of it (another installation, a restored backup), or somebody else signs with a key of the issuer: look at `rolecall key list`, and revoke it with `rolecall key rotate --order revoke`"))
}

async fn minted(reader: &rolecall_store::Reader) -> Result<Minted, Failure> {
    let (mut minted, mut after) = (Minted::default(), None);
    loop {
        let filter = AuditFilter {
            after,
            first: Some(ROWS_AT_ONCE),
            ..AuditFilter::default()
        };
        let rows = reader
            .audit(&filter)
            .await
            .map_err(|error| failed(&error))?;
        for row in &rows {
            minted.add(row);
        }
        after = rows.last().map(|row| row.id);
        if rows.len() < ROWS_AT_ONCE as usize {
            return Ok(minted);
        }
    }
}

/// Whatever CloudTrail's files, `lookup-events` and one event a line look like; several one after
/// the other, as `gunzip -c` prints them.
fn read(path: &Path) -> Result<Vec<SeenEvent>, Failure> {
    let mut text = String::new();
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Local,
            format_args!("cannot read the events in `{}`: {error}", path.display()),
        )
    };
    if path.as_os_str() == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| unreadable(&error))?;
    } else {
        text = std::fs::read_to_string(path).map_err(|error| {
            unreadable(&error).hint("Files of a trail's bucket are compressed: `gunzip -c *.json.gz | rolecall audit join -`")
        })?;
    }
    let mut events = Vec::new();
    for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        let document = document.map_err(|error| unreadable(&error))?;
        events.extend(SeenEvent::all_in(&document));
    }
    Ok(events)
}

fn as_json(event: &SeenEvent, found: &Found<'_>) -> Value {
    let tokens: Vec<Value> = match found {
        Found::Tokens(tokens) => (tokens.iter())
            .map(|token| json!({"row": token.row, "jti": token.jti, "workload": token.workload}))
            .collect(),
        _ => Vec::new(),
    };
    json!({ "event": event, "tokens": tokens })
}

fn as_text(event: &SeenEvent, found: &Found<'_>) -> String {
    let told = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
    let outcome = event.error_code.as_deref().unwrap_or("granted");
    let of = match found {
        Found::Tokens(tokens) => {
            let more = match tokens.len() {
                1 => String::new(),
                count => format!(" or one of {} before", count - 1),
            };
            let token = tokens.first();
            token.map_or_else(String::new, |token| {
                format!("row {} {} {}{more}", token.row, token.workload, token.jti)
            })
        }
        _ => "NO TOKEN OF THIS TRAIL".to_owned(),
    };
    format!(
        "{}  {outcome}  {}  {}  {}  {of}",
        told(&event.time),
        told(&event.role),
        told(&event.session_name),
        told(&event.subject),
    )
}

const ROWS_AT_ONCE: u32 = 5_000;
