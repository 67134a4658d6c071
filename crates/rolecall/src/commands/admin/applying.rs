//! `rolecall apply`: files become what a server declares, after everybody saw what that changes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rolecall_admin_api::wire::{Applied, Apply, FieldChange, Plan, PlannedAction, PlannedChange};
use rolecall_http_api::{InstallationError, TenantDeclaration};
use serde_json::Value;

use super::{agreed, left_alone};
use crate::administering::Client;
use crate::cli::Output;
use crate::cli::admin::ApplyArgs;
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::printing;
use crate::style;

/// Plans, asks, and carries out.
///
/// # Errors
/// `Configuration` for what the files or the server say, `Negative` where the plan was not agreed
/// to.
pub async fn apply(args: &ApplyArgs) -> Result<ExitCode, Failure> {
    let tenants = read(&args.files)?;
    let client = Client::new(&args.server)?;
    let mut wanted = Apply {
        set: args.set.clone(),
        tenants,
        prune: args.prune,
        force: args.force,
        dry_run: true,
        expect: None,
    };
    for _ in 0..TRIES {
        wanted.dry_run = true;
        wanted.expect = None;
        let plan = client.post::<Applied>("/apply", &wanted).await?.body.plan;
        print(&plan, args)?;
        if args.plan {
            return Ok(match plan.changes.is_empty() {
                true => ExitCode::SUCCESS,
                false => ExitCode::from(Exit::Negative as u8),
            });
        }
        // Nothing to see may still be something to remember: which documents the set holds.
        let question = format!("Make {} at {}?", counted(&plan), client.server());
        if !plan.changes.is_empty() && !agreed(&question, args.yes)? {
            return Err(left_alone());
        }
        wanted.dry_run = false;
        wanted.expect = Some(plan.digest);
        if client.apply(&wanted).await?.is_some() {
            if !plan.changes.is_empty() {
                anstream::eprintln!("done");
            }
            return Ok(ExitCode::SUCCESS);
        }
        anstream::eprintln!(
            "nothing was changed: somebody else changed something meanwhile, so the plan is another now"
        );
    }
    Err(Failure::new(
        Exit::Configuration,
        "what is declared is being changed all the time, so nothing was changed",
    )
    .hint("Try again"))
}

/// The tenants of all files; each is in one file only.
fn read(paths: &[PathBuf]) -> Result<Vec<TenantDeclaration>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    let mut tenants = Vec::new();
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in files {
        let loaded = Loaded::read(&file)?;
        refuse_other_sections(&loaded)?;
        let declared = loaded.tenants(NOWHERE)?;
        for (index, tenant) in declared.iter().enumerate() {
            let field = format!("tenants[{index}].issuer");
            if tenant.issuer.contains(&NOWHERE.to_string()) {
                return Err(loaded.broken(
                    &field,
                    "`{listen}` is known to the server only; write the issuer's URL",
                ));
            }
            if let Some(other) = seen.insert(tenant.name.clone(), file.clone()) {
                return Err(loaded.broken(
                    &format!("tenants[{index}].name"),
                    format_args!(
                        "the tenant `{}` is declared in `{}` already",
                        tenant.name,
                        other.display()
                    ),
                ));
            }
        }
        rolecall_http_api::check(&declared).map_err(|error| match &error {
            InstallationError::Declaration { field, message } => loaded.broken(field, message),
            _ => Failure::from_error(Exit::Configuration, &error),
        })?;
        tenants.extend(declared);
    }
    Ok(tenants)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot read `{}`: {error}", folder.display()),
        )
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_yaml = (path.extension()).is_some_and(|end| end == "yaml" || end == "yml");
        if is_yaml && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        // With --prune an empty folder would take everything away.
        return Err(Failure::new(
            Exit::Configuration,
            format_args!("there is no `*.yaml` file in `{}`", folder.display()),
        ));
    }
    files.sort();
    Ok(files)
}

fn refuse_other_sections(loaded: &Loaded) -> Result<(), Failure> {
    let document = &loaded.document;
    let section = if document.server.is_some() {
        "server"
    } else if document.workload.is_some() {
        "workload"
    } else {
        return Ok(());
    };
    Err(loaded
        .broken(
            section,
            format_args!("`{section}` cannot be applied: it belongs to the machine that it is on"),
        )
        .hint("Keep `tenants:` in files of their own"))
}

fn print(plan: &Plan, args: &ApplyArgs) -> Result<(), Failure> {
    match args.output {
        Output::Json => {
            let json = serde_json::to_string(plan)
                .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
            printing::line(&json)
        }
        Output::Text => printing::text(&drawn(plan)),
    }
}

/// The plan as people read it, with and without colour.
fn drawn(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        text.push_str(&change_drawn(change));
    }
    for change in &plan.left {
        text.push_str(&format!(
            "  {} {} of {}: applied before and in no file any more; --prune removes it\n",
            words(&change.kind),
            change.name,
            change.tenant
        ));
    }
    match plan.changes.is_empty() {
        true => text.push_str("nothing to do\n"),
        false => text.push_str(&format!("{}\n", counted(plan))),
    }
    text
}

fn change_drawn(change: &PlannedChange) -> String {
    let (good, bad) = (style::GOOD, style::BAD);
    let (mark, style) = match change.action {
        PlannedAction::Create => ("+ make", good),
        PlannedAction::Change => ("~ change", style::QUIET),
        PlannedAction::Adopt => ("= take over", style::QUIET),
        PlannedAction::Remove => ("- remove", bad),
    };
    let mut text = format!(
        "{style}{mark}{style:#} {} {}",
        words(&change.kind),
        change.name
    );
    if change.kind != "tenant" {
        text.push_str(&format!(" of {}", change.tenant));
    }
    if change.drifted {
        text.push_str(" (changed by somebody else since it was applied)");
    }
    text.push('\n');
    if change.action != PlannedAction::Remove {
        for field in &change.fields {
            text.push_str(&field_drawn(field));
        }
    }
    text
}

fn field_drawn(field: &FieldChange) -> String {
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => {
            format!(
                "    {}: {} -> {}\n",
                field.path,
                shown(before),
                shown(after)
            )
        }
        (None, Some(after)) => format!("    {}: {}\n", field.path, shown(after)),
        (Some(before), None) => format!("    {}: {} -> not set\n", field.path, shown(before)),
        (None, None) => String::new(),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn words(kind: &str) -> String {
    kind.replace('_', " ")
}

fn counted(plan: &Plan) -> String {
    let count = |action| {
        let changes = plan.changes.iter();
        changes.filter(|change| change.action == action).count()
    };
    let told = [
        (count(PlannedAction::Create), "to make"),
        (count(PlannedAction::Change), "to change"),
        (count(PlannedAction::Adopt), "to take over"),
        (count(PlannedAction::Remove), "to remove"),
    ];
    let told: Vec<String> = (told.iter())
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    told.join(", ")
}

/// Stands where a server's own address would.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
const LONGEST_SHOWN: usize = 100;
/// Plans that are agreed to before it is given up.
const TRIES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plan_is_readable_without_colour() {
        let change = |action, kind: &str, name: &str, drifted, fields| PlannedChange {
            action,
            tenant: "acme".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            drifted,
            fields,
        };
        let field = |path: &str, before: Option<Value>, after: Option<Value>| FieldChange {
            path: path.to_owned(),
            before,
            after,
        };
        let plan = Plan {
            digest: String::new(),
            changes: vec![
                change(
                    PlannedAction::Create,
                    "token_config",
                    "aws",
                    false,
                    vec![field("audience", None, Some(json!("sts.amazonaws.com")))],
                ),
                change(
                    PlannedAction::Change,
                    "workload",
                    "api",
                    true,
                    vec![
                        field("attributes.team", Some(json!("a")), Some(json!("b"))),
                        field("token_configs", Some(json!(["aws"])), None),
                    ],
                ),
                change(PlannedAction::Remove, "workload", "old", false, Vec::new()),
            ],
            left: vec![change(
                PlannedAction::Remove,
                "workload",
                "stays",
                false,
                Vec::new(),
            )],
        };
        let plain = anstream::adapter::strip_str(&drawn(&plan)).to_string();
        insta::assert_snapshot!(plain, @r#"
+ make token config aws of acme
    audience: sts.amazonaws.com
~ change workload api of acme (changed by somebody else since it was applied)
    attributes.team: a -> b
    token_configs: ["aws"] -> not set
- remove workload old of acme
  workload stays of acme: applied before and in no file any more; --prune removes it
1 to make, 1 to change, 1 to remove
"#);
        insta::assert_snapshot!(drawn(&Plan::default()), @"nothing to do");
    }
}
