//! What is known about the issuers that most evidence comes from.

use rolecall_jose::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::federated::{ClaimPath, ClaimRule};

/// A kind of issuer: decides what an operator need not write down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidencePreset)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Any OpenID provider; nothing is assumed.
    #[default]
    Oidc,
    /// The API server of a Kubernetes cluster: projected service account tokens.
    Kubernetes,
    /// GitHub Actions.
    GithubActions,
    /// A GitLab instance: `id_tokens` of jobs.
    Gitlab,
    /// One AWS account: tokens of `sts:GetWebIdentityToken`.
    Aws,
}

impl Preset {
    /// The issuer where there is only one of its kind, or one that most use.
    pub(super) fn issuer(self) -> Option<&'static str> {
        match self {
            Self::GithubActions => Some("https://token.actions.githubusercontent.com"),
            Self::Gitlab => Some("https://gitlab.com"),
            Self::Oidc | Self::Kubernetes | Self::Aws => None,
        }
    }

    pub(super) fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::GithubActions | Self::Gitlab => &[Algorithm::Rs256],
            Self::Aws => &[Algorithm::Rs256, Algorithm::Es384],
            Self::Oidc | Self::Kubernetes => &[Algorithm::Rs256, Algorithm::Es256],
        }
    }

    /// How old a token may be, in seconds: about as long as this issuer's tokens usually live.
    pub(super) fn maximum_age(self) -> u32 {
        match self {
            Self::GithubActions => 600,
            Self::Oidc | Self::Kubernetes | Self::Gitlab | Self::Aws => 3600,
        }
    }

    /// The claim of this name: one of the preset's own short names, or a path.
    pub(super) fn short_name(self, name: &str) -> Option<ClaimPath> {
        let known: &[(&str, &[&str])] = match self {
            Self::Kubernetes => KUBERNETES,
            Self::Aws => AWS,
            Self::Oidc | Self::GithubActions | Self::Gitlab => &[],
        };
        known
            .iter()
            .find(|(short, _)| *short == name)
            .map(|(short, steps)| ClaimPath::named(short, steps))
    }

    /// Whether the rules name somebody. Where strangers get tokens of the same issuer, rules that
    /// do not say whose they mean would let everybody in. A pattern names somebody only if it
    /// begins with the owner's whole name: `acme*` would also fit `acme-evil/app`.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn names_somebody(self, rules: &[ClaimRule]) -> Result<(), &'static str> {
        let named = |exactly: &[&str], with_owner: &[&str]| {
            rules.iter().any(|rule| {
                let is = |claims: &[&str]| claims.iter().any(|claim| rule.path().is_top(claim));
                rule.exact_values().is_some() && is(exactly)
                    || rule.pins_up_to('/') && is(with_owner)
            })
        };
        match self {
            // `job_workflow_ref` is not among them: anybody may call a public workflow.
            Self::GithubActions => named(
                &[
                    "repository_id",
                    "repository_owner",
                    "repository_owner_id",
                    "enterprise",
                    "enterprise_id",
                ],
                &["repository", "workflow_ref", "sub"],
            )
            .then_some(())
            .ok_or(
                "everybody at GitHub gets tokens of this issuer: say whose are meant, with `repository`, `repository_id`, `repository_owner` or `repository_owner_id`",
            ),
            Self::Gitlab => named(
                &["project_id", "namespace_id", "namespace_path"],
                &["project_path", "namespace_path", "sub"],
            )
            .then_some(())
            .ok_or(
                "every project of the GitLab instance gets tokens of this issuer: say whose are meant, with `project_path`, `project_id`, `namespace_path` or `namespace_id`",
            ),
            Self::Kubernetes | Self::Aws | Self::Oidc => Ok(()),
        }
    }
}

const KUBERNETES: &[(&str, &[&str])] = &[
    ("namespace", &["kubernetes.io", "namespace"]),
    (
        "service_account",
        &["kubernetes.io", "serviceaccount", "name"],
    ),
    (
        "service_account_uid",
        &["kubernetes.io", "serviceaccount", "uid"],
    ),
    ("pod", &["kubernetes.io", "pod", "name"]),
    ("pod_uid", &["kubernetes.io", "pod", "uid"]),
    ("node", &["kubernetes.io", "node", "name"]),
];

/// Claims below the one object that `sts:GetWebIdentityToken` adds.
const AWS: &[(&str, &[&str])] = &[
    ("account", &[AWS_CLAIMS, "aws_account"]),
    ("organization", &[AWS_CLAIMS, "org_id"]),
    ("principal", &["sub"]),
    ("principal_id", &[AWS_CLAIMS, "principal_id"]),
    ("source_region", &[AWS_CLAIMS, "source_region"]),
    (
        "lambda_function",
        &[AWS_CLAIMS, "lambda_source_function_arn"],
    ),
    ("source_identity", &[AWS_CLAIMS, "source_identity"]),
];

const AWS_CLAIMS: &str = "https://sts.amazonaws.com/";
