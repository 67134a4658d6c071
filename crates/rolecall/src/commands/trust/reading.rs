//! What the commands read: policies out of files and folders, tokens, claims.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rolecall_documents::{Found, FoundPolicy, find};
use rolecall_jose::Compact;
use rolecall_source::SourceText;
use rolecall_trust::Policy;
use serde_json::{Map, Value};

use super::account::{Accounts, Live};
use crate::cli::trust::PolicyArgs;
use crate::commands::not_valid;
use crate::failure::{Exit, Failure};

/// Files, and what was found in them.
pub struct Policies {
    /// The files that were read.
    pub files: Vec<SourceText>,
    /// What they hold; symbols that were given are filled in.
    pub found: Found,
}

impl Policies {
    /// Reads files and folders.
    ///
    /// # Errors
    /// `Local` for what cannot be read, `Configuration` where there is no policy in any of it.
    pub fn read(args: &PolicyArgs) -> Result<Self, Failure> {
        let files = source_files(&args.policies)?;
        let mut found = find(&files);
        let value = |name: &str| {
            let given = args.symbols.iter().rev().find(|(known, _)| known == name);
            given.map(|(_, value)| value.as_str())
        };
        for policy in &mut found.policies {
            policy.tree = policy.tree.filled(&value);
        }
        if let Some(role) = &args.role {
            found
                .policies
                .retain(|policy| policy.role.as_deref().is_some_and(|name| names(name, role)));
        }
        let read = Self { files, found };
        if read.found.policies.is_empty() {
            return Err(read.nothing(args));
        }
        Ok(read)
    }

    /// The one policy that is meant.
    ///
    /// # Errors
    /// `Usage` where there are several.
    pub fn only(&self) -> Result<&FoundPolicy, Failure> {
        match self.found.policies.as_slice() {
            [one] => Ok(one),
            many => {
                let names: Vec<String> = many.iter().map(|policy| self.name(policy)).collect();
                Err(Failure::new(
                    Exit::Usage,
                    format_args!("there are {} trust policies, and one is meant", many.len()),
                )
                .note(names.join("\n"))
                .hint("Choose with --role, or name the file"))
            }
        }
    }

    /// The policy, read.
    ///
    /// # Errors
    /// `Configuration` where it has not the shape of a policy.
    pub fn parse(&self, policy: &FoundPolicy) -> Result<Policy, Failure> {
        Policy::from_tree(&self.files[policy.file], &policy.tree)
            .map_err(|error| Failure::from_error(Exit::Configuration, &error))
    }

    /// A policy's name for people: where it stands and whose it is.
    pub fn name(&self, policy: &FoundPolicy) -> String {
        let source = &self.files[policy.file];
        let position = source.position(policy.tree.span.start);
        match &policy.role {
            Some(role) if *role != source.name => format!("{}:{position} {role}", source.name),
            _ => format!("{}:{position}", source.name),
        }
    }

    fn nothing(&self, args: &PolicyArgs) -> Failure {
        if let Some((_, problem)) = self.found.problems.first() {
            return Failure::from_error(Exit::Configuration, problem);
        }
        let failure = Failure::new(Exit::Configuration, "no trust policy was found");
        match &args.role {
            Some(role) => failure.note(format_args!("looked for the role `{role}`")),
            None => failure.note(format_args!("{} files were read", self.files.len())),
        }
        .hint(
            "A trust policy is a JSON document with `Statement`, an `AssumeRolePolicyDocument` of \
             CloudFormation, an `assume_role_policy` of Terraform, or what `aws iam get-role` prints",
        )
    }
}

/// Whether a role's name in a file is the one that a person gave: whole, or its last part.
fn names(known: &str, given: &str) -> bool {
    known == given || known.rsplit(['/', '.']).next() == Some(given)
}

/// The texts of files, and of the files below folders that could hold policies, sorted by path.
/// A role's ARN and `iam://` stand for what an account has, read now.
pub fn source_files(paths: &[PathBuf]) -> Result<Vec<SourceText>, Failure> {
    let mut files = Vec::new();
    let mut accounts = Accounts::default();
    let stdin = [PathBuf::from("-")];
    let paths = if paths.is_empty() { &stdin } else { paths };
    for path in paths {
        if let Some(live) = Live::named(path)? {
            files.extend(accounts.texts(&live)?);
        } else if path.is_dir() {
            let mut below = Vec::new();
            walk(path, &mut below, 0)?;
            below.sort();
            for path in below {
                files.push(read(&path)?);
            }
        } else {
            files.push(read(path)?);
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        let what = format!("cannot read the folder `{}`: {error}", folder.display());
        Failure::new(Exit::Local, what)
    };
    if depth > FOLDER_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // Links are left out: they may lead round in circles.
        if name.starts_with('.') || kind.is_symlink() {
            continue;
        }
        if kind.is_dir() {
            if name != "node_modules" {
                walk(&path, files, depth + 1)?;
            }
        } else if EXTENSIONS.iter().any(|extension| name.ends_with(extension)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads a file, `-` for standard input; bounded, and only text.
pub fn read(path: &Path) -> Result<SourceText, Failure> {
    let (name, read) = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let stdin = std::io::stdin().lock();
        let read = stdin.take(SIZE_LIMIT + 1).read_to_end(&mut bytes);
        ("standard input".to_owned(), read.map(|_| bytes))
    } else {
        let mut bytes = Vec::new();
        let read =
            fs::File::open(path).and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes));
        (path.display().to_string(), read.map(|_| bytes))
    };
    let failed = |why: String| Failure::new(Exit::Local, format!("cannot read `{name}`: {why}"));
    let bytes = read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(failed(format!(
            "it is larger than {} MiB",
            SIZE_LIMIT / 1024 / 1024
        )));
    }
    match String::from_utf8(bytes) {
        // Editors of one operating system begin files with a byte-order mark.
        Ok(text) => Ok(SourceText::new(
            name.clone(),
            text.strip_prefix('\u{feff}').unwrap_or(&text),
        )),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..valid]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Err(failed(format!(
                "it is not UTF-8 text: a stray byte at offset {valid}, line {line}"
            )))
        }
    }
}

/// The claims of a token, which is read and not verified, or a JSON object of claims.
pub fn claims(
    token: Option<&Path>,
    claims: Option<&Path>,
) -> Result<Option<Map<String, Value>>, Failure> {
    if let Some(path) = token {
        let source = read(path)?;
        return token_claims(source.text.trim()).map(Some);
    }
    let Some(path) = claims else {
        return Ok(None);
    };
    let source = read(path)?;
    match serde_json::from_str(&source.text) {
        Ok(Value::Object(claims)) => Ok(Some(claims)),
        Ok(_) => Err(Failure::new(
            Exit::Usage,
            format_args!("{}: the claims must be a JSON object", source.name),
        )),
        Err(error) => Err(Failure::new(
            Exit::Usage,
            format_args!("{}: the claims are not JSON: {error}", source.name),
        )),
    }
}

/// The claims of a token that is not verified.
pub fn token_claims(token: &str) -> Result<Map<String, Value>, Failure> {
    Compact::parse(token)
        .and_then(|compact| compact.claims())
        .map_err(not_valid)
}

/// Files below a folder that could hold a policy.
const EXTENSIONS: &[&str] = &[".json", ".yaml", ".yml", ".tf", ".template", ".hcl"];
/// Folders within folders that are searched.
const FOLDER_DEPTH: usize = 32;
/// Bytes of a file that are read, at most.
const SIZE_LIMIT: u64 = 64 * 1024 * 1024;
