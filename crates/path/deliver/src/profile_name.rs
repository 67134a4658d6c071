use std::fmt;
use std::str::FromStr;

use crate::DeliverError;

/// The name of a profile in AWS's shared files, of characters that all SDKs take.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileName(String);

impl ProfileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = DeliverError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let taken = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./@:+%".contains(&byte);
        if text.is_empty() || !text.bytes().all(taken) {
            return Err(DeliverError::ProfileName {
                given: text.to_owned(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
