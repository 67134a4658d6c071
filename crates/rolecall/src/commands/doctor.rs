//! `rolecall doctor`: what in this machine's AWS set-up wins, what is wrong, and the mend.

mod mending;
mod seeing;

use std::collections::BTreeSet;
use std::process::ExitCode;

use rolecall_doctor::{Chain, Finding, Machine, Mend, Severity, Verdict, chains, findings};
use serde_json::json;

use crate::cli::Output;
use crate::cli::doctor::DoctorArgs;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::{printing, style};

/// Looks, prints, and mends where that was asked for.
///
/// # Errors
/// `Local` where a mend cannot be carried out.
pub async fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let mut machine = looked(args).await;
    let mut found = findings(&machine);
    let mends: BTreeSet<Mend> = found.iter().filter_map(|one| one.fix.clone()).collect();
    let mended = args.fix && !args.plan && !mends.is_empty();
    if mended {
        for mend in &mends {
            mending::carry_out(mend)?;
        }
        machine = looked(args).await;
        found = findings(&machine);
    }
    let chains = chains(&machine);
    let done = if args.fix { mends } else { BTreeSet::new() };
    match args.output {
        Output::Json => printing::json(&json!({
            "profile": machine.asked_profile,
            "chains": chains,
            "findings": found,
            "mends": done,
            "mended": mended,
        }))?,
        Output::Text => text(&chains, &found, &done, mended)?,
    }
    let worst = found.iter().map(|one| one.severity).min();
    Ok(match worst {
        Some(Severity::Error | Severity::Warning) => ExitCode::from(Exit::Negative as u8),
        _ => ExitCode::SUCCESS,
    })
}

async fn looked(args: &DoctorArgs) -> Machine {
    Progress::quiet("asking STS for its clock")
        .during(seeing::machine(args))
        .await
}

fn text(
    chains: &[Chain],
    found: &[Finding],
    mends: &BTreeSet<Mend>,
    mended: bool,
) -> Result<(), Failure> {
    let mut out = String::new();
    out.push_str(&heading("Where credentials come from"));
    // Families of one mind are told of once.
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for chain in chains {
        let told = decided(chain);
        match groups.iter_mut().find(|(_, other)| *other == told) {
            Some((families, _)) => families.push(chain.family.to_string()),
            None => groups.push((vec![chain.family.to_string()], told)),
        }
    }
    for (families, told) in &groups {
        out.push_str(&format!("  {}: {told}\n", families.join(", ")));
    }
    let hidden = chains.first().map(|chain| &chain.candidates);
    for one in hidden.into_iter().flatten() {
        if one.verdict == Verdict::Hidden {
            out.push_str(&format!("  not reached: {}\n", one.told));
        }
    }
    if !mends.is_empty() {
        let title = if mended {
            "Mended"
        } else {
            "What --fix would do"
        };
        out.push_str(&format!("\n{}", heading(title)));
        for mend in mends {
            out.push_str(&format!("  {}\n", mend.told()));
        }
    }
    for one in found {
        let severity = match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        out.push_str(&format!("\n{severity} {}: {}\n", one.code, one.what));
        if let Some(place) = &one.place {
            out.push_str(&format!("  at {place}\n"));
        }
        out.push_str(&format!("  {}\n  {}\n", one.why, one.mend));
        if one.fix.is_some() {
            out.push_str("  `rolecall doctor --fix` does it.\n");
        }
    }
    if found.is_empty() {
        out.push_str("\nNothing is wrong.\n");
    }
    printing::text(&out)
}

fn heading(text: &str) -> String {
    format!("{}{text}{:#}\n", style::HEAD, style::HEAD)
}

fn decided(chain: &Chain) -> String {
    if let Some(why) = &chain.stopped {
        return format!("nothing: programs end at once, because {why}");
    }
    match chain.decisive() {
        None => "nothing: no credentials are set up".to_owned(),
        Some(one) if one.verdict == Verdict::Fails => {
            format!("{}; programs end with an error there", one.told)
        }
        Some(one) => one.told.clone(),
    }
}
