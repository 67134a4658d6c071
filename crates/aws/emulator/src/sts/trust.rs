//! A trust policy's verdict, put into the proof.

use std::fmt::Write as _;

use rolecall_trust::{Reason, Request};
use serde_json::json;

use crate::core::Core;
use crate::decision::Proof;
use crate::principals;

/// Notes what the trust policy says to `request`, and for a denial the nearest miss and its mend.
///
/// `allowed` is the decision itself, which also weighs the caller's own policies in AssumeRole.
pub(super) fn note(
    core: &Core,
    trust_policy: &str,
    request: &Request,
    allowed: bool,
    proof: &mut Proof,
) {
    let (shown, gone) = core.keeper.read(|world| {
        (
            principals::shown(world, trust_policy),
            principals::gone(world, trust_policy),
        )
    });
    // The proof speaks of ARNs, unless it is the unique IDs that decide.
    let same = core.policies.decide(&shown, request) == core.policies.decide(trust_policy, request);
    let trust_policy = if same { shown.as_str() } else { trust_policy };
    if !allowed && let Some(id) = gone.first() {
        proof.mend(format!(
            "the trust policy names `{id}`, a role or user that was deleted; write its ARN anew, also when one of the same name is there again"
        ));
    }
    let check = format!("trust_policy {}", request.action);
    let Some(verdict) = core.policies.explain(trust_policy, request) else {
        proof.failed(&check, json!({"why": "the trust policy cannot be read"}));
        return;
    };
    if allowed {
        proof.passed(&check, json!({"verdict": verdict}));
        return;
    }
    let reason = rolecall_trust::reason(&verdict);
    if let Some(reason) = &reason {
        proof.explain(explanation(request, reason));
        proof.mend(match &reason.mend.line {
            Some(line) => format!("{}\n{line}", reason.mend.sentence),
            None => reason.mend.sentence.clone(),
        });
    }
    proof.failed(&check, json!({"verdict": verdict, "reason": reason}));
}

/// Which part of which statement missed, and what stood against what.
fn explanation(request: &Request, reason: &Reason) -> String {
    let statement = match (&reason.sid, reason.statement) {
        (Some(sid), _) => format!(" in statement `{sid}`"),
        (None, Some(index)) => format!(" in statement {}", index + 1),
        (None, None) => String::new(),
    };
    let mut text = format!(
        "the trust policy does not allow {}: {}",
        request.action, reason.message
    );
    let _ = write!(text, "\n  failed:   {}{statement}", reason.part);
    if !reason.expected.is_empty() {
        let _ = write!(text, "\n  expected: {}", reason.expected.join(", "));
    }
    let actual = if reason.actual.is_empty() {
        "absent".to_owned()
    } else {
        reason.actual.join(", ")
    };
    let _ = write!(text, "\n  actual:   {actual}");
    for also in &reason.also {
        let _ = write!(text, "\n  also:     {also}");
    }
    text
}
