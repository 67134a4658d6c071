//! The words of AWS: ARNs, accounts, partitions, regions, STS endpoints, and the request
//! parameters that have a form of their own. Pure: no I/O, no clock, no async.
//!
//! Every type here is right by construction: whoever holds a [`RoleArn`] need not check it again.

mod account;
mod arn;
mod error;
mod parameter;
mod partition;
mod region;

pub use account::AccountId;
pub use arn::{Arn, RoleArn};
pub use error::NamesError;
pub use parameter::{ExternalId, RoleSessionName, SourceIdentity};
pub use partition::Partition;
pub use region::{Region, sts_endpoint};

/// Serialises a name as its text and reads it back through `FromStr`, so that a document can
/// never hold a name that the type would refuse.
macro_rules! text_serde {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

#[cfg(test)]
mod tests;
