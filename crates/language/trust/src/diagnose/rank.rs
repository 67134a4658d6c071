//! All findings together, in order of how much speaks for each.

use super::catalogue as c;
use super::choice::{chosen, name_of, told_of, trusting};
use super::evidence::{Evidence, SeenPolicy};
use super::finding::Finding;
use super::judge::{Judged, judge};
use super::order::{consolidate, supply};
use super::question::{NO_ROLE, Question};
use super::redacted::as_symbols;
use super::routed::{denied, routed};
use super::token::SeenClaims;
use super::unproven::unproven;
use super::usual::usual_parts;
use super::without_token::alone;
use super::{Diagnosis, Presented};
use crate::ClaimFault;
use crate::compiled::Decision;
use rolecall_documents::Form;

/// Everything that the evidence gives.
pub(crate) fn ranked(evidence: &Evidence, now: Option<i64>) -> Diagnosis {
    let presented = presented(evidence);
    let mut all = All {
        evidence,
        now,
        findings: routed(evidence, presented.as_ref(), now),
        assumptions: Vec::new(),
        kept: Vec::new(),
        decision: None,
    };
    let policies: Vec<SeenPolicy> = evidence
        .policies
        .iter()
        .map(|policy| {
            let mut policy = policy.clone();
            policy.found.tree = as_symbols(&policy.found.tree);
            policy
        })
        .collect();
    let chosen = trusting(chosen(evidence, &policies), presented.as_ref());
    all.role(&chosen);
    for why in &evidence.unreadable {
        all.unreadable(why);
    }
    for (index, policy) in &chosen {
        all.repaired(*index, policy);
        match &presented {
            Some(claims) => all.decided(*index, policy, claims),
            None => all.by_itself(*index, policy),
        }
    }
    if let Some(claims) = &presented {
        all.two_tokens(&chosen, claims);
        all.two_policies(&chosen);
    }
    if denied(evidence) {
        unproven(&mut all.findings, presented.is_some(), !chosen.is_empty());
    }
    let All {
        mut findings,
        assumptions,
        kept,
        decision,
        ..
    } = all;
    if let Some(main) = told_of(evidence, &chosen) {
        for finding in findings
            .iter_mut()
            .filter(|finding| finding.policy.is_some_and(|index| index != main))
        {
            *finding = finding.clone().scored(finding.score / 3);
            finding.evidence.push(
                "this is another policy than the one that stands before the error".to_owned(),
            );
        }
    }
    consolidate(&mut findings, evidence);
    Diagnosis {
        read: evidence.inventory(),
        errors: evidence.errors.clone(),
        presented: presented.as_ref().map(Presented::new),
        decision,
        supply: supply(evidence, presented.as_ref(), &findings, decision),
        kept,
        findings,
        assumptions,
    }
}

/// What AWS was shown: the event's word counts before that of a token that was pasted.
fn presented(evidence: &Evidence) -> Option<SeenClaims> {
    let event = evidence
        .events
        .iter()
        .filter(|event| event.name == "AssumeRoleWithWebIdentity")
        .find_map(super::event::SeenEvent::claims);
    match (event, evidence.claims.first()) {
        (Some(event), Some(token)) => {
            // The token says more, where it is the same.
            let same = ["iss", "sub"]
                .iter()
                .all(|name| event.text(name) == token.text(name));
            Some(if same { token.clone() } else { event })
        }
        (Some(event), None) => Some(event),
        (None, Some(token)) => Some(token.clone()),
        (None, None) => evidence
            .events
            .iter()
            .find_map(super::event::SeenEvent::claims),
    }
}

struct All<'e> {
    evidence: &'e Evidence,
    now: Option<i64>,
    findings: Vec<Finding>,
    assumptions: Vec<String>,
    kept: Vec<String>,
    decision: Option<Decision>,
}

impl All<'_> {
    /// The role that the call names against the policy's.
    fn role(&mut self, chosen: &[(usize, &SeenPolicy)]) {
        for (index, policy) in chosen {
            let Some(own) = policy.found.role.as_deref() else {
                continue;
            };
            let Some(called) = self.evidence.roles.first().map(String::as_str) else {
                continue;
            };
            let live = policy.found.form == Form::GetRole;
            if called == own
                || !own.starts_with("arn:") && (!live || name_of(called) == name_of(own))
            {
                continue;
            }
            let same_name = name_of(called) == name_of(own);
            let message = format!("the call names `{called}`, and the policy is that of `{own}`");
            let mut finding = Finding::new(
                c::ROLE,
                98,
                message,
                format!("Call `{own}`, or look at the policy of the role that is called."),
            );
            if same_name {
                finding
                    .evidence
                    .push(role_difference(called, own).to_owned());
            }
            finding.policy = Some(*index);
            self.findings.push(finding);
        }
    }

    /// A policy that IAM would not store: what decided is another.
    fn unreadable(&mut self, why: &str) {
        let message = "the policy cannot be read, and IAM would not have stored it: what decided is another policy";
        let mend = "Correct the policy where the message points, apply it, then give IAM a minute.";
        self.findings
            .push(Finding::new(c::NOT_LIVE, 82, message, mend).seen(why));
    }

    /// A policy that could be read only after its damage was mended.
    fn repaired(&mut self, index: usize, policy: &SeenPolicy) {
        if !policy.repaired.is_empty() {
            let message = format!(
                "the policy cannot be read as it stands: {}",
                policy.repaired.join(", ")
            );
            let mut finding = Finding::new(
                c::PASTE,
                97,
                message,
                "Type these characters again: they came with the copy.",
            );
            finding.policy = Some(index);
            self.findings.push(finding);
        }
    }

    /// A policy and a token.
    fn decided(&mut self, index: usize, policy: &SeenPolicy, claims: &SeenClaims) {
        let question = match Question::new(self.evidence, policy, claims, self.now) {
            Ok(question) => question,
            Err(fault) => {
                let several = matches!(&fault, ClaimFault::Shape { claim, .. } if claim == "aud");
                let cause = if several {
                    c::AUTHORIZED_PARTY
                } else {
                    c::CLAIMS
                };
                self.findings.push(
                    Finding::new(cause, 98, fault.to_string(), cause.mend())
                        .seen(claims.origin.clone()),
                );
                return;
            }
        };
        let judged = match judge(policy, &question) {
            Ok(judged) => judged,
            Err(error) => {
                self.unreadable(&error.to_string());
                return;
            }
        };
        if self.decision != Some(Decision::Allow) {
            self.decision = Some(judged.decision);
        }
        for line in &judged.kept {
            if judged.decision != Decision::Allow && !self.kept.contains(line) {
                self.kept.push(line.clone());
            }
        }
        if judged.decision != Decision::Allow && policy.found.form != Form::GetRole {
            let line = format!(
                "the policy at {} is the one that the role has",
                policy.name()
            );
            if !self.assumptions.contains(&line) {
                self.assumptions.push(line);
            }
        }
        for line in &judged.assumptions {
            if !self.assumptions.contains(line) {
                self.assumptions.push(line.clone());
            }
        }
        if judged.decision == Decision::Allow && self.blacked_out(index, policy, &question) {
            return;
        }
        if judged.decision == Decision::Allow {
            self.allowed(index, policy, &judged);
        }
        for mut finding in judged.findings {
            finding.policy = Some(index);
            finding.evidence.push(format!(
                "decided with {} and the policy at {}",
                question.origin,
                policy.name()
            ));
            self.findings.push(finding);
        }
    }

    /// What was blacked out is taken to be right; it may as well stand in the role so. Whether
    /// there was anything.
    fn blacked_out(&mut self, index: usize, policy: &SeenPolicy, question: &Question) -> bool {
        let Some(written) = self
            .evidence
            .policies
            .get(index)
            .filter(|written| written.found.tree != policy.found.tree)
        else {
            return false;
        };
        let Ok(judged) = judge(written, question) else {
            return false;
        };
        for finding in judged.findings {
            let mut finding = finding.scored(85);
            finding.policy = Some(index);
            finding.evidence.push("if it was blacked out to be shown only, the policy allows the token, and cause C19 is next".to_owned());
            self.findings.push(finding);
        }
        self.findings.push(Finding::new(
            c::NOT_LIVE,
            60,
            "with what is blacked out taken to be right, the policy allows the token",
            c::NOT_LIVE.mend(),
        ));
        true
    }

    /// The policy would let the token in: what decides is something else.
    fn allowed(&mut self, index: usize, policy: &SeenPolicy, judged: &Judged) {
        let mut add = |finding: Finding| {
            let mut finding = finding;
            finding.policy = Some(index);
            self.findings.push(finding);
        };
        for unknown in &judged.unknown {
            let message = format!(
                "the policy allows the token if {unknown} holds, which is not known of the request"
            );
            add(Finding::new(
                c::ABSENT_KEY,
                78,
                message,
                "Compare the condition with what the request has.",
            )
            .next("Give the CloudTrail event: it has the address and the session's name."));
        }
        let failed = denied(self.evidence) || !self.evidence.errors.is_empty();
        let message = match failed {
            true => format!(
                "the policy at {} allows this token, and AWS refused it",
                policy.name()
            ),
            false => format!("the policy at {} allows this token", policy.name()),
        };
        add(Finding::new(
            c::NOT_LIVE,
            if failed { 76 } else { 70 },
            message,
            c::NOT_LIVE.mend(),
        )
        .next("Give what `aws iam get-role` prints for the role that the call names."));
        if let Some(line) = judged
            .assumptions
            .iter()
            .find(|line| line.starts_with(NO_ROLE))
        {
            let message =
                format!("{line}: a provider of another account or partition is not trusted");
            add(Finding::new(c::PROVIDER, 55, message, c::PROVIDER.mend())
                .next("Give the role's ARN as the client has it (--role-arn)."));
        }
        add(Finding::new(
            c::ROLE,
            50,
            "the call may name another role, or one that does not exist: IAM's answer is the same",
            c::ROLE.mend(),
        )
        .next("Give the role's ARN as the client has it (--role-arn)."));
        add(Finding::new(
            c::ORGANISATION,
            40,
            "a resource control policy of the organisation may refuse what the role allows",
            c::ORGANISATION.mend(),
        )
        .next("Give the CloudTrail event: its message names the policy that refused."));
    }

    /// A policy without a token.
    fn by_itself(&mut self, index: usize, policy: &SeenPolicy) {
        for line in usual_parts(&policy.found.tree) {
            if !self.kept.contains(&line) {
                self.kept.push(line);
            }
        }
        match alone(self.evidence, policy, self.now) {
            Ok(findings) => self
                .findings
                .extend(findings.into_iter().map(|mut finding| {
                    finding.policy = Some(index);
                    finding
                })),
            Err(error) => {
                self.unreadable(&error.to_string());
            }
        }
    }

    /// Two subjects of one issuer, one of which the policy lets in.
    fn two_tokens(&mut self, chosen: &[(usize, &SeenPolicy)], shown: &SeenClaims) {
        let others = self.evidence.claims.iter().chain([]).cloned();
        for other in others {
            if other.text("sub") == shown.text("sub") || other.text("iss") != shown.text("iss") {
                continue;
            }
            let decides = |claims: &SeenClaims| {
                chosen.iter().any(|(_, policy)| {
                    Question::new(self.evidence, policy, claims, self.now)
                        .ok()
                        .and_then(|question| judge(policy, &question).ok())
                        .is_some_and(|judged| judged.decision == Decision::Allow)
                })
            };
            if decides(&other) == decides(shown) {
                continue;
            }
            let text = |claims: &SeenClaims| {
                format!(
                    "{}: sub {}",
                    claims.origin,
                    claims.text("sub").unwrap_or_default()
                )
            };
            let message = "two subject formats are in use, and the policy takes one of them only";
            self.findings.push(
                Finding::new(c::STALE_TOKEN, 100, message, c::STALE_TOKEN.mend())
                    .seen(text(shown))
                    .seen(text(&other)),
            );
        }
    }

    /// A file that allows and a live policy that does not.
    fn two_policies(&mut self, chosen: &[(usize, &SeenPolicy)]) {
        let live = chosen
            .iter()
            .find(|(_, policy)| policy.found.form == Form::GetRole);
        let file = chosen
            .iter()
            .find(|(_, policy)| policy.found.form != Form::GetRole);
        let (Some((live, there)), Some((file, here))) = (live, file) else {
            return;
        };
        let refused = |index: usize| {
            self.findings
                .iter()
                .any(|finding| finding.policy == Some(index) && finding.patch.is_some())
        };
        if refused(*live) && !refused(*file) {
            let message = format!(
                "the policy at {} allows the token, and the live one at {} does not: the change is not applied",
                here.name(),
                there.name()
            );
            self.findings
                .retain(|finding| finding.policy != Some(*file));
            self.findings.push(Finding::new(
                c::NOT_LIVE,
                100,
                message,
                "Apply the file to the role, then give IAM a minute.",
            ));
        }
    }
}

/// Where two ARNs of the same role name differ.
fn role_difference(one: &str, other: &str) -> &'static str {
    let part = |arn: &str, index: usize| arn.split(':').nth(index).unwrap_or_default().to_owned();
    if part(one, 4) != part(other, 4) {
        "the account differs"
    } else if part(one, 1) != part(other, 1) {
        "the partition differs"
    } else {
        "the path differs"
    }
}
