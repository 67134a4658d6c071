//! CI services: GitHub Actions, GitLab, CircleCI, Buildkite.

use super::{PLAIN, Preset, PresetAttribute, attribute};
use crate::form::Form;

const OWNER: PresetAttribute = attribute(
    "owner",
    "the user or organization of the repository",
    "octo-org",
);
const OWNER_ID: PresetAttribute = attribute(
    "owner_id",
    "the number of that user or organization",
    "9919",
)
.form(Form::Digits);
const REPOSITORY: PresetAttribute = attribute("repo", "the repository's name", "octo-repo");
const REPOSITORY_ID: PresetAttribute =
    attribute("repo_id", "the repository's number", "1296269").form(Form::Digits);
const ENVIRONMENT: PresetAttribute = attribute(
    "environment",
    "the environment's name, its `:` written as `%3A`",
    "production",
)
.form(Form::Spaced);
const REF: PresetAttribute =
    attribute("ref", "the branch or tag with its kind", "refs/heads/main").form(Form::Any);

const GITHUB: Preset = Preset {
    issuer: "https://token.actions.githubusercontent.com",
    lifetime_seconds: 300,
    backdate_seconds: 600,
    attributes: &[OWNER, REPOSITORY, ENVIRONMENT, REF],
    source: "https://docs.github.com/en/actions/reference/security/oidc",
    ..PLAIN
};
const GITHUB_IMMUTABLE: Preset = Preset {
    attributes: &[OWNER, OWNER_ID, REPOSITORY, REPOSITORY_ID, ENVIRONMENT, REF],
    ..GITHUB
};

const ORG_ID: PresetAttribute = attribute(
    "org_id",
    "the organization's UUID",
    "8a1f3c5e-0000-4000-8000-000000000001",
)
.form(Form::Uuid);
const PROJECT_ID: PresetAttribute = attribute(
    "project_id",
    "the project's UUID",
    "8a1f3c5e-0000-4000-8000-000000000002",
)
.form(Form::Uuid);
const USER_ID: PresetAttribute = attribute(
    "user_id",
    "the user's UUID",
    "8a1f3c5e-0000-4000-8000-000000000003",
)
.form(Form::Uuid);

const CIRCLECI: Preset = Preset {
    issuer: "https://oidc.circleci.com/org/{org_id}",
    audience: "{org_id}",
    source: "https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/",
    ..PLAIN
};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "github",
        about: "GitHub Actions, a branch or tag",
        subject: "repo:{owner}/{repo}:ref:{ref}",
        ..GITHUB
    },
    Preset {
        name: "github-environment",
        about: "GitHub Actions, jobs of an environment",
        subject: "repo:{owner}/{repo}:environment:{environment}",
        ..GITHUB
    },
    Preset {
        name: "github-pull-request",
        about: "GitHub Actions, pull requests",
        subject: "repo:{owner}/{repo}:pull_request",
        ..GITHUB
    },
    Preset {
        name: "github-immutable",
        about: "GitHub Actions, a branch or tag, with the IDs of newer repositories",
        subject: "repo:{owner}@{owner_id}/{repo}@{repo_id}:ref:{ref}",
        ..GITHUB_IMMUTABLE
    },
    Preset {
        name: "github-immutable-environment",
        about: "GitHub Actions, jobs of an environment, with the IDs of newer repositories",
        subject: "repo:{owner}@{owner_id}/{repo}@{repo_id}:environment:{environment}",
        ..GITHUB_IMMUTABLE
    },
    Preset {
        name: "gitlab",
        about: "GitLab CI/CD, a branch or tag of a project",
        issuer: "https://gitlab.com",
        audience: "https://gitlab.com",
        subject: "project_path:{project_path}:ref_type:{ref_type}:ref:{ref}",
        lifetime_seconds: 300,
        backdate_seconds: 5,
        attributes: &[
            attribute("project_path", "groups and project", "acme/infra/network").form(Form::Path),
            attribute("ref_type", "what the ref is", "branch").values(&["branch", "tag"]),
            attribute("ref", "the branch or tag", "main").form(Form::Any),
        ],
        source: "https://docs.gitlab.com/ci/secrets/id_token_authentication/",
        ..PLAIN
    },
    Preset {
        name: "circleci",
        about: "CircleCI, a user's jobs of a project",
        subject: "org/{org_id}/project/{project_id}/user/{user_id}",
        attributes: &[ORG_ID, PROJECT_ID, USER_ID],
        ..CIRCLECI
    },
    Preset {
        name: "circleci-v2",
        about: "CircleCI, the newer token: a branch of a project",
        subject: "org/{org_id}/project/{project_id}/user/{user_id}/vcs-origin/{vcs_origin}/vcs-ref/{ref}",
        attributes: &[
            ORG_ID,
            PROJECT_ID,
            USER_ID,
            attribute(
                "vcs_origin",
                "the repository without a scheme",
                "github.com/acme/app",
            )
            .form(Form::Repository),
            REF.plain(),
        ],
        ..CIRCLECI
    },
    Preset {
        name: "buildkite",
        about: "Buildkite, steps of a pipeline",
        issuer: "https://agent.buildkite.com",
        subject: "organization:{organization}:pipeline:{pipeline}:ref:{ref}:commit:{commit}:step:{step}",
        lifetime_seconds: 300,
        attributes: &[
            attribute("organization", "the organization's slug", "acme"),
            attribute("pipeline", "the pipeline's slug", "deploy"),
            REF,
            attribute(
                "commit",
                "the commit",
                "9f3182061f1e2cca4702c368cbc039b7dc9d4485",
            ),
            attribute("step", "the step's key", "deploy-production"),
        ],
        source: "https://buildkite.com/docs/agent/cli/reference/oidc",
        ..PLAIN
    },
];
