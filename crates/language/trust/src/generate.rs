//! Trust and permission policies from a subject format and a scope choice, and the registration of
//! the issuer, in the language that a person keeps infrastructure in.
//!
//! What is not pinned is open only where the caller says so by name, and what tells the customers
//! of a shared issuer apart is never open.

mod cloudformation;
mod command;
mod error;
mod permissions;
mod presets;
mod subject;
mod terraform;
mod words;

use std::collections::BTreeMap;

use rolecall_documents::{Value, find};
use rolecall_source::SourceText;

pub use error::GenerateError;
pub use permissions::{Permission, TARGETS, Target, TargetParameter};
pub use presets::{Chosen, PRESETS, Preset};
pub use subject::{Choice, Scope, SubjectFormat, Subjects};

use crate::lint::{Finding, Severity, lint};
use crate::write_time::{validate_identity_policy, validate_trust_policy_within};

/// The languages in which policies and registrations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// The document itself: a policy, or the input of `create-open-id-connect-provider`.
    Json,
    /// Terraform, policies as `jsonencode({…})`.
    Terraform,
    /// Terraform, policies as `data "aws_iam_policy_document"`.
    TerraformDocument,
    /// A CloudFormation template in YAML.
    CloudFormation,
    /// Commands for the aws CLI.
    Command,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The registration of the issuer as an OIDC provider.
    Provider,
    /// The role with its trust policy.
    Trust,
    /// What the role may do.
    Permissions,
}

/// A role for tokens of an issuer, to be written in one of the languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Design {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The account, twelve digits.
    pub account: String,
    /// The role's name.
    pub role: String,
    /// The issuer's URL, as `iss` has it.
    pub issuer: String,
    /// The audience of the tokens.
    pub audience: String,
    /// The subjects that are let in.
    pub subjects: Subjects,
    /// Whether tokens bring session tags.
    pub tags: bool,
    /// Whether tokens bring a source identity.
    pub source_identity: bool,
    /// SHA-1 thumbprints of the issuer's certificate authority, for those that AWS does not know.
    pub thumbprints: Vec<String>,
    /// What the role may do.
    pub permissions: Vec<Permission>,
    /// Whether the subjects are of a form that the issuer documents, so that one of another form
    /// is a mistake and not a format of somebody's own.
    pub documented: bool,
}

impl Design {
    /// Checks what does not depend on the language.
    ///
    /// # Errors
    /// [`GenerateError`] for the first part that AWS would not take.
    pub fn check(&self) -> Result<(), GenerateError> {
        words::account(&self.account)?;
        words::partition(&self.partition)?;
        words::role(&self.role)?;
        words::issuer(&self.issuer)?;
        words::audience(&self.audience)?;
        for thumbprint in &self.thumbprints {
            words::thumbprint(thumbprint)?;
        }
        if self.thumbprints.len() > THUMBPRINTS {
            return Err(GenerateError::Thumbprints(self.thumbprints.len()));
        }
        let trust = json(&self.trust_policy());
        validate_trust_policy_within(&trust, TRUST_QUOTA).map_err(GenerateError::Refused)?;
        if !self.permissions.is_empty() {
            let permissions = json(&self.permission_policy());
            validate_identity_policy(&permissions).map_err(GenerateError::Refused)?;
        }
        let grave = self.findings().into_iter().find(|finding| {
            let own_form = finding.rule.code == ANOTHER_FORM && !self.documented;
            finding.severity <= Severity::Security && !own_form
        });
        grave.map_or(Ok(()), |finding| {
            Err(GenerateError::Finding(Box::new(finding)))
        })
    }

    /// What is to be said of the trust policy: it works, and is perhaps wider than meant.
    pub fn findings(&self) -> Vec<Finding> {
        let source = SourceText::new("trust policy", json(&self.trust_policy()));
        let found = find(std::slice::from_ref(&source));
        let findings = found
            .policies
            .iter()
            .flat_map(|policy| lint(&source, policy));
        findings.collect()
    }

    /// The ARN of the issuer's provider.
    pub fn provider(&self) -> String {
        crate::web_identity::provider_arn(&self.partition, &self.account, &self.issuer)
    }

    /// The trust policy.
    pub fn trust_policy(&self) -> Value {
        let provider = self.provider();
        let prefix = crate::web_identity::provider_prefix(&provider);
        let audience = (format!("{prefix}:aud"), text(&self.audience));
        let subject = (
            format!("{prefix}:sub"),
            one_or_more(self.subjects.values.iter().map(|value| text(value))),
        );
        let condition = match self.subjects.patterns {
            false => map([("StringEquals", Value::Map(vec![audience, subject]))]),
            true => map([
                ("StringEquals", Value::Map(vec![audience])),
                ("StringLike", Value::Map(vec![subject])),
            ]),
        };
        let actions = [
            ("sts:AssumeRoleWithWebIdentity", true),
            ("sts:TagSession", self.tags),
            ("sts:SetSourceIdentity", self.source_identity),
        ];
        let actions = actions.into_iter().filter(|(_, needed)| *needed);
        policy(vec![map([
            ("Effect", text("Allow")),
            ("Principal", map([("Federated", text(&provider))])),
            ("Action", one_or_more(actions.map(|(name, _)| text(name)))),
            ("Condition", condition),
        ])])
    }

    /// The policy of what the role may do.
    pub fn permission_policy(&self) -> Value {
        let mut statements: Vec<Value> = Vec::new();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for permission in &self.permissions {
            for mut statement in permission.statements(&self.partition, &self.account) {
                if statements.contains(&statement) {
                    continue;
                }
                // IAM refuses a `Sid` that comes twice.
                if let Value::Map(members) = &mut statement
                    && let Some((_, Value::Text(sid))) = members.first_mut()
                {
                    let times = times.entry(sid.clone()).or_default();
                    *times += 1;
                    if *times > 1 {
                        sid.push_str(&times.to_string());
                    }
                }
                statements.push(statement);
            }
        }
        policy(statements)
    }

    /// Writes parts of the design.
    ///
    /// # Errors
    /// [`GenerateError`] where AWS would not take it, or where the language holds one part at a
    /// time and several are wanted.
    pub fn written(&self, parts: &[Part], language: Language) -> Result<String, GenerateError> {
        self.check()?;
        let mut parts = parts.to_vec();
        parts.sort_unstable();
        parts.dedup();
        if parts.contains(&Part::Permissions) && self.permissions.is_empty() {
            return Err(GenerateError::NoPermissions);
        }
        match language {
            Language::Json => match parts.as_slice() {
                [Part::Trust] => Ok(json(&self.trust_policy())),
                [Part::Permissions] => Ok(json(&self.permission_policy())),
                [Part::Provider] => Ok(json(&self.registration())),
                _ => Err(GenerateError::OnePart),
            },
            Language::Terraform => Ok(terraform::written(self, &parts, false)),
            Language::TerraformDocument => Ok(terraform::written(self, &parts, true)),
            Language::CloudFormation => Ok(cloudformation::written(self, &parts)),
            Language::Command => Ok(command::written(self, &parts)),
        }
    }

    /// What `aws iam create-open-id-connect-provider --cli-input-json` takes.
    fn registration(&self) -> Value {
        let mut members = vec![
            ("Url", text(&self.issuer)),
            ("ClientIDList", Value::List(vec![text(&self.audience)])),
        ];
        if !self.thumbprints.is_empty() {
            members.push(("ThumbprintList", self.thumbprint_list()));
        }
        map(members)
    }

    fn thumbprint_list(&self) -> Value {
        Value::List(self.thumbprints.iter().map(|one| text(one)).collect())
    }

    /// The name of the role's inline policy.
    fn policy_name(&self) -> String {
        let mut targets: Vec<&str> = self.permissions.iter().map(|one| one.target.name).collect();
        targets.dedup();
        let mut name = targets.join("-");
        name.truncate(POLICY_NAME);
        name
    }
}

/// A JSON document, indented by two, with a line's end.
fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, 0, &mut out);
    out.push('\n');
    out
}

fn write_json(value: &Value, depth: usize, out: &mut String) {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match value {
        Value::Text(text) => out.push_str(&quoted(text)),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "\n" } else { ",\n" });
                out.push_str(&inner);
                write_json(item, depth + 1, out);
            }
            out.push_str(&format!("\n{outer}]"));
        }
        Value::Map(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "\n" } else { ",\n" });
                out.push_str(&format!("{inner}{}: ", quoted(name)));
                write_json(value, depth + 1, out);
            }
            out.push_str(&format!("\n{outer}}}"));
        }
    }
}

/// A text in JSON's quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn policy(statements: Vec<Value>) -> Value {
    map([
        ("Version", text("2012-10-17")),
        ("Statement", Value::List(statements)),
    ])
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let own = |(name, value): (&str, Value)| (name.to_owned(), value);
    Value::Map(members.into_iter().map(own).collect())
}

/// A single value as it is, several as a list.
fn one_or_more(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    match values.len() {
        1 => values.remove(0),
        _ => Value::List(values),
    }
}

/// The quota of a trust policy, in characters without whitespace outside of texts.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const TRUST_QUOTA: usize = 2048;
/// The rule that holds subjects against the forms that an issuer documents.
const ANOTHER_FORM: &str = "RC2003";
/// Thumbprints of a provider, at most.
const THUMBPRINTS: usize = 5;
/// Characters of a policy's name, at most.
const POLICY_NAME: usize = 128;

#[cfg(test)]
mod tests;
