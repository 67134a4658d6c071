//! The rules that keep the workspace readable, held over what Cargo really resolves:
//! which crate may see which, which names no module carries, how long a file may be.
//! `ARCHITECTURE.md` explains them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Decide, render and parse: everything comes in as parameters, so nothing here can do I/O.
const PURE: &[&str] = &[
    "rolecall-source",
    "rolecall-documents",
    "rolecall-trust",
    "rolecall-jose",
    "rolecall-names",
    "rolecall-mint",
    "rolecall-ask",
    "rolecall-attest",
    "rolecall-publishing",
    "rolecall-access",
    "rolecall-doctor",
];

/// What a pure crate reaches neither directly nor through another crate.
const IO: &[&str] = &[
    "tokio",
    "http",
    "hyper",
    "axum",
    "reqwest",
    "rusqlite",
    "aws-config",
    "aws-sdk-sts",
    "socket2",
    "mio",
];

/// The only crates that speak to AWS through its SDK.
const SEES_THE_AWS_SDK: &[&str] = &[
    "rolecall-exchange",
    "rolecall-chain",
    "rolecall-services",
    "rolecall-kms",
];

/// Names that say nothing about what a module or a crate is for.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "misc", "types", "manager",
];

/// Lines of a source file, tests apart.
const LONGEST_FILE: usize = 600;

#[test]
fn pure_crates_reach_no_input_or_output() {
    let offences: Vec<String> = PURE
        .iter()
        .flat_map(|&name| {
            let reached = WORKSPACE.reached_by(name);
            IO.iter()
                .filter(move |io| reached.contains(**io))
                .map(move |io| format!("{name} reaches {io}"))
        })
        .collect();
    assert!(
        offences.is_empty(),
        "pure crates must take I/O as parameters: {offences:#?}"
    );
}

#[test]
fn the_path_never_sees_the_server() {
    let offences = WORKSPACE.offences(
        |folder| folder.starts_with("crates/path/"),
        |dependency| {
            WORKSPACE
                .folder(dependency)
                .is_some_and(|f| f.starts_with("crates/server/"))
        },
    );
    assert!(
        offences.is_empty(),
        "path/* must not reach server/*: {offences:#?}"
    );
}

#[test]
fn only_those_who_speak_to_aws_name_the_aws_sdk() {
    let offences: Vec<String> = WORKSPACE
        .members
        .iter()
        .filter(|(name, _)| !SEES_THE_AWS_SDK.contains(&name.as_str()))
        .flat_map(|(name, member)| {
            member
                .direct
                .iter()
                .filter(|d| {
                    d.starts_with("aws-sdk-") || matches!(d.as_str(), "aws-config" | "aws-sigv4")
                })
                .map(move |d| format!("{name} depends on {d}"))
        })
        .collect();
    assert!(
        offences.is_empty(),
        "the AWS SDK belongs to path/exchange, path/chain, aws/services and keys/kms: {offences:#?}"
    );
}

#[test]
fn only_the_store_names_sql() {
    let offences: Vec<String> = WORKSPACE
        .members
        .iter()
        .filter(|(name, member)| *name != "rolecall-store" && member.direct.contains("rusqlite"))
        .map(|(name, _)| name.clone())
        .collect();
    assert!(
        offences.is_empty(),
        "SQL belongs to server/store, but these name rusqlite: {offences:#?}"
    );
}

#[test]
fn the_listener_knows_none_of_our_crates() {
    let offences = WORKSPACE.offences(
        |folder| folder == "crates/server/listening",
        |dependency| WORKSPACE.folder(dependency).is_some(),
    );
    assert!(
        offences.is_empty(),
        "server/listening brings requests in, and others say what they mean: {offences:#?}"
    );
}

#[test]
fn traces_know_the_listener_only_and_the_agent_no_server() {
    let traces = WORKSPACE.offences(
        |folder| folder == "crates/server/telemetry",
        |dependency| {
            let folder = WORKSPACE.folder(dependency);
            folder.is_some_and(|folder| folder != "crates/server/listening")
        },
    );
    let agent = WORKSPACE.offences(
        |folder| folder.starts_with("crates/workload/"),
        |dependency| {
            let folder = WORKSPACE.folder(dependency);
            folder.is_some_and(|folder| folder.starts_with("crates/server/"))
        },
    );
    assert!(
        traces.is_empty() && agent.is_empty(),
        "{traces:#?} {agent:#?}"
    );
}

#[test]
fn the_server_sees_key_backends_by_their_trait_only() {
    let offences = WORKSPACE.offences(
        |folder| folder.starts_with("crates/server/") || folder == "crates/keys/signing-keys",
        |dependency| ["rolecall-pkcs11", "rolecall-kms"].contains(&dependency),
    );
    assert!(
        offences.is_empty(),
        "only the binary joins the backends with what signs: {offences:#?}"
    );
}

#[test]
fn only_the_token_backend_loads_foreign_libraries() {
    let offences: Vec<&String> = WORKSPACE
        .members
        .iter()
        .filter(|(name, member)| *name != "rolecall-pkcs11" && member.direct.contains("cryptoki"))
        .map(|(name, _)| name)
        .collect();
    assert!(
        offences.is_empty(),
        "PKCS#11 belongs to keys/pkcs11, but these name cryptoki: {offences:#?}"
    );
}

#[test]
fn the_emulator_decides_with_the_trust_engine_and_nothing_of_the_path() {
    let emulator = &WORKSPACE.members["rolecall-emulator"];
    assert!(
        emulator.direct.contains("rolecall-trust"),
        "the emulator must decide with rolecall-trust"
    );
    let offences = WORKSPACE.offences(
        |folder| folder == "crates/aws/emulator",
        |dependency| {
            WORKSPACE
                .folder(dependency)
                .is_some_and(|f| f.starts_with("crates/server/") || f.starts_with("crates/path/"))
        },
    );
    assert!(
        offences.is_empty(),
        "the emulator stands for AWS, which knows none of our crates: {offences:#?}"
    );
}

#[test]
fn reading_an_account_knows_nothing_of_the_path() {
    let offences = WORKSPACE.offences(
        |folder| folder == "crates/aws/services",
        |dependency| {
            WORKSPACE.folder(dependency).is_some_and(|f| {
                f.starts_with("crates/server/")
                    || f.starts_with("crates/path/")
                    || f.starts_with("crates/language/")
            })
        },
    );
    assert!(
        offences.is_empty(),
        "aws/services reads accounts, and others say what it means: {offences:#?}"
    );
}

#[test]
fn nothing_but_the_binary_depends_on_the_binary() {
    let offences: Vec<&String> = WORKSPACE
        .members
        .iter()
        .filter(|(_, member)| member.direct.contains("rolecall"))
        .map(|(name, _)| name)
        .collect();
    assert!(
        offences.is_empty(),
        "crates/rolecall only joins the others: {offences:#?}"
    );
}

#[test]
fn every_crate_carries_its_folders_name() {
    for (name, member) in &WORKSPACE.members {
        let folder = member.folder.rsplit('/').next().unwrap();
        let expected = if member.folder == "crates/rolecall" {
            "rolecall".to_owned()
        } else {
            format!("rolecall-{folder}")
        };
        assert_eq!(
            *name, expected,
            "the crate in {} is misnamed",
            member.folder
        );
        assert!(
            !EMPTY_NAMES.contains(&folder),
            "{} says nothing about what it is for",
            member.folder
        );
    }
}

#[test]
fn no_module_has_an_empty_name() {
    let offences: Vec<String> = source_files()
        .into_iter()
        .filter(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            EMPTY_NAMES.contains(&stem) || stem == "mod"
        })
        .map(|path| shown(&path))
        .collect();
    assert!(
        offences.is_empty(),
        "name modules after what they are for, without mod.rs: {offences:#?}"
    );
}

#[test]
fn no_source_file_is_too_long_to_read() {
    let offences: Vec<String> = source_files()
        .into_iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (lines > LONGEST_FILE).then(|| format!("{} has {lines} lines", shown(&path)))
        })
        .collect();
    assert!(
        offences.is_empty(),
        "split what is over {LONGEST_FILE} lines by idea: {offences:#?}"
    );
}

/// The workspace as Cargo resolves it for normal dependencies; development and build dependencies
/// are no part of what ships.
struct Workspace {
    members: BTreeMap<String, Member>,
    /// Every package's name and its normal dependencies, over the whole graph.
    edges: BTreeMap<PackageId, (String, Vec<PackageId>)>,
}

struct Member {
    /// Relative to the workspace's root, such as `crates/path/mint`.
    folder: String,
    /// Names of its direct normal dependencies.
    direct: BTreeSet<String>,
}

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .expect("cargo metadata");
    Workspace::over(&metadata)
});

impl Workspace {
    fn over(metadata: &Metadata) -> Self {
        let names: BTreeMap<PackageId, String> = metadata
            .packages
            .iter()
            .map(|p| (p.id.clone(), p.name.to_string()))
            .collect();
        let edges: BTreeMap<PackageId, (String, Vec<PackageId>)> = metadata
            .resolve
            .as_ref()
            .expect("a resolved graph")
            .nodes
            .iter()
            .map(|node| {
                let normal = node
                    .deps
                    .iter()
                    .filter(|d| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal))
                    .map(|d| d.pkg.clone())
                    .collect();
                (node.id.clone(), (names[&node.id].clone(), normal))
            })
            .collect();
        let members = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| {
                let folder = package.manifest_path.parent().unwrap();
                let folder = folder
                    .strip_prefix(&metadata.workspace_root)
                    .unwrap()
                    .to_string();
                let direct = edges[&package.id]
                    .1
                    .iter()
                    .map(|id| names[id].clone())
                    .collect();
                (package.name.to_string(), Member { folder, direct })
            })
            .collect();
        Self { members, edges }
    }

    /// Every package that `name` reaches through normal dependencies.
    fn reached_by(&self, name: &str) -> BTreeSet<&str> {
        let mut waiting: Vec<&PackageId> = self
            .edges
            .iter()
            .filter(|(_, (n, _))| n == name)
            .map(|(id, _)| id)
            .collect();
        assert_eq!(
            waiting.len(),
            1,
            "{name} is not one crate of the workspace: mend the rule"
        );
        let mut seen = BTreeSet::new();
        let mut reached = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            for next in &self.edges[id].1 {
                if seen.insert(next) {
                    reached.insert(self.edges[next].0.as_str());
                    waiting.push(next);
                }
            }
        }
        reached
    }

    fn folder(&self, name: &str) -> Option<&str> {
        self.members.get(name).map(|member| member.folder.as_str())
    }

    /// Pairs "crate reaches crate" from a folder that `from` picks to a dependency that `to` picks.
    fn offences(&self, from: impl Fn(&str) -> bool, to: impl Fn(&str) -> bool) -> Vec<String> {
        let mut picked = self
            .members
            .iter()
            .filter(|(_, member)| from(&member.folder))
            .peekable();
        assert!(picked.peek().is_some(), "the rule picks no crate: mend it");
        picked
            .flat_map(|(name, _)| {
                self.reached_by(name)
                    .into_iter()
                    .filter(|dependency| to(dependency))
                    .map(|dependency| format!("{name} reaches {dependency}"))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

/// Every Rust file of the crates' `src` folders, tests apart.
fn source_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting: Vec<PathBuf> = WORKSPACE
        .members
        .values()
        .map(|member| root().join(&member.folder).join("src"))
        .collect();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            if path.is_dir() && stem != "tests" {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && stem != "tests" {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty());
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .parent()
        .unwrap()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}
