//! How many tokens a tenant and each of its workloads may have, so that none uses up what is
//! everybody's. Counted once it is proven who asks: a stranger uses up nobody's share.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{Code, Refusal};

/// How many tokens may be asked for; without one, as many as the server makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsText {
    /// By all workloads of the tenant together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<RateText>,
    /// By each workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<RateText>,
}

/// Tokens a second, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateText {
    /// Tokens a second, over time: 1 to 1,000,000.
    pub per_second: u32,
    /// Tokens at once after a quiet time; without one, those of one second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl LimitsText {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the limits make sense; the field that does not, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let rates = [("tenant", self.tenant), ("workload", self.workload)];
        for (field, rate) in rates {
            if let Some(rate) = rate {
                rate.quota().ok_or_else(|| {
                    let why = format!(
                        "`per_second` and `burst` are 1 to {MOST}; without a limit, leave `{field}` out"
                    );
                    (field, why)
                })?;
            }
        }
        Ok(())
    }
}

impl RateText {
    fn quota(self) -> Option<Quota> {
        let within = |number: u32| NonZeroU32::new(number).filter(|number| number.get() <= MOST);
        let per_second = within(self.per_second)?;
        let burst = within(self.burst.unwrap_or(self.per_second))?;
        Some(Quota::per_second(per_second).allow_burst(burst))
    }
}

/// What is left of a tenant's limits. Outlives a tenant that is read again, as long as its limits
/// stay what they are.
#[derive(Debug)]
pub(crate) struct Limits {
    text: LimitsText,
    tenant: Option<DefaultDirectRateLimiter>,
    workload: Option<DefaultKeyedRateLimiter<String>>,
    clock: DefaultClock,
}

impl Limits {
    /// The limits that `text` says, with what is left of `before` if that said the same.
    pub(crate) fn new(text: &LimitsText, before: Option<&Arc<Self>>) -> Arc<Self> {
        if let Some(before) = before.filter(|before| before.text == *text) {
            return Arc::clone(before);
        }
        let quota = |rate: Option<RateText>| rate.and_then(RateText::quota);
        Arc::new(Self {
            tenant: quota(text.tenant).map(RateLimiter::direct),
            workload: quota(text.workload).map(RateLimiter::keyed),
            clock: DefaultClock::default(),
            text: text.clone(),
        })
    }

    /// Counts a token for `workload`.
    ///
    /// # Errors
    /// `TooMany`, with the seconds to wait.
    pub(crate) fn count(&self, workload: &str) -> Result<(), Refusal> {
        if let Some(limiter) = &self.workload {
            limiter.check_key(&workload.to_owned()).map_err(|until| {
                let wait = until.wait_time_from(self.clock.now()).as_secs() + 1;
                too_many(&format!("the workload `{workload}`"), wait)
            })?;
        }
        if let Some(limiter) = &self.tenant {
            limiter.check().map_err(|until| {
                let wait = until.wait_time_from(self.clock.now()).as_secs() + 1;
                too_many("the tenant", wait)
            })?;
        }
        Ok(())
    }
}

fn too_many(who: &str, wait: u64) -> Refusal {
    Refusal::new(
        Code::TooMany { wait },
        format!(
            "{who} asks for more tokens a second than it may; a token is good for its whole lifetime, so keep it"
        ),
    )
}

const MOST: u32 = 1_000_000;
