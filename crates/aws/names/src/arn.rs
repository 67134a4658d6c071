use std::fmt;
use std::str::FromStr;

use crate::{AccountId, NamesError, Partition, text_serde};

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`. Region and account
/// may be empty, as they are in IAM's and S3's.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    text: String,
    partition: Partition,
    /// Byte offsets of the second to the fifth colon.
    colons: [usize; 4],
}

impl Arn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The service's namespace, such as `iam`.
    pub fn service(&self) -> &str {
        self.between(0)
    }

    /// The region's name, empty for global services.
    pub fn region(&self) -> &str {
        self.between(1)
    }

    /// The twelve digits of the account, or nothing where the service leaves them out.
    pub fn account(&self) -> &str {
        self.between(2)
    }

    /// All behind the fifth colon, such as `role/team/Reader`.
    pub fn resource(&self) -> &str {
        &self.text[self.colons[3] + 1..]
    }

    fn between(&self, at: usize) -> &str {
        &self.text[self.colons[at] + 1..self.colons[at + 1]]
    }
}

impl FromStr for Arn {
    type Err = NamesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: String| NamesError::Arn {
            given: text.to_owned(),
            why,
        };
        let positions: Vec<usize> = text.match_indices(':').map(|(at, _)| at).take(5).collect();
        if !text.starts_with("arn:") {
            return Err(wrong("it does not begin with `arn:`".to_owned()));
        }
        let [first, second, third, fourth, fifth] = positions[..] else {
            return Err(wrong(format!(
                "it has {} of the 5 colons of `arn:partition:service:region:account:resource`",
                positions.len()
            )));
        };
        let partition = text[first + 1..second]
            .parse()
            .map_err(|error: NamesError| wrong(error.to_string()))?;
        if second + 1 == third {
            return Err(wrong("the service is missing".to_owned()));
        }
        if fifth + 1 == text.len() {
            return Err(wrong("the resource is missing".to_owned()));
        }
        let account = &text[fourth + 1..fifth];
        // `aws` stands for the account in the ARNs of AWS's own managed policies.
        if !account.is_empty() && account != "aws" {
            account
                .parse::<AccountId>()
                .map_err(|error| wrong(error.to_string()))?;
        }
        Ok(Self {
            text: text.to_owned(),
            partition,
            colons: [second, third, fourth, fifth],
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

text_serde!(Arn);

/// The ARN of an IAM role: `arn:aws:iam::<account>:role/<path><name>`, 20 to 2048 characters as
/// STS takes it. Path and name keep their case, as IAM does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleArn {
    arn: Arn,
    account: AccountId,
}

impl RoleArn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    /// The account that owns the role.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The partition of that account.
    pub fn partition(&self) -> Partition {
        self.arn.partition()
    }

    /// The name behind the path: `Reader` of `role/team/Reader`.
    pub fn name(&self) -> &str {
        let resource = self.arn.resource();
        &resource[resource.rfind('/').map_or(0, |at| at + 1)..]
    }

    /// The path with both slashes: `/team/` of `role/team/Reader`, `/` where there is none. An
    /// assumed-role ARN drops it, which is why policies that name one so often fail.
    pub fn path(&self) -> &str {
        let resource = self.arn.resource();
        let start = resource.find('/').unwrap_or(0);
        let end = resource.rfind('/').map_or(0, |at| at + 1);
        &resource[start..end]
    }
}

impl FromStr for RoleArn {
    type Err = NamesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: String| NamesError::Role {
            given: text.to_owned(),
            why,
        };
        let arn: Arn = text.parse().map_err(|error| match error {
            // The text is quoted already.
            NamesError::Arn { why, .. } => wrong(why),
            other => wrong(other.to_string()),
        })?;
        if arn.service() != "iam" {
            let why = match (arn.service(), arn.resource()) {
                ("sts", resource) if resource.starts_with("assumed-role/") => {
                    "it names a session of a role, not the role".to_owned()
                }
                (service, _) => format!("its service is `{service}`, not `iam`"),
            };
            return Err(wrong(why));
        }
        if !arn.region().is_empty() {
            return Err(wrong("IAM is global, so the region stays empty".to_owned()));
        }
        let account = arn
            .account()
            .parse()
            .map_err(|error: NamesError| wrong(error.to_string()))?;
        let Some(path_and_name) = arn.resource().strip_prefix("role/") else {
            return Err(wrong("its resource does not begin with `role/`".to_owned()));
        };
        let name = path_and_name.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_name_character) {
            return Err(wrong(
                "the role's name has 1 to 64 characters out of letters, digits and `_+=,.@-`"
                    .to_owned(),
            ));
        }
        if path_and_name.len() - name.len() > 512
            || path_and_name[..path_and_name.len() - name.len()]
                .split('/')
                .rev()
                .skip(1)
                .any(str::is_empty)
            || !path_and_name
                .bytes()
                .all(|byte| (0x21..0x7f).contains(&byte))
        {
            return Err(wrong(
                "the role's path has at most 512 visible ASCII characters between single slashes"
                    .to_owned(),
            ));
        }
        Ok(Self { arn, account })
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

text_serde!(RoleArn);

/// `[\w+=,.@-]`, IAM's character set for names.
pub(crate) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}
