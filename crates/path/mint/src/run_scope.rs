//! Whether a run may write: from its kind, its phase and whether a person confirms in between.
//! <https://docs.spacelift.io/integrations/cloud-providers/oidc#about-scopes>

use crate::Attributes;
use crate::declared::{Unresolved, quoted};
use crate::error::shown;

/// What a run's token is good for. One run that waits for a person has two tokens: `read` while it
/// plans, `write` once it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunScope {
    /// It only looks.
    Read,
    /// It changes things.
    Write,
}

impl RunScope {
    /// The scope of a run. `autodeploy` and `phase` count for tracked runs only: one that is not
    /// applied by itself is `read` until it applies.
    ///
    /// # Errors
    /// The attribute that is missing or has an unknown value.
    pub fn decide(
        run_type: &str,
        autodeploy: Option<&str>,
        phase: Option<&str>,
    ) -> Result<Self, &'static str> {
        match run_type {
            "PROPOSED" => Ok(Self::Read),
            "TASK" | "TESTING" | "DESTROY" => Ok(Self::Write),
            "TRACKED" => match (autodeploy, phase) {
                (Some("true"), _) | (Some("false") | None, Some("apply")) => Ok(Self::Write),
                (Some("false") | None, Some("plan")) => Ok(Self::Read),
                (Some("false") | None, _) => Err(PHASE),
                _ => Err(AUTODEPLOY),
            },
            _ => Err(RUN_TYPE),
        }
    }

    /// As the `scope` claim has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

pub(crate) fn of(attributes: &Attributes) -> Result<RunScope, Unresolved> {
    let Some(run_type) = attributes.value(RUN_TYPE) else {
        return Err(Unresolved::Missing(RUN_TYPE.to_owned()));
    };
    let autodeploy = attributes.value(AUTODEPLOY);
    RunScope::decide(run_type, autodeploy, attributes.value(PHASE)).map_err(|name| match attributes
        .value(name)
    {
        None => Unresolved::Missing(name.to_owned()),
        Some(value) => Unresolved::Refused(format!(
            "is computed from `{name}`, which is `{}`; possible are {}",
            shown(value),
            match name {
                RUN_TYPE => quoted(&RUN_TYPES),
                PHASE => quoted(&PHASES),
                _ => quoted(&["true", "false"]),
            }
        )),
    })
}

const RUN_TYPE: &str = "runType";
const AUTODEPLOY: &str = "autodeploy";
const PHASE: &str = "phase";

/// What the scope is computed from.
pub(crate) const INPUTS: &[&str] = &[RUN_TYPE, AUTODEPLOY, PHASE];
/// The kinds of run.
pub(crate) const RUN_TYPES: [&str; 5] = ["PROPOSED", "TRACKED", "TASK", "TESTING", "DESTROY"];
/// The phases of a run.
pub(crate) const PHASES: [&str; 2] = ["plan", "apply"];
