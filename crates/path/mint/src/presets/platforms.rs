//! Platforms that run programs: Prefect, Vercel, Fly.io, Scalr, HCP Terraform.

use super::{PLAIN, Preset, attribute};
use crate::form::Form;
use crate::run_scope::PHASES;

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "prefect",
        about: "Prefect Cloud, the runs of an account",
        issuer: "https://api.prefect.cloud/oidc-provider",
        audience: "prefect-cloud",
        subject: "prefect:account:{account_id}",
        attributes: &[attribute(
            "account_id",
            "the account's UUID",
            "9c1f0a52-1111-4222-8333-444455556666",
        )
        .form(Form::Uuid)],
        source: "https://docs.prefect.io (federated identity for managed pools)",
        ..PLAIN
    },
    Preset {
        name: "hcp-terraform",
        about: "HCP Terraform, a phase of a workspace's runs",
        issuer: "https://app.terraform.io",
        audience: "aws.workload.identity",
        subject: "organization:{organization}:project:{project}:workspace:{workspace}:run_phase:{run_phase}",
        attributes: &[
            attribute("organization", "the organization's name", "acme"),
            attribute(
                "project",
                "the project's name, which may have blanks",
                "Default Project",
            )
            .form(Form::Spaced),
            attribute("workspace", "the workspace's name", "network"),
            attribute("run_phase", "what the run is doing", "plan").values(&PHASES),
        ],
        source: "https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens",
        ..PLAIN
    },
    Preset {
        name: "vercel",
        about: "Vercel, a project's environment",
        issuer: "https://oidc.vercel.com/{team}",
        audience: "https://vercel.com/{team}",
        subject: "owner:{team}:project:{project}:environment:{environment}",
        attributes: &[
            attribute("team", "the team's slug", "acme"),
            attribute("project", "the project's name", "web"),
            attribute("environment", "the environment's name", "production"),
        ],
        source: "https://vercel.com/docs/oidc/reference",
        ..PLAIN
    },
    Preset {
        name: "fly",
        about: "Fly.io, machines of an app",
        issuer: "https://oidc.fly.io/{org}",
        subject: "{org}:{app}:{machine}",
        lifetime_seconds: 600,
        attributes: &[
            attribute("org", "the organization's slug", "acme"),
            attribute("app", "the app's name", "web"),
            attribute("machine", "the machine's name", "weathered-sound-1234"),
        ],
        source: "https://fly.io/docs/security/openid-connect/",
        ..PLAIN
    },
    Preset {
        name: "scalr",
        about: "Scalr, a workspace's runs",
        issuer: "https://scalr.io",
        audience: "aws.scalr-run-workload",
        subject: "account:{account}:environment:{environment}:workspace:{workspace}",
        attributes: &[
            attribute("account", "the account's name", "acme"),
            attribute("environment", "the environment's name", "production").form(Form::Spaced),
            attribute("workspace", "the workspace's name", "network").form(Form::Spaced),
        ],
        source: "https://docs.scalr.io (provider configurations, OIDC)",
        ..PLAIN
    },
];
