//! `rolecall trust who` and `least`: their arguments.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::PolicyArgs;
use crate::cli::Output;

/// `rolecall trust who`
#[derive(Debug, Args)]
pub struct WhoArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub policy: PolicyArgs,
    /// Subjects, one a line, `-` for standard input: the text of `sub`, or after tabs its own
    /// audience and provider, or a token's claims as a JSON object
    #[arg(long, value_name = "FILE", required_unless_present = "workloads")]
    pub subjects: Option<PathBuf>,
    /// The workloads that are registered in this configuration, with every token they can ask for
    #[arg(long, value_name = "ROLECALL.YAML", conflicts_with = "subjects")]
    pub workloads: Option<PathBuf>,
    /// The provider of subjects that do not tell: its ARN, or its URL in the account of each role;
    /// left out, it is the only one that the policies trust
    #[arg(long, value_name = "ARN|URL")]
    pub provider: Option<String>,
    /// The audience of subjects that do not tell
    #[arg(long, value_name = "AUD", default_value = "sts.amazonaws.com")]
    pub audience: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Picture,
}

/// The forms in which reachability is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Picture {
    /// For people: subjects that can assume the same roles stand together
    #[default]
    Table,
    /// For programs
    Json,
    /// A graph for Graphviz
    Dot,
    /// A picture
    Svg,
}

/// `rolecall trust least`
#[derive(Debug, Args)]
pub struct LeastArgs {
    /// Subjects, one a line, `-` for standard input: the text of `sub`, or a token's claims as a
    /// JSON object
    #[arg(long, value_name = "FILE")]
    pub subjects: PathBuf,
    /// The ARN of the OIDC provider in the role's account
    #[arg(long, value_name = "ARN")]
    pub provider: String,
    /// The audience
    #[arg(long, value_name = "AUD", default_value = "sts.amazonaws.com")]
    pub audience: String,
    /// Write patterns in place of segments in which the subjects differ; what more they admit is
    /// told
    #[arg(long)]
    pub pattern: bool,
    /// The quota of the account, in characters without whitespace outside of texts
    #[arg(long, value_name = "CHARACTERS", default_value_t = 2048)]
    pub quota: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

pub(super) const WHO_EXAMPLES: &str = "Examples:\n  \
    rolecall trust who --policy infra/ --subjects subjects.txt\n  \
    rolecall trust who --policy iam:// --subjects claims.jsonl --format svg >who.svg\n  \
    rolecall trust who --policy iam:// --workloads rolecall.yaml\n  \
    rolecall trust who --policy roles.json --subjects subjects.txt --provider https://acme.cubecloud.dev";

pub(super) const LEAST_EXAMPLES: &str = "Examples:\n  \
    rolecall trust least --subjects subjects.txt \\\n    \
    --provider arn:aws:iam::111122223333:oidc-provider/acme.cubecloud.dev >trust.json\n  \
    rolecall trust least --subjects subjects.txt --provider … --pattern\n\n\
    Exit codes: 0 done, 9 IAM would not take such a policy, 2 usage, 7 the subjects cannot be read.";
