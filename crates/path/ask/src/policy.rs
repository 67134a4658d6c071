use rolecall_names::{Arn, RoleArn};
use serde_json::Value;

use crate::AskError;

/// An inline session policy as compact JSON: what a session may do at most, whatever its role
/// may. At most 2048 characters in tab, line breaks and U+0020 to U+00FF.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPolicy(String);

/// Up to ten managed policies that bound a session, of the role's account or AWS's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyArns(Vec<Arn>);

impl SessionPolicy {
    /// Reads a policy written as a mapping, or as a text that holds JSON.
    ///
    /// # Errors
    /// Not a JSON object, too long, or with characters that STS refuses; names `field`.
    pub fn from_value(value: Value, field: &str) -> Result<Self, AskError> {
        let wrong = |why: String| AskError::Field {
            field: field.to_owned(),
            why,
        };
        let value = match value {
            Value::String(text) => serde_json::from_str(&text)
                .map_err(|error| wrong(format!("the session policy is not JSON: {error}")))?,
            other => other,
        };
        if !value.is_object() {
            return Err(wrong(
                "a session policy is a mapping with `Version` and `Statement`".to_owned(),
            ));
        }
        let text = value.to_string();
        let length = text.chars().count();
        if length > LONGEST_POLICY {
            return Err(wrong(format!(
                "the session policy has {length} characters without its spaces, AWS takes {LONGEST_POLICY}; move the rest to a managed policy under `policy_arns`"
            )));
        }
        if let Some(character) = text.chars().find(|character| *character > '\u{ff}') {
            return Err(wrong(format!(
                "`{character}` cannot stand in a session policy, which takes characters up to U+00FF; write it as `\\u{:04x}`",
                u32::from(character)
            )));
        }
        Ok(Self(text))
    }

    /// Compact JSON, as `Policy` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PolicyArns {
    /// Takes the policies for a session of `role`.
    ///
    /// # Errors
    /// More than ten, not an IAM policy, or of another account; names `field`.
    pub fn new(arns: Vec<Arn>, role: &RoleArn, field: &str) -> Result<Self, AskError> {
        let wrong = |field: String, why: String| AskError::Field { field, why };
        if arns.len() > MOST_POLICIES {
            return Err(wrong(
                field.to_owned(),
                format!(
                    "{} policies are given, AWS takes {MOST_POLICIES} for one session",
                    arns.len()
                ),
            ));
        }
        for (at, arn) in arns.iter().enumerate() {
            let field = format!("{field}[{at}]");
            if arn.partition() != role.partition() {
                return Err(AskError::Partition {
                    field,
                    given: arn.to_string(),
                    partition: arn.partition(),
                    expected: role.partition(),
                });
            }
            if arn.service() != "iam" || !arn.resource().starts_with("policy/") {
                return Err(wrong(
                    field,
                    format!(
                        "`{arn}` is not the ARN of a managed policy: expected `arn:aws:iam::<account>:policy/<name>`"
                    ),
                ));
            }
            if arn.account() != "aws" && arn.account() != role.account().as_str() {
                return Err(wrong(
                    field,
                    format!(
                        "`{arn}` is of another account than the role; a session's policies must be of account {} or AWS's own",
                        role.account()
                    ),
                ));
            }
        }
        Ok(Self(arns))
    }

    /// The ARNs in their order.
    pub fn as_slice(&self) -> &[Arn] {
        &self.0
    }
}

const LONGEST_POLICY: usize = 2048;
const MOST_POLICIES: usize = 10;
