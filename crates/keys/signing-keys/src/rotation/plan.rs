//! The steps that are due, and when the next one will be.

use rolecall_jose::Algorithm;
use serde::Serialize;

use super::policy::AFTER_LAST_TOKEN;
use super::{RotationError, RotationPolicy};
use crate::journal::Reason;
use crate::{KeyRecord, Order, Slot, Slots};

/// What is to be done now, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps that are due, to be made in this order. Making one may make others due: plan again
    /// until nothing is.
    pub due: Vec<Due>,
    /// When the next step will be due if nothing changes, in seconds since the epoch; `None` if
    /// never.
    pub next_at: Option<i64>,
}

/// A step and why it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The step.
    #[serde(flatten)]
    pub step: Step,
    /// Why.
    pub reason: Reason,
}

/// One step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Make a key and hand it to [`Slots::create`].
    Create {
        /// What it is to sign.
        algorithm: Algorithm,
        /// Where it is to be made.
        backend: String,
        /// Whether it signs at once: the tenant is new. All of these that one plan holds belong
        /// into one transaction, or the second algorithm waits as in a tenant that is not new.
        first: bool,
    },
    /// Make sure that what verifiers fetch holds the key, from every replica, then
    /// [`Slots::apply`]: the time for which it has been published counts from there.
    Publish {
        /// The key.
        kid: String,
    },
    /// Note that tokens may live longer from now on than when the key began to sign. To be made
    /// before the first such token.
    Lengthen {
        /// The key.
        kid: String,
    },
    /// Sign with this key from now on, and not with those that did.
    Promote {
        /// The key that is to sign.
        kid: String,
        /// Those that cease to.
        retiring: Vec<String>,
    },
    /// Sign no longer with this key: there is another.
    Retire {
        /// The key.
        kid: String,
    },
    /// Publish this key no longer and delete it.
    Remove {
        /// The key.
        kid: String,
    },
}

/// A key that was made just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its name.
    pub kid: String,
    /// What it signs.
    pub algorithm: Algorithm,
    /// Where it was made.
    pub backend: String,
}

impl Slots {
    /// What is due at `now`, in seconds since the epoch.
    ///
    /// # Errors
    /// `ClockBackwards` if `now` is before any time in the records or before the latest time that
    /// the installation has seen, `Record` for a record that contradicts itself.
    pub fn plan(&self, policy: &RotationPolicy, now: i64) -> Result<Plan, RotationError> {
        let latest = self.seen_at();
        if now < latest {
            return Err(RotationError::ClockBackwards { now, latest });
        }
        let mut plan = Planning {
            policy,
            now,
            plan: Plan::default(),
        };
        for algorithm in ALGORITHMS {
            if self.keys().is_empty() {
                plan.create(algorithm, true, Reason::First);
            } else {
                plan.algorithm(self, algorithm)?;
            }
        }
        Ok(plan.plan)
    }
}

struct Planning<'p> {
    policy: &'p RotationPolicy,
    now: i64,
    plan: Plan,
}

impl Planning<'_> {
    fn algorithm(&mut self, slots: &Slots, algorithm: Algorithm) -> Result<(), RotationError> {
        let keys = || slots.keys().iter().filter(|key| key.algorithm == algorithm);
        let signer = slots.signer(algorithm);
        if let Some(signer) = signer {
            self.signing(signer, keys());
        }
        let next = keys()
            .filter(|key| key.slot == Slot::Next && !condemned(key))
            // Whichever was published first; what nobody has seen yet comes last.
            .min_by_key(|key| (key.published_at.unwrap_or(i64::MAX), key.created_at));
        for key in keys().filter(|key| key.slot == Slot::Next && key.published_at.is_none()) {
            // Where somebody else shows it, what counts is that it was seen there.
            let shown = key.seen_at.is_some() || !self.policy.is_published_elsewhere();
            if key.is_published() && shown {
                self.due(
                    Step::Publish {
                        kid: key.kid.clone(),
                    },
                    Reason::Published,
                );
            }
        }
        // It has not signed, so nobody misses it.
        let elsewhere = |next: &KeyRecord| {
            next.backend != self.policy.backend() && signer.is_some_and(|key| !condemned(key))
        };
        match next {
            None => self.wanted(signer, keys(), algorithm)?,
            Some(next) if elsewhere(next) => {
                self.due(
                    Step::Remove {
                        kid: next.kid.clone(),
                    },
                    Reason::Backend,
                );
            }
            Some(next) => self.promotion(next, signer, keys())?,
        }
        for key in keys() {
            self.removal(key)?;
        }
        Ok(())
    }

    /// The key that signs: it alone does, and its tokens live no longer than it knows.
    fn signing<'k>(&mut self, signer: &KeyRecord, keys: impl Iterator<Item = &'k KeyRecord>) {
        for other in keys.filter(|key| key.slot == Slot::Active && key.kid != signer.kid) {
            self.due(
                Step::Retire {
                    kid: other.kid.clone(),
                },
                Reason::TwoActive,
            );
        }
        if signer.longest_token_life < self.policy.longest_token_life() {
            self.due(
                Step::Lengthen {
                    kid: signer.kid.clone(),
                },
                Reason::TokenLife,
            );
        }
    }

    /// Without a successor: whether one is wanted.
    fn wanted<'k>(
        &mut self,
        signer: Option<&KeyRecord>,
        mut keys: impl Iterator<Item = &'k KeyRecord>,
        algorithm: Algorithm,
    ) -> Result<(), RotationError> {
        let Some(signer) = signer else {
            let revoked = keys.any(|key| key.slot == Slot::Active);
            let reason = if revoked {
                Reason::Ordered(Order::Revoke)
            } else {
                Reason::Missing
            };
            self.create(algorithm, false, reason);
            return Ok(());
        };
        let activated_at = activated_at(signer)?;
        let reason = if let Some(order) = signer.order {
            Reason::Ordered(order)
        } else if signer.backend != self.policy.backend() {
            Reason::Backend
        } else if self.policy.standby() {
            Reason::Standby
        } else if let Some(period) = self.policy.period() {
            let at = activated_at
                .saturating_add(period)
                .saturating_sub(self.policy.publish_ahead());
            if !self.has_come(at) {
                return Ok(());
            }
            Reason::Scheduled
        } else {
            return Ok(());
        };
        self.create(algorithm, false, reason);
        Ok(())
    }

    /// With a successor: whether its time has come.
    fn promotion<'k>(
        &mut self,
        next: &KeyRecord,
        signer: Option<&KeyRecord>,
        keys: impl Iterator<Item = &'k KeyRecord> + Clone,
    ) -> Result<(), RotationError> {
        let revoked = keys
            .clone()
            .any(|key| key.slot == Slot::Active && key.order == Some(Order::Revoke));
        let after = |seconds: i64| next.published_at.map(|at| at.saturating_add(seconds));
        let (at, reason) = match signer {
            None if revoked => (Some(self.now), Reason::Ordered(Order::Revoke)),
            None => (after(self.policy.least_publication()), Reason::Missing),
            Some(signer) => {
                let scheduled = self
                    .policy
                    .period()
                    .map(|period| Ok(activated_at(signer)?.saturating_add(period)))
                    .transpose()?;
                let ahead = after(self.policy.publish_ahead());
                match signer.order {
                    Some(Order::Withdraw | Order::Revoke) => (
                        after(self.policy.least_publication()),
                        Reason::Ordered(Order::Withdraw),
                    ),
                    Some(Order::Replace) => (ahead, Reason::Ordered(Order::Replace)),
                    None if signer.backend != self.policy.backend() => (ahead, Reason::Backend),
                    None => (
                        ahead.zip(scheduled).map(|(a, b)| a.max(b)),
                        Reason::Scheduled,
                    ),
                }
            }
        };
        let urgent = signer.is_none_or(condemned);
        let retired = keys.clone().filter(|key| key.slot == Slot::Retired).count();
        if !urgent && retired >= MOST_RETIRED {
            // The removal of the oldest is what is waited for.
            return Ok(());
        }
        if let Some(at) = at
            && self.has_come(at)
        {
            let retiring = keys
                .filter(|key| key.slot == Slot::Active)
                .map(|key| key.kid.clone())
                .collect();
            self.due(
                Step::Promote {
                    kid: next.kid.clone(),
                    retiring,
                },
                reason,
            );
        }
        Ok(())
    }

    /// Whether a key that does not sign is of no use any more.
    fn removal(&mut self, key: &KeyRecord) -> Result<(), RotationError> {
        let remove = Step::Remove {
            kid: key.kid.clone(),
        };
        match (key.slot, key.order) {
            // Its successor takes its place first.
            (Slot::Active, _) => {}
            (_, Some(order @ (Order::Withdraw | Order::Revoke))) => {
                self.due(remove, Reason::Ordered(order));
            }
            (Slot::Next, _) => {}
            (Slot::Retired, _) => {
                let retired_at = key.retired_at.ok_or_else(|| RotationError::Record {
                    kid: key.kid.clone(),
                    what: "is retired and does not say since when",
                })?;
                let life = key.longest_token_life.max(self.policy.longest_token_life());
                let at = retired_at
                    .saturating_add(life)
                    .saturating_add(AFTER_LAST_TOKEN);
                if self.has_come(at) {
                    self.due(remove, Reason::Expired);
                }
            }
        }
        Ok(())
    }

    fn create(&mut self, algorithm: Algorithm, first: bool, reason: Reason) {
        let backend = self.policy.backend().to_owned();
        self.due(
            Step::Create {
                algorithm,
                backend,
                first,
            },
            reason,
        );
    }

    fn due(&mut self, step: Step, reason: Reason) {
        self.plan.due.push(Due { step, reason });
    }

    /// Whether `at` has come; if not, it is noted as a time to look again.
    fn has_come(&mut self, at: i64) -> bool {
        if at <= self.now {
            return true;
        }
        self.plan.next_at = Some(self.plan.next_at.map_or(at, |next| next.min(at)));
        false
    }
}

/// Whether an operator does not trust the key any more.
fn condemned(key: &KeyRecord) -> bool {
    matches!(key.order, Some(Order::Withdraw | Order::Revoke))
}

fn activated_at(signer: &KeyRecord) -> Result<i64, RotationError> {
    signer.activated_at.ok_or_else(|| RotationError::Record {
        kid: signer.kid.clone(),
        what: "signs and does not say since when",
    })
}

/// What every tenant signs with; the order is that of the first keys.
pub(crate) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

/// Retired keys of one algorithm at which the schedule waits. A policy that is kept to has one;
/// AWS reads no more than 100 keys of a kind.
pub(crate) const MOST_RETIRED: usize = 4;
