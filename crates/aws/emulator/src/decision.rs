//! The proof of every STS decision: what was checked, in order, and what came of it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::Messages;
use crate::wire::Fault;

/// What STS checked before it answered one request. It holds no token and no secret.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// The request's id, as in `x-amzn-RequestId`.
    pub request_id: String,
    /// When, as `2026-11-23T04:18:49Z`.
    pub time: String,
    /// The operation, such as `AssumeRoleWithWebIdentity`.
    pub operation: String,
    /// Whether credentials were given out.
    pub allowed: bool,
    /// What was told to the caller, when it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DecisionError>,
    /// The role that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The session name that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_session_name: Option<String>,
    /// Claims of the token or the ARN of the caller, as far as they were read.
    pub presented: serde_json::Map<String, Value>,
    /// The checks, in the order in which they were made; the last one of a denial failed.
    pub checks: Vec<Check>,
    /// Why it was denied, for a person to read; several lines where a policy denied it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// What would make a denied request succeed, where the emulator can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// The denial sealed for DecodeAuthorizationMessage, where it was an `AccessDenied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoded_message: Option<String>,
}

/// The error of a denied request.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionError {
    /// AWS's code, such as `AccessDenied`.
    pub code: String,
    /// AWS's words.
    pub message: String,
    /// What the emulator knows beyond them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the words are known from: source, date and confidence.
    pub known_from: Value,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked, such as `audience`.
    pub check: String,
    /// Whether it held.
    pub passed: bool,
    /// What was compared.
    pub detail: Value,
}

/// A decision in the making.
#[derive(Debug)]
pub(crate) struct Proof {
    decision: Decision,
}

impl Proof {
    pub(crate) fn new(request_id: &str, operation: &str, time: String) -> Self {
        Self {
            decision: Decision {
                request_id: request_id.to_owned(),
                time,
                operation: operation.to_owned(),
                allowed: false,
                error: None,
                role_arn: None,
                role_session_name: None,
                presented: serde_json::Map::new(),
                checks: Vec::new(),
                explanation: None,
                mend: None,
                encoded_message: None,
            },
        }
    }

    pub(crate) fn asks(&mut self, role_arn: &str, session_name: &str) {
        self.decision.role_arn = Some(role_arn.to_owned());
        self.decision.role_session_name = Some(session_name.to_owned());
    }

    pub(crate) fn presents(&mut self, name: &str, value: impl Into<Value>) {
        let value = match value.into() {
            Value::String(text) if text.len() > LONGEST => {
                text.chars().take(LONGEST).collect::<String>().into()
            }
            value => value,
        };
        self.decision.presented.insert(name.to_owned(), value);
    }

    pub(crate) fn passed(&mut self, check: &str, detail: Value) {
        self.note(check, true, detail);
    }

    pub(crate) fn failed(&mut self, check: &str, detail: Value) {
        self.note(check, false, detail);
    }

    /// Notes a check by its outcome and hands the outcome on.
    pub(crate) fn check<T>(
        &mut self,
        check: &str,
        detail: Value,
        outcome: Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.note(check, outcome.is_ok(), detail);
        outcome
    }

    pub(crate) fn explain(&mut self, text: String) {
        self.decision.explanation = Some(text);
    }

    pub(crate) fn mend(&mut self, sentence: String) {
        self.decision.mend = Some(sentence);
    }

    pub(crate) fn finish(mut self, fault: Option<&Fault>, messages: Messages) -> Decision {
        self.decision.allowed = fault.is_none();
        match fault {
            None => (self.decision.explanation, self.decision.mend) = (None, None),
            Some(fault) if self.decision.explanation.is_none() => {
                let message = fault.message(messages);
                self.decision.explanation = Some(match fault.note() {
                    Some(note) => format!("{message}: {note}"),
                    None => message,
                });
            }
            Some(_) => {}
        }
        self.decision.error = fault.map(|fault| DecisionError {
            code: fault.code().as_str().to_owned(),
            message: fault.message(messages),
            note: fault.note().map(str::to_owned),
            known_from: serde_json::json!({
                "source": fault.saying().source,
                "date": fault.saying().date,
                "confidence": fault.saying().confidence,
            }),
        });
        self.decision
    }

    fn note(&mut self, check: &str, passed: bool, detail: Value) {
        self.decision.checks.push(Check {
            check: check.to_owned(),
            passed,
            detail,
        });
    }
}

/// The latest decisions by request id.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_request: HashMap<String, Decision>,
    order: VecDeque<String>,
}

impl Decisions {
    pub(crate) fn keep(&self, decision: Decision) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.order.len() >= KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_request.remove(&oldest);
        }
        kept.order.push_back(decision.request_id.clone());
        kept.by_request
            .insert(decision.request_id.clone(), decision);
    }

    pub(crate) fn of(&self, request_id: &str) -> Option<Decision> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_request.get(request_id).cloned()
    }
}

const KEPT: usize = 2048;

/// Longer claims are cut in a proof, so that memory stays bounded; in characters.
const LONGEST: usize = 2048;
