//! Permission policies that stand beside trust policies: two mistakes that are copied a lot.

use super::Findings;
use crate::policy::Policy;

pub(super) fn check(policy: &Policy, findings: &mut Findings) {
    for (index, statement) in policy.statements.iter().enumerate() {
        for resource in statement.resource.iter().flat_map(|one| &one.values) {
            let text = resource.text.as_str();
            if text.contains(":rds-db:") && text.contains(":dbuser/") {
                let message = format!("`{text}` has a slash behind `dbuser`");
                let mend = format!("Write `{}`.", text.replacen(":dbuser/", ":dbuser:", 1));
                findings.add("RC3001", Some(index), resource.span, message, mend);
            }
        }
        for action in statement.action.iter().flat_map(|one| &one.values) {
            let governs = match action.text.to_ascii_lowercase().as_str() {
                "bedrock:converse" => "bedrock:InvokeModel",
                "bedrock:conversestream" => "bedrock:InvokeModelWithResponseStream",
                _ => continue,
            };
            let message = format!(
                "`{}` governs nothing: the call is allowed by `{governs}`",
                action.text
            );
            findings.add(
                "RC3002",
                Some(index),
                action.span,
                message,
                format!("Write `{governs}`."),
            );
        }
    }
}
