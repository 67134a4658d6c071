//! The order of findings, and what would settle what is open.

use super::evidence::Evidence;
use super::finding::{Confidence, Finding};
use super::routed::denied;
use super::token::SeenClaims;
use crate::compiled::Decision;

/// One finding a cause and policy, the surest first.
pub(crate) fn consolidate(findings: &mut Vec<Finding>, evidence: &Evidence) {
    // An error that is about something else comes first: the policy was not even asked.
    let elsewhere = evidence
        .errors
        .iter()
        .any(|error| !error.row.causes.is_empty())
        && !denied(evidence);
    if elsewhere {
        for finding in findings
            .iter_mut()
            .filter(|finding| finding.policy.is_some())
        {
            finding.score = finding.score.min(58);
            finding.confidence = Confidence::of(finding.score);
            finding
                .evidence
                .push("the policy was not asked yet: this will be the next obstacle".to_owned());
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.score));
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings.drain(..) {
        let same = kept.iter_mut().find(|other| {
            other.cause == finding.cause
                && (other.policy == finding.policy || finding.policy.is_none())
        });
        match same {
            Some(other)
                if finding.patch.is_none()
                    || other.patch.is_some() && other.message == finding.message =>
            {
                for line in finding.evidence {
                    if !other.evidence.contains(&line) {
                        other.evidence.push(line);
                    }
                }
            }
            _ => kept.push(finding),
        }
    }
    *findings = kept;
}

/// What would settle what is open.
pub(crate) fn supply(
    evidence: &Evidence,
    presented: Option<&SeenClaims>,
    findings: &[Finding],
    decision: Option<Decision>,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let settled = findings
        .first()
        .is_some_and(|finding| finding.confidence == Confidence::Certain);
    let beyond = findings
        .first()
        .is_some_and(|finding| finding.cause.as_str().starts_with('R') && settled);
    if !settled {
        if presented.is_none() {
            lines.push("the token (--token FILE; it is read and not repeated), its claims, or the CloudTrail event of the denied call: each has the subject".to_owned());
        }
        if evidence.policies.is_empty() && !beyond {
            lines.push("the role's trust policy: the file, or what `aws iam get-role --role-name NAME` prints".to_owned());
        }
        if evidence.errors.is_empty() && evidence.events.is_empty() {
            lines.push("the error's text: its code proves which checks were passed".to_owned());
        }
        if evidence.providers.is_empty() && !denied(evidence) && decision != Some(Decision::Allow) {
            lines.push("the provider's registration: `aws iam get-open-id-connect-provider --open-id-connect-provider-arn ARN`".to_owned());
        }
    }
    if let Some(first) = findings.first() {
        for line in &first.next {
            if !lines.contains(line) {
                lines.push(line.clone());
            }
        }
    }
    lines
}
