//! The subject formats that issuers document: what to write, and who would be let in.

use rolecall_source::nearest;

use super::GenerateError;
use super::subject::{Choice, Scope, Spelling, SubjectFormat, Subjects, filled, names_in, unknown};

/// An issuer's documented format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The name by which it is chosen.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// The issuer's URL.
    pub issuer: &'static str,
    /// The audience of tokens for AWS.
    pub audience: &'static str,
    /// The format of `sub`.
    pub subject: &'static str,
    /// Placeholders that tell the customers of a shared issuer apart: never open.
    pub tenant: &'static [&'static str],
}

/// What a preset makes of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The issuer's URL.
    pub issuer: String,
    /// The audience.
    pub audience: String,
    /// The subjects.
    pub subjects: Subjects,
}

impl Preset {
    /// The preset of a name.
    ///
    /// # Errors
    /// [`GenerateError::UnknownPreset`] with the nearest.
    pub fn named(name: &str) -> Result<&'static Self, GenerateError> {
        PRESETS
            .iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| GenerateError::UnknownPreset {
                name: name.to_owned(),
                nearest: nearest(name, PRESETS.iter().map(|preset| preset.name)).map(str::to_owned),
            })
    }

    /// The names to choose, each with what it stands for and the values it is held to.
    pub fn names(&self) -> Vec<(&'static str, &'static str)> {
        let mut names: Vec<&'static str> = Vec::new();
        for name in [self.issuer, self.audience, self.subject]
            .into_iter()
            .flat_map(names_in)
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
            .into_iter()
            .map(|name| (name, meaning(name).unwrap_or_default()))
            .collect()
    }

    /// Issuer, audience and subjects of a scope. `issuer` and `audience` stand in for the preset's
    /// own: an enterprise's own installation, another audience.
    ///
    /// # Errors
    /// [`GenerateError`] where something is neither pinned nor open, is open that must not be, or
    /// cannot stand in a subject.
    pub fn chosen(
        &self,
        scope: &Scope,
        issuer: Option<&str>,
        audience: Option<&str>,
    ) -> Result<Chosen, GenerateError> {
        let templates = [
            issuer.unwrap_or(self.issuer),
            audience.unwrap_or(self.audience),
        ];
        let mut names: Vec<&str> = names_in(self.subject).collect();
        names.extend(templates.into_iter().flat_map(names_in));
        names.dedup();
        for (name, choice) in scope {
            if !names.contains(&name.as_str()) {
                return Err(unknown(name, &names));
            }
            self.check(name, choice)?;
        }
        let [issuer, audience] = templates;
        Ok(Chosen {
            issuer: filled(issuer, scope, &meaning)?,
            audience: filled(audience, scope, &meaning)?,
            subjects: SubjectFormat::parse(self.subject)?.spelt(
                scope,
                Spelling::AsGiven,
                &meaning,
            )?,
        })
    }

    fn check(&self, name: &str, choice: &Choice) -> Result<(), GenerateError> {
        let refused = |value: &str, why: String| {
            Err(GenerateError::Value {
                name: name.to_owned(),
                value: value.to_owned(),
                why,
            })
        };
        let tenant = self.tenant.contains(&name);
        match choice {
            Choice::Any if tenant => Err(GenerateError::TenantOpen {
                name: name.to_owned(),
                issuer: self.issuer.to_owned(),
            }),
            Choice::Any => Ok(()),
            Choice::Patterns(patterns) if tenant => {
                // `acme/*` is below a name that is somebody's own; `acme*` is anybody's who
                // registers a longer name.
                let loose = patterns.iter().find(|pattern| {
                    let literal = pattern.split(['*', '?']).next().unwrap_or_default();
                    literal.len() < 2 || !literal.ends_with('/')
                });
                match loose {
                    Some(pattern) => refused(
                        pattern,
                        "other customers of the issuer could register a name that it matches"
                            .to_owned(),
                    ),
                    None => Ok(()),
                }
            }
            Choice::Patterns(_) => Ok(()),
            Choice::Values(values) => {
                let Some((_, allowed)) = ENUMERATED.iter().find(|(known, _)| *known == name) else {
                    return Ok(());
                };
                match values
                    .iter()
                    .find(|value| !allowed.contains(&value.as_str()))
                {
                    Some(value) => {
                        let near = nearest(value, allowed.iter().copied())
                            .map(|near| format!("did you mean `{near}`? "))
                            .unwrap_or_default();
                        refused(value, format!("{near}there is `{}`", allowed.join("`, `")))
                    }
                    None => Ok(()),
                }
            }
        }
    }
}

fn meaning(name: &str) -> Option<&'static str> {
    MEANINGS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, meaning)| *meaning)
}

const fn preset(
    name: &'static str,
    about: &'static str,
    issuer: &'static str,
    audience: &'static str,
    subject: &'static str,
    tenant: &'static [&'static str],
) -> Preset {
    Preset {
        name,
        about,
        issuer,
        audience,
        subject,
        tenant,
    }
}

const CUBE: &str = "https://{tenant}.cubecloud.dev";
const SPACELIFT: &str = "https://{account}.app.spacelift.io";
const PULUMI: &str = "https://api.pulumi.com/oidc";
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const CIRCLECI: &str = "https://oidc.circleci.com/org/{org_id}";
const STS: &str = "sts.amazonaws.com";

/// The presets, from the issuers' own guides.
pub const PRESETS: &[Preset] = &[
    preset(
        "cube",
        "Cube Cloud, a component of a deployment",
        CUBE,
        STS,
        "cube:deployment:{deployment_id}:component:{component}",
        &[],
    ),
    preset(
        "cube-default",
        "Cube Cloud, the subject format as it comes",
        CUBE,
        STS,
        "cube:deployment:{deployment_id}",
        &[],
    ),
    preset(
        "cube-region",
        "Cube Cloud, a component of a deployment in a region",
        CUBE,
        STS,
        "cube:deployment:{deployment_id}:component:{component}:region:{region}",
        &[],
    ),
    preset(
        "spacelift",
        "Spacelift, runs of a stack or module",
        SPACELIFT,
        "{account}.app.spacelift.io",
        "space:{spaceId}:{callerType}:{callerId}:run_type:{runType}:scope:{scope}",
        &[],
    ),
    preset(
        "pulumi",
        "Pulumi ESC, an environment of a project",
        PULUMI,
        "aws:{org}",
        "pulumi:environments:org:{org}:env:{project}/{environment}",
        &["org"],
    ),
    preset(
        "pulumi-default-project",
        "Pulumi ESC, an environment of the project `default`",
        PULUMI,
        "{org}",
        "pulumi:environments:org:{org}:env:{environment}",
        &["org"],
    ),
    preset(
        "pulumi-user",
        "Pulumi ESC, an environment opened by a user (subjectAttributes)",
        PULUMI,
        "aws:{org}",
        "pulumi:environments:pulumi.organization.login:{org}:currentEnvironment.name:{project}/{environment}:pulumi.user.login:{user}",
        &["org"],
    ),
    preset(
        "prefect",
        "Prefect Cloud, the runs of an account",
        "https://api.prefect.cloud/oidc-provider",
        "prefect-cloud",
        "prefect:account:{account_id}",
        &["account_id"],
    ),
    preset(
        "github",
        "GitHub Actions, a branch or tag",
        GITHUB,
        STS,
        "repo:{owner}/{repo}:ref:{ref}",
        &["owner"],
    ),
    preset(
        "github-environment",
        "GitHub Actions, jobs of an environment",
        GITHUB,
        STS,
        "repo:{owner}/{repo}:environment:{environment}",
        &["owner"],
    ),
    preset(
        "github-pull-request",
        "GitHub Actions, pull requests",
        GITHUB,
        STS,
        "repo:{owner}/{repo}:pull_request",
        &["owner"],
    ),
    preset(
        "github-immutable",
        "GitHub Actions, a branch or tag, with the IDs of newer repositories",
        GITHUB,
        STS,
        "repo:{owner}@{owner_id}/{repo}@{repo_id}:ref:{ref}",
        &["owner", "owner_id"],
    ),
    preset(
        "github-immutable-environment",
        "GitHub Actions, jobs of an environment, with the IDs of newer repositories",
        GITHUB,
        STS,
        "repo:{owner}@{owner_id}/{repo}@{repo_id}:environment:{environment}",
        &["owner", "owner_id"],
    ),
    preset(
        "gitlab",
        "GitLab CI/CD, a branch or tag of a project",
        "https://gitlab.com",
        "https://gitlab.com",
        "project_path:{project_path}:ref_type:{ref_type}:ref:{ref}",
        &["project_path"],
    ),
    preset(
        "hcp-terraform",
        "HCP Terraform, a phase of a workspace's runs",
        "https://app.terraform.io",
        "aws.workload.identity",
        "organization:{organization}:project:{project}:workspace:{workspace}:run_phase:{run_phase}",
        &["organization"],
    ),
    preset(
        "circleci",
        "CircleCI, a user's jobs of a project",
        CIRCLECI,
        "{org_id}",
        "org/{org_id}/project/{project_id}/user/{user_id}",
        &["org_id"],
    ),
    preset(
        "circleci-v2",
        "CircleCI, the newer token: a branch of a project",
        CIRCLECI,
        "{org_id}",
        "org/{org_id}/project/{project_id}/user/{user_id}/vcs-origin/{vcs_origin}/vcs-ref/{ref}",
        &["org_id"],
    ),
    preset(
        "buildkite",
        "Buildkite, steps of a pipeline",
        "https://agent.buildkite.com",
        STS,
        "organization:{organization}:pipeline:{pipeline}:ref:{ref}:commit:{commit}:step:{step}",
        &["organization"],
    ),
    preset(
        "vercel",
        "Vercel, a project's environment",
        "https://oidc.vercel.com/{team}",
        "https://vercel.com/{team}",
        "owner:{team}:project:{project}:environment:{environment}",
        &["team"],
    ),
    preset(
        "fly",
        "Fly.io, machines of an app",
        "https://oidc.fly.io/{org}",
        STS,
        "{org}:{app}:{machine}",
        &["org"],
    ),
    preset(
        "scalr",
        "Scalr, a workspace's runs",
        "https://scalr.io",
        "aws.scalr-run-workload",
        "account:{account}:environment:{environment}:workspace:{workspace}",
        &["account"],
    ),
];

/// Placeholders that have few values.
const ENUMERATED: &[(&str, &[&str])] = &[
    ("callerType", &["stack", "module"]),
    (
        "runType",
        &["PROPOSED", "TRACKED", "TASK", "TESTING", "DESTROY"],
    ),
    ("scope", &["read", "write"]),
    ("run_phase", &["plan", "apply"]),
    ("ref_type", &["branch", "tag"]),
];

const MEANINGS: &[(&str, &str)] = &[
    ("tenant", "the first label of the tenant's console URL"),
    ("deployment_id", "the deployment's number"),
    ("component", "`cube_api`, `cube_store`, `ai_engineer`, …"),
    ("region", "the region of the deployment"),
    ("account", "the account's name"),
    ("spaceId", "the space's ID, its ULID included"),
    ("callerType", "`stack` or `module`"),
    ("callerId", "the ID of the stack or module"),
    (
        "runType",
        "`PROPOSED`, `TRACKED`, `TASK`, `TESTING` or `DESTROY`",
    ),
    ("scope", "`read` while planning, `write` while applying"),
    ("org", "the organization's name"),
    ("project", "the project's name"),
    ("environment", "the environment's name"),
    ("user", "the user's login"),
    ("account_id", "the account's UUID"),
    ("owner", "the user or organization of the repository"),
    ("owner_id", "the number of that user or organization"),
    ("repo", "the repository's name"),
    ("repo_id", "the repository's number"),
    (
        "ref",
        "the branch or tag, as the token has it: `refs/heads/main` at GitHub, `main` at GitLab",
    ),
    ("project_path", "group and project, `group/project`"),
    ("ref_type", "`branch` or `tag`"),
    ("organization", "the organization's name"),
    ("workspace", "the workspace's name"),
    ("run_phase", "`plan` or `apply`"),
    ("org_id", "the organization's UUID"),
    ("project_id", "the project's UUID"),
    ("user_id", "the user's UUID"),
    (
        "vcs_origin",
        "the repository without a scheme, `github.com/acme/app`",
    ),
    ("pipeline", "the pipeline's slug"),
    ("commit", "the commit"),
    ("step", "the step's key"),
    ("team", "the team's slug"),
    ("app", "the app's name"),
    ("machine", "the machine's name"),
];
