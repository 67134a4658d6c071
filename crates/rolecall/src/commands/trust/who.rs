//! `rolecall trust who`: which subjects can assume which roles.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rolecall_source::SourceText;
use rolecall_trust::prove::who;
use rolecall_trust::{Policy, web_identity};
use serde_json::{Value, json};

use super::reading::Policies;
use super::subjects::{self, Line};
use crate::cli::trust::{Picture, WhoArgs};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::printing;

mod picture;

/// Finds out and prints.
///
/// # Errors
/// What cannot be read, or is not said clearly enough.
pub fn run(args: WhoArgs) -> Result<ExitCode, Failure> {
    let policies = Policies::read(&args.policy)?;
    let files: Vec<Arc<SourceText>> = policies.files.iter().cloned().map(Arc::new).collect();
    let (mut names, mut roles) = (Vec::new(), Vec::new());
    for found in &policies.found.policies {
        let role = Policy::from_shared(&files[found.file], &found.tree)
            .map_err(|error| Failure::from_error(Exit::Configuration, &error))?;
        // A position takes reading the file from its start, so only where there is no name.
        let name = found.role.clone();
        names.push(name.unwrap_or_else(|| policies.name(found)));
        roles.push(role);
    }
    let unknown = roles
        .iter()
        .filter(|role| !role.symbols().is_empty())
        .count();
    if unknown > 0 {
        anstream::eprintln!(
            "warning: parts of {unknown} policies are known to a template only, and values with \
             such a part match nothing; give them with --set"
        );
    }
    let reach = reach(&args, &names, &roles)?;
    match args.format {
        Picture::Json => printing::line(&reach.report().to_string())?,
        Picture::Table => printing::text(&reach.table())?,
        Picture::Dot => printing::text(&picture::dot(&reach))?,
        Picture::Svg => printing::text(&picture::svg(&reach))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Who reaches what, by names.
pub struct Reached {
    /// Subjects that can assume the same roles, the largest groups first.
    groups: Vec<Group>,
    /// Roles that admit any subject of their issuer.
    open: Vec<String>,
    /// Roles that none of the subjects can assume.
    unused: Vec<String>,
    /// Of those, the ones that nobody can assume.
    closed: Vec<String>,
}

/// Subjects that can assume the same roles.
pub struct Group {
    subjects: Vec<String>,
    roles: Vec<String>,
}

/// The tokens of the workloads that a configuration registers.
fn registered(config: &Path) -> Result<Vec<Line>, Failure> {
    let claims = Loaded::read(config)?.registered_claims()?;
    if claims.is_empty() {
        return Err(Failure::new(
            Exit::Configuration,
            format_args!("no workloads are registered in `{}`", config.display()),
        ));
    }
    Ok(claims.into_iter().map(Line::Claims).collect())
}

fn reach(args: &WhoArgs, names: &[String], roles: &[Policy]) -> Result<Reached, Failure> {
    let lines = match (&args.workloads, &args.subjects) {
        (Some(config), _) => registered(config)?,
        (None, Some(path)) => subjects::read(path)?,
        (None, None) => return Err(Failure::new(Exit::Usage, "give --subjects or --workloads")),
    };
    let mut arns: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for role in roles {
        for provider in role.federated_principals() {
            let prefix = web_identity::provider_prefix(provider);
            arns.entry(prefix).or_default().insert(provider);
        }
    }
    let only = || match arns.keys().collect::<Vec<_>>()[..] {
        [only] => Ok((*only).to_owned()),
        ref several => {
            let listed: Vec<String> = several.iter().map(|prefix| (**prefix).to_owned()).collect();
            let what = format!(
                "the policies trust {} providers, and one is meant",
                listed.len()
            );
            Err(Failure::new(Exit::Usage, what)
                .note(listed.join("\n"))
                .hint("Choose with --provider, or write it behind each subject after tabs"))
        }
    };
    let (mut callers, mut line_of) = (Vec::new(), Vec::new());
    for (number, line) in lines.iter().enumerate() {
        let given = line.provider().or(args.provider.as_deref());
        let provider = given.map_or_else(only, |text| Ok(text.to_owned()))?;
        for provider in providers(&provider, &arns) {
            let identity = line.identity(&provider, &args.audience).map_err(|why| {
                let what = format!("subject {} is no token that STS takes: {why}", number + 1);
                Failure::new(Exit::TokenNotValid, what)
            })?;
            callers.push(identity);
            line_of.push(number);
        }
    }
    let reach = who(roles, &callers);
    // Through several accounts' providers one subject may stand in several groups.
    let mut groups_of: Vec<Vec<usize>> = vec![Vec::new(); lines.len()];
    for (caller, line) in line_of.iter().enumerate() {
        let group = reach.group_of[caller];
        if !groups_of[*line].contains(&group) {
            groups_of[*line].push(group);
        }
    }
    let mut together: HashMap<Vec<usize>, Vec<String>> = HashMap::new();
    for (line, mut groups) in lines.iter().zip(groups_of) {
        groups.sort_unstable();
        together.entry(groups).or_default().push(shown(line));
    }
    let mut groups: Vec<Group> = together
        .into_iter()
        .map(|(groups, subjects)| {
            let numbers: BTreeSet<usize> = groups
                .iter()
                .flat_map(|group| reach.groups[*group].roles.iter().copied())
                .collect();
            Group {
                subjects,
                roles: numbers
                    .into_iter()
                    .map(|role| names[role].clone())
                    .collect(),
            }
        })
        .collect();
    groups.sort_by(|one, other| {
        let sizes = other.subjects.len().cmp(&one.subjects.len());
        sizes.then_with(|| one.subjects.cmp(&other.subjects))
    });
    let named = |numbers: &[usize]| numbers.iter().map(|role| names[*role].clone()).collect();
    Ok(Reached {
        groups,
        open: named(&reach.open),
        unused: named(&reach.unused),
        closed: named(&reach.closed),
    })
}

/// The names under which policies may trust a provider: of a URL, that of each account.
fn providers(given: &str, arns: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    if given.starts_with("arn:") {
        return vec![given.to_owned()];
    }
    let url = given.strip_prefix("https://").unwrap_or(given);
    match arns.get(url) {
        Some(arns) => arns.iter().map(|arn| (*arn).to_owned()).collect(),
        None => vec![web_identity::provider_arn("aws", "000000000000", url)],
    }
}

fn shown(line: &Line) -> String {
    line.subject().unwrap_or_default()
}

impl Reached {
    fn report(&self) -> Value {
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|group| json!({ "subjects": group.subjects, "roles": group.roles }))
            .collect();
        json!({
            "groups": groups,
            "admitAnySubject": self.open,
            "admitNoneOfThese": self.unused,
            "admitNobody": self.closed,
        })
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            let can = match group.roles.len() {
                0 => "can assume nothing".to_owned(),
                count => format!("can assume {}", counted(count, "role")),
            };
            text.push_str(&format!(
                "{} {can}\n",
                counted(group.subjects.len(), "subject")
            ));
            for subject in listed(&group.subjects, SUBJECTS_SHOWN) {
                text.push_str(&format!("    {subject}\n"));
            }
            for role in listed(&group.roles, ROLES_SHOWN) {
                text.push_str(&format!("  → {role}\n"));
            }
            text.push('\n');
        }
        let unused: Vec<String> = self
            .unused
            .iter()
            .map(|role| match self.closed.contains(role) {
                true => format!("{role} (nobody at all can)"),
                false => role.clone(),
            })
            .collect();
        for (title, roles) in [
            ("admit any subject of their issuer", &self.open),
            ("none of these subjects can assume", &unused),
        ] {
            if !roles.is_empty() {
                text.push_str(&format!("roles that {title}: {}\n", roles.len()));
                for role in listed(roles, ROLES_SHOWN) {
                    text.push_str(&format!("    {role}\n"));
                }
            }
        }
        text
    }
}

/// The first few, and how many more there are.
fn listed(all: &[String], most: usize) -> Vec<String> {
    let mut shown: Vec<String> = all.iter().take(most).cloned().collect();
    if all.len() > most {
        shown.push(format!("… and {} more", all.len() - most));
    }
    shown
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// Subjects of a group that the table shows.
const SUBJECTS_SHOWN: usize = 5;
/// Roles of a group that the table shows.
const ROLES_SHOWN: usize = 20;
