//! The issuers.

use super::IssuerShape;

const NONE: IssuerShape = IssuerShape {
    name: "",
    issuers: &[],
    shared: true,
    templates: &[],
    tenant: &[],
    phase: &[],
    per_run: &[],
    immutable: None,
    source: "the issuer's documentation",
    date: "2026-11",
};

/// Issuers whose subjects are known.
pub const SHAPES: &[IssuerShape] = &[
    IssuerShape {
        name: "GitHub Actions",
        issuers: &[
            "token.actions.githubusercontent.com",
            "token.actions.githubusercontent.com/*",
            "token.actions.*.ghe.com",
        ],
        templates: &[
            "repo:{owner}/{repository}:ref:refs/heads/{branch}",
            "repo:{owner}/{repository}:ref:refs/tags/{tag}",
            "repo:{owner}/{repository}:pull_request",
            "repo:{owner}/{repository}:environment:{environment}",
            "repo:{owner}@{owner_id}/{repository}@{repository_id}:ref:refs/heads/{branch}",
            "repo:{owner}@{owner_id}/{repository}@{repository_id}:ref:refs/tags/{tag}",
            "repo:{owner}@{owner_id}/{repository}@{repository_id}:pull_request",
            "repo:{owner}@{owner_id}/{repository}@{repository_id}:environment:{environment}",
        ],
        tenant: &["owner"],
        phase: &["branch", "tag", "environment"],
        immutable: Some("repo:{owner}@{owner_id}/{repository}@{repository_id}:…"),
        ..NONE
    },
    IssuerShape {
        name: "GitLab",
        issuers: &["gitlab.com"],
        templates: &["project_path:{group}/{project}:ref_type:{ref_type}:ref:{ref}"],
        tenant: &["group"],
        phase: &["ref_type", "ref"],
        ..NONE
    },
    IssuerShape {
        name: "HCP Terraform",
        issuers: &["app.terraform.io"],
        templates: &[
            "organization:{organization}:project:{project}:workspace:{workspace}:run_phase:{run_phase}",
            "organization:{organization}:module:{module}:operation:test_run",
        ],
        tenant: &["organization"],
        phase: &["run_phase"],
        ..NONE
    },
    IssuerShape {
        name: "CircleCI",
        issuers: &["oidc.circleci.com/org/*"],
        shared: false,
        templates: &[
            "org/{organization}/project/{project}/user/{user}",
            "org/{organization}/project/{project}/user/{user}/vcs-origin/{origin}/vcs-ref/{ref}",
        ],
        tenant: &["organization"],
        phase: &["ref"],
        ..NONE
    },
    IssuerShape {
        name: "Buildkite",
        issuers: &["agent.buildkite.com"],
        templates: &[
            "organization:{organization}:pipeline:{pipeline}:ref:{ref}:commit:{commit}:step:{step}",
        ],
        tenant: &["organization"],
        phase: &["ref"],
        per_run: &["commit", "step"],
        ..NONE
    },
    IssuerShape {
        name: "Vercel",
        issuers: &["oidc.vercel.com", "oidc.vercel.com/*"],
        templates: &["owner:{team}:project:{project}:environment:{environment}"],
        tenant: &["team"],
        phase: &["environment"],
        ..NONE
    },
    IssuerShape {
        name: "Fly.io",
        issuers: &["oidc.fly.io/*"],
        shared: false,
        templates: &["{organization}:{app}:{machine}"],
        tenant: &["organization"],
        per_run: &["machine"],
        ..NONE
    },
    IssuerShape {
        name: "Scalr",
        issuers: &["scalr.io"],
        templates: &["account:{account}:environment:{environment}:workspace:{workspace}"],
        tenant: &["account"],
        ..NONE
    },
    IssuerShape {
        name: "Pulumi",
        issuers: &["api.pulumi.com/oidc"],
        templates: &[
            "pulumi:deploy:org:{organization}:project:{project}:stack:{stack}:operation:{operation}:scope:{scope}",
            "pulumi:environments:org:{organization}:env:{environment}",
            "pulumi:environments:pulumi.organization.login:{organization}:currentEnvironment.name:{environment}",
            "pulumi:environments:pulumi.organization.login:{organization}:currentEnvironment.name:{environment}:pulumi.user.login:{user}",
        ],
        tenant: &["organization"],
        phase: &["operation", "scope"],
        ..NONE
    },
    IssuerShape {
        name: "Prefect",
        issuers: &["api.prefect.cloud/oidc-provider"],
        templates: &["prefect:account:{account}"],
        tenant: &["account"],
        ..NONE
    },
    IssuerShape {
        name: "Spacelift",
        issuers: &["*.app.spacelift.io", "*.app.us.spacelift.io"],
        shared: false,
        templates: &[
            "space:{space}:stack:{stack}:run_type:{run_type}:scope:{scope}",
            "space:{space}:module:{module}:run_type:{run_type}:scope:{scope}",
            "space:{space}:{caller_type}:{caller}:run_type:{run_type}:scope:{scope}",
        ],
        phase: &["run_type", "scope"],
        ..NONE
    },
    IssuerShape {
        name: "Cube",
        issuers: &["*.cubecloud.dev"],
        shared: false,
        templates: &[
            "cube:deployment:{deployment_id}",
            "cube:deployment:{deployment_id}:component:{component}",
            "cube:deployment:{deployment_id}:region:{region}:component:{component}",
        ],
        ..NONE
    },
    IssuerShape {
        name: "Kubernetes",
        issuers: &[
            "oidc.eks.*.amazonaws.com/id/*",
            "container.googleapis.com/*",
        ],
        shared: false,
        templates: &["system:serviceaccount:{namespace}:{service_account}"],
        ..NONE
    },
];
