//! The document as a whole: what IAM says of it when it is stored, repeated names, size, version.

use rolecall_documents::{FoundPolicy, Node};

use super::Findings;
use crate::policy::Policy;
use crate::prove::{Answer, reachable};
use crate::write_time;
use crate::{CompiledPolicy, Effect};

pub(super) fn check(policy: &Policy, found: &FoundPolicy, findings: &mut Findings) {
    let start = rolecall_source::Span::new(found.tree.span.start, found.tree.span.start + 1);
    for warning in &policy.warnings {
        let span = warning.span.unwrap_or(start);
        if warning.code == "repeated-member" {
            let mend = "Put the values into one list under the name.";
            findings.add("RC2013", None, span, warning.message.clone(), mend);
        }
    }
    if found.tree.member("Version").is_none() {
        let message = "there is no `Version`: the rules of 2008 apply, without policy variables";
        let mend = "Add `\"Version\": \"2012-10-17\"`.";
        findings.add("RC2023", None, start, message, mend);
    }
    if policy.symbols.is_empty() {
        stored(&found.tree, findings, start);
    }
    never_applies(policy, findings);
}

/// What IAM would answer.
fn stored(tree: &Node, findings: &mut Findings, start: rolecall_source::Span) {
    let text = tree.to_json();
    let Err(error) = write_time::validate_trust_policy(&text) else {
        return;
    };
    if error.code == "LimitExceeded" {
        let message = format!(
            "the policy has {} characters, and may have 2,048",
            text.chars().count()
        );
        findings.add(
            "RC2017",
            None,
            start,
            message,
            "Use a pattern in the place of many values, or split the role.",
        );
        return;
    }
    let shared = error.message.starts_with("Missing required condition");
    let code = if shared { "RC2016" } else { "RC2015" };
    let message = format!("IAM refuses it: {}", error.message);
    findings.add(
        code,
        None,
        start,
        message,
        "Change what the message names, or the policy cannot be stored.",
    );
}

/// Allow statements whose conditions cannot hold together.
fn never_applies(policy: &Policy, findings: &mut Findings) {
    let compiled = CompiledPolicy::compile(policy);
    for (index, statement) in policy.statements.iter().enumerate() {
        let symbolic = statement
            .conditions
            .iter()
            .any(|one| one.key_symbolic || one.values.iter().any(|value| value.symbolic));
        if statement.effect != Effect::Allow || statement.conditions.len() < 2 || symbolic {
            continue;
        }
        let alone = CompiledPolicy {
            policy: Policy {
                statements: vec![statement.clone()],
                ..policy.clone()
            },
            statements: vec![compiled.statements[index].clone()],
        };
        if reachable(&alone) == Answer::Nothing {
            let keys: Vec<&str> = statement
                .conditions
                .iter()
                .map(|one| one.key.as_str())
                .collect();
            let twice = keys.iter().enumerate().find(|(at, key)| {
                keys[..*at]
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(key))
            });
            let Some((at, key)) = twice else {
                continue;
            };
            let message = format!("no value of `{key}` satisfies all conditions on it");
            let mend = "Take one of the conditions away, or put the values into one list.";
            findings.add(
                "RC2019",
                Some(index),
                statement.conditions[at].key_span,
                message,
                mend,
            );
        }
    }
}
