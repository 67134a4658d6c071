//! `rolecall trust generate`: its arguments.

use clap::{Args, ValueEnum};

use crate::cli;

/// `rolecall trust generate`
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// An issuer whose subject format is known; --presets lists them
    #[arg(required_unless_present_any = ["subject", "presets", "targets"])]
    pub preset: Option<String>,
    /// The subject format, for any other issuer: `app:{name}:stage:{stage}`
    #[arg(
        long,
        value_name = "FORMAT",
        conflicts_with = "preset",
        requires = "issuer"
    )]
    pub subject: Option<String>,
    /// The issuer's URL, where it is not the preset's
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// The audience, where it is not the preset's, or `sts.amazonaws.com`
    #[arg(long, value_name = "AUD")]
    pub audience: Option<String>,
    /// Pin a part of the format; a name that is given twice has both values
    #[arg(long = "with", value_name = "NAME=VALUE", value_parser = cli::attribute)]
    pub with: Vec<(String, String)>,
    /// Pin a part to a pattern, `*` and `?` being wildcards
    #[arg(long = "like", value_name = "NAME=PATTERN", value_parser = cli::attribute)]
    pub like: Vec<(String, String)>,
    /// Leave a part open
    #[arg(long = "any", value_name = "NAME")]
    pub any: Vec<String>,
    /// The account of provider and role
    #[arg(long, value_name = "ID", required_unless_present_any = ["presets", "targets"])]
    pub account: Option<String>,
    /// The account's partition
    #[arg(long, default_value = "aws")]
    pub partition: String,
    /// The role's name
    #[arg(long, value_name = "NAME", default_value = "rolecall-workload")]
    pub role: String,
    /// The tokens bring session tags
    #[arg(long)]
    pub tags: bool,
    /// The tokens bring a source identity
    #[arg(long)]
    pub source_identity: bool,
    /// Open something to the role: `s3-read:bucket=exports`; --targets lists what there is; may be
    /// given more than once
    #[arg(long = "permit", value_name = "TARGET:NAME=VALUE,…")]
    pub permit: Vec<String>,
    /// A SHA-1 thumbprint for the provider, where a private authority signed the issuer's
    /// certificate
    #[arg(long = "thumbprint", value_name = "HEX")]
    pub thumbprints: Vec<String>,
    /// What to write; left out, the role with its trust policy, and its permissions where there
    /// are any and the language holds both
    #[arg(long = "part", value_enum)]
    pub parts: Vec<GeneratedPart>,
    /// The language
    #[arg(long, value_enum, default_value_t)]
    pub format: GeneratedLanguage,
    /// List the issuers whose format is known, with what is to be chosen
    #[arg(long)]
    pub presets: bool,
    /// List what a role can be opened to, with what has to be known of it
    #[arg(long)]
    pub targets: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GeneratedPart {
    /// The registration of the issuer
    Provider,
    /// The role with its trust policy
    Trust,
    /// What the role may do
    Permissions,
}

/// The language it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum GeneratedLanguage {
    /// The document itself
    #[default]
    Json,
    /// Terraform, policies as `jsonencode({…})`
    Terraform,
    /// Terraform, policies as `data "aws_iam_policy_document"`
    TerraformDocument,
    /// A CloudFormation template in YAML
    Cloudformation,
    /// Commands of the aws CLI
    AwsCli,
}

pub(super) const GENERATE_EXAMPLES: &str = "Examples:\n  \
    rolecall trust generate cube --account 111122223333 --with tenant=acme --with deployment_id=42 \\\n    \
    --any component >trust.json\n  \
    rolecall trust generate github --account 111122223333 --with owner=octo-org --with repo=app \\\n    \
    --with ref=refs/heads/main --role deploy --permit s3-write:bucket=site \\\n    \
    --part provider --part trust --part permissions --format terraform\n  \
    rolecall trust generate --subject app:{name} --issuer https://id.example.com --with name=api \\\n    \
    --account 111122223333 --format aws-cli | sh\n  \
    rolecall trust generate --presets\n\n\
    Exit codes: 0 written, 2 something is not pinned, not known or cannot be, 9 IAM would refuse it, or it \
    is not fit to be used.";
