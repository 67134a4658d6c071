//! `rolecall trust migrate`: its arguments.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::PolicyArgs;
use crate::cli::Output;

/// `rolecall trust migrate`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").args(["preset", "from"]).required(true)))]
pub struct MigrateArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub policy: PolicyArgs,
    /// A change that ships with Rolecall: `github-immutable`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to", "issuer"])]
    pub preset: Option<String>,
    /// The old subject format, such as `cube:deployment:{deployment_id}`
    #[arg(long, value_name = "FORMAT", requires = "to")]
    pub from: Option<String>,
    /// The new subject format
    #[arg(long, value_name = "FORMAT", requires = "from")]
    pub to: Option<String>,
    /// Only policies of this issuer
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Values that only the new format has: a file with lines such as
    /// `owner=octo owner_id=65`, `owner=octo repository=app repository_id=4242`
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Put the new form beside the old one
    #[arg(long, conflicts_with = "narrow")]
    pub widen: bool,
    /// Take the old form away, once every token has the new one
    #[arg(long)]
    pub narrow: bool,
    /// Write the changes into the files; without it, they are printed as one diff
    #[arg(long)]
    pub in_place: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Shown below the help.
pub const MIGRATE_EXAMPLES: &str = "Examples:\n  \
    rolecall trust migrate --preset github-immutable --map ids.txt --policy infra/\n  \
    rolecall trust migrate --preset github-immutable --map ids.txt --policy infra/ --widen | git apply\n  \
    rolecall trust migrate --from 'cube:deployment:{id}' --to 'cube:deployment:{id}:component:{component}' \\\n    \
    --map components.txt --policy infra/ --narrow --in-place\n\n\
    Exit codes: 0 every policy admits the new form; 9 some do not, or a step is refused.";
