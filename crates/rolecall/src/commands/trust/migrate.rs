//! `rolecall trust migrate`: a subject format changed under policies, step by step.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use rolecall_source::{SourceText, nearest};
use rolecall_trust::migrate::{
    FormatChange, MigrateError, Migrated, Outlook, PRESETS, Proof, Stage, Standing, migrate,
    outlook,
};
use serde_json::{Value, json};

use super::reading::{self, Policies};
use super::{answer, writing};
use crate::cli::Output;
use crate::cli::trust::MigrateArgs;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Shows what breaks, or makes a step.
///
/// # Errors
/// What cannot be read or written, and formats that are none. Refused steps are an answer.
pub fn run(args: &MigrateArgs) -> Result<ExitCode, Failure> {
    let change = change(args)?;
    let policies = Policies::read(&args.policy)?;
    match (args.widen, args.narrow) {
        (true, _) => make(args, &policies, &change, Stage::Widen),
        (_, true) => make(args, &policies, &change, Stage::Narrow),
        _ => show(args, &policies, &change),
    }
}

fn change(args: &MigrateArgs) -> Result<FormatChange, Failure> {
    let map = match &args.map {
        Some(path) => reading::read(path)?.text,
        None => String::new(),
    };
    let (from, to, issuer) = match (&args.preset, &args.from, &args.to) {
        (Some(name), ..) => {
            let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else {
                let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
                let failure =
                    Failure::new(Exit::Usage, format_args!("there is no preset `{name}`"));
                return Err(match nearest(name, names.iter().copied()) {
                    Some(near) => failure.hint(format_args!("Did you mean `{near}`?")),
                    None => failure.hint(format_args!("There are: {}", names.join(", "))),
                });
            };
            (preset.from, preset.to, Some(preset.issuer))
        }
        (None, Some(from), Some(to)) => (from.as_str(), to.as_str(), args.issuer.as_deref()),
        _ => {
            return Err(Failure::new(
                Exit::Usage,
                "give --preset, or --from and --to",
            ));
        }
    };
    FormatChange::new(from, to, issuer, &map)
        .map_err(|error| Failure::from_error(Exit::Usage, &error))
}

/// The plan: where every policy stands.
fn show(
    args: &MigrateArgs,
    policies: &Policies,
    change: &FormatChange,
) -> Result<ExitCode, Failure> {
    let mut rows: Vec<(String, Outlook)> = Vec::new();
    for found in &policies.found.policies {
        let outlook = outlook(&policies.parse(found)?, change);
        rows.push((policies.name(found), outlook));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.1.standing));
    let breaking = rows
        .iter()
        .any(|(_, outlook)| outlook.standing >= Standing::Breaks);
    if args.output == Output::Json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(name, outlook)| json!({ "policy": name, "standing": outlook.standing, "subjects": outlook.subjects }))
            .collect();
        printing::line(&json!({ "policies": rows }).to_string())?;
        return Ok(answer(!breaking));
    }
    let mut text = String::new();
    for (name, outlook) in &rows {
        text.push_str(&format!("{:<9} {name}\n", word(outlook.standing)));
        for subject in &outlook.subjects {
            match &subject.new {
                Some(new) => {
                    text.push_str(&format!("            {}\n         -> {new}\n", subject.old))
                }
                None => text.push_str(&format!(
                    "            {}\n         -> not known: the map has no {} for it\n",
                    subject.old,
                    subject.missing.join(" and ")
                )),
            }
        }
    }
    printing::text(&text)?;
    note(
        match rows.iter().map(|(_, outlook)| outlook.standing).max() {
            Some(Standing::Blocked) => "next: complete the map, then --widen",
            Some(Standing::Breaks) => "next: --widen, apply it, and only then switch the issuer",
            Some(Standing::Ready) => {
                "next: switch the issuer, wait until the last old token has ended, then --narrow"
            }
            _ => "nothing to do",
        },
    );
    Ok(answer(!breaking))
}

/// Makes a step in every policy, or in none: all are tried before the first file is written.
fn make(
    args: &MigrateArgs,
    policies: &Policies,
    change: &FormatChange,
    stage: Stage,
) -> Result<ExitCode, Failure> {
    // Several policies may stand in one file: each step begins with the text of the one before.
    let mut files: Vec<SourceText> = policies.files.clone();
    let mut steps: Vec<(String, Migrated)> = Vec::new();
    let mut refused: Vec<(String, MigrateError)> = Vec::new();
    for index in 0..policies.found.policies.len() {
        let name = policies.name(&policies.found.policies[index]);
        let found = rolecall_documents::find(&files);
        let wanted = &policies.found.policies[index];
        let now = found.policies.iter().find(|one| {
            one.file == wanted.file
                && one.role == wanted.role
                && policies.nth_of_its_name(index) == nth(&found.policies, one)
        });
        let Some(now) = now else {
            continue;
        };
        match migrate(&files, now, change, stage) {
            Ok(Some(step)) => {
                if step.is_file {
                    files[wanted.file].text.clone_from(&step.changed);
                }
                steps.push((name, step));
            }
            Ok(None) => {}
            Err(error) => refused.push((name, error)),
        }
    }
    if args.in_place && refused.is_empty() {
        for (before, after) in policies.files.iter().zip(&files) {
            if before.text != after.text {
                writing::replace(Path::new(&before.name), &before.text, &after.text)?;
            }
        }
    }
    report(args, policies, &files, &steps, &refused)?;
    Ok(answer(refused.is_empty()))
}

/// How many policies of the same file and role stand before one.
fn nth(
    policies: &[rolecall_documents::FoundPolicy],
    one: &rolecall_documents::FoundPolicy,
) -> usize {
    policies
        .iter()
        .take_while(|other| !std::ptr::eq(*other, one))
        .filter(|other| other.file == one.file && other.role == one.role)
        .count()
}

impl Policies {
    fn nth_of_its_name(&self, index: usize) -> usize {
        nth(&self.found.policies, &self.found.policies[index])
    }
}

fn report(
    args: &MigrateArgs,
    policies: &Policies,
    files: &[SourceText],
    steps: &[(String, Migrated)],
    refused: &[(String, MigrateError)],
) -> Result<(), Failure> {
    let written = args.in_place && refused.is_empty();
    // One diff a file, however many policies stand in it, then those that are no files.
    let mut diffs: BTreeMap<String, String> = BTreeMap::new();
    for (before, after) in policies.files.iter().zip(files) {
        let diff = rolecall_documents::unified(&before.name, &before.text, &after.text);
        if !diff.is_empty() {
            diffs.insert(before.name.clone(), diff);
        }
    }
    for (name, step) in steps.iter().filter(|(_, step)| !step.is_file) {
        diffs.insert(name.clone(), step.diff.clone());
    }
    if args.output == Output::Json {
        let steps: Vec<Value> = steps
            .iter()
            .map(|(name, step)| json!({ "policy": name, "proof": step.proof }))
            .collect();
        let refused: Vec<Value> = refused
            .iter()
            .map(|(name, error)| json!({ "policy": name, "why": error.to_string() }))
            .collect();
        let said =
            json!({ "changed": steps, "refused": refused, "diffs": diffs, "written": written });
        return printing::line(&said.to_string());
    }
    if !written && refused.is_empty() {
        let all: String = diffs.into_values().collect();
        printing::text(&all)?;
    }
    for (name, step) in steps {
        note(&match &step.proof {
            Proof::Holds => format!("{name}: proved that only the form of its subjects changes"),
            Proof::NotProved(why) => format!("{name}: not proved: {why}"),
        });
    }
    for (name, error) in refused {
        note(&format!("{name}: {error}"));
    }
    note(&match (refused.is_empty(), written, steps.len()) {
        (false, ..) => format!(
            "nothing is changed: {} policies refuse the step",
            refused.len()
        ),
        (true, true, count) => format!("{count} policies changed"),
        (true, false, count) => format!("{count} policies to change"),
    });
    Ok(())
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Untouched => "untouched",
        Standing::Done => "done",
        Standing::Ready => "ready",
        Standing::Breaks => "breaks",
        Standing::Blocked => "blocked",
    }
}

fn note(text: &str) {
    use std::io::Write as _;
    let quiet = crate::style::QUIET;
    let _ = writeln!(anstream::stderr(), "{quiet}#{quiet:#} {text}");
}
