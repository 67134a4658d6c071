//! Trust policies and identity providers, found in whatever files people keep them in.

use rolecall_source::Span;

use crate::{DocumentError, Node, Text};

/// What a set of files holds. Files are named by their index in the list that was searched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Trust policies, in the order of the files and of their places.
    pub policies: Vec<FoundPolicy>,
    /// OIDC providers that the files register.
    pub providers: Vec<FoundProvider>,
    /// Files, or parts of them, that could not be read, each with the file's index.
    pub problems: Vec<(usize, DocumentError)>,
}

/// A trust policy in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPolicy {
    /// The file's index.
    pub file: usize,
    /// The language it is written in.
    pub form: Form,
    /// The role it belongs to, by the name under which the file knows it: an ARN, a role's name, a
    /// Terraform address, a CloudFormation logical ID.
    pub role: Option<String>,
    /// The policy. Its places are places in the file, whatever it is nested in.
    pub tree: Node,
}

/// The languages in which a trust policy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A JSON document that is the policy itself.
    Json,
    /// The answer of `aws iam get-role`, `list-roles` or `get-account-authorization-details`; the
    /// document may be URL-encoded.
    GetRole,
    /// `AssumeRolePolicyDocument` of a CloudFormation template in JSON.
    CloudFormationJson,
    /// `AssumeRolePolicyDocument` of a CloudFormation template in YAML.
    CloudFormationYaml,
    /// A policy written as YAML by itself, or inside another YAML document.
    Yaml,
    /// `jsonencode({…})` in Terraform.
    TerraformJsonencode,
    /// JSON in a heredoc or a quoted text in Terraform.
    TerraformHeredoc,
    /// `data "aws_iam_policy_document"` in Terraform.
    TerraformPolicyDocument,
}

/// An OIDC provider that a file registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProvider {
    /// The file's index.
    pub file: usize,
    /// The name under which the file knows it.
    pub name: Option<String>,
    /// Its ARN, where the file tells it.
    pub arn: Option<Text>,
    /// Its URL as written.
    pub url: Text,
    /// Its client IDs, the audiences it takes.
    pub client_ids: Vec<Text>,
    /// Its thumbprints.
    pub thumbprints: Vec<Text>,
    /// The place of its registration.
    pub span: Span,
}
