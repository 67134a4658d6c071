use std::fmt;
use std::str::FromStr;

use serde::de;

use crate::AskError;

/// How long the first session lasts: 900 to 43200 seconds. The role's own `MaxSessionDuration`
/// may be lower; only AWS knows it.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionDuration(u32);

/// How long a chained session lasts: 900 to 3600 seconds, because AWS caps role chaining at one
/// hour and answers more with an error.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HopDuration(u32);

impl SessionDuration {
    /// A duration of so many seconds.
    ///
    /// # Errors
    /// Outside 900 to 43200.
    pub fn from_seconds(seconds: i64) -> Result<Self, AskError> {
        within(seconds, LONGEST_SECONDS).map(Self)
    }

    /// Seconds, as `DurationSeconds` takes them.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl HopDuration {
    /// A duration of so many seconds.
    ///
    /// # Errors
    /// Outside 900 to 3600; over 3600 the error explains role chaining.
    pub fn from_seconds(seconds: i64) -> Result<Self, AskError> {
        let chained = i64::from(CHAINED_SECONDS);
        if seconds > chained {
            return Err(AskError::HopDuration { seconds });
        }
        within(seconds, LONGEST_SECONDS).map(Self)
    }

    /// Seconds, as `DurationSeconds` takes them.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl Default for SessionDuration {
    fn default() -> Self {
        Self(CHAINED_SECONDS)
    }
}

impl Default for HopDuration {
    fn default() -> Self {
        Self(CHAINED_SECONDS)
    }
}

macro_rules! read_and_write {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = AskError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::from_seconds(read_seconds(text)?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_seconds(self.0, formatter)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let seconds = deserializer.deserialize_any(SecondsVisitor)?;
                Self::from_seconds(seconds).map_err(de::Error::custom)
            }
        }
    };
}

read_and_write!(SessionDuration);
read_and_write!(HopDuration);

struct SecondsVisitor;

impl de::Visitor<'_> for SecondsVisitor {
    type Value = i64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a duration such as `1h`, `15m` or seconds")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        read_seconds(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<i64, E> {
        Ok(seconds)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<i64, E> {
        Ok(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

fn read_seconds(text: &str) -> Result<i64, AskError> {
    let wrong = || AskError::Duration {
        given: text.to_owned(),
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| wrong());
    }
    let duration: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    if duration.subsec_nanos() != 0 {
        return Err(wrong());
    }
    Ok(duration.as_secs())
}

fn within(seconds: i64, most: u32) -> Result<u32, AskError> {
    match u32::try_from(seconds) {
        Ok(fits) if (SHORTEST_SECONDS..=most).contains(&fits) => Ok(fits),
        _ => Err(AskError::DurationBounds {
            seconds,
            least: SHORTEST_SECONDS,
            most,
        }),
    }
}

fn write_seconds(seconds: u32, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let units = [
        (seconds / 3600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    for (count, unit) in units.into_iter().filter(|(count, _)| *count > 0) {
        write!(formatter, "{count}{unit}")?;
    }
    Ok(())
}

const SHORTEST_SECONDS: u32 = 900;
const CHAINED_SECONDS: u32 = 3600;
const LONGEST_SECONDS: u32 = 43_200;
