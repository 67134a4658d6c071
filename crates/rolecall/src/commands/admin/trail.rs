//! `rolecall audit list`, through the admin API.

use rolecall_admin_api::wire::{Page, TrailRow};

use super::tenant::json;
use crate::administering::{Client, encoded};
use crate::cli::Output;
use crate::cli::admin::ServerArgs;
use crate::cli::state::AuditListArgs;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Lists rows of the trail, oldest first. An auditor of one tenant names it.
///
/// # Errors
/// What the server says of it.
pub async fn trail(server: &ServerArgs, args: &AuditListArgs) -> Result<(), Failure> {
    if let Some(last) = args.last.filter(|last| *last > ROWS_AT_ONCE) {
        return Err(Failure::new(
            Exit::Usage,
            format_args!("a server tells the last {ROWS_AT_ONCE} rows at most, and not {last}"),
        )
        .hint("Leave --last out for the whole trail, or begin behind a row with --after ID"));
    }
    let client = Client::new(server)?;
    let place = match &args.tenant {
        Some(tenant) => format!("/tenants/{}/audit", encoded(tenant)),
        None => "/audit".to_owned(),
    };
    let mut after = args.after.map(|after| after.to_string());
    loop {
        let path = asked(&place, args, after.as_deref());
        let page = client.get::<Page<TrailRow>>(&path).await?.body;
        for row in &page.items {
            printing::line(&match args.output {
                Output::Json => json(row)?,
                Output::Text => line(row),
            })?;
        }
        match page.next {
            Some(next) if args.last.is_none() => after = Some(next),
            _ => return Ok(()),
        }
    }
}

fn asked(place: &str, args: &AuditListArgs, after: Option<&str>) -> String {
    let mut path = match args.last {
        Some(last) => format!("{place}?last={last}"),
        None => format!("{place}?limit={ROWS_AT_ONCE}"),
    };
    if let Some(workload) = &args.workload {
        path.push_str(&format!("&workload={}", encoded(workload)));
    }
    if let Some(after) = after {
        path.push_str(&format!("&after={}", encoded(after)));
    }
    path
}

/// A row for people, as `rolecall audit list` shows it of the state itself.
fn line(row: &TrailRow) -> String {
    let said = |name: &str| row.rest.get(name).and_then(serde_json::Value::as_str);
    let who = said("workload").or_else(|| said("actor")).unwrap_or("-");
    let tenant = match row.tenant.as_str() {
        "" => "-",
        tenant => tenant,
    };
    let mut text = format!(
        "{:>6}  {}  {tenant}  {}  {}  {who}",
        row.id, row.at, row.kind, row.outcome
    );
    let what = [
        said("target"),
        said("subject"),
        said("kid").filter(|_| said("subject").is_none()),
        said("role"),
        said("reason"),
    ];
    for part in what.into_iter().flatten() {
        text.push_str("  ");
        text.push_str(part);
    }
    text
}

/// As many as the API gives.
const ROWS_AT_ONCE: u32 = 1_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_row_is_told_as_of_the_state_itself() {
        let row = |json: &str| line(&serde_json::from_str(json).unwrap());
        insta::assert_snapshot!(row(r#"{"id":7,"at":"2026-11-23T06:30:00Z","kind":"mint","outcome":"granted","tenant":"acme","workload":"api","subject":"cube:42","kid":"k1"}"#), @"     7  2026-11-23T06:30:00Z  acme  mint  granted  api  cube:42");
        insta::assert_snapshot!(row(r#"{"id":8,"at":"2026-11-23T06:31:00Z","kind":"sign_in","outcome":"refused","tenant":"","reason":"wrong password"}"#), @"     8  2026-11-23T06:31:00Z  -  sign_in  refused  -  wrong password");
    }
}
