//! Runs that strangers can start: pull requests, forks, branches that anybody may push to.
//!
//! A job for a pull request runs under the repository's name although the code, or what started it,
//! is somebody else's. So the presets of CI systems refuse such runs unless the workload says that
//! they are meant.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::shown;
use crate::federated::claim_rule::scalar;
use crate::federated::{ClaimRule, EvidenceError, Preset};

/// `allow:` as it is written: which runs of strangers are meant all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardText {
    /// Events by their name at the CI system, such as `pull_request`. Their refs need not be
    /// protected then, since they never are.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// Runs for forks.
    #[serde(default)]
    pub forks: bool,
    /// Runs on branches and tags that are not protected.
    #[serde(default)]
    pub unprotected_refs: bool,
}

impl GuardText {
    /// Refuses words that no event has, so that a slip does not stay unnoticed.
    pub(super) fn check(&self, preset: Preset) -> Result<(), EvidenceError> {
        let Some(system) = System::of(preset) else {
            if *self == Self::default() {
                return Ok(());
            }
            return Err(EvidenceError::declared(
                "allow",
                "only the presets `github-actions` and `gitlab` know runs of strangers; leave `allow` out",
            ));
        };
        let unknown = self
            .triggers
            .iter()
            .position(|trigger| !system.strangers.contains(&trigger.as_str()));
        match unknown {
            None => Ok(()),
            Some(at) => Err(EvidenceError::declared(
                format!("allow.triggers[{at}]"),
                format!(
                    "`{}` is not an event that strangers can cause; those are {}",
                    shown(&self.triggers[at]),
                    system.strangers.join(", ")
                ),
            )),
        }
    }

    /// Refuses a run of strangers that is not allowed. `rules` are those of the workload, which may
    /// name a protected environment.
    pub(super) fn judge(
        &self,
        preset: Preset,
        rules: &[ClaimRule],
        claims: &Map<String, Value>,
    ) -> Result<(), EvidenceError> {
        let Some(system) = System::of(preset) else {
            return Ok(());
        };
        let found = |claim: &str| claims.get(claim).and_then(scalar);
        let trigger = found(system.trigger).ok_or_else(|| EvidenceError::RuleClaimMissing {
            claim: system.trigger.to_owned(),
            needed_for: "tells what started the run".to_owned(),
        })?;
        let by_stranger = system.strangers.contains(&trigger.as_ref());
        if by_stranger && !self.triggers.iter().any(|allowed| *allowed == trigger) {
            return Err(EvidenceError::Trigger {
                trigger: shown(&trigger),
            });
        }
        for (head, own) in system.heads {
            if let (Some(head), own) = (found(head), found(own))
                && Some(&head) != own.as_ref()
                && !self.forks
            {
                return Err(EvidenceError::Fork { fork: shown(&head) });
            }
        }
        let is_protected = found("ref_protected").is_some_and(|value| value == "true");
        let in_environment = || {
            let named = rules
                .iter()
                .any(|rule| rule.path().is_top("environment") && rule.exact_values().is_some());
            named
                && system
                    .environment_protected
                    .is_none_or(|claim| found(claim).is_some_and(|value| value == "true"))
        };
        if is_protected || by_stranger || self.unprotected_refs || in_environment() {
            return Ok(());
        }
        Err(EvidenceError::UnprotectedRef {
            reference: shown(&found("ref").unwrap_or_default()),
        })
    }
}

/// What a CI system's claims tell about who started a run.
struct System {
    /// The claim that names the event.
    trigger: &'static str,
    /// Events that people without write access can cause, or that run after such an event.
    strangers: &'static [&'static str],
    /// Claims of the repository that the code comes from, beside the one that the run is for.
    heads: &'static [(&'static str, &'static str)],
    /// The claim that tells whether the environment is protected, where there is one.
    environment_protected: Option<&'static str>,
}

impl System {
    fn of(preset: Preset) -> Option<&'static Self> {
        match preset {
            Preset::GithubActions => Some(&GITHUB),
            Preset::Gitlab => Some(&GITLAB),
            Preset::Oidc | Preset::Kubernetes | Preset::Aws => None,
        }
    }
}

static GITHUB: System = System {
    trigger: "event_name",
    strangers: &[
        "pull_request",
        "pull_request_target",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_comment",
        "workflow_run",
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "commit_comment",
        "fork",
        "watch",
        "gollum",
    ],
    heads: &[
        ("head_repository", "repository"),
        ("head_repository_id", "repository_id"),
    ],
    environment_protected: None,
};

static GITLAB: System = System {
    trigger: "pipeline_source",
    strangers: &["merge_request_event", "external_pull_request_event"],
    heads: &[
        ("source_project_path", "project_path"),
        ("source_project_id", "project_id"),
    ],
    environment_protected: Some("environment_protected"),
};
