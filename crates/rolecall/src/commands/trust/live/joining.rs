//! What was read from the account, put beside what was given.

use rolecall_documents::{Form, Node};
use rolecall_names::RoleArn;
use rolecall_source::SourceText;
use rolecall_trust::diagnose::{Evidence, SeenProvider};

use super::{Reading, differences};
use crate::failure::{Exit, Failure};

/// The role that is meant: by flag, else the one that something names.
///
/// # Errors
/// `Usage` where nothing names one.
pub fn role(given: Option<&str>, evidence: &Evidence) -> Result<RoleArn, Failure> {
    let of_policies = evidence
        .policies
        .iter()
        .filter_map(|policy| policy.found.role.as_deref());
    let named = given
        .into_iter()
        .chain(evidence.roles.iter().map(String::as_str))
        .chain(of_policies)
        .find(|name| name.starts_with("arn:"));
    let Some(named) = named else {
        return Err(
            Failure::new(Exit::Usage, "--live does not know which role is meant")
                .hint("Give its ARN with --role-arn"),
        );
    };
    named
        .parse()
        .map_err(|error| Failure::from_error(Exit::Usage, &error))
}

/// Adds what was read to the evidence, and says how the policy that was given differs from the one
/// that is live.
pub fn join(evidence: &mut Evidence, role: &RoleArn, reading: &Reading) -> Vec<String> {
    let mut lines = Vec::new();
    evidence.add_role(role.to_string());
    if let Some(text) = reading.role_text() {
        let given = evidence.policies.len();
        if given == 1 && evidence.policies[0].found.form != Form::GetRole {
            // A single policy beside one role is meant to be that role's.
            evidence.policies[0].found.role = Some(role.to_string());
        }
        // Read once already, by --policy with the ARN.
        evidence
            .policies
            .retain(|policy| policy.source.name != text.name);
        let given = evidence.policies.len();
        evidence.read_files(std::slice::from_ref(&text));
        let (given, live) = evidence.policies.split_at(given);
        if let Some(live) = live.first() {
            for policy in given
                .iter()
                .filter(|policy| policy.found.role.as_deref() == Some(role.as_str()))
            {
                lines.extend(compared(
                    &policy.name(),
                    &policy.found.tree,
                    &live.found.tree,
                ));
            }
        }
        if let Some(seconds) = reading
            .role
            .as_ref()
            .and_then(|role| role.max_session_duration)
        {
            evidence.surroundings.longest_session = Some(seconds.into());
        }
    }
    for provider in &reading.providers {
        evidence.providers.push(SeenProvider {
            url: provider.url.clone(),
            arn: Some(provider.arn.clone()),
            client_ids: Some(provider.client_ids.clone()),
            thumbprints: provider.thumbprints.clone(),
            origin: "in IAM now".to_owned(),
        });
    }
    if let Some(event) = reading.event_text() {
        evidence.read(&event);
    }
    lines
}

fn compared(name: &str, given: &Node, live: &Node) -> Vec<String> {
    let differing = differences(given, live);
    if differing.is_empty() {
        return vec![format!("the policy at {name} is what is live")];
    }
    let mut lines = vec![format!("the policy at {name} is not what is live:")];
    let more = differing.len().saturating_sub(SHOWN);
    lines.extend(
        differing
            .into_iter()
            .take(SHOWN)
            .map(|line| format!("  {line}")),
    );
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines
}

/// The error of a re-test, as evidence.
pub fn add_refusal(evidence: &mut Evidence, code: &str, message: &str) {
    let text = format!(
        "An error occurred ({code}) when calling the AssumeRoleWithWebIdentity operation: {message}"
    );
    evidence.read_error(&SourceText::new("the re-test", text));
}

/// Differences that are shown.
const SHOWN: usize = 8;
