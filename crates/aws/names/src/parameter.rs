use std::fmt;
use std::str::FromStr;

use crate::arn::is_name_character;
use crate::{NamesError, text_serde};

/// A text parameter of an STS call: its length and characters are STS's own.
macro_rules! parameter {
    ($(#[$doc:meta])* $name:ident, $what:literal, $length:expr, $allowed:expr, $characters:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text as STS takes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NamesError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let wrong = |why: String| NamesError::Parameter {
                    what: $what,
                    given: text.to_owned(),
                    why,
                };
                let count = text.chars().count();
                if !$length.contains(&count) {
                    return Err(wrong(format!(
                        "it has {count} characters, {} to {} are allowed",
                        $length.start(),
                        $length.end()
                    )));
                }
                if let Some(character) = text.chars().find(|&character| !$allowed(character)) {
                    return Err(wrong(format!(
                        "`{}` is not one of {}",
                        character.escape_debug(),
                        $characters
                    )));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        text_serde!($name);
    };
}

parameter!(
    /// `RoleSessionName`: the name under which a session appears in CloudTrail and in the
    /// assumed-role ARN; 2 to 64 characters of `[\w+=,.@-]`.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    RoleSessionName,
    "role session name",
    (2..=64),
    is_name_character,
    "letters, digits and `_+=,.@-`"
);

parameter!(
    /// `ExternalId`: what a third party's caller says so that it cannot be made a confused deputy;
    /// 2 to 1224 characters of `[\w+=,.@:\/-]`. Only `AssumeRole` takes one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    ExternalId,
    "external id",
    (2..=1224),
    |character| is_name_character(character) || ":/".contains(character),
    "letters, digits and `_+=,.@:/-`"
);

parameter!(
    /// `SourceIdentity`: who stands behind a session, kept through every hop; 2 to 64 characters
    /// of `[\w+=,.@-]`. AWS also reserves the prefix `aws:`, which these characters rule out.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>
    SourceIdentity,
    "source identity",
    (2..=64),
    is_name_character,
    "letters, digits and `_+=,.@-`"
);
