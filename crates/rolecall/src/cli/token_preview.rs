//! `rolecall token preview` and `token presets`: their arguments.

use std::path::PathBuf;

use clap::Args;

use super::Output;

/// `rolecall token preview`
#[derive(Debug, Args)]
pub struct TokenPreviewArgs {
    /// The configuration file of the issuer; not read where --preset is given
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
    /// A preset, without any configuration; `rolecall token presets` lists them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["token_config", "workload", "tenant"])]
    pub preset: Option<String>,
    /// A subject format to try in place of the preset's or the token config's own
    #[arg(long, value_name = "FORMAT")]
    pub subject: Option<String>,
    /// Pulumi's subjectAttributes, with a preset of Pulumi; may be given more than once
    #[arg(long = "subject-attribute", value_name = "NAME", requires = "preset")]
    pub subject_attributes: Vec<String>,
    /// The audience, with --preset
    #[arg(long, value_name = "AUDIENCE", requires = "preset")]
    pub audience: Option<String>,
    /// The tenant, where the file has several
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// The token config, where the tenant or workload has several
    #[arg(long, value_name = "NAME")]
    pub token_config: Option<String>,
    /// The registered workload whose token is meant
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// An attribute; may be given more than once. A registered workload's own are there already
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = super::attribute)]
    pub attributes: Vec<(String, String)>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall token presets`
#[derive(Debug, Args)]
pub struct TokenPresetsArgs {
    /// One of them, in full
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

pub(super) const PREVIEW_EXAMPLES: &str = "Examples:\n  \
    rolecall token preview --workload cube-api --attribute component=cube_api\n  \
    rolecall token preview --preset spacelift --audience demo.app.spacelift.io \\\n    \
    --attribute spaceId=legacy --attribute callerType=stack --attribute callerId=infra \\\n    \
    --attribute runType=TRACKED --attribute phase=plan";
