//! Session policies, tags and how much room they take.

use rolecall_names::AccountId;
use rolecall_trust::write_time;

use crate::account::Tags;
use crate::call::Call;
use crate::wire::{Fault, Shape, catalogue, shape};
use crate::world::World;

/// The session policies of a request, not yet looked up.
#[derive(Debug, Default)]
pub(crate) struct SessionPolicies {
    pub(crate) inline: Option<String>,
    pub(crate) arns: Vec<String>,
}

impl SessionPolicies {
    /// Reads `Policy`, of `longest` characters at most, and `PolicyArns`, noting violations of their
    /// shape.
    pub(crate) fn read(call: &Call, shape: &mut Shape<'_>, longest: usize) -> Result<Self, Fault> {
        let inline = shape
            .optional("Policy", 1..=longest, Some(shape::POLICY))
            .map(str::to_owned);
        let mut arns = Vec::new();
        for (at, mut fields) in call
            .parameters
            .structures("PolicyArns")?
            .into_iter()
            .enumerate()
        {
            match fields.remove("arn") {
                Some(arn) => {
                    shape.member(
                        &format!("policyArns.{}.member.arn", at + 1),
                        &arn,
                        20..=2048,
                        None,
                    );
                    arns.push(arn);
                }
                None => shape.absent(&format!("policyArns.{}.member.arn", at + 1)),
            }
        }
        shape.at_most("policyArns", arns.len(), 10);
        Ok(Self { inline, arns })
    }

    /// The managed policies as a record has them; nothing where none was asked for.
    pub(crate) fn record(&self) -> Option<serde_json::Value> {
        let arns = self.arns.iter().map(|arn| serde_json::json!({"arn": arn}));
        (!self.arns.is_empty()).then(|| arns.collect())
    }

    /// The policies' texts. An inline text must be a policy; an ARN must be of the role's account
    /// or AWS's own, and exist.
    pub(crate) fn texts(&self, world: &World, account: &AccountId) -> Result<Vec<String>, Fault> {
        let mut texts = Vec::new();
        if let Some(text) = &self.inline {
            write_time::validate_identity_policy(text).map_err(|error| {
                Fault::new(&catalogue::MALFORMED_POLICY).with("message", error.message)
            })?;
            texts.push(text.clone());
        }
        for arn in &self.arns {
            let of_aws = arn.starts_with("arn:aws:iam::aws:policy/");
            let own = arn.starts_with(&format!("arn:aws:iam::{account}:policy/"));
            let text = world
                .account(account)
                .filter(|_| own || of_aws)
                .and_then(|account| account.managed_document(arn))
                // As on a role, a policy of AWS's own whose text is not known allows nothing.
                .or_else(|| of_aws.then_some(""))
                .ok_or_else(|| {
                    Fault::new(&catalogue::VALIDATION).with(
                        "message",
                        format!("PolicyArns: {arn} does not exist or is not attachable"),
                    )
                })?;
            texts.push(text.to_owned());
        }
        Ok(texts)
    }

    /// The share of the room for session policies and tags that a request takes, in percent.
    ///
    /// AWS packs them in a form of its own and does not tell how; here plain characters are
    /// counted against [`PACKED_LIMIT`].
    pub(crate) fn packed_percent(&self, tags: &Tags, subject: &str) -> Result<usize, Fault> {
        let policies: usize = self.inline.iter().chain(&self.arns).map(String::len).sum();
        let plain: usize = self
            .inline
            .iter()
            .chain(&self.arns)
            .map(|text| text.chars().count())
            .sum();
        if plain > POLICY_LIMIT {
            return Err(too_large(plain * 100 / POLICY_LIMIT));
        }
        let tags: usize = tags
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        let percent = (PACKED_BASE + policies + tags + subject.len()) * 100 / PACKED_LIMIT;
        if percent > 100 {
            return Err(too_large(percent));
        }
        Ok(percent)
    }
}

fn too_large(percent: usize) -> Fault {
    Fault::new(&catalogue::PACKED_POLICY_TOO_LARGE).with("percent", percent.to_string())
}

/// Inline and managed session policies together, in characters.
pub(crate) const POLICY_LIMIT: usize = 2048;

const PACKED_BASE: usize = 900;

const PACKED_LIMIT: usize = 4096;
