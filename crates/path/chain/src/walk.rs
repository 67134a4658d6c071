use rolecall_exchange::{AssumeRole, ExchangeError, Session, Sts, WebIdentity};
use secrecy::SecretString;

use crate::{Call, ChainError, Plan, Step};

/// What happens on the way, for whoever shows it.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The step's call is about to be made.
    Started {
        /// The step.
        step: &'a Step,
    },
    /// STS gave the step's session.
    Done {
        /// The step.
        step: &'a Step,
        /// Its session.
        session: &'a Session,
    },
    /// The step failed, and with it the chain.
    Failed {
        /// The step.
        step: &'a Step,
        /// Why.
        error: &'a ChainError,
    },
}

/// Walks a plan with a token that fits its audience, and gives the last session.
///
/// # Errors
/// [`ChainError::Step`] for the first step that fails, with what its policies would have to
/// allow where AWS denied it.
pub async fn walk(
    plan: &Plan,
    sts: &Sts,
    token: &SecretString,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Session, ChainError> {
    let mut session: Option<Session> = None;
    for step in plan.steps() {
        observe(Event::Started { step });
        match take(plan, step, sts, token, session.as_ref()).await {
            Ok(next) => {
                observe(Event::Done {
                    step,
                    session: &next,
                });
                session = Some(next);
            }
            Err(error) => {
                observe(Event::Failed {
                    step,
                    error: &error,
                });
                return Err(error);
            }
        }
    }
    session.ok_or_else(|| {
        // A plan always has its first step, so this says only that one was not made here.
        ChainError::Address(Box::new(ExchangeError::Token {
            why: "the plan has no steps".to_owned(),
        }))
    })
}

/// Takes one step of a plan; `before` is the session of the step before it.
///
/// # Errors
/// As [`walk`].
pub async fn take(
    plan: &Plan,
    step: &Step,
    sts: &Sts,
    token: &SecretString,
    before: Option<&Session>,
) -> Result<Session, ChainError> {
    call(step, sts, token, before)
        .await
        .map_err(|error| ChainError::Step {
            number: step.number,
            of: plan.steps().len(),
            role: step.role.to_string(),
            hint: hint(step, &error),
            error: Box::new(error),
        })
}

async fn call(
    step: &Step,
    sts: &Sts,
    token: &SecretString,
    before: Option<&Session>,
) -> Result<Session, ExchangeError> {
    match (&step.call, before) {
        (
            Call::Hop {
                duration,
                external_id,
                tags,
                transitive_tag_keys,
                source_identity,
            },
            Some(before),
        ) => {
            let request = AssumeRole {
                role: &step.role,
                session_name: &step.session_name,
                duration: *duration,
                external_id: external_id.as_ref(),
                policy: step.policy.as_ref(),
                policy_arns: &step.policy_arns,
                tags,
                transitive_tag_keys,
                source_identity: source_identity.as_ref(),
            };
            sts.assume_role(before, &request).await
        }
        (Call::WebIdentity { duration }, _) => {
            let request = WebIdentity {
                role: &step.role,
                session_name: &step.session_name,
                token,
                duration: *duration,
                policy: step.policy.as_ref(),
                policy_arns: &step.policy_arns,
            };
            sts.exchange(&request).await
        }
        (Call::Hop { .. }, None) => Err(ExchangeError::Token {
            why: "a hop needs the session of a step before it".to_owned(),
        }),
    }
}

/// What to look at next, by what AWS said.
fn hint(step: &Step, error: &ExchangeError) -> Option<String> {
    let refusal = error.refusal()?;
    match refusal.code.as_str() {
        "AccessDenied" => {
            let mut hint = format!("the trust policy of `{}` must {}", step.role, step.trust_needs.join("; "));
            if !step.identity_needs.is_empty() {
                hint.push_str(&format!(
                    "; the policies of the role before must {}",
                    step.identity_needs.join("; ")
                ));
            }
            Some(hint)
        }
        "ValidationError" if refusal.message.contains("MaxSessionDuration") => Some(format!(
            "the role's maximum session duration is under {} s: raise it on the role, or ask for less with `duration`",
            step.duration_seconds()
        )),
        "InvalidIdentityToken" => Some(
            "account, issuer and audience must fit: the role's account needs an identity provider whose URL is the token's `iss` and whose client IDs hold its `aud`, and AWS must be able to fetch the issuer's keys".to_owned(),
        ),
        "ExpiredTokenException" => Some(
            "the token's `exp` is over: mint a new one, and look at this machine's clock if it is new".to_owned(),
        ),
        "RegionDisabledException" => Some(
            "STS is switched off in that region for that account: choose another `region`, or switch it on in IAM's account settings".to_owned(),
        ),
        _ => None,
    }
}
