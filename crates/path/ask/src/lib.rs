//! What a workload asks for, and who it is when it asks.
//!
//! A [`Connection`] is read from a form ([`ConnectionForm`], one YAML or JSON mapping) and exists
//! only if AWS could accept it: durations within STS's bounds, one partition throughout, no
//! parameter on a step that does not take it. What depends on the asker (session names, tags)
//! stays a template until a plan is made for an [`Asker`].
//!
//! Pure: no I/O, no clock, no environment.

mod asker;
mod connection;
mod duration;
mod endpoint;
mod error;
mod external_id;
mod form;
mod policy;
mod session_name;
mod tags;
mod template;

pub use asker::Asker;
pub use connection::{Audience, Connection, Connections, Hop};
pub use duration::{HopDuration, SessionDuration};
pub use endpoint::StsEndpoint;
pub use error::AskError;
pub use external_id::ExternalIdTemplate;
pub use form::{ConnectionForm, HopForm};
pub use policy::{PolicyArns, SessionPolicy};
pub use session_name::SessionNameTemplate;
pub use tags::{SourceIdentityTemplate, Tags};
pub use template::Template;

/// Reads a value through `FromStr` wherever a form holds it as text, so that the reader of the
/// document can say the line of a value that is refused.
macro_rules! text_deserialize {
    ($name:ty) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_deserialize;

#[cfg(test)]
mod tests;
