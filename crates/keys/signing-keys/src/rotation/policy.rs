//! How often keys are rotated, and how long they are published before and after they sign.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AWS_GRACE, RotationError};
use crate::SOFTWARE;

/// The settings of a rotation as they are written down; durations in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KeyPolicyText)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyText {
    /// How long a key signs. `None` rotates only when an operator asks for it.
    pub period: Option<i64>,
    /// How long a key is published before it signs. Must be longer than verifiers keep the JWKS,
    /// whatever `Cache-Control` tells them; AWS does not say how long it does.
    pub publish_ahead: i64,
    /// Whether a successor is published at all times, so that a compromised key can be replaced
    /// without a moment in which verifiers do not know the new one.
    pub standby: bool,
    /// The backend that new keys are made in.
    pub backend: String,
    /// Who shows the JWKS to verifiers.
    #[serde(skip_serializing_if = "Publishing::is_own")]
    pub publishing: Publishing,
}

/// Who shows the JWKS to verifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Publishing {
    /// The installation itself.
    #[default]
    Own,
    /// A web server or bucket that the documents are copied to. A key counts as published, and may
    /// sign, only once it was seen there.
    External,
}

impl Publishing {
    fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

impl Default for PolicyText {
    fn default() -> Self {
        Self {
            period: Some(DEFAULT_PERIOD),
            publish_ahead: DEFAULT_PUBLISH_AHEAD,
            standby: false,
            backend: SOFTWARE.to_owned(),
            publishing: Publishing::Own,
        }
    }
}

/// The settings of a rotation, right by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    text: PolicyText,
    cache_max_age: i64,
    longest_token_life: i64,
}

impl RotationPolicy {
    /// Checks `text` against what the server does: `cache_max_age` is the `max-age` that the JWKS
    /// is served with, `longest_token_life` the longest lifetime that a token may have; both in
    /// seconds.
    ///
    /// # Errors
    /// `Policy` for a `publish_ahead` that is not longer than the JWKS may be kept, and for a
    /// `period` in which no successor could be published in time or retired keys would pile up.
    pub fn new(
        text: PolicyText,
        cache_max_age: i64,
        longest_token_life: i64,
    ) -> Result<Self, RotationError> {
        let policy = Self {
            text,
            cache_max_age: cache_max_age.max(0),
            longest_token_life: longest_token_life.max(0),
        };
        let least = policy.least_publication();
        if policy.text.publish_ahead < least {
            return Err(RotationError::Policy {
                field: "publish_ahead",
                given: policy.text.publish_ahead,
                least,
                why: "longer than verifiers that obey `Cache-Control` keep the JWKS",
            });
        }
        if let Some(period) = policy.text.period {
            let retired = policy.longest_token_life.saturating_add(AFTER_LAST_TOKEN);
            let least = policy.text.publish_ahead.max(retired);
            if period < least {
                return Err(RotationError::Policy {
                    field: "period",
                    given: period,
                    least,
                    why: "so that a successor can be published ahead, and the key before is gone by then",
                });
            }
        }
        Ok(policy)
    }

    /// Seconds that a key signs; `None` if only an operator rotates.
    #[must_use]
    pub fn period(&self) -> Option<i64> {
        self.text.period
    }

    /// Seconds for which a key is published before the schedule lets it sign.
    #[must_use]
    pub fn publish_ahead(&self) -> i64 {
        self.text.publish_ahead
    }

    /// Whether a successor is published at all times.
    #[must_use]
    pub fn standby(&self) -> bool {
        self.text.standby
    }

    /// The backend that new keys are made in.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.text.backend
    }

    /// Whether somebody else shows the JWKS to verifiers.
    #[must_use]
    pub fn is_published_elsewhere(&self) -> bool {
        self.text.publishing == Publishing::External
    }

    /// Seconds that a token may live.
    #[must_use]
    pub fn longest_token_life(&self) -> i64 {
        self.longest_token_life
    }

    /// Seconds after which a verifier that obeys `Cache-Control` has fetched a JWKS that every
    /// replica serves: the least for which a key must have been published before it signs.
    #[must_use]
    pub fn least_publication(&self) -> i64 {
        self.cache_max_age.saturating_add(SPREAD)
    }
}

/// Seconds in which a change reaches every replica; a replica that is behind still signs with the
/// key before for so long.
pub(crate) const SPREAD: i64 = 60;

/// Seconds for which a retired key is published after the last token that it signed expired.
pub(crate) const AFTER_LAST_TOKEN: i64 = AWS_GRACE + SPREAD;

/// 90 days.
const DEFAULT_PERIOD: i64 = 90 * 86_400;

/// A day.
const DEFAULT_PUBLISH_AHEAD: i64 = 86_400;
