//! The token exchanged again, and again while a change may still be on its way: IAM is consistent in
//! the end only.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>

use std::time::Duration;

use rolecall_ask::{PolicyArns, SessionDuration};
use rolecall_exchange::{ExchangeError, Retry, Sts, StsAddress, StsEnvironment, WebIdentity};
use rolecall_names::{RoleArn, RoleSessionName};
use secrecy::SecretString;

use crate::failure::{Exit, Failure};
use crate::progress::Progress;

/// How often the token is exchanged again.
#[derive(Debug, Clone, Copy)]
pub struct Retest {
    /// Tries at most.
    pub tries: u32,
    /// The pause between two.
    pub interval: Duration,
}

/// What the tries came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What each try came to, a line each.
    pub lines: Vec<String>,
    /// Whether the last one was admitted.
    pub admitted: bool,
    /// Code and message of the last one, where it was not.
    pub refused: Option<(String, String)>,
}

/// Exchanges the token until it is admitted, STS refuses it for another reason than the trust
/// policy, or no try is left. The session that comes of it is thrown away at once.
///
/// # Errors
/// `Configuration` for an environment that names no usable STS; `Unreachable`.
pub async fn retest(role: &RoleArn, token: &SecretString, plan: Retest) -> Result<Tried, Failure> {
    let environment = StsEnvironment::from_lookup(|name| std::env::var(name).ok());
    let address = StsAddress::resolve(None, None, role.partition(), &environment)
        .map_err(|error| Failure::from_error(Exit::Configuration, &error))?;
    let sts = Sts::new(&address, Retry::default());
    let session_name: RoleSessionName = SESSION_NAME
        .parse()
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    let duration = SessionDuration::from_seconds(SHORTEST_SECONDS)
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    let none = PolicyArns::default();
    let request = WebIdentity {
        role,
        session_name: &session_name,
        token,
        duration,
        policy: None,
        policy_arns: &none,
    };
    let progress = Progress::quiet("STS: exchanging the token again");
    let work = async {
        let (mut lines, mut refused) = (Vec::new(), None);
        for number in 1..=plan.tries {
            if number > 1 {
                tokio::time::sleep(plan.interval).await;
            }
            progress.say(&format!("STS: try {number} of {}", plan.tries));
            let error = match sts.exchange(&request).await {
                Ok(session) => {
                    let arn = session.assumed_role_arn();
                    lines.push(format!("try {number}: admitted as {arn}"));
                    return Ok(Tried {
                        lines,
                        admitted: true,
                        refused: None,
                    });
                }
                Err(error) => error,
            };
            let ExchangeError::Denied(refusal) = &error else {
                return Err(failure(&error, &lines));
            };
            lines.push(format!("try {number}: {refusal}"));
            refused = Some((refusal.code.clone(), refusal.message.clone()));
            // Only a trust policy changes by waiting; a token that is not good stays so.
            if refusal.code != "AccessDenied" {
                break;
            }
        }
        Ok(Tried {
            lines,
            admitted: false,
            refused,
        })
    };
    progress.during(work).await
}

fn failure(error: &ExchangeError, lines: &[String]) -> Failure {
    let exit = if error.is_transient() || matches!(error, ExchangeError::NotSts { .. }) {
        Exit::Unreachable
    } else if matches!(error, ExchangeError::Token { .. }) {
        Exit::TokenNotValid
    } else {
        Exit::DeniedByAws
    };
    let failure = Failure::from_error(exit, error);
    lines
        .iter()
        .fold(failure, |failure, line| failure.note(line))
}

const SESSION_NAME: &str = "rolecall-retest";

/// The shortest session that STS gives.
const SHORTEST_SECONDS: i64 = 900;
