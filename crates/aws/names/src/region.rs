use std::fmt;
use std::str::FromStr;

use crate::{NamesError, Partition, text_serde};

/// A region by its name, such as `eu-central-1`. The form is checked, not the existence: AWS adds
/// regions faster than programs are released.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that the region belongs to, told by its prefix.
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::AwsCn
        } else if self.0.starts_with("us-gov-") {
            Partition::AwsUsGov
        } else {
            Partition::Aws
        }
    }
}

impl FromStr for Region {
    type Err = NamesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let words: Vec<&str> = parts.by_ref().collect();
        let well_formed = (3..=4).contains(&words.len())
            && words.iter().enumerate().all(|(at, word)| {
                let last = at + 1 == words.len();
                !word.is_empty()
                    && word.bytes().all(|byte| {
                        if last {
                            byte.is_ascii_digit()
                        } else {
                            byte.is_ascii_lowercase()
                        }
                    })
            });
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(NamesError::Region {
                given: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

text_serde!(Region);

/// The regional STS endpoint, which is the SDKs' default now and the only kind that China has.
/// <https://docs.aws.amazon.com/general/latest/gr/sts.html>
pub fn sts_endpoint(region: &Region) -> String {
    format!("https://sts.{region}.{}", region.partition().dns_suffix())
}
