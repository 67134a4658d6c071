//! Policies out of a live account, as texts under the names of their roles, so that all that reads
//! files reads accounts too.

use std::path::Path;

use rolecall_names::{Partition, RoleArn};
use rolecall_services::{AccountReader, Retry, Role, ServiceError};
use rolecall_source::SourceText;
use tokio::runtime::Handle;

use crate::failure::{Exit, Failure};
use crate::progress::Progress;

/// What a `--policy` names that is no file.
#[derive(Debug, PartialEq, Eq)]
pub enum Live {
    /// A role.
    Role(RoleArn),
    /// All roles of the account whose credentials are at hand.
    Account,
}

impl Live {
    /// Reads `arn:aws:iam::123456789012:role/Deploy` or `iam://`; nothing for what is a file.
    ///
    /// # Errors
    /// `Usage` for an ARN that is no role's.
    pub fn named(path: &Path) -> Result<Option<Self>, Failure> {
        match path.to_str() {
            Some("iam://" | "iam:") => Ok(Some(Self::Account)),
            Some(text) if text.starts_with("arn:") => text
                .parse()
                .map(|arn| Some(Self::Role(arn)))
                .map_err(|error| Failure::from_error(Exit::Usage, &error)),
            _ => Ok(None),
        }
    }
}

/// Accounts that are read; each partition has credentials and addresses of its own.
#[derive(Default)]
pub struct Accounts {
    readers: Vec<(Option<Partition>, AccountReader)>,
}

impl Accounts {
    /// The texts of what is named: one a role.
    ///
    /// # Errors
    /// As [`failure`].
    pub fn texts(&mut self, live: &Live) -> Result<Vec<SourceText>, Failure> {
        // Commands about trust run on a thread that may wait.
        Handle::current().block_on(async {
            let roles = match live {
                Live::Role(arn) => {
                    let progress = Progress::quiet(&format!("IAM: reading {arn}"));
                    let reader = self.reader(Some(arn.partition()));
                    let work = async { reader.await?.role_of_arn(arn).await };
                    vec![told(progress.during(work).await)?]
                }
                Live::Account => {
                    let progress = Progress::quiet("IAM: reading the account's roles");
                    let reader = self.reader(None);
                    let work = async {
                        let mut observe =
                            |count| progress.say(&format!("IAM: {count} roles so far"));
                        reader.await?.roles(&mut observe).await
                    };
                    told(progress.during(work).await)?
                }
            };
            Ok(roles.iter().map(text).collect())
        })
    }

    async fn reader(
        &mut self,
        partition: Option<Partition>,
    ) -> Result<AccountReader, ServiceError> {
        if let Some((_, reader)) = self.readers.iter().find(|(known, _)| *known == partition) {
            return Ok(reader.clone());
        }
        let reader = AccountReader::from_environment(partition, Retry::default()).await?;
        self.readers.push((partition, reader.clone()));
        Ok(reader)
    }
}

fn told<T>(read: Result<T, ServiceError>) -> Result<T, Failure> {
    read.map_err(|error| failure(&error))
}

/// Why an account could not be read, as a person reads it.
pub fn failure(error: &ServiceError) -> Failure {
    let exit = match error {
        ServiceError::WrongCredentials(_)
        | ServiceError::Forbidden { .. }
        | ServiceError::Refused(_) => Exit::DeniedByAws,
        ServiceError::Throttled { .. }
        | ServiceError::Unavailable { .. }
        | ServiceError::Unreachable { .. }
        | ServiceError::NotTheService { .. } => Exit::Unreachable,
        _ => Exit::Configuration,
    };
    let failure = Failure::from_error(exit, error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A role's trust policy under the name of its ARN, on lines of its own: what
/// `aws iam get-role --query Role.AssumeRolePolicyDocument` prints, and what
/// `aws iam update-assume-role-policy` takes.
pub fn text(role: &Role) -> SourceText {
    SourceText::new(role.arn.clone(), indented(&role.trust_policy))
}

/// JSON text on lines of its own. Nothing but the space between its parts changes: members keep
/// their order, and those that stand twice stay.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&INDENT.repeat(depth));
    };
    let mut parts = json.chars().peekable();
    while let Some(part) = parts.next() {
        if in_text {
            out.push(part);
            in_text = escaped || part != '"';
            escaped = !escaped && part == '\\';
            continue;
        }
        match part {
            part if part.is_ascii_whitespace() => {}
            '{' | '[' => {
                out.push(part);
                while parts.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = parts.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(part);
            }
            ',' => {
                out.push(part);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            part => {
                in_text = part == '"';
                out.push(part);
            }
        }
    }
    out.push('\n');
    out
}

/// The aws CLI prints policies so; a patch for this text is one for its output.
const INDENT: &str = "    ";

#[cfg(test)]
mod tests;
